// The table of canaries: every faulty map of faulty_maps.h as an engine. Each has the number of
// random programs within which the suite must find it. Beside it are the maps that it must never
// report. Not here: ShortLinks and OneLink, which AddressSanitizer alone can see
// (sanitizer_canary_test.cc).
#ifndef RMAPDIFF_TESTS_POWER_CANARIES_H_
#define RMAPDIFF_TESTS_POWER_CANARIES_H_

#include <cstdint>
#include <string_view>
#include <vector>

#include "fuzzers/voices/voice.h"

namespace rmapdiff {

enum class Sight : uint8_t {
  kVerdict,  // a divergence, in every build
  kMayDie,   // the same, but AddressSanitizer may be the first to see it and end the process
};

struct Canary {
  Engine engine;
  // Programs of 64 operations. The number is about four times the worst of 20 series with other
  // seeds.
  int bound = 0;
  Sight sight = Sight::kVerdict;
};

const std::vector<Canary>& Canaries();
// REQUIRES: there is a canary of that name.
const Canary& FindCanary(std::string_view name);

// Maps without a fault that store the same lists differently.
const std::vector<Engine>& CorrectMaps();

}  // namespace rmapdiff

#endif  // RMAPDIFF_TESTS_POWER_CANARIES_H_
