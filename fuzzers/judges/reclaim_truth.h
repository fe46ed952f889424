// The judge of operations that take shadow pages away: quota, shrinker, zap_all, unprotect. It
// compares the pages before an operation with those after it, one by one.
//
//   quota      afterwards no more pages are left than were asked for, unless all of them are pinned
//              roots. Pages that had room all stay. One page may take its unsync children along
//   shrink     the answer is the number of pages before; the page at the tail goes, or is emptied
//              if it is pinned
//   zap_all    only pinned roots are left, invalid and empty
//   unprotect  the answer is whether the frame was shadowed; it is not afterwards
//   vcpu gone  all valid pages are left
//   numbers    the MMU's number of pages is their number, and they keep to the quota
//
// The order of the active list comes from the MMU. Not covered: which pages are the least useful.
#ifndef RMAPDIFF_FUZZERS_JUDGES_RECLAIM_TRUTH_H_
#define RMAPDIFF_FUZZERS_JUDGES_RECLAIM_TRUTH_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "fuzzers/judges/mmu_words.h"
#include "mmu/base/spte.h"
#include "mmu/base/types.h"

namespace rmapdiff::reclaim_truth {

using Wrong = std::optional<std::string>;

// If all pages are pinned, a fault can free none and needs some more. So there may be the roots of
// four vcpus and the pages of one fault, whatever the quota.
inline constexpr size_t kMostPinned = 4 * 4 + 4;

// `before` of each function: the words before the operation. Only its values count.

// `wanted` pages; `allocated`: what the MMU says it allows itself now.
Wrong QuotaSet(const MmuWords& before, const MmuWords& now, size_t wanted, size_t allocated);
// One call of the shrinker.
Wrong Shrunk(const MmuWords& before, const MmuWords& now, uint64_t answer);
// `trap`, `words`: of an empty page.
Wrong ZappedAll(const MmuWords& now, Spte trap, uint32_t words);
Wrong Unprotected(const MmuWords& before, const MmuWords& now, Gfn gfn, bool answer);
// A vcpu was destroyed.
Wrong VcpuGone(const MmuWords& before, const MmuWords& now);
// `live` pages and a quota of `allocated`, says the MMU.
Wrong Numbers(const MmuWords& now, size_t live, size_t allocated);

// Whether a valid page shadows the frame as a table.
bool IsShadowed(const MmuWords& words, Gfn gfn);

}  // namespace rmapdiff::reclaim_truth

#endif  // RMAPDIFF_FUZZERS_JUDGES_RECLAIM_TRUTH_H_
