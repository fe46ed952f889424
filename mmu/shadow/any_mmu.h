// PageGraph and ShadowMmu on AnyMap, compiled once for all reverse maps: any_mmu_*.cc.
#ifndef RMAPDIFF_MMU_SHADOW_ANY_MMU_H_
#define RMAPDIFF_MMU_SHADOW_ANY_MMU_H_

#include "mmu/graph/any_map.h"
#include "mmu/shadow/shadow_mmu.h"

namespace rmapdiff {

extern template class PageGraph<AnyMap<ProductionLimits>>;
extern template class PageGraph<AnyMap<TinyLimits>>;
extern template class ShadowMmu<AnyMap<ProductionLimits>>;
extern template class ShadowMmu<AnyMap<TinyLimits>>;

}  // namespace rmapdiff

#endif  // RMAPDIFF_MMU_SHADOW_ANY_MMU_H_
