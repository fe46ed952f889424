#include "mmu/shadow/any_mmu.h"
#include "mmu/shadow/shadow_mmu_functions.h"

namespace rmapdiff {

template class PageGraph<AnyMap<TinyLimits>>;
template class ShadowMmu<AnyMap<TinyLimits>>;

}  // namespace rmapdiff
