// PageGraph: shadow pages and the links between them. Included by page_graph_functions.h.
//
// A slot becomes a link in two steps: it is registered as a parent, and then written. Between them
// it is not present but on a parent list, and nothing may be mapped there. A slot that stops being
// a link is unregistered before it is cleared.
#ifndef RMAPDIFF_MMU_GRAPH_PAGE_GRAPH_PAGES_H_
#define RMAPDIFF_MMU_GRAPH_PAGE_GRAPH_PAGES_H_

#include "mmu/graph/page_graph.h"

namespace rmapdiff {

// The bytes of a fresh page before it is filled. They are not zero, as alloc_page does not clear.
inline constexpr uint8_t kSptPattern = 0xb1;

template <ReverseMap R>
typename R::Page* PageGraph<R>::AllocPage(Caches& caches, PageId id, Gfn gfn, Role role,
                                          Spte* parent_pte) {
  MayAllocate(caches);
  ++stats_.cache_miss;
  Page* page = new (caches.headers.Take(sizeof(Page), 0)) Page;
  page->id = id;
  page->spt = static_cast<Spte*>(caches.pages.Take(kEntries * sizeof(Spte), kSptPattern));
  map_.AllocStorage(caches.pages, *page, role.direct);
  SetPagePrivate(page->spt, static_cast<ShadowPage*>(page));
  page->position = active_pages_.insert(active_pages_.begin(), page);
  map_.InitParents(*page, parent_pte);
  page->gfn = gfn;
  page->role = role;
  Hash(*page);
  ++pages_;
  if (!role.direct) slots_.AccountShadowed(gfn, +1);
  for (int i = 0; i < kEntries; ++i) page->spt[i] = masks_.trap;
  return page;
}

template <ReverseMap R>
void PageGraph<R>::FreePage(Page& page) {
  events_.freed.push_back(page.id);
  Unhash(page);
  --pages_;
  page_pool_.Release(page.spt);
  map_.FreeStorage(page_pool_, page, page.role.direct);
  header_pool_.Release(&page);
}

// hlist_add_head.
template <ReverseMap R>
void PageGraph<R>::Hash(Page& page) {
  ShadowPage*& first = page_hash_[page.gfn % kHashBuckets];
  page.hash_next = first;
  page.hash_pprev = &first;
  if (first != nullptr) first->hash_pprev = &page.hash_next;
  first = &page;
}

// hlist_del.
template <ReverseMap R>
void PageGraph<R>::Unhash(Page& page) {
  *page.hash_pprev = page.hash_next;
  if (page.hash_next != nullptr) page.hash_next->hash_pprev = page.hash_pprev;
}

template <ReverseMap R>
void PageGraph<R>::AddParent(Caches& caches, Page& page, Spte* parent_pte) {
  MayAllocate(caches);
  map_.AddParent(caches.map, page, parent_pte);
  if (page.unsync || page.unsync_children != 0) MarkParentsUnsync(page);
}

template <ReverseMap R>
void PageGraph<R>::LinkPage(Spte* parent_pte, const Page& page) {
  *parent_pte = LinkAddress(page) | kLinkFlags;
}

template <ReverseMap R>
void PageGraph<R>::PutPage(Page& page, Spte* parent_pte) {
  map_.RemoveParent(page, parent_pte);
}

template <ReverseMap R>
void PageGraph<R>::UnlinkChild(Spte* parent_pte) {
  map_.RemoveParent(static_cast<Page&>(*ChildOf(*parent_pte)), parent_pte);
  *parent_pte = masks_.trap;
}

template <ReverseMap R>
bool PageGraph<R>::IsLeafSlot(const Page& page, uint32_t index) const {
  return IsLeaf(page.spt[index], static_cast<int>(page.role.level));
}

template <ReverseMap R>
int PageGraph<R>::UnlinkChildren(Page& page) {
  int present = 0;
  for (uint32_t i = 0; i < kEntries; ++i) {
    Spte* sptep = &page.spt[i];
    if (IsPresent(masks_, *sptep)) {
      ++present;
      if (IsLeafSlot(page, i)) {
        DropLeaf(sptep, masks_.trap);
      } else {
        map_.RemoveParent(static_cast<Page&>(*ChildOf(*sptep)), sptep);
      }
    }
    *sptep = masks_.trap;
  }
  return present;
}

template <ReverseMap R>
int PageGraph<R>::UnlinkParents(Page& page) {
  int parents = 0;
  map_.UnlinkParents(page, [&](Spte* parent_pte) {
    *parent_pte = masks_.trap;
    ++parents;
  });
  return parents;
}

}  // namespace rmapdiff

#endif  // RMAPDIFF_MMU_GRAPH_PAGE_GRAPH_PAGES_H_
