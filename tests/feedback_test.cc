// What counts as behaviour: the same program does nothing new, another ending, list length or
// state does.
#include "fuzzers/feedback.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <vector>

#include "fuzzers/random_program.h"
#include "fuzzers/runner.h"

namespace rmapdiff {
namespace {

using Counters = std::vector<uint8_t>;

Counters BehavioursOf(const Program& program) {
  Counters counters(size_t{1} << 15);
  Feedback feedback(counters);
  RunOptions options;
  options.feedback = &feedback;
  RunProgram(program, options);
  return counters;
}

size_t Distinct(const Counters& counters) {
  return counters.size() - static_cast<size_t>(std::count(counters.begin(), counters.end(), 0));
}

Program Graph(std::vector<Op> ops) { return {{.limits = LimitsMode::kTiny}, std::move(ops)}; }

TEST(LengthClass, IsExactAroundTheFirstCapacitiesAndMonotonic) {
  for (unsigned length = 0; length <= 8; ++length) EXPECT_EQ(LengthClass(length), length);
  unsigned last = 8;
  for (size_t length = 9; length < 100000; ++length) {
    const unsigned now = LengthClass(length);
    ASSERT_TRUE(now == last || now == last + 1) << length;
    last = now;
  }
  EXPECT_LT(LengthClass(9), LengthClass(11));
  EXPECT_LT(LengthClass(999), LengthClass(1100));
  EXPECT_LT(LengthClass(size_t{1} << 31), 64u) << "it is the position of a bit";
}

TEST(Feedback, IsTheSameForTheSameProgram) {
  for (const MmuMode mode : {MmuMode::kNone, MmuMode::kLong}) {
    const Header header{.mode = mode, .limits = LimitsMode::kTiny};
    const Program program = RandomProgram(header, 100, 1);
    EXPECT_EQ(BehavioursOf(program), BehavioursOf(program));
    EXPECT_GT(Distinct(BehavioursOf(program)), 50u);
  }
}

// Each further program has the behaviours of those before and at least one more.
TEST(Feedback, SeesAnotherEndingAnotherLengthAndAnotherState) {
  const ops::AllocPage page{};
  const ops::Map map{};
  ops::Map second;
  second.index.index = 1;
  const std::vector<std::vector<Op>> steps = {
      {},
      {page},
      {page, page},  // the id is taken
      {page, page, map},
      {page, page, map, second},  // a list of two
      {page, page, map, second, ops::Pin{}},
      {page, page, map, second, ops::Pin{}, ops::Zap{}},  // of a pinned page
  };
  std::set<size_t> seen;
  for (const std::vector<Op>& ops : steps) {
    const Counters counters = BehavioursOf(Graph(ops));
    const size_t before = seen.size();
    for (size_t i = 0; i < counters.size(); ++i) {
      if (counters[i] != 0) seen.insert(i);
    }
    if (!ops.empty()) EXPECT_GT(seen.size(), before) << ops.size();
  }
}

TEST(Feedback, SeesTheOrderOfTwoOperations) {
  const Program one = Graph({ops::Commit{}, ops::ParentWalk{}, ops::Commit{}});
  const Program other = Graph({ops::ParentWalk{}, ops::Commit{}, ops::Commit{}});
  EXPECT_NE(BehavioursOf(one), BehavioursOf(other));
}

TEST(Feedback, HowOftenIsNothingNew) {
  const Program once = Graph({ops::Commit{}, ops::Commit{}});
  EXPECT_EQ(BehavioursOf(once), BehavioursOf(Graph(std::vector<Op>(1000, ops::Commit{}))));
}

}  // namespace
}  // namespace rmapdiff
