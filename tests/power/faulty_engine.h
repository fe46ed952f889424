// An engine on a map of faulty_maps.h, as the tests of the suite's strength compare it.
#ifndef RMAPDIFF_TESTS_POWER_FAULTY_ENGINE_H_
#define RMAPDIFF_TESTS_POWER_FAULTY_ENGINE_H_

#include <string_view>

#include "fuzzers/voices/make_voice.h"
#include "fuzzers/voices/voice.h"
#include "tests/power/faulty_maps.h"

namespace rmapdiff {

template <template <class> class Map>
Engine FaultyEngine(std::string_view name) {
  return {name, "tests/power/faulty_maps.h", MapRule::kEither, MakeVoice<Map>};
}

}  // namespace rmapdiff

#endif  // RMAPDIFF_TESTS_POWER_FAULTY_ENGINE_H_
