// The operations on a page graph: its pages, sptes and reverse maps, one function of the MMU at a
// time. Part of ops.h, which explains the table.
//
// How to read the descriptions
//   P(x)      x names a live page, else no_such_page. The page is not on the list of zapped pages,
//             else page_zapped. (A pinned root that was zapped stays live, with role.invalid.)
//   guards    are tested in the order of the text. "Condition -> name": if the condition holds, the
//             outcome is `name` and nothing has changed.
//   the slot  is page[index]. A busy slot holds a leaf or a link.
//   value     is Outcome::value of an operation that applied; 0 if the text has none.
//   top-up    the caches are topped up as the last guard, -> no_memory.
// Effects are those of the kernel function named, Linux 2.6.36, arch/x86/kvm/mmu.c.
#ifndef RMAPDIFF_FUZZERS_PROGRAM_GRAPH_OPS_H_
#define RMAPDIFF_FUZZERS_PROGRAM_GRAPH_OPS_H_

#include "fuzzers/program/operation.h"

namespace rmapdiff {

namespace ops {

// ---- Pages ----

// Guards: `page` is taken (live or zapped) -> page_exists. With a parent: P(parent). With a parent
// whose level is not level + 1 -> wrong_level. With a parent whose slot parent[index] is busy ->
// slot_busy. An indirect page whose gfn has no memslot -> no_slot. Top-up.
// Effect: kvm_mmu_alloc_page with the parent slot recorded, and role {level, direct, access = all}.
// A direct page's gfn is aligned down to the range of the whole page, frames(level + 1). An
// indirect page calls account_shadowed (write_count of levels 2 and 3). The spt is filled with
// trap, then the parent slot is written (link_shadow_page). The page is the head of the active
// list. stats.cache_miss + 1.
RMAPDIFF_OPERATION(AllocPage, "alloc_page", kPage, 10,
                   "allocate a shadow page, linked from parent[index] if given", (PageArg, page),
                   (LevelArg, level), (FlagArg, direct), (GfnArg, gfn), (MaybePageArg, parent),
                   (IndexArg, index));

// Guards: P(page); root_count is already 3 -> pin_limit; page is invalid -> page_zapped.
// Effect: ++root_count (mmu_alloc_roots). Value: the new root_count.
RMAPDIFF_OPERATION(Pin, "pin", kPage, 3, "take the page as an active root", (PageArg, page));

// Guards: P(page); root_count is 0 -> not_pinned.
// Effect: --root_count (mmu_free_roots). If it is now 0 and the page is invalid: prepare_zap_page
// and commit_zap_page on a list of its own. Value: the new root_count.
RMAPDIFF_OPERATION(Unpin, "unpin", kPage, 3,
                   "give an active root back; an invalid one is freed with the last",
                   (PageArg, page));

// ---- Parents ----

// Guards: P(page), P(parent). An invalid page -> page_zapped. parent.level != page.level + 1 ->
// wrong_level. A busy slot parent[index] -> slot_busy. Top-up.
// Effect: the hit path of kvm_mmu_get_page. First mmu_page_add_parent_pte. Then, if the child is
// unsync or has unsync children, its parents are marked unsync. With keep=yes the slot is then
// written (link_shadow_page). With keep=no kvm_mmu_put_page removes the parent again and leaves the
// slot non-present (trap).
RMAPDIFF_OPERATION(Link, "link", kParent, 14,
                   "make parent[index] point at page (keep=no: and give up before writing it)",
                   (PageArg, page), (PageArg, parent), (IndexArg, index), (FlagArg, keep));

// Guards: P(parent); parent[index] holds no link -> not_present.
// Effect: mmu_page_remove_parent_pte of the child; the slot becomes trap.
RMAPDIFF_OPERATION(Unlink, "unlink", kParent, 8, "remove the link parent[index]", (PageArg, parent),
                   (IndexArg, index));

// Guards: P(page). Effect: none (mmu_parent_walk). Value: the number of parents walked.
RMAPDIFF_OPERATION(ParentWalk, "parent_walk", kParent, 2, "walk the parents of the page",
                   (PageArg, page));

// Guards: P(page). Effect: kvm_mmu_unlink_parents. Every parent slot becomes trap and the list is
// empty; the parents' unsync bits stay as they are. Value: the number of parents that were removed.
RMAPDIFF_OPERATION(UnlinkParents, "unlink_parents", kParent, 2, "remove every link to the page",
                   (PageArg, page));

// Guards: P(page). Effect: kvm_mmu_page_unlink_children. Links are removed from the children's
// parent lists. Leaves are dropped (before a large one: --lpages). All slots become trap. Value:
// the number of slots that were present.
RMAPDIFF_OPERATION(UnlinkChildren, "unlink_children", kParent, 2,
                   "empty the page: remove its links and drop its leaves", (PageArg, page));

// ---- Leaves ----

// Guards: P(page). Level 4 -> wrong_level. The gfn has no memslot -> no_slot. A busy slot ->
// slot_busy. Top-up.
// The gfn of a direct page is page.gfn + index * frames(level), and the argument is ignored. The
// gfn of an indirect page is the argument, aligned down to frames(level). The host frame is
// HostPfn(gfn, generation). The generation is that of the last set_pte on the same reverse map,
// first 0.
// Effect: the slot becomes MakeLeaf(...), rmap_add, slot bit set, ++lpages if level > 1. If the
// list had more than recycle_threshold entries before: rmap_recycle. It unmaps the whole list, this
// leaf too; remote flush; stats.recycled + 1. Value: 1 if recycled, else 0.
RMAPDIFF_OPERATION(Map, "map", kLeaf, 30, "map gfn by the empty slot page[index]", (PageArg, page),
                   (IndexArg, index), (GfnArg, gfn), (FlagArg, write), (FlagArg, speculative));

// Guards: P(page). Level 4 -> wrong_level. An indirect page and a gfn without a memslot -> no_slot.
// Effect: `map` with speculative=no for each of the slots index .. index + count - 1 that exists.
// Slots where `map` does not apply are passed over, those with a failed top-up too. Value: the
// number mapped, plus the number of recycles << 16.
RMAPDIFF_OPERATION(MapMany, "map_many", kLeaf, 4,
                   "map gfn by count slots from page[index] on, as forks do", (PageArg, page),
                   (IndexArg, index), (GfnArg, gfn), (CountArg, count), (FlagArg, write));

// Guards: P(page); the slot holds no leaf -> not_present.
// Effect: --lpages if large, then drop_spte(trap, or notrap if asked).
RMAPDIFF_OPERATION(Drop, "drop", kLeaf, 14, "drop the leaf page[index]", (PageArg, page),
                   (IndexArg, index), (FlagArg, notrap));

// Guards: P(page); the slot holds no leaf -> not_present.
// Effect: the guest reads or writes through the leaf. The hardware sets the accessed bit of the
// masks, and for a write the dirty bit. A write through a read-only leaf faults and sets nothing.
// Value: 1 if the access went through, else 0.
RMAPDIFF_OPERATION(Touch, "touch", kLeaf, 6, "let the guest access memory through page[index]",
                   (PageArg, page), (IndexArg, index), (FlagArg, write));

// ---- Reverse maps ----

// Guards: no memslot -> no_slot. Effect: rmap_write_protect. Value: its result (0 or 1).
RMAPDIFF_OPERATION(WriteProtect, "write_protect", kRmap, 8,
                   "write-protect gfn: level 1 loses W, writable large leaves are dropped",
                   (GfnArg, gfn));

// Guards: no memslot -> no_slot. Effect: kvm_unmap_rmapp on the gfn's list of that level.
// Value: 1 if anything was mapped.
RMAPDIFF_OPERATION(Unmap, "unmap", kRmap, 4, "unmap gfn at one level, as the mmu notifier does",
                   (GfnArg, gfn), (RmapLevelArg, level));

// Guards: no memslot -> no_slot. Effect: the host frame of that reverse map changes: its generation
// becomes `host`. HostPfn takes the first gfn of the large page. Then kvm_set_pte_rmapp. Writable:
// all leaves are dropped. Read-only: their frame is replaced. A remote flush if the list was not
// empty.
RMAPDIFF_OPERATION(SetPte, "set_pte", kRmap, 4,
                   "the host moves gfn's page (change_pte), writable or read-only", (GfnArg, gfn),
                   (RmapLevelArg, level), (HostArg, host), (FlagArg, write));

// Guards: no memslot -> no_slot. Effect: kvm_age_rmapp (without an accessed mask: kvm_unmap_rmapp).
// Value: its result (0 or 1).
RMAPDIFF_OPERATION(Age, "age", kRmap, 4,
                   "test and clear the accessed bits of gfn's leaves at one level", (GfnArg, gfn),
                   (RmapLevelArg, level));

// Guards: P(page); the slot holds no leaf -> not_present.
// Effect: rmap_recycle on the leaf's list: all of it is unmapped, remote flush, stats.recycled + 1.
RMAPDIFF_OPERATION(Recycle, "recycle", kRmap, 2,
                   "recycle the reverse map that the leaf page[index] is on", (PageArg, page),
                   (IndexArg, index));

// Guards: no memslot -> no_slot. Effect: none. Value: the MMU's own count of the list (rmap_count).
RMAPDIFF_OPERATION(RmapCount, "rmap_count", kRmap, 2, "count the reverse map of gfn at one level",
                   (GfnArg, gfn), (RmapLevelArg, level));

// ---- Unsync ----

// Guards: P(page). Not an indirect level 1 page -> wrong_level. An invalid page -> page_zapped. An
// unsync page -> already_unsync.
// Effect: __kvm_unsync_page: stats.unsync + 1, unsync = true, parents marked unsync. Each notrap
// slot becomes trap.
RMAPDIFF_OPERATION(Unsync, "unsync", kUnsync, 5,
                   "let the page go out of sync, and mark its parents", (PageArg, page));

// Guards: P(page); page is not unsync -> not_unsync.
// Effect: kvm_unlink_unsync_page: stats.unsync - 1, unsync = false; the parents' bits stay set.
RMAPDIFF_OPERATION(Sync, "sync", kUnsync, 3, "bring the page back in sync; its parents' bits stay",
                   (PageArg, page));

// Guards: P(page). Effect: mmu_sync_children's walk brings every unsync page that present links
// lead to in sync (kvm_unlink_unsync_page). It clears the bits on the walked paths. Value: the
// number of pages brought in sync. (A level 1 page has no children: 0.)
RMAPDIFF_OPERATION(SyncChildren, "sync_children", kUnsync, 3,
                   "bring every unsync page below the page in sync", (PageArg, page));

// ---- Zap ----

// Guards: P(page). Effect: kvm_mmu_prepare_zap_page onto the program's list of zapped pages. First
// each unsync page below it is zapped the same way. Then its children and parents are unlinked.
// Then unaccount_shadowed if indirect and not yet invalid. Then unsync, if set, is cleared
// (stats.unsync - 1). Then role.invalid is set; stats.zapped + 1. A pinned page goes to the head of
// the active list instead of onto the list of zapped pages. For such a page all vcpus reload
// (stats.reload + 1).
// Value: the kernel's result: unsync pages zapped on the way, plus 1 unless pinned.
RMAPDIFF_OPERATION(Zap, "zap", kZap, 4,
                   "prepare to zap the page: empty it, unlink it, list it as zapped",
                   (PageArg, page));

// Effect: kvm_mmu_commit_zap_page: if pages are on the program's list, remote flush and free them.
// Value: the number freed.
RMAPDIFF_OPERATION(Commit, "commit", kZap, 4, "flush and free the zapped pages");

// Effect: up to `count` times, the tail of the active list is zapped, if there is one. It is zapped
// as by `zap`, but onto a list of its own; a pinned page moves to the head. At the end that list is
// committed. Value: the sum of the results of prepare_zap_page.
RMAPDIFF_OPERATION(Shrink, "shrink", kZap, 2,
                   "memory pressure: zap up to count pages from the tail of the active list",
                   (CountArg, count));

// ---- Misuse: no correct engine does this ----
//
// The first guard: the header's `misuse` is off -> misuse_off. After a misuse that went through its
// guards the program ends, as the state is not comparable any more. See docs/contract.md for the
// behaviour of each MMU and the D-number.

// Guards: P(page). Level 4 -> wrong_level. The gfn (as in `map`) has no memslot -> no_slot. A busy
// slot -> slot_busy. Effect: rmap_remove of a slot that is on no list. Outcome: bug rmap_remove
// (D10).
RMAPDIFF_OPERATION(MisuseRemove, "misuse_remove", kMisuse, 1,
                   "remove page[index] from gfn's reverse map, where it is not", (PageArg, page),
                   (IndexArg, index), (GfnArg, gfn));

// Guards: P(page); P(parent) unless none; parent[index] links to page -> slot_busy.
// Effect: mmu_page_remove_parent_pte(page, &parent[index] or NULL). Outcome: bug remove_parent.
// With parent=none on a page without parents the legacy MMU returns ok instead (D11).
RMAPDIFF_OPERATION(MisuseRemoveParent, "misuse_remove_parent", kMisuse, 1,
                   "remove a parent that the page does not have", (PageArg, page),
                   (MaybePageArg, parent), (IndexArg, index));

// Guards: P(page); the slot holds no leaf -> not_present. Top-up.
// Effect: rmap_add of a slot that is listed already, then the list is counted. The legacy MMU has
// it twice and returns ok. The sibling list becomes a cycle, in which rmap_add itself never ends:
// bug cycle (D12). Another reverse map may say either.
RMAPDIFF_OPERATION(MisuseAddTwice, "misuse_add_twice", kMisuse, 1,
                   "add the leaf page[index] to its reverse map once more", (PageArg, page),
                   (IndexArg, index));

// Guards: P(page). A direct page -> wrong_level. No memslot -> no_slot. The slot holds no leaf ->
// not_present. The gfn (aligned as in `map`) is that of the leaf's own reverse map -> slot_busy.
// Effect: gfns[index] is overwritten, then rmap_remove. Outcome: bug rmap_remove (D18).
RMAPDIFF_OPERATION(MisuseWrongGfn, "misuse_wrong_gfn", kMisuse, 1,
                   "change gfns[index] behind the leaf page[index], then remove it",
                   (PageArg, page), (IndexArg, index), (GfnArg, gfn));

// Guards: P(page). Not a direct page of levels 1 to 3 -> wrong_level. The gfn has no memslot ->
// no_slot. A busy slot -> slot_busy. The gfn (not aligned) is the one that the direct page maps
// there -> not_present. Effect: the leaf is written and rmap_add called with that gfn. Outcome: bug
// set_gfn.
RMAPDIFF_OPERATION(MisuseSetGfn, "misuse_set_gfn", kMisuse, 1,
                   "map a gfn by a slot of a direct page that maps another", (PageArg, page),
                   (IndexArg, index), (GfnArg, gfn));

}  // namespace ops

}  // namespace rmapdiff

#endif  // RMAPDIFF_FUZZERS_PROGRAM_GRAPH_OPS_H_
