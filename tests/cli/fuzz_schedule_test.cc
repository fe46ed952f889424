#include "tools/cli/fuzz/fuzz_schedule.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <vector>

#include "fuzzers/finding/packed.h"
#include "tools/cli/fuzz/intake_worker.h"
#include "tools/cli/fuzz/reduce_worker.h"
#include "tools/cli/libfuzzer/merge_control.h"
#include "tools/cli/run_folder/finding_folders.h"

namespace rmapdiff {
namespace {

constexpr double kNoEnd = std::numeric_limits<double>::infinity();

// Seconds that each target gets, as `jobs` processes ask one after the other for their next turns.
std::vector<double> Shares(const std::vector<uint64_t>& weights, size_t jobs, uint64_t seconds) {
  FuzzSchedule schedule(weights, jobs, seconds);
  std::vector<double> shares(weights.size(), 0);
  std::vector<double> at(jobs, 0);
  while (true) {
    const auto next = std::min_element(at.begin(), at.end());
    const double left = static_cast<double>(seconds) - *next;
    if (left < 1e-6) return shares;
    const auto turn = schedule.Next(left);
    shares[turn->target] += turn->seconds;
    *next += turn->seconds;
  }
}

TEST(FuzzScheduleTest, TimeIsSharedByWeight) {
  for (const uint64_t seconds : {60, 3600, 100'000}) {
    for (const size_t jobs : {1, 2, 3, 8}) {
      const std::vector<double> shares = Shares({1, 2, 3, 4}, jobs, seconds);
      const double all = static_cast<double>(seconds) * static_cast<double>(jobs);
      for (size_t i = 0; i < shares.size(); ++i) {
        const double due = all * static_cast<double>(i + 1) / 10;
        const double longest = std::min({1800.0, static_cast<double>(seconds), 0.4 * all});
        EXPECT_NEAR(shares[i], due, longest) << seconds << " " << jobs;  // but for one turn
        EXPECT_GE(shares[i], 1) << seconds << " " << jobs;
      }
    }
  }
}

TEST(FuzzScheduleTest, WithOneJobSharesAreExact) {
  const std::vector<double> shares = Shares({1, 2, 3, 4}, 1, 100);
  for (size_t i = 0; i < shares.size(); ++i) EXPECT_NEAR(shares[i], 10.0 * (i + 1), 1e-6);
}

TEST(FuzzScheduleTest, InAShortRunEverybodyGetsATurnBeforeAnybodyGetsTwo) {
  FuzzSchedule schedule({5, 1, 1}, 1, 70);
  EXPECT_EQ(schedule.Next(70)->target, 0u);
  EXPECT_EQ(schedule.Next(20)->target, 1u);
  EXPECT_EQ(schedule.Next(10)->target, 2u);
}

TEST(FuzzScheduleTest, ARunWithoutEndHasTurnsOfHalfAnHour) {
  FuzzSchedule schedule({1, 3}, 1, 0);
  std::vector<size_t> turns(2, 0);
  for (int i = 0; i < 400; ++i) {
    const auto turn = schedule.Next(kNoEnd);
    EXPECT_EQ(turn->seconds, 1800);
    ++turns[turn->target];
  }
  EXPECT_EQ(turns, (std::vector<size_t>{100, 300}));
}

TEST(FuzzScheduleTest, ItBeginsWhereItIsTold) {
  FuzzSchedule schedule({1, 1, 1}, 1, 0);
  schedule.BeginWith(2);
  EXPECT_EQ(schedule.Next(kNoEnd)->target, 2u);
  EXPECT_EQ(schedule.Next(kNoEnd)->target, 0u);
}

TEST(FuzzScheduleTest, WhoIsGivenUpGetsNoMore) {
  FuzzSchedule schedule({1, 1}, 1, 0);
  schedule.GiveUp(0);
  EXPECT_EQ(schedule.Next(kNoEnd)->target, 1u);
  EXPECT_EQ(schedule.Next(kNoEnd)->target, 1u);
  schedule.GiveUp(1);
  EXPECT_FALSE(schedule.Next(kNoEnd));
}

TEST(FuzzScheduleTest, TheLeastTimeGivesEverybodyASecond) {
  EXPECT_EQ(MinimumSeconds({1}, 1), 1u);
  EXPECT_EQ(MinimumSeconds({1, 1}, 1), 2u);
  EXPECT_EQ(MinimumSeconds({1, 1}, 2), 1u);
  EXPECT_EQ(MinimumSeconds({1, 3}, 2), 2u);
}

TEST(FindingFolderTest, ASignatureHasAFolderOfItsOwn) {
  EXPECT_EQ(SlugOf("rmap-missing/drop/sibling"), "rmap-missing.drop.sibling-f87aaaa9");
  EXPECT_NE(SlugOf("a b"), SlugOf("a_b"));
  const std::string hostile = SlugOf("../\x1b[31m\n" + std::string(1000, 'x'));
  EXPECT_EQ(hostile.substr(0, 12), "__.__31m_xxx");
  EXPECT_EQ(hostile.size(), 109u);
  EXPECT_EQ(InputName("slow-unit-00ff"), "input-00ff");
}

TEST(ReduceTest, LibFuzzersLastLineSaysHowManyItPicked) {
  EXPECT_EQ(PickedBy("MERGE-OUTER: attempt 1\nMERGE-OUTER: 921 new files with 33508 new features "
                     "added; 4404 new coverage edges\n"),
            921u);
  EXPECT_EQ(PickedBy("MERGE-OUTER: attempt 1\n"), std::nullopt);
  EXPECT_EQ(PickedBy(" new files with "), std::nullopt);
  EXPECT_EQ(PickedBy(""), std::nullopt);
}

TEST(ReduceTest, AnAnswerIsWholeOrNone) {
  Packer answer;
  for (const uint64_t number : {12, 7, 2}) answer.Number(number);
  const std::string bytes = answer.bytes();
  EXPECT_EQ(ReducedTo(bytes)->before, 12u);
  EXPECT_EQ(ReducedTo(bytes)->after, 7u);
  EXPECT_EQ(ReducedTo(bytes)->unmeasured, 2u);
  for (size_t size = 0; size < bytes.size(); ++size) EXPECT_FALSE(ReducedTo(bytes.substr(0, size)));
}

TEST(TakeInTest, TheChildsLastLineNamesTheFinding) {
  FindingRecord record;
  record.signature = "b/c d";
  EXPECT_EQ(TakenIn("a warning\n" + FindingLine(record)), "b/c d");
  EXPECT_EQ(TakenIn(FindingLine(record) + "and then it was killed"), "");
  EXPECT_EQ(TakenIn("took in\n"), "");
}

}  // namespace
}  // namespace rmapdiff
