#include "bench/map_of.h"
#include "bench/maps.h"
#include "more_maps/counted_sibling_map.h"

namespace rmapdiff {

BenchMap CountedMap() { return MapOf<CountedSiblingMap<ProductionLimits>>("counted"); }

}  // namespace rmapdiff
