// ShadowMmu: memslots come, go and move, and the dirty log. Included by shadow_mmu_functions.h.
//
// A slot's rmaps live and die with it, so all pages are zapped before it goes. A logged slot maps
// small pages only. Each frame is write-protected until the guest writes it, and again when the log
// is fetched. With manual protection that happens later, when userspace clears the frame's bit.
//
// From releases after 2.6.36: read-only slots of Linux 3.7. Since 3.9 their flag never changes.
// Manual protection and KVM_CLEAR_DIRTY_LOG of Linux 5.0, with the checks of 5.1.
// Not covered: KVM_DIRTY_LOG_INITIALLY_SET, dirty rings.
#ifndef RMAPDIFF_MMU_SHADOW_SHADOW_MMU_SLOTS_H_
#define RMAPDIFF_MMU_SHADOW_SHADOW_MMU_SLOTS_H_

#include <algorithm>

#include "mmu/shadow/shadow_mmu.h"

namespace rmapdiff {

template <ReverseMap R>
bool ShadowMmu<R>::Overlaps(const MemslotRequest& request) const {
  for (const Slot& slot : graph_.slots().all()) {
    if (slot.id() == request.id || slot.empty()) continue;
    const Gfn end = slot.base_gfn() + slot.npages();
    if (request.base_gfn < end && slot.base_gfn() < request.base_gfn + request.npages) return true;
  }
  return false;
}

template <ReverseMap R>
MmuCode ShadowMmu<R>::SetMemslot(const MemslotRequest& request) {
  auto& slots = graph_.slots();
  const Gfn last = request.base_gfn + request.npages;
  const bool beyond_host = (Gfn{request.hva} + request.npages) >> Host::kHvaBits != 0;
  if (request.id >= kMemorySlots || last < request.base_gfn || beyond_host) {
    return MmuCode::kInvalid;
  }
  if (slots.all().size() <= request.id) slots.Set(request.id, 0, 0, 0);
  Slot& slot = slots.all()[request.id];
  if (slot.empty() && request.npages == 0) return MmuCode::kInvalid;
  if (request.npages == 0) {
    ZapAll();
    slots.Set(request.id, 0, 0, 0);
    CommitMemslots(request.id);
    return MmuCode::kOk;
  }
  if (Overlaps(request)) return MmuCode::kInvalid;
  if (!slot.empty()) return ChangeSlot(request, slot);
  slots.Set(request.id, request.base_gfn, request.npages, request.hva);
  slots.all()[request.id].SetLogged(request.log_dirty);
  slots.all()[request.id].set_read_only(request.read_only);
  CommitMemslots(request.id);
  return MmuCode::kOk;
}

// Changes a slot that exists: moves it, or switches its log on or off.
template <ReverseMap R>
MmuCode ShadowMmu<R>::ChangeSlot(const MemslotRequest& request, Slot& slot) {
  if (request.npages != slot.npages() || request.hva != slot.user_gfn()) return MmuCode::kInvalid;
  if (request.read_only != slot.read_only()) return MmuCode::kInvalid;
  if (request.base_gfn != slot.base_gfn()) {
    if (config_.quirks.move_slot_in_place) {
      slot.MoveKeepingMaps(request.base_gfn);
    } else {
      ZapAll();
      const bool logged = slot.logged();
      graph_.slots().Set(request.id, request.base_gfn, request.npages, request.hva);
      graph_.slots().all()[request.id].set_read_only(request.read_only);
      if (logged) graph_.slots().all()[request.id].SetLogged(true);
    }
  }
  Slot& now = graph_.slots().all()[request.id];
  const bool switched_on = request.log_dirty && !now.logged();
  if (request.log_dirty != now.logged()) now.SetLogged(request.log_dirty);
  CommitMemslots(request.id);
  if (switched_on) ZapAll();  // no large page may stay
  return MmuCode::kOk;
}

// kvm_arch_commit_memory_region.
template <ReverseMap R>
void ShadowMmu<R>::CommitMemslots(uint32_t id) {
  if (n_requested_mmu_pages_ == 0) {
    constexpr Gfn kPermille = Limits::kPermilleMmuPages;
    Gfn npages = 0;
    for (const Slot& slot : graph_.slots().all()) npages += slot.npages();
    const int pages = static_cast<int>(npages * kPermille / 1000);
    ChangeMmuPages(std::max(pages, Limits::kMinAllocPages));
  }
  SlotRemoveWriteAccess(id);
}

template <ReverseMap R>
void ShadowMmu<R>::SlotRemoveWriteAccess(uint32_t id) {
  for (ShadowPage* page : graph_.active_pages()) {
    if ((page->slot_bitmap >> id & 1) == 0) continue;
    for (int i = 0; i < kEntries; ++i) {
      Spte& spte = page->spt[i];
      if (!Present(spte) || !IsWritable(spte)) continue;
      const bool leaf = IsLeaf(spte, static_cast<int>(page->role.level));
      if (leaf && !config_.quirks.log_forgets_dirty_frames) {
        graph_.events().dirtied.push_back(PfnOf(spte));
      }
      if (leaf || config_.quirks.protect_links) spte &= ~kSpteWritable;
    }
  }
  graph_.FlushRemote();
}

template <ReverseMap R>
MmuCode ShadowMmu<R>::GetDirtyLog(uint32_t id, std::vector<Gfn>* dirty) {
  dirty->clear();
  if (id >= graph_.slots().all().size() || !graph_.slots().all()[id].logged()) {
    return MmuCode::kInvalid;
  }
  Slot& slot = graph_.slots().all()[id];
  const std::vector<bool>& bitmap = slot.dirty_bitmap();
  if (std::find(bitmap.begin(), bitmap.end(), true) == bitmap.end()) return MmuCode::kOk;
  const bool clears = !manual_dirty_log_protect_;
  const bool protect_first = clears && config_.quirks.protect_before_swap;
  if (protect_first) {
    SlotRemoveWriteAccess(id);
    Window();
  }
  for (Gfn i = 0; i < slot.npages(); ++i) {
    if (slot.dirty_bitmap()[i]) dirty->push_back(slot.base_gfn() + i);
  }
  if (!clears) return MmuCode::kOk;
  slot.SetLogged(true);
  if (!protect_first) {
    Window();
    SlotRemoveWriteAccess(id);
  }
  return MmuCode::kOk;
}

// The range lies in the slot, and consists of whole words of the bitmap. Its last word may be a
// part of one if the slot ends there.
template <ReverseMap R>
bool ShadowMmu<R>::MayClear(const Slot& slot, const ClearLogRequest& request) {
  constexpr Gfn kBits = Limits::kLogWordBits;
  if (request.first % kBits != 0 || request.first > slot.npages()) return false;
  const Gfn rest = slot.npages() - request.first;
  if (request.npages > rest) return false;
  return request.npages % kBits == 0 || request.npages == rest;
}

template <ReverseMap R>
MmuCode ShadowMmu<R>::ClearDirtyLog(const ClearLogRequest& request) {
  constexpr Gfn kBits = Limits::kLogWordBits;
  auto& slots = graph_.slots().all();
  if (request.id >= slots.size() || !slots[request.id].logged()) return MmuCode::kInvalid;
  Slot& slot = slots[request.id];
  if (!MayClear(slot, request)) return MmuCode::kInvalid;
  const Gfn words = (request.npages + kBits - 1) / kBits;
  if (words > request.bitmap.size()) return MmuCode::kHostFault;  // copy_from_user
  Window();
  bool flush = false;
  for (Gfn i = 0; i < words * kBits; ++i) {
    const Gfn frame = request.first + i;
    if (frame >= slot.npages()) break;  // userspace may set bits beyond the slot
    const bool asked = (request.bitmap[i / kBits] >> (i % kBits) & 1) != 0;
    if (!asked || !slot.dirty_bitmap()[frame]) continue;
    slot.dirty_bitmap()[frame] = false;
    graph_.RmapWriteProtect(slot.base_gfn() + frame);
    flush = true;
  }
  if (flush) graph_.FlushRemote();
  return MmuCode::kOk;
}

}  // namespace rmapdiff

#endif  // RMAPDIFF_MMU_SHADOW_SHADOW_MMU_SLOTS_H_
