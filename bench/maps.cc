#include "bench/maps.h"

#include "more_maps/map_list.h"

namespace rmapdiff {

// Each is defined in a generated file of its own, which compiles the measurements of the map.
namespace bench_map_of {

#define RMAPDIFF_DECLARE(name) BenchMap name();
RMAPDIFF_EACH_MAP(RMAPDIFF_DECLARE)
#undef RMAPDIFF_DECLARE

}  // namespace bench_map_of

const std::vector<BenchMap>& AllMaps() {
#define RMAPDIFF_CALL(name) bench_map_of::name(),
  static const std::vector<BenchMap>* const maps =
      new std::vector<BenchMap>{RMAPDIFF_EACH_MAP(RMAPDIFF_CALL)};
#undef RMAPDIFF_CALL
  return *maps;
}

}  // namespace rmapdiff
