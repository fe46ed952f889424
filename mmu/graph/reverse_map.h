// The contract of a reverse map. A new map has to meet it.
//
// A reverse map answers two questions by going backwards through the page tables. Which leaf sptes
// map this guest frame (the rmap of a memslot's frame)? Which sptes point at this shadow page (its
// parents)? The MMU above (PageGraph) does everything else and never looks inside. A map is made
// from a HostMemory&.
//
// Types
//   Limits     the boundary constants, limits.h.
//   Head       one per frame and page size, in the memslots. A value-initialised Head is empty.
//   Page       derives from ShadowPage and adds the fields that the map keeps for a page. Each new
//              page is value-initialised.
//   Caches     per vcpu: the objects that the map sets aside before the MMU lock is taken.
// Rmaps. Sptes are named by address. Sets matter, order does not (D3). An spte is on at most one
// list, and at most once.
//   Add(caches, head, sptep)   puts sptep on the list. Returns the number of entries before, as the
//              map counts. AddReturnAgrees(returned, exact) says whether the map's own rule allows
//              that number (D1). REQUIRES: sptep is on no list.
//   Remove(head, sptep)        takes sptep off. BUGs: kRmapRemove if it is not there.
//   Next(head, cur)            the first entry if cur is null, else the entry after cur, or null at
//              the end. REQUIRES: cur is on the list. The MMU iterates in no other way (rmap_next).
//   Count(head)                the exact number of entries.
// Parents. The same rules hold; the list belongs to a page.
//   InitParents(page, sptep)   makes sptep the first parent of a new page. If it is null, the page
//              has no parent.
//   AddParent(caches, page, sptep)   puts sptep on the list. If it is null, does nothing.
//   RemoveParent(page, sptep)  takes sptep off. BUGs: kRemoveParent if it is not there.
//   ForEachParent(page, visit) calls visit(sptep) for each parent. visit must not change any list.
//   UnlinkParents(page, store) calls store(sptep) once for each parent, then the list is empty.
// Memory.
//   kPageCacheMin              the number of pages that one fault may need
//              (mmu_topup_memory_caches).
//   TopUp(caches), Drain(caches)     fill and empty the caches of the map's own objects. TopUp is
//              false if the host is out of memory.
//   AllocStorage(pages, page, direct)   allocates the arrays of a new page beside its spt. They are
//              links, and the gfns of an indirect page. `pages` is the vcpu's cache of pages.
//   FreeStorage(page_pool, page, direct)   frees them.
//   ForEachPool(visit)         calls visit(pool) for each Pool of the map, to count leaks.
// Optional. A map that has none of these is a ReverseMap as well.
//   kRmapBlock, kParentBlock   the entries that one object of a list holds. Lists change their
//              shape there, so tests and searches go there. Else those of Limits.
//   Cursor, Next(head, cur, cursor)   as Next, in a walk that remembers its place. `cursor` is a
//              value-initialised Cursor at first and after any Add or Remove of an rmap. Else it is
//              as the last call left it, perhaps with another list.
//   AuditRmap(head), AuditParents(page)   complain in words if a list breaks an invariant of the
//              map that no other judge knows; "" if it does not. The list can be walked.
// A map raises a BUG, and never returns one. It bounds every loop that follows pointers
// (WalkBound).
#ifndef RMAPDIFF_MMU_GRAPH_REVERSE_MAP_H_
#define RMAPDIFF_MMU_GRAPH_REVERSE_MAP_H_

#include <concepts>

#include "mmu/base/host_memory.h"
#include "mmu/graph/limits.h"
#include "mmu/graph/shadow_page.h"

namespace rmapdiff {

template <class R>
concept HasCursor = requires(const R& map, const typename R::Head& head, Spte* cur,
                             typename R::Cursor& cursor) { map.Next(head, cur, cursor); };

template <class R>
concept HasAudits =
    requires(const R& map, const typename R::Head& head, const typename R::Page& page) {
      map.AuditRmap(head);
      map.AuditParents(page);
    };

// The blocks of a map, see above.
template <class R>
constexpr int RmapBlockOf() {
  if constexpr (requires { R::kRmapBlock; }) return R::kRmapBlock;
  return R::Limits::kDescriptorEntries;
}
template <class R>
constexpr int ParentBlockOf() {
  if constexpr (requires { R::kParentBlock; }) return R::kParentBlock;
  return R::Limits::kChainEntries;
}

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
