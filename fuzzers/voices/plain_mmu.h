// PageGraph and ShadowMmu on PlainMap, compiled in plain_mmu_*.cc: the MMU of the reference.
#ifndef RMAPDIFF_FUZZERS_VOICES_PLAIN_MMU_H_
#define RMAPDIFF_FUZZERS_VOICES_PLAIN_MMU_H_

#include "fuzzers/voices/plain_map.h"
#include "mmu/shadow/shadow_mmu.h"

namespace rmapdiff {

extern template class PageGraph<PlainMap<ProductionLimits>>;
extern template class PageGraph<PlainMap<TinyLimits>>;
extern template class ShadowMmu<PlainMap<ProductionLimits>>;
extern template class ShadowMmu<PlainMap<TinyLimits>>;

}  // namespace rmapdiff

#endif  // RMAPDIFF_FUZZERS_VOICES_PLAIN_MMU_H_
