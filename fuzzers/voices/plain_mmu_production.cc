// The MMU below is a judge, too (JUDGE_COPTS in BUILD), with all that is in headers; the same code
// is watched and counted where the engines have it.
#if defined(__clang__)
#pragma clang attribute push(__attribute__((no_sanitize("coverage", "undefined"))), \
                             apply_to = function)
#endif

#include "fuzzers/voices/plain_mmu.h"
#include "mmu/shadow/shadow_mmu_functions.h"

namespace rmapdiff {

template class PageGraph<PlainMap<ProductionLimits>>;
template class ShadowMmu<PlainMap<ProductionLimits>>;

}  // namespace rmapdiff

#if defined(__clang__)
#pragma clang attribute pop
#endif
