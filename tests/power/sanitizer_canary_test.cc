// The canary that AddressSanitizer alone sees: an array of links that is one entry too short, in a
// page that is not. And a map of which the MMU dies, outside of the map.
//
// Run under sanitizers alone: that is what it is for.
#include <gtest/gtest.h>

#include <vector>

#include "fuzzers/run/runner.h"
#include "fuzzers/search/random_program.h"
#include "fuzzers/voices/make_voice.h"
#include "tests/power/faulty_engine.h"

namespace rmapdiff {
namespace {

// Four times the worst of 20 series with other seeds.
constexpr uint64_t kPrograms = 100;
constexpr size_t kOps = 64;

void RunPrograms(const Engine& engine) {
  RunOptions options;
  options.engines.push_back(engine);
  for (uint64_t seed = 1; seed <= kPrograms; ++seed) {
    const LimitsMode limits = seed % 2 == 0 ? LimitsMode::kProduction : LimitsMode::kTiny;
    RunProgram(RandomProgram({.limits = limits}, kOps, seed), options);
  }
}

TEST(SanitizerCanaryDeathTest, LinksThatAreTooShortAreSeen) {
  EXPECT_DEATH(RunPrograms(FaultyEngine<ShortLinks>("short_links")),
               "AddressSanitizer: use-after-poison");
}

// Leaves the first slot of each page poisoned, which the MMU fills.
template <class L>
class ClosedSlot : public SiblingMap<L> {
  using Base = SiblingMap<L>;

 public:
  using Base::Base;
  void AllocStorage(MemoryCache& pages, typename Base::Page& page, bool direct) {
    Base::AllocStorage(pages, page, direct);
    PoisonMemory(page.spt, sizeof(Spte));
  }
};

TEST(SanitizerCanaryDeathTest, AStackInTheMmuThatAllMapsShareNamesTheMap) {
  EXPECT_DEATH(RunPrograms(FaultyEngine<ClosedSlot>("closed_slot")),
               "use-after-poison.* in rmapdiff::PageGraph<.*VoiceOf<.*ClosedSlot");
}

}  // namespace
}  // namespace rmapdiff
