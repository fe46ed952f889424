#include "bench/map_of.h"
#include "bench/maps.h"
#include "legacy_mmu/descriptor_map.h"

namespace rmapdiff {

BenchMap LegacyMap() { return MapOf<DescriptorMap<ProductionLimits>>("legacy"); }

}  // namespace rmapdiff
