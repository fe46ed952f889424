#include "fuzzers/run/verdict_words.h"

#include <iterator>

#include "fmt/format.h"
#include "fuzzers/state/observation.h"

namespace rmapdiff {
namespace {

// "a", "a and b", "a, b and c".
std::string Join(const std::vector<std::string>& names) {
  std::string text;
  for (size_t i = 0; i < names.size(); ++i) {
    if (i > 0) text += i + 1 == names.size() ? " and " : ", ";
    text += names[i];
  }
  return text;
}

bool AllGuilty(const Verdict& verdict) {
  return verdict.guilty.size() > 1 && verdict.guilty.size() == verdict.engines.size();
}

// ---- Values ----

// The value that the judge of a verdict expects.
std::string ExpectedBy(const Verdict& verdict, const Difference& shown) {
  return verdict.check == Check::kMmus ? "(does not say)" : shown.expected;
}

// The value of an engine without a difference.
std::string WithoutDifference(const Verdict& verdict, const Difference& shown) {
  if (verdict.check == Check::kAudit) return "(passes its audit)";
  return verdict.check == Check::kTruth ? "(no objection)" : shown.expected;
}

std::vector<VoiceValue> OutcomeValues(const Verdict& verdict, const Outcomes& outcomes) {
  std::vector<VoiceValue> values = {
      {std::nullopt, std::string(JudgeName(Judge::kModel)), ToString(outcomes.expected)}};
  for (size_t i = 0; i < outcomes.actual.size(); ++i) {
    values.push_back({i, verdict.engines[i], ToString(outcomes.actual[i])});
  }
  return values;
}

std::vector<VoiceValue> DifferenceValues(const Verdict& verdict) {
  const Difference* shown = nullptr;  // the first: where every other engine has a value, too
  for (const std::optional<Difference>& difference : verdict.differences) {
    if (difference && shown == nullptr) shown = &*difference;
  }
  std::vector<VoiceValue> values;
  if (shown == nullptr) return values;
  if (const std::optional<Judge> judge = JudgeOf(verdict)) {
    values.push_back({std::nullopt, std::string(JudgeName(*judge)), ExpectedBy(verdict, *shown)});
  }
  for (size_t i = 0; i < verdict.differences.size(); ++i) {
    std::string value = WithoutDifference(verdict, *shown);
    if (const std::optional<Difference>& own = verdict.differences[i]) {
      value = own->subject == shown->subject ? own->actual : "(differs in " + own->subject + ")";
    }
    values.push_back({i, verdict.engines[i], std::move(value)});
  }
  return values;
}

}  // namespace

std::string_view CheckName(Check check) {
  static constexpr std::string_view kNames[] = {"model",      "mmus",  "audit",
                                                "add-return", "truth", "teardown"};
  const auto place = static_cast<size_t>(check);
  return place < std::size(kNames) ? kNames[place] : "?";
}

std::string_view JudgeName(Judge judge) {
  static constexpr std::string_view kNames[] = {"model", "audit", "truth"};
  const auto place = static_cast<size_t>(judge);
  return place < std::size(kNames) ? kNames[place] : "?";
}

std::optional<Judge> JudgeOf(const Verdict& verdict) {
  if (verdict.outcomes) return Judge::kModel;
  switch (verdict.check) {
    case Check::kModel:
    case Check::kMmus:
      return Judge::kModel;
    case Check::kAudit:
      return Judge::kAudit;
    case Check::kTruth:
      return Judge::kTruth;
    case Check::kAddReturn:
    case Check::kTeardown:
      return std::nullopt;
  }
  return std::nullopt;
}

std::string GuiltyName(const Verdict& verdict) {
  if (verdict.undecided) return "undecided";
  if (AllGuilty(verdict)) return verdict.guilty.size() == 2 ? "both" : "all";
  std::string names;
  for (const size_t engine : verdict.guilty) {
    names += (names.empty() ? "" : "+") + verdict.engines[engine];
  }
  return names;
}

std::vector<VoiceValue> VoiceValues(const Verdict& verdict) {
  if (verdict.outcomes) return OutcomeValues(verdict, *verdict.outcomes);
  return DifferenceValues(verdict);
}

std::string Accusation(const Verdict& verdict) {
  std::vector<std::string> guilty;
  std::vector<std::string> innocent;
  for (size_t i = 0; i < verdict.engines.size(); ++i) {
    (verdict.guilty.count(i) != 0 ? guilty : innocent).push_back(verdict.engines[i]);
  }
  const bool one = guilty.size() == 1;
  const std::string who = one ? "engine " + guilty[0] : Join(guilty);
  switch (verdict.check) {
    case Check::kModel:
      innocent.push_back(innocent.empty() ? "the model" : "model");
      return who + (one ? " disagrees with " : " disagree with ") + Join(innocent);
    case Check::kMmus:
      if (guilty.empty()) return Join(innocent) + " disagree; the model does not say";
      return who + (one ? " disagrees with " : " disagree with ") + Join(innocent) +
             (one ? ", and fails its audit" : ", and fail their audits");
    case Check::kAudit:
      return who + (one ? " fails its audit" : " fail their audits");
    case Check::kAddReturn:
      return who + (one ? " breaks its" : " break their") + " own rule for rmap_add";
    case Check::kTruth:
      return who + (one ? " does what no guest may see" : " do what no guest may see");
    case Check::kTeardown:
      return who + (one ? " leaves" : " leave") + " something behind";
  }
  return who;
}

std::string WhatChanges(const Verdict& first, const Verdict& second) {
  const auto line = [](const char* what, uint64_t before, uint64_t after) {
    return fmt::format("NONDETERMINISM: run again, the same program has {} {:#x}, not {:#x}\n",
                       what, after, before);
  };
  if (first.kind != second.kind) {
    return line("verdict", uint64_t{first.kind}, uint64_t{second.kind});
  }
  if (first.ops_run != second.ops_run) return line("ops_run", first.ops_run, second.ops_run);
  if (first.state_hash != second.state_hash) {
    return line("state_hash", first.state_hash, second.state_hash);
  }
  return "";
}

}  // namespace rmapdiff
