// Seeded random programs under every header: the unmodified maps never differ from the model, each
// verdict is the same every time, and checking more finds no more.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <string>
#include <vector>

#include "fuzzers/run/report.h"
#include "fuzzers/run/runner.h"
#include "fuzzers/run/verdict_words.h"
#include "fuzzers/search/random_program.h"
#include "tests/common/checks.h"

namespace rmapdiff {
namespace {

// Of 64 operations, for each header. Sanitizers cost a factor of ten, and 32-bit code is not even
// optimised.
constexpr int kPrograms = !kAddressSanitizer ? 1000 : sizeof(void*) == 4 ? 20 : 60;
constexpr uint64_t kPairs = kAddressSanitizer ? 2 : 10;   // of runs to compare, 128 operations
constexpr int kLongPrograms = kAddressSanitizer ? 1 : 6;  // of 1000

// All 48 combinations of the header's switches.
std::vector<Header> AllHeaders() {
  std::vector<Header> headers;
  for (const LimitsMode limits : {LimitsMode::kProduction, LimitsMode::kTiny}) {
    for (const ReuseMode reuse : {ReuseMode::kQuarantine, ReuseMode::kLifo}) {
      for (const MasksMode masks : {MasksMode::kShadow, MasksMode::kBypass, MasksMode::kEpt}) {
        for (const RecycleMode recycle : {RecycleMode::kExact, RecycleMode::kNative}) {
          for (const bool misuse : {false, true}) {
            headers.push_back({.limits = limits,
                               .reuse = reuse,
                               .masks = masks,
                               .recycle = recycle,
                               .misuse = misuse});
          }
        }
      }
    }
  }
  return headers;
}

// "tiny_lifo_bypass_exact": the first line of a program without its keys.
std::string NameOf(const Header& header) {
  std::string name;
  const std::string line = Print({header, {}});
  for (size_t at = line.find('=', line.find('=') + 1); at != std::string::npos;
       at = line.find('=', at + 1)) {
    const size_t end = line.find_first_of(" \n", at);
    name += (name.empty() ? "" : "_") + line.substr(at + 1, end - at - 1);
  }
  return name;
}

class RandomTest : public testing::TestWithParam<Header> {};
INSTANTIATE_TEST_SUITE_P(Headers, RandomTest, testing::ValuesIn(AllHeaders()),
                         [](const auto& info) { return NameOf(info.param); });

TEST_P(RandomTest, NoProgramDiverges) {
  const Header& header = GetParam();
  const RunOptions options;
  std::map<VerdictKind::Value, int> verdicts;
  const auto run = [&](size_t ops, uint64_t seed) {
    const Program program = RandomProgram(header, ops, seed);
    const Verdict verdict = RunProgram(program, options);
    ++verdicts[verdict.kind];
    ASSERT_NE(verdict.kind, VerdictKind::kDivergence) << ReportText(program, verdict);
  };
  for (int i = 0; i < kPrograms && !HasFatalFailure(); ++i) run(64, 1 + uint64_t(i));
  for (int i = 0; i < kLongPrograms && !HasFatalFailure(); ++i) run(1000, 1 + uint64_t(i));
  if (HasFatalFailure()) return;
  EXPECT_GT(verdicts[VerdictKind::kAgree], 0);
  if (!header.misuse) {
    EXPECT_EQ(verdicts[VerdictKind::kBug], 0) << "a BUG without misuse";
  } else if (!kAddressSanitizer) {
    EXPECT_GT(verdicts[VerdictKind::kBug], 0) << "no misuse ever went through its guards";
  }
  if (!header.misuse && header.recycle == RecycleMode::kExact) {
    EXPECT_EQ(verdicts[VerdictKind::kClassified], 0) << "a known difference where none can be";
  }
}

void ExpectEqual(const Verdict& expected, const Verdict& actual, const Program& program) {
  SCOPED_TRACE(Print(program));
  EXPECT_EQ(expected.kind, actual.kind);
  EXPECT_EQ(expected.op_index, actual.op_index);
  EXPECT_EQ(GuiltyName(expected), GuiltyName(actual));
  EXPECT_EQ(expected.classified, actual.classified);
  EXPECT_EQ(expected.ops_run, actual.ops_run);
  EXPECT_EQ(expected.state_hash, actual.state_hash);
}

TEST_P(RandomTest, AProgramRunTwiceHasTheSameVerdictAndState) {
  for (uint64_t seed = 1; seed <= kPairs; ++seed) {
    const Program program = RandomProgram(GetParam(), 128, seed);
    ExpectEqual(RunProgram(program), RunProgram(program), program);
  }
}

// The engines then get other memory, and the other one's state is hashed.
TEST_P(RandomTest, TheOrderOfTheEnginesDoesNotMatter) {
  RunOptions reversed;
  std::reverse(reversed.engines.begin(), reversed.engines.end());
  for (uint64_t seed = 1; seed <= kPairs; ++seed) {
    const Program program = RandomProgram(GetParam(), 128, seed);
    ExpectEqual(RunProgram(program), RunProgram(program, reversed), program);
  }
}

// If an operation changed something that it does not name as touched, only the full check would
// see it go wrong.
TEST_P(RandomTest, TheFullCheckFindsNoMoreThanTheTouchedOne) {
  RunOptions full;
  full.check = CheckLevel::kFull;
  for (uint64_t seed = 1; seed <= kPairs; ++seed) {
    const Program program = RandomProgram(GetParam(), 128, seed);
    ExpectEqual(RunProgram(program), RunProgram(program, full), program);
  }
}

// ---- The programs are worth running. ----

struct Applied {
  int applied = 0;
  int all = 0;
};

std::map<std::string, Applied> CountApplied() {
  std::map<std::string, Applied> counts;
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    const Header header{.limits = seed % 2 == 0 ? LimitsMode::kProduction : LimitsMode::kTiny,
                        .misuse = seed % 4 == 0};
    const Program program = RandomProgram(header, 128, seed);
    RunOptions options;
    options.trace = [&](const TraceStep& step) {
      Applied& count = counts[std::string(OpName(program.ops[step.op_index]))];
      const Outcome& outcome = step.outcomes.expected;
      ++count.all;
      if (outcome.code == OutcomeCode::kOk || outcome.is_bug()) ++count.applied;
    };
    RunProgram(program, options);
  }
  return counts;
}

TEST(RandomPrograms, ApplyMoreOftenThanNotAndInEveryOperation) {
  Applied sum;
  const std::map<std::string, Applied> counts = CountApplied();
  for (const OpInfo& info : OpTable()) {
    if (!FitsHeader(info, Header{})) continue;
    const auto count = counts.find(std::string(info.name));
    ASSERT_NE(count, counts.end()) << info.name;
    EXPECT_GT(count->second.applied, 0) << info.name << " never applied";
    sum.applied += count->second.applied;
    sum.all += count->second.all;
  }
  EXPECT_GT(sum.applied * 2, sum.all);
}

}  // namespace
}  // namespace rmapdiff
