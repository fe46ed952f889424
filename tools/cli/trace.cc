#include "tools/cli/trace.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "fuzzers/raw_state.h"
#include "mmu/base/bug.h"
#include "tools/cli/text.h"

namespace rmapdiff {
namespace {

constexpr size_t kColumns = 100;
constexpr size_t kOperationWidth = 69;
constexpr size_t kListColumn = 21;
constexpr size_t kMaxEntries = 20;  // of a list; of a longer one both ends are shown

// An engine's words after an operation, or why there are none.
struct Words {
  std::optional<RawState> state;
  std::string why_not;
};

Words WordsOf(Voice& voice, const std::string& outcome) {
  if (outcome.rfind("bug", 0) == 0) return {std::nullopt, "(ended by the bug)"};
  try {
    return {voice.Raw(), ""};
  } catch (const BugError& bug) {
    return {std::nullopt, fmt::format("(no walk of its lists: {})", BugName(bug.bug()))};
  }
}

const std::vector<SpteRef>* FindRmap(const RawState& state, const RmapId& id) {
  for (const RawRmap& rmap : state.rmaps) {
    if (rmap.id == id) return &rmap.entries;
  }
  return nullptr;
}

const std::vector<SpteRef>* FindParents(const RawState& state, PageId id) {
  for (const RawPage& page : state.pages) {
    if (page.id == id) return &page.parents;
  }
  return nullptr;
}

std::string ListText(const std::vector<SpteRef>* refs) {
  if (refs == nullptr || refs->empty()) return "";
  std::vector<std::string> words;
  for (size_t i = 0; i < refs->size(); ++i) {
    if (refs->size() > kMaxEntries && i == kMaxEntries / 2) {
      const size_t left_out = refs->size() - kMaxEntries;
      words.push_back(fmt::format("... {} more ...", left_out));
      i += left_out;
    }
    words.push_back(ToString((*refs)[i]) + (i + 1 < refs->size() ? "," : ""));
  }
  return Wrap(words, kColumns, kListColumn);
}

bool AllEmpty(const std::vector<std::string>& lists) {
  return std::all_of(lists.begin(), lists.end(), [](const auto& list) { return list.empty(); });
}

std::string OutcomeText(const std::vector<EngineValue>& outcomes) {
  const auto same = [&](const EngineValue& one) { return one.value == outcomes[0].value; };
  if (std::all_of(outcomes.begin(), outcomes.end(), same)) return outcomes[0].value;
  return "DIFFERS";
}

}  // namespace

std::string TraceTable::Head() const {
  const std::string header = Print(Program{program_.header, {}});
  return header + fmt::format("{:>5}  {:<{}}{}\n", "op", "operation", kOperationWidth, "outcome");
}

std::string TraceTable::Rows(const TraceStep& step) {
  const std::string outcome = OutcomeText(step.outcomes);
  std::string text =
      fmt::format("{:>5}  {:<{}}{}\n", step.op_index + 1,
                  PrintOp(program_.header, program_.ops[step.op_index]), kOperationWidth, outcome);
  if (outcome == "DIFFERS") {
    for (const EngineValue& one : step.outcomes) {
      text += fmt::format("{:9}{:<8}  {}\n", "", one.name, one.value);
    }
  }

  std::vector<Words> words;
  for (size_t i = 0; i < step.voices.size(); ++i) {
    words.push_back(WordsOf(*step.voices[i], step.outcomes[i + 1].value));
  }
  const auto show = [&](const std::string& title, bool unchanged_too, const auto& find) {
    Lists lists;
    for (const Words& one : words) {
      lists.push_back(one.state ? ListText(find(*one.state)) : one.why_not);
    }
    Lists& before = shown_[title];
    before.resize(lists.size());
    const bool changed = lists != before;
    if (changed || (unchanged_too && !AllEmpty(lists))) text += ListRows(title, lists);
    before = lists;
  };
  for (const RmapId& id : step.touched.rmaps) {
    show(ToString(id, program_.header.layout()), true,
         [&](const RawState& state) { return FindRmap(state, id); });
  }
  for (PageId id : step.touched.pages) {
    show(fmt::format("parents of page {}", id), false,
         [&](const RawState& state) { return FindParents(state, id); });
  }
  return text;
}

std::string TraceTable::ListRows(const std::string& title, const Lists& lists) const {
  std::string text = fmt::format("{:9}{}\n", "", title);
  for (size_t i = 0; i < lists.size(); ++i) {
    text += fmt::format("{:11}{:<{}}{}\n", "", engines_[i].name, kListColumn - 11,
                        lists[i].empty() ? "(empty)" : lists[i]);
  }
  return text;
}

}  // namespace rmapdiff
