// The auditor: rebuilds the truth about one MMU from its raw words, and asks nobody else.
//
// Reverse maps and parent sets are derived from spt words and gfns and compared with the lists both
// ways, so that nothing is missing and nothing is extra. It finds what both MMUs get wrong alike.
//
// Invariants checked (Linux 2.6.36; docs/contract.md gives the reasons)
//  1. Each present leaf is exactly once on the rmap of (its gfn, its page's level), and each entry
//     of an rmap is such a leaf.
//  2. Each present link is exactly once on the parent list of the page it points at, and each
//     parent is such a link. No link points at nothing, at a zapped page, or at a page of a wrong
//     level.
//  3. The MMU's own count of a list is its length.
//  4. unsync_children is the number of set bits; for each present link i to a child that is unsync
//     or has unsync children, bit i is set (bits may be stale-set, never missing). Only indirect
//     level 1 pages are unsync.
//  5. The write_count of a large page is its static bias (unaligned slot ends) plus the number of
//     indirect pages with a gfn in it that are not invalid.
//  6. Zapped pages are empty, without parents, invalid, not pinned; invalid pages that are not on
//     the zapped list are pinned. The active list holds each page that is not zapped exactly once.
//  7. The slot bit of each mapped leaf's memslot is set in its page. Leaves above level 1 are huge,
//     no leaf is at level 4, direct pages map what their gfn says.
// Not covered: whether a leaf should exist at all; that is the model's matter.
#ifndef RMAPDIFF_FUZZERS_JUDGES_AUDITOR_H_
#define RMAPDIFF_FUZZERS_JUDGES_AUDITOR_H_

#include <optional>

#include "fuzzers/state/observation.h"
#include "fuzzers/state/raw_state.h"

namespace rmapdiff {

// The first violated invariant, or nothing.
std::optional<Difference> Audit(const RawState& state);

}  // namespace rmapdiff

#endif  // RMAPDIFF_FUZZERS_JUDGES_AUDITOR_H_
