// The table of all engines: a row for each map of more_maps/maps.bzl.
#include "fuzzers/voices/voice.h"
#include "more_maps/map_list.h"

namespace rmapdiff {

// Each is defined in a generated file of its own, which compiles the map.
namespace engine_of {

#define RMAPDIFF_DECLARE(name) Engine name();
RMAPDIFF_EACH_MAP(RMAPDIFF_DECLARE)
#undef RMAPDIFF_DECLARE

}  // namespace engine_of

const std::vector<Engine>& AllEngines() {
#define RMAPDIFF_ROW(name) engine_of::name(),
  static const std::vector<Engine>* const engines =
      new std::vector<Engine>{RMAPDIFF_EACH_MAP(RMAPDIFF_ROW)};
#undef RMAPDIFF_ROW
  return *engines;
}

}  // namespace rmapdiff
