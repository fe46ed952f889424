// PageGraph: changes of all sptes of a frame. Included by page_graph_functions.h.
//
// The functions here find sptes only by R's Next. Two of them change the list while they iterate,
// and then start again from its head.
#ifndef RMAPDIFF_MMU_GRAPH_PAGE_GRAPH_RMAP_H_
#define RMAPDIFF_MMU_GRAPH_PAGE_GRAPH_RMAP_H_

#include "mmu/graph/page_graph.h"

namespace rmapdiff {

template <ReverseMap R>
Gfn PageGraph<R>::GetGfn(const Page& page, uint32_t index) const {
  if (!page.role.direct) return page.gfns[index];
  return page.gfn + (Gfn{index} << GfnShift<Limits>(static_cast<int>(page.role.level)));
}

template <ReverseMap R>
void PageGraph<R>::SetGfn(Page& page, uint32_t index, Gfn gfn) {
  if (!page.role.direct) {
    page.gfns[index] = gfn;
  } else if (gfn != GetGfn(page, index)) {
    RaiseBug(BugClass::kSetGfn, "kvm_mmu_page_set_gfn: gfn != kvm_mmu_page_get_gfn(sp, index)");
  }
}

template <ReverseMap R>
typename R::Head& PageGraph<R>::RmapOf(const Spte* sptep) {
  const Page& page = PageOf(sptep);
  return slots_.Rmap(GetGfn(page, IndexOf(page, sptep)), static_cast<int>(page.role.level));
}

template <ReverseMap R>
int PageGraph<R>::RmapAdd(Caches& caches, Spte* sptep, Gfn gfn) {
  if (!IsPresent(masks_, *sptep)) return 0;
  MayAllocate(caches);
  Page& page = PageOf(sptep);
  SetGfn(page, IndexOf(page, sptep), gfn);
  cursor_ = {};
  return map_.Add(caches.map, slots_.Rmap(gfn, static_cast<int>(page.role.level)), sptep);
}

template <ReverseMap R>
void PageGraph<R>::RmapRemove(Spte* sptep) {
  cursor_ = {};
  map_.Remove(RmapOf(sptep), sptep);
}

template <ReverseMap R>
bool PageGraph<R>::MapLeaf(Caches& caches, Spte* sptep, Spte spte, Gfn gfn) {
  *sptep = spte;
  return AddLeaf(caches, sptep, gfn);
}

template <ReverseMap R>
bool PageGraph<R>::AddLeaf(Caches& caches, Spte* sptep, Gfn gfn) {
  if (!IsPresent(masks_, *sptep)) return false;
  Page& page = PageOf(sptep);
  if (page.role.level > kPageTableLevel) ++stats_.lpages;
  page.slot_bitmap |= uint64_t{1} << slots_.Get(gfn).id();
  int before = RmapAdd(caches, sptep, gfn);
  Head& head = RmapOf(sptep);
  if (recycle_ == RecyclePolicy::kExact) {
    const int exact = map_.Count(head) - 1;
    if (!map_.AddReturnAgrees(before, exact)) add_returns_ok_ = false;
    before = exact;
  }
  if (before <= Limits::kRecycleThreshold) return false;
  RmapRecycle(head);
  return true;
}

template <ReverseMap R>
void PageGraph<R>::SetSpteTrackBits(Spte* sptep, Spte new_spte) {
  const Spte old = *sptep;
  *sptep = new_spte;
  if (!IsPresent(masks_, old)) return;
  if (masks_.accessed == 0 || (old & masks_.accessed) != 0) events_.accessed.push_back(PfnOf(old));
  if (IsWritable(old)) events_.dirtied.push_back(PfnOf(old));
}

template <ReverseMap R>
void PageGraph<R>::UpdateSpte(Spte* sptep, Spte new_spte) {
  const Spte old = *sptep;
  *sptep = new_spte;
  if (!IsPresent(masks_, old) || (new_spte & masks_.accessed) != 0) return;
  if ((old & masks_.accessed) != 0) events_.accessed.push_back(PfnOf(old));
}

template <ReverseMap R>
void PageGraph<R>::DropSpte(Spte* sptep, Spte new_spte) {
  SetSpteTrackBits(sptep, new_spte);
  RmapRemove(sptep);
}

template <ReverseMap R>
void PageGraph<R>::DropLeaf(Spte* sptep, Spte new_spte) {
  if (IsHuge(*sptep)) --stats_.lpages;
  DropSpte(sptep, new_spte);
}

// Level 1: the leaves stay and lose W. The head's frame, whichever leaf that is, is dirtied (D5).
template <ReverseMap R>
bool PageGraph<R>::WriteProtectSmall(Head& head) {
  bool write_protected = false;
  WalkBound bound;
  for (Spte* sptep = RmapNext(head, nullptr); sptep != nullptr; sptep = RmapNext(head, sptep)) {
    bound.Step();
    if ((*sptep & kSptePresent) == 0) {
      RaiseBug(BugClass::kWriteProtectAbsent, "rmap_write_protect: !(*spte & PT_PRESENT_MASK)");
    }
    if (!IsWritable(*sptep)) continue;
    UpdateSpte(sptep, *sptep & ~kSpteWritable);
    write_protected = true;
  }
  if (write_protected) events_.dirtied.push_back(PfnOf(*RmapNext(head, nullptr)));
  return write_protected;
}

// Above: a writable leaf is dropped, and the walk starts again because the list has changed.
template <ReverseMap R>
bool PageGraph<R>::WriteProtectLarge(Head& head) {
  constexpr Spte kHugePresent = kSptePresent | kSpteHuge;
  bool write_protected = false;
  WalkBound bound;
  Spte* sptep = RmapNext(head, nullptr);
  while (sptep != nullptr) {
    bound.Step();
    if ((*sptep & kSptePresent) == 0) {
      RaiseBug(BugClass::kWriteProtectAbsent, "rmap_write_protect(large): !(*spte & P)");
    }
    if ((*sptep & kHugePresent) != kHugePresent) {
      RaiseBug(BugClass::kWriteProtectNotHuge, "rmap_write_protect: (*spte & (PSE|P)) != (PSE|P)");
    }
    if (IsWritable(*sptep)) {
      DropSpte(sptep, masks_.trap);
      --stats_.lpages;
      write_protected = true;
      sptep = nullptr;
    }
    sptep = RmapNext(head, sptep);
  }
  return write_protected;
}

template <ReverseMap R>
bool PageGraph<R>::RmapWriteProtect(Gfn gfn) {
  bool write_protected = WriteProtectSmall(slots_.Rmap(gfn, kPageTableLevel));
  for (int level = kDirectoryLevel; level <= kRmapLevels; ++level) {
    if (WriteProtectLarge(slots_.Rmap(gfn, level))) write_protected = true;
  }
  return write_protected;
}

template <ReverseMap R>
bool PageGraph<R>::RmapUnmap(Head& head) {
  bool unmapped = false;
  WalkBound bound;
  while (Spte* sptep = RmapNext(head, nullptr)) {
    bound.Step();
    if ((*sptep & kSptePresent) == 0) {
      RaiseBug(BugClass::kUnmapAbsent, "kvm_unmap_rmapp: !(*spte & PT_PRESENT_MASK)");
    }
    DropSpte(sptep, masks_.trap);
    unmapped = true;
  }
  return unmapped;
}

template <ReverseMap R>
void PageGraph<R>::RmapSetPte(Head& head, Pfn pfn, bool writable) {
  bool mapped = false;
  WalkBound bound;
  Spte* sptep = RmapNext(head, nullptr);
  while (sptep != nullptr) {
    bound.Step();
    if (!IsPresent(masks_, *sptep)) {
      RaiseBug(BugClass::kUnmapAbsent, "kvm_set_pte_rmapp: !is_shadow_present_pte(*spte)");
    }
    mapped = true;
    if (writable) {
      DropSpte(sptep, masks_.trap);
      sptep = RmapNext(head, nullptr);
    } else {
      const Spte kept = *sptep & ~(kSpteAddress | kSpteWritable | kSpteHostWritable);
      SetSpteTrackBits(sptep, (kept & ~masks_.accessed) | pfn << 12);
      sptep = RmapNext(head, sptep);
    }
  }
  if (mapped) FlushRemote();
}

template <ReverseMap R>
bool PageGraph<R>::RmapAge(Head& head) {
  if (masks_.accessed == 0) return RmapUnmap(head);
  bool young = false;
  WalkBound bound;
  for (Spte* sptep = RmapNext(head, nullptr); sptep != nullptr; sptep = RmapNext(head, sptep)) {
    bound.Step();
    if ((*sptep & kSptePresent) == 0) {
      RaiseBug(BugClass::kUnmapAbsent, "kvm_age_rmapp: !(*spte & PT_PRESENT_MASK)");
    }
    if ((*sptep & masks_.accessed) == 0) continue;
    *sptep &= ~masks_.accessed;
    young = true;
  }
  return young;
}

template <ReverseMap R>
bool PageGraph<R>::RmapTestAge(const Head& head) const {
  if (masks_.accessed == 0) return false;
  WalkBound bound;
  for (Spte* sptep = RmapNext(head, nullptr); sptep != nullptr; sptep = RmapNext(head, sptep)) {
    bound.Step();
    if ((*sptep & kSptePresent) == 0) {
      RaiseBug(BugClass::kUnmapAbsent, "kvm_test_age_rmapp: !(*spte & PT_PRESENT_MASK)");
    }
    if ((*sptep & masks_.accessed) != 0) return true;
  }
  return false;
}

template <ReverseMap R>
void PageGraph<R>::RmapRecycle(Head& head) {
  ++stats_.recycled;
  RmapUnmap(head);
  FlushRemote();
}

}  // namespace rmapdiff

#endif  // RMAPDIFF_MMU_GRAPH_PAGE_GRAPH_RMAP_H_
