// A hunt: random programs on some engines until one diverges. Shared by the tests of what the suite
// finds.
//
// Invariant: a finding has the same signature and operation when everything is checked after each
// operation. Each hunt checks that on what it finds.
#ifndef RMAPDIFF_TESTS_POWER_HUNT_H_
#define RMAPDIFF_TESTS_POWER_HUNT_H_

#include <gtest/gtest.h>

#include <cstdio>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fuzzers/run/report.h"
#include "fuzzers/run/runner.h"

namespace rmapdiff {

struct Hunt {
  int programs = 0;  // until found; 0: not found
  Verdict verdict;
  std::string signature;
};

// `program_of(i)` makes program i, from 0 on.
template <class ProgramOf>
Hunt HuntFor(const std::vector<Engine>& engines, int programs, ProgramOf&& program_of) {
  RunOptions options;
  options.engines = engines;
  for (int i = 0; i < programs; ++i) {
    const Program program = program_of(i);
    Verdict verdict = RunProgram(program, options);
    if (verdict.kind != VerdictKind::kDivergence) continue;
    std::string signature = Signature(program, verdict);
    options.check = CheckLevel::kFull;
    const Verdict full = RunProgram(program, options);
    EXPECT_EQ(Signature(program, full), signature);
    EXPECT_EQ(full.op_index, verdict.op_index) << signature;
    return {i + 1, std::move(verdict), std::move(signature)};
  }
  return {};
}

inline void PrintRow(std::string_view name, const Hunt& hunt, int bound) {
  std::printf("%-24.*s %6d of %6d  %s\n", static_cast<int>(name.size()), name.data(), hunt.programs,
              bound, hunt.signature.c_str());
}

}  // namespace rmapdiff

#endif  // RMAPDIFF_TESTS_POWER_HUNT_H_
