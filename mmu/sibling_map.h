// The patch: reverse maps and parent lists as one kind of singly linked list through the sptes.
//
//   rmap head ──▶ spte 17 of page 3      spt         sibling_pte
//                                      ┌───────┐    ┌───────┐
//                        page 3, 17:   │ leaf  │    │   ●───┼──▶ spte 0 of page 5
//                                      └───────┘    └───────┘
//                        page 5, 0:    │ leaf  │    │ null  │
//
// Every shadow page has an array of 512 links beside its 512 sptes. The link of a slot serves the
// list that the spte is on. If the spte is a leaf, that is the rmap of its frame. If it points at a
// shadow page, that is the list of that page's parents. The map pushes at the front of a list. It
// walks the list to count it, and to unlink from it. Changes of mappings allocate nothing.
//
// Invariants
//  1. A slot's link is written before the slot becomes a list's head. The link page itself is never
//     initialised.
//  2. The link of a slot that is on no list has no meaning. With AddressSanitizer the map
//     overwrites it as soon as the slot is unlinked (kPoisonLinks), which must change nothing
//     (D15).
//  3. As 32-bit code the links take half a page. The gfns of an indirect page take the other half
//     if they have 4 bytes too (kSharedGfns). Those of 2.6.36 have 8, and lie on a page of their
//     own.
//
// Source: Lai Jiangshan, "KVM: MMU: use sibling_pte", 2 August 2010, on Linux 2.6.36.
// Not covered: the kernel's tracepoints and printks.
#ifndef RMAPDIFF_MMU_SIBLING_MAP_H_
#define RMAPDIFF_MMU_SIBLING_MAP_H_

#include "mmu/base/host_memory.h"
#include "mmu/graph/limits.h"
#include "mmu/graph/shadow_page.h"

namespace rmapdiff {

template <class L>
class SiblingMap {
 public:
  using Limits = L;
  using Head = Spte*;
  struct Page : ShadowPage {
    Spte** sibling_pte = nullptr;
    Spte* parent_pte = nullptr;
  };
  struct Caches {};

#if defined(__has_feature) && __has_feature(address_sanitizer)
  static constexpr bool kPoisonLinks = true;
#else
  static constexpr bool kPoisonLinks = false;
#endif
  // The gfns are the second half of the link page if entries of both kinds are 4 bytes wide. With
  // the gfn_t of 2.6.36 they never are. On 32-bit hosts they are with that of older kernels
  // (RMAPDIFF_LONG_GFN).
  static constexpr bool kSharedGfns = sizeof(Gfn) == 4 && sizeof(Spte*) == 4;
  static constexpr int kPageCacheMin = 12;

  explicit SiblingMap(HostMemory&) {}

  // ---- Rmaps ----

  int Add(Caches&, Head& head, Spte* sptep) {
    Push(head, sptep);
    return Count(head) - 1;
  }

  static bool AddReturnAgrees(int returned, int exact) { return returned == exact; }

  void Remove(Head& head, Spte* sptep) {
    if (!Unlink(head, sptep)) RaiseBug(BugClass::kRmapRemove, "rmap_remove: BUG");
  }

  Spte* Next(const Head& head, Spte* cur) const { return cur == nullptr ? head : Sibling(cur); }

  int Count(const Head& head) const {
    WalkBound bound;
    int count = 0;
    for (Spte* sptep = head; sptep != nullptr; sptep = Sibling(sptep)) {
      bound.Step();
      ++count;
    }
    return count;
  }

  // ---- Parents ----

  void InitParents(Page& page, Spte* sptep) {
    if (sptep != nullptr) Sibling(sptep) = nullptr;
    page.parent_pte = sptep;
  }

  void AddParent(Caches&, Page& page, Spte* sptep) {
    if (sptep != nullptr) Push(page.parent_pte, sptep);
  }

  void RemoveParent(Page& page, Spte* sptep) {
    if (!Unlink(page.parent_pte, sptep)) {
      RaiseBug(BugClass::kRemoveParent, "mmu_page_remove_parent_pte: BUG");
    }
  }

  template <class Visit>
  void ForEachParent(const Page& page, Visit&& visit) const {
    WalkBound bound;
    for (Spte* sptep = page.parent_pte; sptep != nullptr; sptep = Sibling(sptep)) {
      bound.Step();
      visit(sptep);
    }
  }

  // The patch's way: it stores to every slot while the slot is still listed, and then clears the
  // head.
  template <class Store>
  void UnlinkParents(Page& page, Store&& store) {
    WalkBound bound;
    Spte* sptep = page.parent_pte;
    while (sptep != nullptr) {
      bound.Step();
      store(sptep);
      Spte* next = Sibling(sptep);
      PoisonLink(sptep);
      sptep = next;
    }
    page.parent_pte = nullptr;
  }

  // ---- Memory ----

  bool TopUp(Caches&) { return true; }
  void Drain(Caches&) {}

  void AllocStorage(MemoryCache& pages, Page& page, bool direct) {
    constexpr size_t kEntries = kSptesPerPage<L>;
    constexpr size_t kSharedBytes = kSharedGfns ? kEntries * sizeof(Gfn) : 0;
    page.sibling_pte = static_cast<Spte**>(
        pages.Take(kEntries * sizeof(Spte*) + (direct ? 0 : kSharedBytes), kLinkPattern));
    if (direct) return;
    page.gfns = kSharedGfns ? reinterpret_cast<Gfn*>(page.sibling_pte + kEntries)
                            : static_cast<Gfn*>(pages.Take(kEntries * sizeof(Gfn), kGfnPattern));
  }

  void FreeStorage(Pool& page_pool, Page& page, bool direct) {
    page_pool.Release(page.sibling_pte);
    if (!direct && !kSharedGfns) page_pool.Release(page.gfns);
  }

  template <class Visit>
  void ForEachPool(Visit&&) const {}

 protected:
  static constexpr uint8_t kLinkPattern = 0x5b;
  static constexpr uint8_t kGfnPattern = 0x6f;

  // sibling_pte(sptep) of the patch: the link of that slot.
  static Spte*& Sibling(const Spte* sptep) {
    Page* page = static_cast<Page*>(PageHeader(sptep));
    return page->sibling_pte[sptep - page->spt];
  }

  static void Push(Head& head, Spte* sptep) {
    Sibling(sptep) = head;
    head = sptep;
  }

  // Takes sptep out of the list. False if it is not there.
  static bool Unlink(Head& head, Spte* sptep) {
    WalkBound bound;
    for (Head* link = &head; *link != nullptr; link = &Sibling(*link)) {
      bound.Step();
      if (*link != sptep) continue;
      *link = Sibling(sptep);
      PoisonLink(sptep);
      return true;
    }
    return false;
  }

  static void PoisonLink(Spte* sptep) {
    if constexpr (kPoisonLinks) Sibling(sptep) = reinterpret_cast<Spte*>(uintptr_t{0x5bad5bad});
  }
};

}  // namespace rmapdiff

#endif  // RMAPDIFF_MMU_SIBLING_MAP_H_
