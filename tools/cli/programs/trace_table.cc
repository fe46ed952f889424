#include "tools/cli/programs/trace_table.h"

#include <fmt/core.h>

#include <algorithm>
#include <optional>

#include "fuzzers/run/observe.h"
#include "fuzzers/state/raw_state.h"
#include "mmu/base/bug.h"
#include "tools/cli/base/text.h"

namespace rmapdiff {
namespace {

constexpr size_t kColumns = 100;
constexpr size_t kOperationWidth = 69;
constexpr size_t kIndent = 11;
constexpr size_t kGap = 2;
constexpr size_t kMaxEntries = 20;  // of a list; of a longer one both ends are shown

// An engine's words after an operation, or why there are none.
struct Words {
  std::optional<RawState> state;
  std::string why_not;
};

Words WordsOf(Voice& voice, const Outcome& outcome) {
  if (outcome.is_bug()) return {std::nullopt, "(ended by the bug)"};
  try {
    return {voice.Raw(), ""};
  } catch (const BugError& bug) {
    return {std::nullopt, fmt::format("(no walk of its lists: {})", BugName(bug.bug()))};
  }
}

// Of a RawState or an Observation.
const std::vector<SpteRef>* FindRmap(const auto& state, const RmapId& id) {
  for (const auto& rmap : state.rmaps) {
    if (rmap.id == id) return &rmap.entries;
  }
  return nullptr;
}

const std::vector<SpteRef>* FindParents(const auto& state, PageId id) {
  for (const auto& page : state.pages) {
    if (page.id == id) return &page.parents;
  }
  return nullptr;
}

// The entries, with a space between words that stay together.
std::string ListText(const std::vector<SpteRef>* refs) {
  if (refs == nullptr) return "";
  std::string text;
  for (size_t i = 0; i < refs->size(); ++i) {
    if (refs->size() > kMaxEntries && i == kMaxEntries / 2) {
      const size_t left_out = refs->size() - kMaxEntries;
      text += fmt::format("... {} more ...\n", left_out);
      i += left_out;
    }
    text += ToString((*refs)[i]) + "\n";
  }
  return text;
}

// The lines of a cell, filled with its words up to the width of the column.
std::vector<std::string> CellLines(const std::string& cell, size_t width) {
  std::vector<std::string> lines(1);
  for (size_t at = 0; at < cell.size();) {
    const size_t end = std::min(cell.find('\n', at), cell.size());
    const std::string word = cell.substr(at, end - at) + (end + 1 < cell.size() ? "," : "");
    std::string& line = lines.back();
    if (!line.empty() && line.size() + 1 + word.size() > width) {
      lines.push_back(word);
    } else {
      line += (line.empty() ? "" : " ") + word;
    }
    at = end + 1;
  }
  return lines;
}

bool AllEmpty(const std::vector<std::string>& lists) {
  return std::all_of(lists.begin(), lists.end(), [](const auto& list) { return list.empty(); });
}

bool AllSame(const Outcomes& outcomes) {
  return std::all_of(outcomes.actual.begin(), outcomes.actual.end(),
                     [&](const Outcome& one) { return one == outcomes.expected; });
}

}  // namespace

std::string TraceTable::Head() const {
  const std::string header = Print(Program{program_.header, {}});
  return header + fmt::format("{:>5}  {:<{}}{}\n", "op", "operation", kOperationWidth, "outcome");
}

std::string TraceTable::Rows(const TraceStep& step) {
  const Outcomes& outcomes = step.outcomes;
  const bool same = AllSame(outcomes);
  std::string text = fmt::format("{:>5}  {:<{}}{}\n", step.op_index + 1,
                                 PrintOp(program_.header, program_.ops[step.op_index]),
                                 kOperationWidth, same ? ToString(outcomes.expected) : "DIFFERS");
  if (!same) {
    Lists cells = {ToString(outcomes.expected)};
    for (const Outcome& one : outcomes.actual) cells.push_back(ToString(one));
    text += Columns(cells);
  }

  std::vector<Words> words;
  for (size_t i = 0; i < step.voices.size(); ++i) {
    words.push_back(WordsOf(*step.voices[i], outcomes.actual[i]));
  }
  Observation model;
  const bool ended = outcomes.expected.is_bug();
  if (!ended) ObserveAllOrBug(step.reference, &model);
  const auto show = [&](const std::string& title, bool unchanged_too, const auto& find) {
    Lists lists = {ended ? "(ended by the bug)" : ListText(find(model))};
    for (const Words& one : words) {
      lists.push_back(one.state ? ListText(find(*one.state)) : one.why_not);
    }
    Lists& before = shown_[title];
    before.resize(lists.size());
    const bool changed = lists != before;
    if (changed || (unchanged_too && !AllEmpty(lists))) {
      text += fmt::format("{:9}{}\n", "", title) + Columns(lists);
    }
    before = lists;
  };
  for (const RmapId& id : step.touched.rmaps) {
    show(ToString(id, program_.header.layout()), true,
         [&](const auto& state) { return FindRmap(state, id); });
  }
  for (PageId id : step.touched.pages) {
    show(fmt::format("parents of page {}", id), false,
         [&](const auto& state) { return FindParents(state, id); });
  }
  return text;
}

std::string TraceTable::Columns(const Lists& cells) const {
  const size_t width = (kColumns - kIndent - kGap * (cells.size() - 1)) / cells.size();
  std::vector<std::vector<std::string>> columns;
  size_t height = 0;
  for (size_t i = 0; i < cells.size(); ++i) {
    columns.push_back(CellLines(cells[i].empty() ? "(empty)" : cells[i], width));
    columns[i].insert(columns[i].begin(), i == 0 ? "model" : std::string(engines_[i - 1].name));
    height = std::max(height, columns[i].size());
  }
  std::string text;
  for (size_t row = 0; row < height; ++row) {
    std::string line(kIndent, ' ');
    for (const std::vector<std::string>& column : columns) {
      const std::string cell = row < column.size() ? column[row] : "";
      line += fmt::format("{:<{}}", cell, width + kGap);
    }
    text += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  }
  return text;
}

}  // namespace rmapdiff
