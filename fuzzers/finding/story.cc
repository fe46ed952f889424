#include "fuzzers/finding/story.h"

#include <fmt/core.h>

#include <algorithm>
#include <optional>

#include "fuzzers/run/observe.h"
#include "fuzzers/state/raw_state.h"
#include "mmu/base/bug.h"

namespace rmapdiff {
namespace {

constexpr size_t kMaxDifferences = 24;
constexpr size_t kMaxLists = 4;
constexpr size_t kMaxEntries = 12;  // of a list; of a longer one both ends are shown

// The first engine that the verdict blames; if it blames none, the last, which was compared.
size_t GuiltyEngine(const Verdict& verdict) {
  return verdict.guilty.empty() ? verdict.engines.size() - 1 : *verdict.guilty.begin();
}

const std::vector<SpteRef>* FindList(const RawState& state, const ListId& list) {
  for (const RawRmap& rmap : state.rmaps) {
    if (list.rmap && rmap.id == *list.rmap) return &rmap.entries;
  }
  for (const RawPage& page : state.pages) {
    if (!list.rmap && page.id == list.parents_of) return &page.parents;
  }
  return nullptr;
}

std::string EntriesText(const std::vector<SpteRef>* refs) {
  std::string text;
  const size_t count = refs != nullptr ? refs->size() : 0;
  for (size_t i = 0; i < count; ++i) {
    if (i > 0) text += ", ";
    if (count > kMaxEntries && i == kMaxEntries / 2) {
      text += fmt::format("... {} more ..., ", count - kMaxEntries);
      i += count - kMaxEntries;
    }
    text += ToString((*refs)[i]);
  }
  return text;
}

class StoryTeller {
 public:
  StoryTeller(const Program& program, const Verdict& verdict, const RunOptions& options)
      : program_(program),
        verdict_(verdict),
        options_(options),
        engine_(GuiltyEngine(verdict)),
        place_(std::min(verdict.op_index, program.ops.size() - 1)) {
    story_.engine = options.engines[engine_].name;
  }

  Story Tell() {
    Run([this](const TraceStep& step) {
      if (step.op_index == place_) FindDifferences(step);
    });
    if (lists_.size() > kMaxLists) lists_.resize(kMaxLists);
    for (const ListId& list : lists_) {
      story_.lists.push_back({ToString(list, program_.header.layout()), {}, ExpectedOf(list)});
    }
    if (!lists_.empty()) Run([this](const TraceStep& step) { FollowLists(step); });
    return std::move(story_);
  }

 private:
  void Run(std::function<void(const TraceStep& step)> look) {
    RunOptions options = options_;
    bool past = false;
    options.trace = [&](const TraceStep& step) {
      past = past || step.op_index > place_;
      if (!past) look(step);
    };
    RunProgram(program_, options);
  }

  void FindDifferences(const TraceStep& step) {
    const Outcomes& outcomes = step.outcomes;
    if (!outcomes.actual[engine_].is_bug() && !outcomes.expected.is_bug()) Observe(step);
    for (const FieldDifference& one : fields_) {
      story_.differences.push_back(one.difference);
      if (one.list) lists_.push_back(*one.list);
    }
    if (!lists_.empty()) return;
    if (verdict_.op_index > place_) return FollowAll(*step.voices[engine_]);
    for (const RmapId& id : step.touched.rmaps) lists_.push_back({id, 0});
    for (PageId id : step.touched.pages) lists_.push_back({std::nullopt, id});
  }

  // The lists that a teardown has to empty.
  void FollowAll(Voice& voice) {
    try {
      for (const RawRmap& rmap : voice.Raw().rmaps) lists_.push_back({rmap.id, 0});
      for (const RawPage& page : voice.Raw().pages) {
        if (!page.parents.empty()) lists_.push_back({std::nullopt, page.id});
      }
    } catch (const BugError&) {
      return;
    }
  }

  void Observe(const TraceStep& step) {
    Observation actual;
    const bool mmus = verdict_.check == Check::kMmus && engine_ > 0;
    if (mmus) {
      ObserveAllOrBug(*step.voices[0], &expected_);
    } else {
      ObserveAllOrBug(step.reference, &expected_);
    }
    ObserveAllOrBug(*step.voices[engine_], &actual);
    fields_ = CompareAll(expected_, actual, mmus ? Comparison::kMmu : Comparison::kModel,
                         program_.header.layout(), kMaxDifferences);
  }

  std::string ExpectedOf(const ListId& list) const {
    for (const FieldDifference& one : fields_) {
      if (one.list == list) return one.difference.expected;
    }
    return "";
  }

  void FollowLists(const TraceStep& step) {
    const Outcome& outcome = step.outcomes.actual[engine_];
    for (size_t i = 0; i < lists_.size(); ++i) {
      std::string entries =
          outcome.is_bug() ? "(" + ToString(outcome) + ")" : ListOf(step, lists_[i]);
      std::vector<ListStep>& steps = story_.lists[i].steps;
      const bool same = steps.empty() ? entries.empty() : steps.back().entries == entries;
      if (same && step.op_index != place_) continue;
      steps.push_back({step.op_index, std::move(entries)});
    }
  }

  std::string ListOf(const TraceStep& step, const ListId& list) const {
    try {
      return EntriesText(FindList(step.voices[engine_]->Raw(), list));
    } catch (const BugError& bug) {
      return fmt::format("(no walk of its lists: {})", BugName(bug.bug()));
    }
  }

  const Program& program_;
  const Verdict& verdict_;
  const RunOptions& options_;
  const size_t engine_;
  const size_t place_;  // the operation to look at: the last one before a teardown
  Observation expected_;
  std::vector<FieldDifference> fields_;
  std::vector<ListId> lists_;
  Story story_;
};

}  // namespace

Story TellStory(const Program& program, const Verdict& verdict, const RunOptions& options) {
  if (verdict.kind != VerdictKind::kDivergence || verdict.engines.empty()) return {};
  if (program.ops.empty()) return {};
  return StoryTeller(program, verdict, options).Tell();
}

}  // namespace rmapdiff
