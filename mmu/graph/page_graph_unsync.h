// PageGraph: pages that are out of sync with the guest's tables, and the walk that finds them from
// above. Included by page_graph_functions.h.
//
// When a page goes unsync, all pages above it set the bit of the slot that leads down to it. A walk
// clears the bits of the path that it took. Other paths keep stale bits, which the next walk
// repairs. Marking stops at a page that had unsync children already. That is sound: its own parents
// cannot have lost their bits before its counter reaches 0.
#ifndef RMAPDIFF_MMU_GRAPH_PAGE_GRAPH_UNSYNC_H_
#define RMAPDIFF_MMU_GRAPH_PAGE_GRAPH_UNSYNC_H_

#include "mmu/graph/page_graph.h"

namespace rmapdiff {

// struct kvm_mmu_pages: one batch of a walk, in the order of descent. Each entry is a page, and the
// index of the slot in its parent that led to it.
template <ReverseMap R>
struct PageGraph<R>::UnsyncBatch {
  struct Entry {
    Page* page;
    uint32_t index;
  };
  std::array<Entry, Limits::kUnsyncBatch> entries;
  int size = 0;

  // mmu_pages_add. True if the batch is full now. An unsync page is added once.
  bool Add(Page& page, uint32_t index) {
    if (page.unsync) {
      for (int i = 0; i < size; ++i) {
        if (entries[static_cast<size_t>(i)].page == &page) return false;
      }
    }
    entries[static_cast<size_t>(size++)] = {&page, index};
    return size == Limits::kUnsyncBatch;
  }
};

// struct mmu_page_path: the path of the walk down to a level 1 page. The page of level l + 2 on the
// path is parents[l]. The slot that leads to the page of level l + 1 is indexes[l]. The kernel's
// arrays have three entries, and it stores a level 4 page in the fourth. These arrays have room for
// it.
template <ReverseMap R>
struct PageGraph<R>::UnsyncPath {
  std::array<Page*, kRootLevel> parents{};
  std::array<uint32_t, kRootLevel> indexes{};

  // mmu_pages_next: moves the path from the batch entry `i` to the next level 1 page. Returns the
  // position of that page in the batch, or the size of the batch if there is none.
  int Next(const UnsyncBatch& batch, int i) {
    for (++i; i < batch.size; ++i) {
      const auto& entry = batch.entries[static_cast<size_t>(i)];
      const size_t level = entry.page->role.level;
      indexes[level - 1] = entry.index;
      if (level == kPageTableLevel) return i;
      parents[level - 2] = entry.page;
    }
    return i;
  }
};

template <ReverseMap R>
void PageGraph<R>::MarkParentsUnsync(const Page& page) {
  map_.ForEachParent(page, [&](Spte* parent_pte) {
    Page& parent = PageOf(parent_pte);
    MarkUnsync(parent, IndexOf(parent, parent_pte));
  });
}

// mark_unsync.
template <ReverseMap R>
void PageGraph<R>::MarkUnsync(Page& page, uint32_t index) {
  if (page.unsync_child_bitmap[index]) return;
  page.unsync_child_bitmap.set(index);
  if (page.unsync_children++ != 0) return;
  MarkParentsUnsync(page);
}

template <ReverseMap R>
void PageGraph<R>::UnsyncPage(Page& page) {
  ++stats_.unsync;
  page.unsync = true;
  MarkParentsUnsync(page);
  if (masks_.trap == masks_.notrap) return;
  for (int i = 0; i < kEntries; ++i) {
    if (page.spt[i] == masks_.notrap) page.spt[i] = masks_.trap;
  }
}

template <ReverseMap R>
void PageGraph<R>::MarkSynced(Page& page) {
  page.unsync = false;
  --stats_.unsync;
}

template <ReverseMap R>
void PageGraph<R>::ClearUnsyncBit(Page& page, uint32_t index) {
  page.unsync_child_bitmap.reset(index);
  --page.unsync_children;
}

// __mmu_unsync_walk: adds the unsync pages below `page` to the batch, and the pages on the way to
// them. Returns how many it found, or -1 if the batch is full (-ENOSPC: the caller goes on with
// that batch). It clears stale bits on the way.
// Returns how many it found below; -1 if the batch is full (-ENOSPC: go on with what there is).
// Stale bits are cleared on the way.
template <ReverseMap R>
int PageGraph<R>::UnsyncWalk(Page& page, UnsyncBatch& batch) {
  int found = 0;
  for (uint32_t i = 0; i < kEntries; ++i) {
    if (!page.unsync_child_bitmap[i]) continue;
    const Spte spte = page.spt[i];
    if (!IsPresent(masks_, spte) || IsHuge(spte)) {
      ClearUnsyncBit(page, i);
      continue;
    }
    Page& child = static_cast<Page&>(*ChildOf(spte));
    if (child.unsync_children != 0) {
      if (batch.Add(child, i)) return -1;
      const int below = UnsyncWalk(child, batch);
      if (below < 0) return below;
      if (below == 0) ClearUnsyncBit(page, i);
      found += below;
    } else if (child.unsync) {
      ++found;
      if (batch.Add(child, i)) return -1;
    } else {
      ClearUnsyncBit(page, i);
    }
  }
  return found;
}

// mmu_pages_clear_parents: clears the bits on the path, upwards while a page has no unsync child
// left.
template <ReverseMap R>
void PageGraph<R>::ClearParents(UnsyncPath& path) {
  for (size_t level = 0; level + 1 < kRootLevel; ++level) {
    Page* parent = path.parents[level];
    if (parent == nullptr) return;
    ClearUnsyncBit(*parent, path.indexes[level]);
    if (parent->unsync_children != 0) return;
  }
}

template <ReverseMap R>
int PageGraph<R>::ForEachUnsyncChild(Page& page, FunctionRef<void(Page&)> sync) {
  return ForEachUnsyncBatch(page, [](Page&) {}, sync, [] {});
}

template <ReverseMap R>
int PageGraph<R>::ForEachUnsyncBatch(Page& page, FunctionRef<void(Page&)> protect,
                                     FunctionRef<void(Page&)> sync, FunctionRef<void()> commit) {
  int synced = 0;
  if (page.role.level == kPageTableLevel) return synced;
  WalkBound bound;
  while (page.unsync_children != 0) {
    bound.Step();
    UnsyncBatch batch;
    batch.Add(page, 0);
    if (UnsyncWalk(page, batch) == 0) break;
    for (int i = 0; i < batch.size; ++i) {
      Page& child = *batch.entries[static_cast<size_t>(i)].page;
      if (child.role.level == kPageTableLevel) protect(child);
    }
    UnsyncPath path;
    for (int i = path.Next(batch, -1); i < batch.size; i = path.Next(batch, i)) {
      sync(*batch.entries[static_cast<size_t>(i)].page);
      ClearParents(path);
      ++synced;
    }
    commit();
  }
  return synced;
}

}  // namespace rmapdiff

#endif  // RMAPDIFF_MMU_GRAPH_PAGE_GRAPH_UNSYNC_H_
