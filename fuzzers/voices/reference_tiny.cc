// The MMU below is a judge, too (JUDGE_COPTS in BUILD), with all that is in headers; the same code
// is watched and counted where the engines have it.
#if defined(__clang__)
#pragma clang attribute push(__attribute__((no_sanitize("coverage", "undefined"))), \
                             apply_to = function)
#endif

#include "fuzzers/voices/mmu_reference.h"

namespace rmapdiff {

std::unique_ptr<Reference> MakeTinyMmuReference(const Header& header) {
  return std::make_unique<MmuReference<TinyLimits>>(header);
}

}  // namespace rmapdiff

#if defined(__clang__)
#pragma clang attribute pop
#endif
