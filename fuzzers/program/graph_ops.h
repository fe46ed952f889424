// The operations on a page graph: its pages, sptes and reverse maps, one function of the MMU at a
// time. Part of ops.h, which says how the table works.
//
// How to read the descriptions
//   P(x)      x names a live page, else no_such_page; and one that is not on the list of zapped
//             pages, else page_zapped. (A pinned root that was zapped stays live, with
//             role.invalid.)
//   guards    are tested in the order of the text; the first that fails is the outcome, and nothing
//             has changed. "-> name" is that outcome.
//   value     is Outcome::value of an operation that applied; 0 where nothing is said.
//   top-up    the caches are topped up as the last guard, -> no_memory.
// Effects are those of the kernel function named, Linux 2.6.36, arch/x86/kvm/mmu.c.
#ifndef RMAPDIFF_FUZZERS_PROGRAM_GRAPH_OPS_H_
#define RMAPDIFF_FUZZERS_PROGRAM_GRAPH_OPS_H_

#include <cstdint>

#include "fuzzers/program/args.h"

namespace rmapdiff {

namespace ops {

// ---- Pages ----

// Guards: `page` is taken (live or zapped) -> page_exists; with a parent: P(parent), parent.level
// != level + 1 -> wrong_level, the slot parent[index] holds a leaf or a link -> slot_busy. An
// indirect page whose gfn has no memslot -> no_slot. Top-up. A direct page's gfn is aligned down to
// what the whole page maps (frames(level + 1)). Effect: kvm_mmu_alloc_page with the parent slot
// recorded, role {level, direct, access = all}, account_shadowed if indirect (write_count of levels
// 2 and 3), spt filled with trap, then the parent slot is written (link_shadow_page). Head of the
// active list. stats.cache_miss + 1.
struct AllocPage {
  static constexpr const char* kName = "alloc_page";
  static constexpr OpGroup kGroup = OpGroup::kPage;
  static constexpr int kWeight = 10;
  static constexpr const char* kHelp = "allocate a shadow page, linked from parent[index] if given";
  PageArg page;
  LevelArg level;
  FlagArg direct;
  GfnArg gfn;
  MaybePageArg parent;
  IndexArg index;
  static constexpr void Fields(auto& op, auto&& field) {
    field("page", op.page);
    field("level", op.level);
    field("direct", op.direct);
    field("gfn", op.gfn);
    field("parent", op.parent);
    field("index", op.index);
  }
  friend bool operator==(const AllocPage&, const AllocPage&) = default;
};

// Guards: P(page); root_count is already 3 -> pin_limit; page is invalid -> page_zapped.
// Effect: ++root_count (mmu_alloc_roots). Value: the new root_count.
struct Pin {
  static constexpr const char* kName = "pin";
  static constexpr OpGroup kGroup = OpGroup::kPage;
  static constexpr int kWeight = 3;
  static constexpr const char* kHelp = "take the page as an active root";
  PageArg page;
  static constexpr void Fields(auto& op, auto&& field) { field("page", op.page); }
  friend bool operator==(const Pin&, const Pin&) = default;
};

// Guards: P(page); root_count is 0 -> not_pinned.
// Effect: --root_count; if it is now 0 and the page is invalid, prepare_zap_page and
// commit_zap_page on a list of its own (mmu_free_roots). Value: the new root_count.
struct Unpin {
  static constexpr const char* kName = "unpin";
  static constexpr OpGroup kGroup = OpGroup::kPage;
  static constexpr int kWeight = 3;
  static constexpr const char* kHelp =
      "give an active root back; an invalid one is freed with the last";
  PageArg page;
  static constexpr void Fields(auto& op, auto&& field) { field("page", op.page); }
  friend bool operator==(const Unpin&, const Unpin&) = default;
};

// ---- Parents ----

// Guards: P(page), P(parent); page is invalid -> page_zapped; parent.level != page.level + 1 ->
// wrong_level; parent[index] holds a leaf or a link -> slot_busy. Top-up.
// Effect: the hit path of kvm_mmu_get_page: mmu_page_add_parent_pte, then if the child is unsync or
// has unsync children, mark its parents unsync. Then keep=yes: write the slot (link_shadow_page);
// keep=no: kvm_mmu_put_page, which removes the parent again and leaves the slot non-present (trap).
struct Link {
  static constexpr const char* kName = "link";
  static constexpr OpGroup kGroup = OpGroup::kParent;
  static constexpr int kWeight = 14;
  static constexpr const char* kHelp =
      "make parent[index] point at page (keep=no: and give up before writing it)";
  PageArg page;
  PageArg parent;
  IndexArg index;
  FlagArg keep;
  static constexpr void Fields(auto& op, auto&& field) {
    field("page", op.page);
    field("parent", op.parent);
    field("index", op.index);
    field("keep", op.keep);
  }
  friend bool operator==(const Link&, const Link&) = default;
};

// Guards: P(parent); parent[index] is no link -> not_present.
// Effect: mmu_page_remove_parent_pte of the child, the slot becomes trap.
struct Unlink {
  static constexpr const char* kName = "unlink";
  static constexpr OpGroup kGroup = OpGroup::kParent;
  static constexpr int kWeight = 8;
  static constexpr const char* kHelp = "remove the link parent[index]";
  PageArg parent;
  IndexArg index;
  static constexpr void Fields(auto& op, auto&& field) {
    field("parent", op.parent);
    field("index", op.index);
  }
  friend bool operator==(const Unlink&, const Unlink&) = default;
};

// Guards: P(page). Effect: none (mmu_parent_walk). Value: the number of parents walked.
struct ParentWalk {
  static constexpr const char* kName = "parent_walk";
  static constexpr OpGroup kGroup = OpGroup::kParent;
  static constexpr int kWeight = 2;
  static constexpr const char* kHelp = "walk the parents of the page";
  PageArg page;
  static constexpr void Fields(auto& op, auto&& field) { field("page", op.page); }
  friend bool operator==(const ParentWalk&, const ParentWalk&) = default;
};

// Guards: P(page). Effect: kvm_mmu_unlink_parents: every parent slot becomes trap, the list empty;
// the parents' unsync bits stay as they are. Value: the number of parents that were removed.
struct UnlinkParents {
  static constexpr const char* kName = "unlink_parents";
  static constexpr OpGroup kGroup = OpGroup::kParent;
  static constexpr int kWeight = 2;
  static constexpr const char* kHelp = "remove every link to the page";
  PageArg page;
  static constexpr void Fields(auto& op, auto&& field) { field("page", op.page); }
  friend bool operator==(const UnlinkParents&, const UnlinkParents&) = default;
};

// Guards: P(page). Effect: kvm_mmu_page_unlink_children: links are removed from the children's
// parent lists, leaves dropped (large ones: --lpages first), all slots become trap.
// Value: the number of slots that were present.
struct UnlinkChildren {
  static constexpr const char* kName = "unlink_children";
  static constexpr OpGroup kGroup = OpGroup::kParent;
  static constexpr int kWeight = 2;
  static constexpr const char* kHelp = "empty the page: remove its links and drop its leaves";
  PageArg page;
  static constexpr void Fields(auto& op, auto&& field) { field("page", op.page); }
  friend bool operator==(const UnlinkChildren&, const UnlinkChildren&) = default;
};

// ---- Leaves ----

// Guards: P(page); page.level is 4 -> wrong_level; the gfn has no memslot -> no_slot; the slot
// holds a leaf or a link -> slot_busy. Top-up. The gfn: of a direct page it is page.gfn + index *
// frames(level) and the argument is ignored; of an indirect page the argument, aligned down to
// frames(level). The host frame is HostPfn(gfn, generation), the generation being what the last
// set_pte on that reverse map said, first 0. Effect: the slot becomes MakeLeaf(...), rmap_add, slot
// bit set, ++lpages if level > 1. If the list had more than recycle_threshold entries before:
// rmap_recycle (the whole list is unmapped, this leaf too; remote flush; stats.recycled + 1).
// Value: 1 if recycled, else 0.
struct Map {
  static constexpr const char* kName = "map";
  static constexpr OpGroup kGroup = OpGroup::kLeaf;
  static constexpr int kWeight = 30;
  static constexpr const char* kHelp = "map gfn by the empty slot page[index]";
  PageArg page;
  IndexArg index;
  GfnArg gfn;
  FlagArg write;
  FlagArg speculative;
  static constexpr void Fields(auto& op, auto&& field) {
    field("page", op.page);
    field("index", op.index);
    field("gfn", op.gfn);
    field("write", op.write);
    field("speculative", op.speculative);
  }
  friend bool operator==(const Map&, const Map&) = default;
};

// Guards: P(page); page.level is 4 -> wrong_level; page is indirect and the gfn has no memslot ->
// no_slot. Then `map` with speculative=no for each of the slots index .. index + count - 1 that
// exists; slots where `map` does not apply are passed over (a failed top-up, too).
// Value: the number mapped, plus the number of recycles << 16.
struct MapMany {
  static constexpr const char* kName = "map_many";
  static constexpr OpGroup kGroup = OpGroup::kLeaf;
  static constexpr int kWeight = 4;
  static constexpr const char* kHelp = "map gfn by count slots from page[index] on, as forks do";
  PageArg page;
  IndexArg index;
  GfnArg gfn;
  CountArg count;
  FlagArg write;
  static constexpr void Fields(auto& op, auto&& field) {
    field("page", op.page);
    field("index", op.index);
    field("gfn", op.gfn);
    field("count", op.count);
    field("write", op.write);
  }
  friend bool operator==(const MapMany&, const MapMany&) = default;
};

// Guards: P(page); the slot holds no leaf -> not_present.
// Effect: --lpages if large, then drop_spte(trap, or notrap if asked).
struct Drop {
  static constexpr const char* kName = "drop";
  static constexpr OpGroup kGroup = OpGroup::kLeaf;
  static constexpr int kWeight = 14;
  static constexpr const char* kHelp = "drop the leaf page[index]";
  PageArg page;
  IndexArg index;
  FlagArg notrap;
  static constexpr void Fields(auto& op, auto&& field) {
    field("page", op.page);
    field("index", op.index);
    field("notrap", op.notrap);
  }
  friend bool operator==(const Drop&, const Drop&) = default;
};

// Guards: P(page); the slot holds no leaf -> not_present.
// Effect: the guest reads or writes through the leaf, so the hardware sets the accessed bit (and
// for a write the dirty bit) of the masks; a write through a read-only leaf faults and sets
// nothing. Value: 1 if the access went through, else 0.
struct Touch {
  static constexpr const char* kName = "touch";
  static constexpr OpGroup kGroup = OpGroup::kLeaf;
  static constexpr int kWeight = 6;
  static constexpr const char* kHelp = "let the guest access memory through page[index]";
  PageArg page;
  IndexArg index;
  FlagArg write;
  static constexpr void Fields(auto& op, auto&& field) {
    field("page", op.page);
    field("index", op.index);
    field("write", op.write);
  }
  friend bool operator==(const Touch&, const Touch&) = default;
};

// ---- Reverse maps ----

// Guards: no memslot -> no_slot. Effect: rmap_write_protect. Value: its result (0 or 1).
struct WriteProtect {
  static constexpr const char* kName = "write_protect";
  static constexpr OpGroup kGroup = OpGroup::kRmap;
  static constexpr int kWeight = 8;
  static constexpr const char* kHelp =
      "write-protect gfn: level 1 loses W, writable large leaves are dropped";
  GfnArg gfn;
  static constexpr void Fields(auto& op, auto&& field) { field("gfn", op.gfn); }
  friend bool operator==(const WriteProtect&, const WriteProtect&) = default;
};

// Guards: no memslot -> no_slot. Effect: kvm_unmap_rmapp on the gfn's list of that level.
// Value: 1 if anything was mapped.
struct Unmap {
  static constexpr const char* kName = "unmap";
  static constexpr OpGroup kGroup = OpGroup::kRmap;
  static constexpr int kWeight = 4;
  static constexpr const char* kHelp = "unmap gfn at one level, as the mmu notifier does";
  GfnArg gfn;
  RmapLevelArg level;
  static constexpr void Fields(auto& op, auto&& field) {
    field("gfn", op.gfn);
    field("level", op.level);
  }
  friend bool operator==(const Unmap&, const Unmap&) = default;
};

// Guards: no memslot -> no_slot. Effect: the host frame of that reverse map changes (its generation
// becomes `host`), then kvm_set_pte_rmapp: writable: all dropped; read-only: frame replaced; a
// remote flush if the list was not empty. HostPfn takes the first gfn of the large page.
struct SetPte {
  static constexpr const char* kName = "set_pte";
  static constexpr OpGroup kGroup = OpGroup::kRmap;
  static constexpr int kWeight = 4;
  static constexpr const char* kHelp =
      "the host moves gfn's page (change_pte), writable or read-only";
  GfnArg gfn;
  RmapLevelArg level;
  HostArg host;
  FlagArg write;
  static constexpr void Fields(auto& op, auto&& field) {
    field("gfn", op.gfn);
    field("level", op.level);
    field("host", op.host);
    field("write", op.write);
  }
  friend bool operator==(const SetPte&, const SetPte&) = default;
};

// Guards: no memslot -> no_slot. Effect: kvm_age_rmapp (without an accessed mask: kvm_unmap_rmapp).
// Value: its result (0 or 1).
struct Age {
  static constexpr const char* kName = "age";
  static constexpr OpGroup kGroup = OpGroup::kRmap;
  static constexpr int kWeight = 4;
  static constexpr const char* kHelp =
      "test and clear the accessed bits of gfn's leaves at one level";
  GfnArg gfn;
  RmapLevelArg level;
  static constexpr void Fields(auto& op, auto&& field) {
    field("gfn", op.gfn);
    field("level", op.level);
  }
  friend bool operator==(const Age&, const Age&) = default;
};

// Guards: P(page); the slot holds no leaf -> not_present.
// Effect: rmap_recycle on the leaf's list: all of it is unmapped, remote flush, stats.recycled + 1.
struct Recycle {
  static constexpr const char* kName = "recycle";
  static constexpr OpGroup kGroup = OpGroup::kRmap;
  static constexpr int kWeight = 2;
  static constexpr const char* kHelp = "recycle the reverse map that the leaf page[index] is on";
  PageArg page;
  IndexArg index;
  static constexpr void Fields(auto& op, auto&& field) {
    field("page", op.page);
    field("index", op.index);
  }
  friend bool operator==(const Recycle&, const Recycle&) = default;
};

// Guards: no memslot -> no_slot. Effect: none. Value: the MMU's own count of the list (rmap_count).
struct RmapCount {
  static constexpr const char* kName = "rmap_count";
  static constexpr OpGroup kGroup = OpGroup::kRmap;
  static constexpr int kWeight = 2;
  static constexpr const char* kHelp = "count the reverse map of gfn at one level";
  GfnArg gfn;
  RmapLevelArg level;
  static constexpr void Fields(auto& op, auto&& field) {
    field("gfn", op.gfn);
    field("level", op.level);
  }
  friend bool operator==(const RmapCount&, const RmapCount&) = default;
};

// ---- Unsync ----

// Guards: P(page); page is not an indirect level 1 page -> wrong_level; page is invalid ->
// page_zapped; page is unsync -> already_unsync.
// Effect: __kvm_unsync_page: stats.unsync + 1, unsync = true, parents marked unsync, and each
// notrap slot becomes trap.
struct Unsync {
  static constexpr const char* kName = "unsync";
  static constexpr OpGroup kGroup = OpGroup::kUnsync;
  static constexpr int kWeight = 5;
  static constexpr const char* kHelp = "let the page go out of sync, and mark its parents";
  PageArg page;
  static constexpr void Fields(auto& op, auto&& field) { field("page", op.page); }
  friend bool operator==(const Unsync&, const Unsync&) = default;
};

// Guards: P(page); page is not unsync -> not_unsync.
// Effect: kvm_unlink_unsync_page: stats.unsync - 1, unsync = false; the parents' bits stay set.
struct Sync {
  static constexpr const char* kName = "sync";
  static constexpr OpGroup kGroup = OpGroup::kUnsync;
  static constexpr int kWeight = 3;
  static constexpr const char* kHelp = "bring the page back in sync; its parents' bits stay";
  PageArg page;
  static constexpr void Fields(auto& op, auto&& field) { field("page", op.page); }
  friend bool operator==(const Sync&, const Sync&) = default;
};

// Guards: P(page). Effect: mmu_sync_children's walk: every unsync page that present links lead to
// is brought in sync (kvm_unlink_unsync_page) and the bits on the walked paths are cleared.
// Value: the number of pages brought in sync. (A level 1 page has no children: 0.)
struct SyncChildren {
  static constexpr const char* kName = "sync_children";
  static constexpr OpGroup kGroup = OpGroup::kUnsync;
  static constexpr int kWeight = 3;
  static constexpr const char* kHelp = "bring every unsync page below the page in sync";
  PageArg page;
  static constexpr void Fields(auto& op, auto&& field) { field("page", op.page); }
  friend bool operator==(const SyncChildren&, const SyncChildren&) = default;
};

// ---- Zap ----

// Guards: P(page). Effect: kvm_mmu_prepare_zap_page onto the program's list of zapped pages: first
// each unsync page below it is zapped the same way, then its children and parents are unlinked,
// unaccount_shadowed if indirect and not yet invalid, unsync cleared (stats.unsync - 1). A pinned
// page goes to the head of the active list instead (and all vcpus reload: stats.reload + 1).
// role.invalid is set; stats.zapped + 1. Value: what the kernel returns: unsync pages zapped on the
// way, plus 1 unless pinned.
struct Zap {
  static constexpr const char* kName = "zap";
  static constexpr OpGroup kGroup = OpGroup::kZap;
  static constexpr int kWeight = 4;
  static constexpr const char* kHelp =
      "prepare to zap the page: empty it, unlink it, list it as zapped";
  PageArg page;
  static constexpr void Fields(auto& op, auto&& field) { field("page", op.page); }
  friend bool operator==(const Zap&, const Zap&) = default;
};

// Effect: kvm_mmu_commit_zap_page: if pages are on the program's list, remote flush and free them.
// Value: the number freed.
struct Commit {
  static constexpr const char* kName = "commit";
  static constexpr OpGroup kGroup = OpGroup::kZap;
  static constexpr int kWeight = 4;
  static constexpr const char* kHelp = "flush and free the zapped pages";
  static constexpr void Fields(auto&, auto&&) {}
  friend bool operator==(const Commit&, const Commit&) = default;
};

// Effect: up to `count` times: the tail of the active list, if there is one, is zapped (as by
// `zap`, but onto a list of its own; a pinned page moves to the head); then that list is committed.
// Value: the sum of what prepare_zap_page returned.
struct Shrink {
  static constexpr const char* kName = "shrink";
  static constexpr OpGroup kGroup = OpGroup::kZap;
  static constexpr int kWeight = 2;
  static constexpr const char* kHelp =
      "memory pressure: zap up to count pages from the tail of the active list";
  CountArg count;
  static constexpr void Fields(auto& op, auto&& field) { field("count", op.count); }
  friend bool operator==(const Shrink&, const Shrink&) = default;
};

// ---- Misuse: what no correct engine does. Header bit `misuse` off -> misuse_off (first guard).
// ---- After a misuse that went through its guards the program ends: the state is not comparable
// any more. docs/contract.md says what each MMU does, with the D-number.

// Guards: P(page); page.level is 4 -> wrong_level; the gfn (as in `map`) has no memslot -> no_slot;
// the slot holds a leaf or a link -> slot_busy. Effect: rmap_remove of a slot that is on no list.
// Outcome: bug rmap_remove (D10).
struct MisuseRemove {
  static constexpr const char* kName = "misuse_remove";
  static constexpr OpGroup kGroup = OpGroup::kMisuse;
  static constexpr int kWeight = 1;
  static constexpr const char* kHelp = "remove page[index] from gfn's reverse map, where it is not";
  PageArg page;
  IndexArg index;
  GfnArg gfn;
  static constexpr void Fields(auto& op, auto&& field) {
    field("page", op.page);
    field("index", op.index);
    field("gfn", op.gfn);
  }
  friend bool operator==(const MisuseRemove&, const MisuseRemove&) = default;
};

// Guards: P(page); P(parent) unless none; parent[index] links to page -> slot_busy.
// Effect: mmu_page_remove_parent_pte(page, &parent[index] or NULL). Outcome: bug remove_parent, but
// with parent=none on a page without parents the legacy MMU returns ok (D11).
struct MisuseRemoveParent {
  static constexpr const char* kName = "misuse_remove_parent";
  static constexpr OpGroup kGroup = OpGroup::kMisuse;
  static constexpr int kWeight = 1;
  static constexpr const char* kHelp = "remove a parent that the page does not have";
  PageArg page;
  MaybePageArg parent;
  IndexArg index;
  static constexpr void Fields(auto& op, auto&& field) {
    field("page", op.page);
    field("parent", op.parent);
    field("index", op.index);
  }
  friend bool operator==(const MisuseRemoveParent&, const MisuseRemoveParent&) = default;
};

// Guards: P(page); the slot holds no leaf -> not_present. Top-up.
// Effect: rmap_add of a slot that is listed already, then the list is counted. The legacy MMU has
// it twice and returns ok; the sibling list becomes a cycle, in which rmap_add itself never ends:
// bug cycle (D12). Another reverse map may say either.
struct MisuseAddTwice {
  static constexpr const char* kName = "misuse_add_twice";
  static constexpr OpGroup kGroup = OpGroup::kMisuse;
  static constexpr int kWeight = 1;
  static constexpr const char* kHelp = "add the leaf page[index] to its reverse map once more";
  PageArg page;
  IndexArg index;
  static constexpr void Fields(auto& op, auto&& field) {
    field("page", op.page);
    field("index", op.index);
  }
  friend bool operator==(const MisuseAddTwice&, const MisuseAddTwice&) = default;
};

// Guards: P(page); page is direct -> wrong_level; no memslot -> no_slot; the slot holds no leaf ->
// not_present; gfn (aligned as in `map`) is the leaf's own reverse map -> slot_busy.
// Effect: gfns[index] is overwritten, then rmap_remove. Outcome: bug rmap_remove (D18).
struct MisuseWrongGfn {
  static constexpr const char* kName = "misuse_wrong_gfn";
  static constexpr OpGroup kGroup = OpGroup::kMisuse;
  static constexpr int kWeight = 1;
  static constexpr const char* kHelp =
      "change gfns[index] behind the leaf page[index], then remove it";
  PageArg page;
  IndexArg index;
  GfnArg gfn;
  static constexpr void Fields(auto& op, auto&& field) {
    field("page", op.page);
    field("index", op.index);
    field("gfn", op.gfn);
  }
  friend bool operator==(const MisuseWrongGfn&, const MisuseWrongGfn&) = default;
};

// Guards: P(page); page is indirect or of level 4 -> wrong_level; the gfn has no memslot ->
// no_slot; the slot holds a leaf or a link -> slot_busy; the gfn (not aligned) is what the direct
// page maps there -> not_present. Effect: the leaf is written and rmap_add called with that gfn.
// Outcome: bug set_gfn.
struct MisuseSetGfn {
  static constexpr const char* kName = "misuse_set_gfn";
  static constexpr OpGroup kGroup = OpGroup::kMisuse;
  static constexpr int kWeight = 1;
  static constexpr const char* kHelp = "map a gfn by a slot of a direct page that maps another";
  PageArg page;
  IndexArg index;
  GfnArg gfn;
  static constexpr void Fields(auto& op, auto&& field) {
    field("page", op.page);
    field("index", op.index);
    field("gfn", op.gfn);
  }
  friend bool operator==(const MisuseSetGfn&, const MisuseSetGfn&) = default;
};

}  // namespace ops

}  // namespace rmapdiff

#endif  // RMAPDIFF_FUZZERS_PROGRAM_GRAPH_OPS_H_
