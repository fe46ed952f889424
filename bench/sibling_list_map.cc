#include "bench/map_of.h"
#include "bench/maps.h"
#include "mmu/sibling_map.h"

namespace rmapdiff {

BenchMap SiblingListMap() { return MapOf<SiblingMap<ProductionLimits>>("sibling"); }

}  // namespace rmapdiff
