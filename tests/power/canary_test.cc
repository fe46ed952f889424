// The suite finds every seeded fault within a given number of random programs, and names the MMU
// that has it. It does not report maps that are merely different.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <variant>
#include <vector>

#include "fuzzers/program/program.h"
#include "fuzzers/run/report.h"
#include "fuzzers/run/runner.h"
#include "fuzzers/run/verdict_words.h"
#include "fuzzers/search/random_program.h"
#include "tests/common/checks.h"
#include "tests/power/canaries.h"
#include "tests/power/hunt.h"

namespace rmapdiff {
namespace {

constexpr size_t kOps = 64;
constexpr uint64_t kSeed = 1;
constexpr int kCorrectPrograms = kAddressSanitizer ? 100 : 3000;

// Every combination of limits, reuse and masks in turn.
Header HeaderOf(uint64_t seed) {
  return {.limits = seed % 2 == 0 ? LimitsMode::kProduction : LimitsMode::kTiny,
          .reuse = seed / 2 % 2 == 0 ? ReuseMode::kQuarantine : ReuseMode::kLifo,
          .masks = static_cast<MasksMode>(seed / 4 % 3)};
}

Hunt HuntFor(const std::vector<Engine>& engines, int programs, uint64_t first_seed) {
  return HuntFor(engines, programs, [first_seed](int i) {
    const uint64_t seed = first_seed + static_cast<uint64_t>(i);
    return RandomProgram(HeaderOf(seed), kOps, seed);
  });
}

std::vector<Engine> With(const Engine& canary) {
  std::vector<Engine> engines = ChosenEngines();
  engines.push_back(canary);
  return engines;
}

class CanaryTest : public testing::TestWithParam<Canary> {};

TEST_P(CanaryTest, IsFoundAndNamed) {
  const Canary& canary = GetParam();
  const auto hunt = [&canary] { return HuntFor(With(canary.engine), canary.bound, kSeed); };
  if (canary.sight == Sight::kMayDie && kAddressSanitizer) {
    const auto die_when_found = [&hunt] {
      const Hunt found = hunt();
      std::fprintf(stderr, "guilty: %s\n", GuiltyName(found.verdict).c_str());
      std::abort();
    };
    const std::string named = "guilty: " + std::string(canary.engine.name);
    EXPECT_DEATH(die_when_found(), named + "|AddressSanitizer: use-after-poison");
    return;
  }
  const Hunt found = hunt();
  PrintRow(canary.engine.name, found, canary.bound);
  ASSERT_GT(found.programs, 0) << "not found";
  EXPECT_EQ(GuiltyName(found.verdict), canary.engine.name) << found.signature;
}
INSTANTIATE_TEST_SUITE_P(Faulty, CanaryTest, testing::ValuesIn(Canaries()),
                         [](const auto& info) { return std::string(info.param.engine.name); });

class CorrectMapTest : public testing::TestWithParam<Engine> {};

TEST_P(CorrectMapTest, IsNeverReported) {
  const Hunt hunt = HuntFor(With(GetParam()), kCorrectPrograms, kSeed);
  EXPECT_EQ(hunt.programs, 0) << hunt.signature;
}
INSTANTIATE_TEST_SUITE_P(Different, CorrectMapTest, testing::ValuesIn(CorrectMaps()),
                         [](const auto& info) { return std::string(info.param.name); });

// ---- Faults that the map's own audit sees ----

void ExpectComplaint(const char* name, const std::string& text, const std::string& signature,
                     const std::string& words) {
  const auto parsed = Parse(
      "program version=2 limits=tiny reuse=quarantine masks=shadow recycle=exact misuse=no\n" +
      text);
  ASSERT_TRUE(std::holds_alternative<Program>(parsed));
  const Program& program = std::get<Program>(parsed);
  RunOptions options;
  options.engines = With(FindCanary(name).engine);
  const Verdict verdict = RunProgram(program, options);
  EXPECT_EQ(Signature(program, verdict), signature);
  EXPECT_EQ(verdict.check, Check::kAudit);
  EXPECT_EQ(verdict.difference.actual, words);
}

TEST(OwnAudit, ALengthThatIsNotThatOfTheWalk) {
  ExpectComplaint("stale_length",
                  "alloc_page page=1 level=1 direct=no gfn=0x0 parent=none index=0\n"
                  "map page=1 index=0 gfn=0x0 write=yes speculative=no\n"
                  "map page=1 index=1 gfn=0x0 write=yes speculative=no\n"
                  "drop page=1 index=0 notrap=no\n",
                  "map-audit/drop/stale_length", "its head says 2 entries, the walk finds 1");
}

TEST(OwnAudit, ABackPointerThatLeadsElsewhere) {
  ExpectComplaint("stale_back_pointer",
                  "alloc_page page=0 level=2 direct=no gfn=0x0 parent=none index=0\n"
                  "alloc_page page=1 level=1 direct=no gfn=0x1 parent=none index=0\n"
                  "link page=1 parent=0 index=0 keep=yes\n"
                  "link page=1 parent=0 index=1 keep=yes\n"
                  "link page=1 parent=0 index=2 keep=yes\n"
                  "unlink parent=0 index=0\n",
                  "map-audit/unlink/stale_back_pointer", "a chain's back pointer leads elsewhere");
}

// ---- The engines that the verdict names ----

// The two MMUs of every run, one or both of them with the fault of a canary.
std::vector<Engine> FaultyMmus(const char* legacy, const char* sibling) {
  std::vector<Engine> engines = ChosenEngines();
  if (legacy != nullptr) engines[0].make = FindCanary(legacy).engine.make;
  if (sibling != nullptr) engines[1].make = FindCanary(sibling).engine.make;
  return engines;
}

TEST(Guilty, IsTheLegacyMmuWhenTheFaultIsThere) {
  for (const char* canary : {"hole_left", "unshifted_chain", "empty_descriptor_kept"}) {
    const Hunt hunt = HuntFor(FaultyMmus(canary, nullptr), FindCanary(canary).bound, kSeed);
    ASSERT_GT(hunt.programs, 0) << canary;
    EXPECT_EQ(GuiltyName(hunt.verdict), "legacy") << hunt.signature;
  }
}

TEST(Guilty, IsTheSiblingMmuWhenTheFaultIsThere) {
  for (const char* canary : {"lost_tail", "kept_parents", "undercounting_add"}) {
    const Hunt hunt = HuntFor(FaultyMmus(nullptr, canary), FindCanary(canary).bound, kSeed);
    ASSERT_GT(hunt.programs, 0) << canary;
    EXPECT_EQ(GuiltyName(hunt.verdict), "sibling") << hunt.signature;
  }
}

// The MMUs agree with each other, so that only the model can tell.
TEST(Guilty, AreBothWhenBothHaveTheSameFault) {
  const auto parsed = Parse(
      "program version=2 limits=tiny reuse=lifo masks=shadow recycle=exact misuse=no\n"
      "alloc_page page=0 level=2 direct=no gfn=0x0 parent=none index=0\n"
      "alloc_page page=1 level=1 direct=no gfn=0x0 parent=0 index=0\n"
      "unlink_parents page=1\n");
  RunOptions options;
  options.engines = FaultyMmus("forgotten_last_in_chain", "forgotten_last_parent");
  const Verdict verdict = RunProgram(std::get<Program>(parsed), options);
  ASSERT_EQ(verdict.kind, VerdictKind::kDivergence);
  EXPECT_EQ(verdict.check, Check::kModel);
  EXPECT_EQ(GuiltyName(verdict), "both");
  EXPECT_EQ(verdict.op_index, 2u);
}

}  // namespace
}  // namespace rmapdiff
