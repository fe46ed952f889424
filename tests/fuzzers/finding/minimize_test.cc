// Minimisation: the small programs of seeded faults. Nothing more can go, and the bug stays the
// same.
#include "fuzzers/finding/minimize.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "fuzzers/program/quirk_modes.h"
#include "fuzzers/run/report.h"
#include "fuzzers/search/random_program.h"
#include "tests/power/canaries.h"

namespace rmapdiff {
namespace {

constexpr size_t kOps = 64;

RunOptions With(const Canary& canary) {
  RunOptions options;
  options.engines = {AllEngines()[0], canary.engine};
  return options;
}

// The first random program that shows the fault.
Program FirstFinding(const RunOptions& options, const Header& header, uint64_t programs) {
  for (uint64_t seed = 1; seed <= programs; ++seed) {
    Program program = RandomProgram(header, kOps, seed);
    if (RunProgram(program, options).kind == VerdictKind::kDivergence) return program;
  }
  ADD_FAILURE() << "no finding in " << programs << " programs";
  return {};
}

Header Tiny() {
  Header header;
  header.limits = LimitsMode::kTiny;
  return header;
}

std::string SignatureOf(const Program& program, const RunOptions& options) {
  return Signature(program, RunProgram(program, options));
}

void ExpectOneMinimal(const Minimized& result, const RunOptions& options) {
  for (size_t i = 0; i < result.program.ops.size(); ++i) {
    Program without = result.program;
    without.ops.erase(without.ops.begin() + static_cast<std::ptrdiff_t>(i));
    EXPECT_NE(SignatureOf(without, options), result.signature)
        << "operation " << i + 1 << " is not needed in\n"
        << Print(result.program);
  }
}

class MinimizeTest : public testing::TestWithParam<std::string> {};

TEST_P(MinimizeTest, LeavesTheSameFindingAndNothingThatIsNotNeeded) {
  const Canary& canary = FindCanary(GetParam());
  const RunOptions run = With(canary);
  const MinimizeOptions options{.run = RunHere(run)};
  const Program program = FirstFinding(run, Tiny(), 2000);
  const auto result = Minimize(program, options);
  ASSERT_TRUE(result);
  EXPECT_TRUE(result->finished);
  EXPECT_EQ(result->signature, SignatureOf(program, run));
  EXPECT_EQ(SignatureOf(result->program, run), result->signature);
  EXPECT_LE(result->program.ops.size(), 12u) << Print(result->program);
  ExpectOneMinimal(*result, run);
}

INSTANTIATE_TEST_SUITE_P(OfCanaries, MinimizeTest,
                         testing::Values("lost_tail", "stale_link", "forgotten_last_parent"),
                         [](const auto& info) { return info.param; });

TEST(MinimizeTest, IsTheSameEachTime) {
  const RunOptions run = With(FindCanary("lost_tail"));
  MinimizeOptions options{.run = RunHere(run)};
  const Program program = FirstFinding(run, Tiny(), 100);
  const auto first = Minimize(program, options);
  const auto second = Minimize(program, options);
  ASSERT_TRUE(first && second);
  EXPECT_EQ(Print(first->program), Print(second->program));
  EXPECT_EQ(first->runs, second->runs);
}

TEST(MinimizeTest, SimplifiesTheHeaderAndNamesPagesInOrder) {
  const RunOptions run = With(FindCanary("lost_tail"));
  MinimizeOptions options{.run = RunHere(run)};
  Header header = Tiny();
  header.reuse = ReuseMode::kLifo;
  header.masks = MasksMode::kBypass;
  header.misuse = true;
  const auto result = Minimize(FirstFinding(run, header, 100), options);
  ASSERT_TRUE(result);
  EXPECT_EQ(result->program.header, Tiny()) << "the limits are no detail";
  const auto* alloc = std::get_if<ops::AllocPage>(&result->program.ops[0]);
  ASSERT_NE(alloc, nullptr) << Print(result->program);
  EXPECT_EQ(alloc->page.value, 0);
}

TEST(MinimizeTest, AProgramWithoutAFindingIsNoInput) {
  EXPECT_FALSE(Minimize(RandomProgram(Tiny(), kOps, 1), {.run = RunHere()}));
}

TEST(MinimizeTest, StoppedItHasTheBestSoFar) {
  const RunOptions run = With(FindCanary("lost_tail"));
  MinimizeOptions options{.run = RunHere(run)};
  const Program program = FirstFinding(run, Tiny(), 100);
  size_t asked = 0;
  options.stop = [&asked] { return ++asked > 8; };
  const auto result = Minimize(program, options);
  ASSERT_TRUE(result);
  EXPECT_FALSE(result->finished);
  EXPECT_LE(result->runs, 9u) << "the first run and those that were allowed";
  EXPECT_EQ(SignatureOf(result->program, run), result->signature);

  options.stop = [] { return true; };
  EXPECT_EQ(Minimize(program, options)->program, program);
}

// With all latent bugs put back, a program without one operation often shows another bug.
TEST(MinimizeTest, AnotherFindingIsHandedAsideAndNotFollowed) {
  Header header = Tiny();
  header.mode = MmuMode::kLong;
  header.quirk = kAsIn2_6_36;
  const RunOptions run;
  MinimizeOptions options{.run = RunHere(run)};
  std::set<std::string> others;
  options.other = [&](const Program& other, const std::string& signature) {
    EXPECT_EQ(SignatureOf(other, run), signature);
    EXPECT_TRUE(others.insert(signature).second) << "once each";
  };
  for (uint64_t seed = 1; seed <= 200 && others.empty(); ++seed) {
    const Program program = RandomProgram(header, kOps, seed);
    const std::string signature = SignatureOf(program, run);
    if (signature.empty()) continue;
    const auto result = Minimize(program, options);
    ASSERT_TRUE(result);
    EXPECT_EQ(result->signature, signature);
    EXPECT_EQ(others.count(signature), 0u);
  }
  EXPECT_FALSE(others.empty()) << "no program has met a second finding";
}

// A latent bug of the engine, on a whole MMU.
TEST(MinimizeTest, ProgramsOnAWholeMmuBecomeSimple) {
  Header header = Tiny();
  header.mode = MmuMode::kLong;
  header.more_vcpus = 3;
  header.quirk = QuirkModeOf(&Quirks::move_slot_in_place);
  const RunOptions run;
  const MinimizeOptions options{.run = RunHere(run)};
  const auto result = Minimize(FirstFinding(run, header, 200), options);
  ASSERT_TRUE(result);
  EXPECT_LE(result->program.ops.size(), 12u) << Print(result->program);
  EXPECT_EQ(result->program.header.quirk, QuirkModeOf(&Quirks::move_slot_in_place));
  EXPECT_LT(result->program.header.more_vcpus, 3);
  ExpectOneMinimal(*result, run);
}

}  // namespace
}  // namespace rmapdiff
