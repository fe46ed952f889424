// The suite finds faults under whole MMUs. For those of a reverse map it names the engine that has
// it. For those of the shadow MMU itself it names all engines.
#include <gtest/gtest.h>

#include <cstdio>
#include <ostream>
#include <string>
#include <vector>

#include "fuzzers/program/quirk_modes.h"
#include "fuzzers/run/report.h"
#include "fuzzers/run/runner.h"
#include "fuzzers/run/verdict_words.h"
#include "fuzzers/search/random_program.h"
#include "fuzzers/voices/make_voice.h"
#include "tests/power/faulty_engine.h"
#include "tests/power/hunt.h"

namespace rmapdiff {
namespace {

constexpr size_t kOps = 256;

// With tiny limits, in every mode in turn, with two vcpus; reuse, masks, log and oos as they come.
Header HeaderOf(uint64_t seed, QuirkMode quirk = QuirkMode::kNone) {
  return {.mode = static_cast<MmuMode>(1 + seed % 6),
          .limits = LimitsMode::kTiny,
          .reuse = seed / 6 % 2 == 0 ? ReuseMode::kQuarantine : ReuseMode::kLifo,
          .masks = static_cast<MasksMode>(seed / 12 % 3),
          .more_vcpus = 1,
          .oos = seed / 6 % 5 != 0,
          .log = seed / 6 % 3 == 0,
          .quirk = quirk};
}

Hunt HuntFor(const std::vector<Engine>& engines, int programs, QuirkMode quirk) {
  return HuntFor(engines, programs, [quirk](int i) {
    const auto seed = static_cast<uint64_t>(i) + 1;
    return RandomProgram(HeaderOf(seed, quirk), kOps, seed);
  });
}

// ---- Reverse maps ----

struct FaultyMap {
  Engine engine;
  int bound;  // programs
};

void PrintTo(const FaultyMap& map, std::ostream* out) { *out << map.engine.name; }

class FaultyMapTest : public testing::TestWithParam<FaultyMap> {};

TEST_P(FaultyMapTest, IsFoundUnderAWholeMmuAndNamed) {
  const auto& [engine, bound] = GetParam();
  std::vector<Engine> engines = ChosenEngines();
  engines.push_back(engine);
  const Hunt hunt = HuntFor(engines, bound, QuirkMode::kNone);
  PrintRow(engine.name, hunt, bound);
  ASSERT_GT(hunt.programs, 0) << "not found";
  EXPECT_EQ(GuiltyName(hunt.verdict), engine.name) << hunt.signature;
}

INSTANTIATE_TEST_SUITE_P(
    Maps, FaultyMapTest,
    testing::Values(FaultyMap{FaultyEngine<LostTail>("lost_tail"), 10},
                    FaultyMap{FaultyEngine<StaleLink>("stale_link"), 10},
                    FaultyMap{FaultyEngine<ForgottenLastParent>("forgotten_last_parent"), 10},
                    FaultyMap{FaultyEngine<UnshiftedChain>("unshifted_chain"), 50}),
    [](const auto& info) { return std::string(info.param.engine.name); });

TEST(CorrectMmuTest, IsNotReported) {
  const Hunt hunt = HuntFor(ChosenEngines(), 600, QuirkMode::kNone);
  EXPECT_EQ(hunt.programs, 0) << hunt.signature;
}

// ---- The latent bugs of 2.6.36 ----

// Those that random programs run into; for the others there are scenarios. A bound is a few times
// what it takes, so that programs that lose their way there show: without hazards
// (fuzzers/search/guest_hazard.h) five of these are not found.

struct QuirkBound {
  QuirkMode quirk;
  int bound;  // programs
};

std::string NameOf(QuirkMode quirk) { return std::string(kQuirkWords[static_cast<size_t>(quirk)]); }
void PrintTo(const QuirkBound& quirk, std::ostream* out) { *out << NameOf(quirk.quirk); }

class QuirkTest : public testing::TestWithParam<QuirkBound> {};

TEST_P(QuirkTest, IsFoundAsTheFaultOfAllEngines) {
  const auto& [quirk, bound] = GetParam();
  const Hunt hunt = HuntFor(ChosenEngines(), bound, quirk);
  PrintRow(NameOf(quirk), hunt, bound);
  ASSERT_GT(hunt.programs, 0) << "not found";
  EXPECT_EQ(GuiltyName(hunt.verdict), "both") << hunt.signature;
}

INSTANTIATE_TEST_SUITE_P(
    Quirks, QuirkTest,
    testing::Values(QuirkBound{QuirkModeOf(&Quirks::keep_stale_child), 20},
                    QuirkBound{QuirkModeOf(&Quirks::wrong_direct_root_gfn), 40},
                    QuirkBound{QuirkModeOf(&Quirks::rmapped_by_pfn), 200},
                    QuirkBound{QuirkModeOf(&Quirks::inherit_walk_access), 400},
                    QuirkBound{QuirkModeOf(&Quirks::wp0_after_choosing_page), 40},
                    QuirkBound{QuirkModeOf(&Quirks::protect_before_swap), 40},
                    QuirkBound{QuirkModeOf(&Quirks::move_slot_in_place), 40},
                    QuirkBound{QuirkModeOf(&Quirks::flush_only_this_vcpu), 800},
                    QuirkBound{QuirkModeOf(&Quirks::leak_partial_roots), 1000},
                    QuirkBound{QuirkModeOf(&Quirks::share_across_pse), 200},
                    QuirkBound{QuirkModeOf(&Quirks::link_before_sync), 600},
                    QuirkBound{QuirkModeOf(&Quirks::apply_overtaken_store), 4000},
                    QuirkBound{kAsIn2_6_36, 20}),
    [](const auto& info) { return NameOf(info.param.quirk); });

}  // namespace
}  // namespace rmapdiff
