// The auditor: rebuilds the truth about one MMU from its raw words, and from nothing else.
//
// It derives reverse maps and parent sets from spt words and gfns. It compares them with the lists
// both ways: no entry is missing, and none is extra. So it finds faults that both MMUs have alike.
//
// Invariants checked (Linux 2.6.36; docs/contract.md gives the reasons)
//  1. Each present leaf is exactly once on the rmap of (its gfn, its page's level). Each entry of
//     an rmap is such a leaf.
//  2. Each present link is exactly once on the parent list of its child, the page it points at.
//     Each parent is such a link. A child exists, is not zapped, and has the right level.
//  3. The MMU's own count of a list is its length.
//  4. unsync_children is the number of set bits. Bit i is set if link i is present and its child is
//     unsync or has unsync children. Stale bits may be set. Only indirect level 1 pages are unsync.
//  5. The write_count of a large page has a static bias, for unaligned slot ends. To that it adds
//     the number of valid indirect pages with a gfn in the large page.
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
