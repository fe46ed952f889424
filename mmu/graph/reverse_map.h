// What a reverse map must be: the contract that a new idea has to meet.
//
// A reverse map answers two questions by going backwards through the page tables. Which leaf sptes
// map this guest frame (the rmap of a memslot's frame)? Which sptes point at this shadow page (its
// parents)? The MMU above (PageGraph) does everything else and never looks inside. A map is made
// from a HostMemory&.
//
// Types
//   Limits     the boundary constants, limits.h.
//   Head       one per frame and page size, in the memslots. A value-initialised Head is empty.
//   Page       derives from ShadowPage; the fields that the map keeps per page. Value-initialised
//              for each new page.
//   Caches     per vcpu: what must be set aside before the MMU lock is taken.
// Rmaps. Sptes are named by address; sets matter, order does not (D3), an spte is at most once on a
// list and on at most one list.
//   Add(caches, head, sptep)   puts sptep on the list. Returns what the map calls the number of
//              entries before; AddReturnAgrees(returned, exact) says whether that is within its own
//              rule (D1). REQUIRES: sptep is on no list.
//   Remove(head, sptep)        takes it off. BUGs: kRmapRemove if it is not there.
//   Next(head, cur)            the first entry if cur is null, else the one behind cur, else null.
//              REQUIRES: cur is on the list. (rmap_next: the MMU iterates by nothing else.)
//   Count(head)                the exact number of entries.
// Parents, by the same rules, the list belonging to a page.
//   InitParents(page, sptep)   sptep is the first parent of a new page; null: none.
//   AddParent(caches, page, sptep)   null: does nothing.
//   RemoveParent(page, sptep)  BUGs: kRemoveParent if it is not there.
//   ForEachParent(page, visit) visit(sptep) must not change any list.
//   UnlinkParents(page, store) calls store(sptep) once for each parent, then the list is empty.
// Memory.
//   kPageCacheMin              pages that a fault may need (mmu_topup_memory_caches).
//   TopUp(caches), Drain(caches)     the map's own objects; TopUp is false when out of memory.
//   AllocStorage(pages, page, direct)   what hangs on a new page beside its spt: links, and the
//   gfns
//              array of an indirect page. `pages` is the vcpu's cache of pages.
//   FreeStorage(page_pool, page, direct)
//   ForEachPool(visit)         visit(pool) for each Pool of the map, so that leaks can be counted.
// A BUG is raised, never returned, and every loop that follows pointers is bounded (WalkBound).
#ifndef RMAPDIFF_MMU_GRAPH_REVERSE_MAP_H_
#define RMAPDIFF_MMU_GRAPH_REVERSE_MAP_H_

#include <concepts>

#include "mmu/base/host_memory.h"
#include "mmu/graph/limits.h"
#include "mmu/graph/shadow_page.h"

namespace rmapdiff {

template <class R>
concept ReverseMap =
    std::derived_from<typename R::Page, ShadowPage> &&
    requires(R map, typename R::Head& head, const typename R::Head& const_head,
             typename R::Page& page, const typename R::Page& const_page, typename R::Caches& caches,
             MemoryCache& pages, Pool& page_pool, Spte* sptep, void (*visit_spte)(Spte*),
             void (*visit_pool)(const Pool&), int count, bool direct) {
      typename R::Limits;
      { map.Add(caches, head, sptep) } -> std::same_as<int>;
      { map.AddReturnAgrees(count, count) } -> std::same_as<bool>;
      { map.Remove(head, sptep) } -> std::same_as<void>;
      { map.Next(const_head, sptep) } -> std::same_as<Spte*>;
      { map.Count(const_head) } -> std::same_as<int>;

      { map.InitParents(page, sptep) } -> std::same_as<void>;
      { map.AddParent(caches, page, sptep) } -> std::same_as<void>;
      { map.RemoveParent(page, sptep) } -> std::same_as<void>;
      { map.ForEachParent(const_page, visit_spte) } -> std::same_as<void>;
      { map.UnlinkParents(page, visit_spte) } -> std::same_as<void>;

      { map.kPageCacheMin } -> std::convertible_to<int>;
      { map.TopUp(caches) } -> std::same_as<bool>;
      { map.Drain(caches) } -> std::same_as<void>;
      { map.AllocStorage(pages, page, direct) } -> std::same_as<void>;
      { map.FreeStorage(page_pool, page, direct) } -> std::same_as<void>;
      { map.ForEachPool(visit_pool) } -> std::same_as<void>;
    };

}  // namespace rmapdiff

#endif  // RMAPDIFF_MMU_GRAPH_REVERSE_MAP_H_
