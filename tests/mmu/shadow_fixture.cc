#include "tests/mmu/shadow_fixture.h"

namespace rmapdiff {

template class ShadowMmu<SiblingMap<TinyLimits>>;
template class ShadowMmu<SiblingMap<ProductionLimits>>;
template class ShadowMmu<DescriptorMap<TinyLimits>>;
template class ShadowMmu<DescriptorMap<ProductionLimits>>;
template class ShadowHost<SiblingMap<TinyLimits>>;
template class ShadowHost<SiblingMap<ProductionLimits>>;
template class ShadowHost<DescriptorMap<TinyLimits>>;
template class ShadowHost<DescriptorMap<ProductionLimits>>;

}  // namespace rmapdiff
