// The words for the values of a verdict, each made here and nowhere else.
//
// Invariant: same verdict, same words. They are for readers, and for machine formats that name
// engines (signatures, JSON). No code of ours reads them back.
#ifndef RMAPDIFF_FUZZERS_RUN_VERDICT_WORDS_H_
#define RMAPDIFF_FUZZERS_RUN_VERDICT_WORDS_H_

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fuzzers/run/verdict.h"

namespace rmapdiff {

// "model", "mmus", "audit", "add-return", "truth", "teardown".
std::string_view CheckName(Check check);
// "model", "audit", "truth".
std::string_view JudgeName(Judge judge);

// "sibling", "sibling+counted", "both" (of two engines), "all" (of more), "undecided"; "" for a
// verdict that blames nothing.
std::string GuiltyName(const Verdict& verdict);

// The judge that the engines were held against; nothing where each has a rule of its own.
std::optional<Judge> JudgeOf(const Verdict& verdict);

// The value of one voice: a line of a report.
struct VoiceValue {
  std::optional<size_t> engine;  // its place in the verdict's engines; nothing for a judge
  std::string name;
  std::string value;
};

// The judge first, if there is one, then every engine: the differing field, or the last outcomes.
// Empty if nothing was compared.
std::vector<VoiceValue> VoiceValues(const Verdict& verdict);

// "engine sibling disagrees with legacy and model". REQUIRES: a divergence.
std::string Accusation(const Verdict& verdict);

// "" if two runs of one program had the same result. Otherwise the difference, as a line with its
// end. A verdict that changes can be neither reproduced nor believed.
std::string WhatChanges(const Verdict& first, const Verdict& second);

}  // namespace rmapdiff

#endif  // RMAPDIFF_FUZZERS_RUN_VERDICT_WORDS_H_
