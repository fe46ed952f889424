// ShadowMmu: the host's mappings change, and the mmu notifiers tell us.
// Included by shadow_mmu_functions.h.
//
// The callbacks are those of virt/kvm/kvm_main.c. If a fault looked a frame up before a callback,
// it must not map the frame after it. So callbacks advance mmu_notifier_seq. While a range is open
// (mmu_notifier_count) nothing is mapped at all.
#ifndef RMAPDIFF_MMU_SHADOW_SHADOW_MMU_HOST_H_
#define RMAPDIFF_MMU_SHADOW_SHADOW_MMU_HOST_H_

#include <algorithm>

#include "mmu/shadow/shadow_mmu.h"

namespace rmapdiff {

// kvm_handle_hva for each page of a range. It calls handler(head, level) for all heads of each
// frame, in each slot, that has the page. Returns the OR of the results.
template <ReverseMap R>
template <class Handler>
bool ShadowMmu<R>::HandleHva(Hva begin, Hva end, Handler&& handler) {
  bool result = false;
  for (Slot& slot : graph_.slots().all()) {
    const Hva first = static_cast<Hva>(slot.user_gfn());
    const Hva last = first + static_cast<Hva>(slot.npages());
    for (Hva hva = std::max(begin, first); hva < std::min(end, last); ++hva) {
      const Gfn gfn = slot.base_gfn() + (hva - first);
      for (int level = kPageTableLevel; level <= kRmapLevels; ++level) {
        if (handler(slot.rmap(slot.IndexOf(gfn, level), level), level)) result = true;
      }
    }
  }
  return result;
}

template <ReverseMap R>
void ShadowMmu<R>::UnmapRange(Hva begin, Hva end) {
  if (HandleHva(begin, end, [this](Head& head, int) { return graph_.RmapUnmap(head); })) {
    graph_.FlushRemote();
  }
}

template <ReverseMap R>
void ShadowMmu<R>::InvalidateRangeStart(Hva begin, Hva end) {
  ++notifier_count_;
  UnmapRange(begin, end);
}

// Ignores a call while no range is open. The kernel has a BUG_ON there.
template <ReverseMap R>
void ShadowMmu<R>::InvalidateRangeEnd() {
  if (notifier_count_ == 0) return;
  ++notifier_seq_;
  --notifier_count_;
}

template <ReverseMap R>
void ShadowMmu<R>::InvalidatePage(Hva hva) {
  ++notifier_seq_;
  UnmapRange(hva, hva + 1);
}

template <ReverseMap R>
void ShadowMmu<R>::ChangePte(Hva hva, Pfn pfn, bool writable) {
  ++notifier_seq_;
  const bool large_too = config_.quirks.change_pte_in_large;
  HandleHva(hva, hva + 1, [&](Head& head, int level) {
    if (level == kPageTableLevel || large_too) {
      graph_.RmapSetPte(head, pfn, writable);
    } else if (graph_.RmapUnmap(head)) {
      graph_.FlushRemote();
    }
    return false;
  });
}

template <ReverseMap R>
bool ShadowMmu<R>::AgePage(Hva hva) {
  const bool young =
      HandleHva(hva, hva + 1, [this](Head& head, int) { return graph_.RmapAge(head); });
  if (young) graph_.FlushRemote();
  return young;
}

template <ReverseMap R>
bool ShadowMmu<R>::TestYoung(Hva hva) {
  return HandleHva(hva, hva + 1, [this](Head& head, int) { return graph_.RmapTestAge(head); });
}

// Calls `change`, and invalidates the range of the page's whole block around it. Before and after
// the change faults may come in: nothing is mapped then.
template <ReverseMap R>
template <class Change>
void ShadowMmu<R>::ChangeMapping(Hva hva, int level, Change&& change) {
  level = std::max(level, host_.BackingLevel(hva));
  const Hva begin = host_.BlockOf(hva, level);
  InvalidateRangeStart(begin, begin + host_.BlockPages(level));
  Window();
  change();
  Window();
  InvalidateRangeEnd();
}

template <ReverseMap R>
void ShadowMmu<R>::MovePage(Hva hva) {
  if (!host_.Mapped(hva)) return;
  ChangeMapping(hva, kPageTableLevel, [&] { host_.Move(hva); });
}

template <ReverseMap R>
void ShadowMmu<R>::MergePage(Hva hva) {
  if (!host_.Mapped(hva)) return;
  SplitBacking(hva);
  host_.Merge(hva);
  ChangePte(hva, host_.Frame(hva), false);
}

template <ReverseMap R>
void ShadowMmu<R>::UnmapPage(Hva hva) {
  if (!host_.Mapped(hva)) return;
  ChangeMapping(hva, kPageTableLevel, [&] { host_.Unmap(hva); });
}

template <ReverseMap R>
void ShadowMmu<R>::MapPage(Hva hva) {
  if (!host_.Mapped(hva)) host_.Move(hva);
}

template <ReverseMap R>
void ShadowMmu<R>::SetBacking(Hva hva, int level) {
  ChangeMapping(hva, level, [&] { host_.SetBacking(hva, level); });
}

// split_huge_page: the notifiers that tell of one page come for small pages alone.
template <ReverseMap R>
void ShadowMmu<R>::SplitBacking(Hva hva) {
  if (host_.BackingLevel(hva) > kPageTableLevel) SetBacking(hva, kPageTableLevel);
}

template <ReverseMap R>
void ShadowMmu<R>::ChangePage(Hva hva, HostChange change, Notifier by) {
  if (!host_.Mapped(hva)) return;
  if (change >= HostChange::kLarge) {
    return SetBacking(hva, change == HostChange::kLarge ? kDirectoryLevel : kRmapLevels);
  }
  if (by == Notifier::kRange) {
    return ChangeMapping(hva, kPageTableLevel, [&] { ChangeInRange(hva, change); });
  }
  if (change != HostChange::kStay) SplitBacking(hva);
  if (!host_.Mapped(hva)) return;  // taken away while it was split
  ChangeInRange(hva, change);
  if (by == Notifier::kChangePte && change != HostChange::kUnmap) {
    ChangePte(hva, host_.Frame(hva), host_.Writable(hva));
  } else {
    InvalidatePage(hva);
  }
}

template <ReverseMap R>
void ShadowMmu<R>::ChangeInRange(Hva hva, HostChange change) {
  switch (change) {
    case HostChange::kStay:
      break;
    case HostChange::kUnmap:
      host_.Unmap(hva);
      break;
    case HostChange::kProtect:
      host_.Protect(hva);
      break;
    case HostChange::kMerge:
      host_.Merge(hva);
      break;
    case HostChange::kMove:
    case HostChange::kLarge:
    case HostChange::kHuge:
      host_.Move(hva);
      break;
  }
}

}  // namespace rmapdiff

#endif  // RMAPDIFF_MMU_SHADOW_SHADOW_MMU_HOST_H_
