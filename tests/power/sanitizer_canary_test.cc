// The canary that AddressSanitizer alone sees: an array of links that is one entry too short, in a
// page that is not. It is not among those of canaries.h, which take minutes to compile with
// sanitizers.
//
// Run under sanitizers alone: that is what it is for.
#include <gtest/gtest.h>

#include <vector>

#include "fuzzers/run/runner.h"
#include "fuzzers/search/random_program.h"
#include "fuzzers/voices/make_voice.h"
#include "tests/power/faulty_maps.h"

namespace rmapdiff {
namespace {

// Four times the worst of 20 series with other seeds.
constexpr uint64_t kPrograms = 100;
constexpr size_t kOps = 64;

void RunPrograms() {
  RunOptions options;
  options.engines.push_back({"short_links", MakeVoice<ShortLinks>});
  for (uint64_t seed = 1; seed <= kPrograms; ++seed) {
    const LimitsMode limits = seed % 2 == 0 ? LimitsMode::kProduction : LimitsMode::kTiny;
    RunProgram(RandomProgram({.limits = limits}, kOps, seed), options);
  }
}

TEST(SanitizerCanaryDeathTest, LinksThatAreTooShortAreSeen) {
  EXPECT_DEATH(RunPrograms(), "AddressSanitizer: use-after-poison");
}

}  // namespace
}  // namespace rmapdiff
