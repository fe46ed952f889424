#include "mmu/shadow/any_mmu.h"
#include "mmu/shadow/shadow_mmu_functions.h"

namespace rmapdiff {

template class PageGraph<AnyMap<ProductionLimits>>;
template class ShadowMmu<AnyMap<ProductionLimits>>;

}  // namespace rmapdiff
