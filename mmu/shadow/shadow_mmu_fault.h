// ShadowMmu: page faults and the sptes that they install. Included by shadow_mmu_functions.h.
//
// A fault has a first half without the lock: top up, walk, find the host's frame. Its second half
// is under the lock. Between them other vcpus and the host may change anything, so the second half
// checks the results of the first. The sequence number of the notifiers checks the frame. Each
// guest entry is read again once its table is write-protected.
#ifndef RMAPDIFF_MMU_SHADOW_SHADOW_MMU_FAULT_H_
#define RMAPDIFF_MMU_SHADOW_SHADOW_MMU_FAULT_H_

#include <algorithm>

#include "mmu/shadow/shadow_mmu.h"

namespace rmapdiff {

// The parameters of mmu_set_spte and set_spte.
template <ReverseMap R>
struct ShadowMmu<R>::MappingRequest {
  unsigned access = kAccessAll;  // pte_access
  bool user_fault = false;
  bool write_fault = false;
  bool dirty = true;
  int level = kPageTableLevel;
  Gfn gfn = 0;
  Pfn pfn = 0;
  bool speculative = false;
  bool can_unsync = true;
  bool host_writable = true;  // reset_host_protection
};

// page_fault of the mode. It sets *error_code if it returns kGuestFault.
template <ReverseMap R>
typename ShadowMmu<R>::FaultResult ShadowMmu<R>::PageFault(Processor& vcpu,
                                                           const AccessRequest& request,
                                                           uint32_t* error_code, bool prefault) {
  if (!graph_.TopUp(vcpu.caches)) return FaultResult::kNoMemory;
  if (IsDirect(vcpu)) return DirectPageFault(vcpu, request, prefault);
  Walker walker;
  if (!WalkAddr(vcpu, request, &walker)) {
    *error_code = walker.error_code;
    vcpu.last_pt_write_count = 0;
    return FaultResult::kGuestFault;
  }
  return HandlePageFault(vcpu, request, walker, prefault);
}

// FNAME(page_fault) after the walk.
template <ReverseMap R>
typename ShadowMmu<R>::FaultResult ShadowMmu<R>::HandlePageFault(Processor& vcpu,
                                                                 const AccessRequest& request,
                                                                 Walker& walker, bool prefault) {
  const bool write = request.type == AccessType::kWrite;
  const bool wp0_write =
      write && !request.user && !vcpu.mode.wp && (walker.pte_access & kAccessWrite) == 0;
  // The store becomes possible on a page of the kernel, which SMAP would not protect any more.
  const bool loses_smap = vcpu.mode.smap && (walker.pte_access & kAccessUser) != 0;
  if (wp0_write && loses_smap && !config_.quirks.wp0_page_loses_smap) return FaultResult::kEmulate;
  if (wp0_write && !config_.quirks.wp0_after_choosing_page) {
    walker.pte_access = (walker.pte_access | kAccessWrite) & ~kAccessUser;
    // Nor would SMEP, so the page is not executable at all.
    if (vcpu.mode.smep) walker.pte_access &= ~kAccessExec;
  }
  MappingRequest mapping;
  if (walker.level >= kDirectoryLevel) {
    mapping.level = std::min(walker.level, MappingLevel(walker.gfn));
    walker.gfn = AlignGfn<Limits>(walker.gfn, mapping.level);
  }
  const uint64_t mmu_seq = notifier_seq_;
  const HostFrame frame = GfnToPfn(walker.gfn, write);
  if (IsMmio(frame)) return FaultResult::kEmulate;
  if (frame.state == HostFrame::State::kFault) {
    return SetupAsyncFault(vcpu, request.gva, walker.gfn, prefault);
  }
  Window();
  if (NotifierRetry(mmu_seq)) return FaultResult::kRetry;
  FreeSomePages();
  mapping.access = walker.pte_access;
  mapping.user_fault = request.user;
  mapping.write_fault = write;
  mapping.dirty = walker.dirty();
  mapping.speculative = prefault;
  mapping.gfn = walker.gfn;
  mapping.pfn = frame.pfn;
  mapping.host_writable = frame.writable;
  if (!frame.writable) mapping.access &= ~kAccessWrite;
  const bool write_pt = Fetch(vcpu, request.gva, walker, mapping);
  if (!write_pt) vcpu.last_pt_write_count = 0;
  ++stats_.pf_fixed;
  return write_pt ? FaultResult::kEmulate : FaultResult::kRetry;
}

// nonpaging_page_fault, nonpaging_map, tdp_page_fault.
template <ReverseMap R>
typename ShadowMmu<R>::FaultResult ShadowMmu<R>::DirectPageFault(Processor& vcpu,
                                                                 const AccessRequest& request,
                                                                 bool prefault) {
  const Gfn gfn = static_cast<Gfn>(request.gva >> kPageShift);
  MappingRequest mapping;
  mapping.level = MappingLevel(gfn);
  // Roots of level 2 can hold no larger page. With TDP four roots mean a 32-bit host, which has no
  // 1G pages.
  if (vcpu.shadow_root_level != kRootLevel)
    mapping.level = std::min(mapping.level, kDirectoryLevel);
  mapping.gfn = AlignGfn<Limits>(gfn, mapping.level);
  mapping.write_fault = request.type == AccessType::kWrite;
  mapping.speculative = prefault;
  const uint64_t mmu_seq = notifier_seq_;
  const HostFrame frame = GfnToPfn(mapping.gfn, mapping.write_fault);
  if (IsMmio(frame)) return FaultResult::kEmulate;
  if (frame.state == HostFrame::State::kFault) {
    return SetupAsyncFault(vcpu, request.gva, mapping.gfn, prefault);
  }
  mapping.pfn = frame.pfn;
  mapping.host_writable = frame.writable;
  if (!frame.writable) mapping.access &= ~kAccessWrite;
  Window();
  if (NotifierRetry(mmu_seq)) return FaultResult::kRetry;
  FreeSomePages();
  return DirectMap(vcpu, mapping) ? FaultResult::kEmulate : FaultResult::kRetry;
}

// mapping_level.
template <ReverseMap R>
int ShadowMmu<R>::MappingLevel(Gfn gfn) const {
  const Slot* slot = graph_.slots().Find(gfn);
  if (slot == nullptr || slot->logged()) return kPageTableLevel;
  const int host_level = host_.BackingLevel(static_cast<Hva>(slot->UserGfn(gfn)));
  const int max_level = std::min(host_level, config_.max_large_level);
  int level = kDirectoryLevel;
  while (level <= max_level && !HasWriteProtectedPage(gfn, level)) ++level;
  return level - 1;
}

// has_wrprotected_page.
template <ReverseMap R>
bool ShadowMmu<R>::HasWriteProtectedPage(Gfn gfn, int level) const {
  const Slot* slot = graph_.slots().Find(gfn);
  return slot == nullptr || slot->write_count(slot->IndexOf(gfn, level), level) != 0;
}

// FNAME(fetch). True if the caller has to emulate the store, because its target is a page table.
template <ReverseMap R>
bool ShadowMmu<R>::Fetch(Processor& vcpu, Gva gva, const Walker& walker, MappingRequest& mapping) {
  const int top_level = std::min(
      vcpu.root_level, vcpu.mode.paging == PagingMode::kLong ? kRootLevel : kDirectoryLevel);
  if (GpteChanged(vcpu, walker, top_level)) return false;
  ShadowWalk it(*this, vcpu, gva);
  if (!FetchIndirect(vcpu, walker, it)) return false;
  FetchDirect(vcpu, walker, mapping.level, it);
  if (it.sptep == nullptr || it.level != mapping.level) return false;
  return MmuSetSpte(vcpu, it.sptep, mapping);
}

// The levels at which the guest has tables. False: an entry has changed since the walk.
template <ReverseMap R>
bool ShadowMmu<R>::FetchIndirect(Processor& vcpu, const Walker& walker, ShadowWalk& it) {
  const Quirks& quirks = config_.quirks;
  const Gva gva = it.page_number << kPageShift;
  for (; it.Okay() && it.level > walker.level; it.Next()) {
    const int level = it.level - 1;
    const size_t at = static_cast<size_t>(level - 1);
    const Gfn table = walker.table_gfn[at];
    const unsigned access =
        quirks.inherit_walk_access ? walker.pt_access() : walker.table_access[at];
    DropLargeSpte(it.sptep);
    if (!quirks.keep_stale_child) {
      Role role = RoleFor(vcpu, gva, level, false, access);
      if (quirks.inherit_walk_access && Present(*it.sptep)) {
        role.access = ChildOf(*it.sptep)->role.access;
      }
      UnlinkUnexpectedChild(it.sptep, table, role);
    }
    Page* page = nullptr;
    if (!Present(*it.sptep)) {
      page = &GetPage(vcpu, table, gva, level, false, access, it.sptep);
    }
    if (GpteChanged(vcpu, walker, level)) {
      if (page != nullptr) graph_.PutPage(*page, it.sptep);
      return false;
    }
    if (page == nullptr) continue;
    // Other vcpus may use the same root, and a new link makes none of them flush.
    if (!quirks.link_before_sync) SyncChildren(vcpu, *page, /*can_yield=*/false);
    graph_.LinkPage(it.sptep, *page);
  }
  return true;
}

// The levels below: one guest entry maps more than the host maps in one piece.
template <ReverseMap R>
void ShadowMmu<R>::FetchDirect(Processor& vcpu, const Walker& walker, int target, ShadowWalk& it) {
  const Gva gva = it.page_number << kPageShift;
  unsigned access = walker.pte_access;
  if (!walker.dirty()) access &= ~kAccessWrite;
  for (; it.Okay() && it.level > target; it.Next()) {
    const Gfn gfn = AlignGfn<Limits>(walker.gfn, it.level);
    const int level = it.level - 1;
    ValidateDirectSpte(it.sptep, gfn, RoleFor(vcpu, gva, level, true, access));
    DropLargeSpte(it.sptep);
    if (Present(*it.sptep)) continue;
    Page& page = GetPage(vcpu, gfn, gva, level, true, access, it.sptep);
    graph_.LinkPage(it.sptep, page);
  }
}

// Cuts a link that does not lead to the page of the guest's entry.
template <ReverseMap R>
void ShadowMmu<R>::UnlinkUnexpectedChild(Spte* sptep, Gfn gfn, Role role) {
  if (!Present(*sptep) || IsHuge(*sptep)) return;
  const ShadowPage& child = *ChildOf(*sptep);
  if (child.gfn == gfn && child.role == role) return;
  graph_.UnlinkChild(sptep);
  graph_.FlushRemote();
}

// validate_direct_spte: a direct page serves one set of access rights.
template <ReverseMap R>
void ShadowMmu<R>::ValidateDirectSpte(Spte* sptep, Gfn gfn, Role role) {
  if (config_.quirks.keep_stale_child && Present(*sptep) && !IsHuge(*sptep)) {
    const ShadowPage& child = *ChildOf(*sptep);
    gfn = child.gfn;
    const uint32_t access = role.access;
    role = child.role;
    role.access = access & kAccessAll;
  }
  UnlinkUnexpectedChild(sptep, gfn, role);
}

// drop_large_spte.
template <ReverseMap R>
void ShadowMmu<R>::DropLargeSpte(Spte* sptep) {
  if (!Present(*sptep) || !IsHuge(*sptep)) return;
  graph_.DropSpte(sptep, trap());
  graph_.FlushRemote();
}

// __direct_map. Returns the same as Fetch.
template <ReverseMap R>
bool ShadowMmu<R>::DirectMap(Processor& vcpu, MappingRequest& mapping) {
  const SpteMasks& masks = graph_.masks();
  const Gva address = Gva{mapping.gfn} << kPageShift;
  for (ShadowWalk it(*this, vcpu, address); it.Okay(); it.Next()) {
    if (it.level == mapping.level) {
      ++stats_.pf_fixed;
      return MmuSetSpte(vcpu, it.sptep, mapping);
    }
    if (!config_.quirks.direct_map_through_large) DropLargeSpte(it.sptep);
    if (*it.sptep != masks.trap) continue;
    const Gfn gfn = AlignGfn<Limits>(mapping.gfn, it.level);
    const Page& page = GetPage(vcpu, gfn, address, it.level - 1, true, kAccessAll, it.sptep);
    *it.sptep = LinkAddress(page) | kSptePresent | kSpteWritable | masks.user | masks.exec;
  }
  return false;
}

// The first half of mmu_set_spte: whether the slot is on the right list already. If it is on
// another one, or links a page, it maps nothing afterwards.
template <ReverseMap R>
bool ShadowMmu<R>::WasRmapped(Spte* sptep, const MappingRequest& mapping) {
  if (!Present(*sptep)) return false;
  if (mapping.level > kPageTableLevel && !IsHuge(*sptep)) {
    graph_.UnlinkChild(sptep);
    graph_.FlushRemote();
    return false;
  }
  const Page& page = Graph::PageOf(sptep);
  const bool same_gfn =
      config_.quirks.rmapped_by_pfn || graph_.GetGfn(page, IndexOf(page, sptep)) == mapping.gfn;
  if (PfnOf(*sptep) == mapping.pfn && same_gfn) return true;
  graph_.DropSpte(sptep, trap());
  graph_.FlushRemote();
  return false;
}

// mmu_set_spte. True if a write fault hit a page table (*ptwrite).
template <ReverseMap R>
bool ShadowMmu<R>::MmuSetSpte(Processor& vcpu, Spte* sptep, MappingRequest& mapping) {
  const bool was_rmapped = WasRmapped(sptep, mapping);
  const bool needs_emulation = SetSpte(vcpu, sptep, mapping);
  if (needs_emulation) FlushTlb(vcpu);
  Graph::PageOf(sptep).slot_bitmap |= uint64_t{1} << graph_.slots().Get(mapping.gfn).id();
  if (!was_rmapped) graph_.AddLeaf(vcpu.caches, sptep, mapping.gfn);
  if (mapping.speculative) {
    Refresh(vcpu);
    vcpu.last_pte_updated = sptep;
    vcpu.last_pte_gfn = mapping.gfn;
  }
  return needs_emulation && mapping.write_fault;
}

// The word that set_spte makes, before it decides about W.
template <ReverseMap R>
Spte ShadowMmu<R>::BuildSpte(const MappingRequest& mapping) const {
  const SpteMasks& masks = graph_.masks();
  Spte spte = masks.base | masks.dirty | mapping.pfn << kPageShift;
  if (!mapping.speculative) spte |= masks.accessed;
  spte |= (mapping.access & kAccessExec) != 0 ? masks.exec : masks.nx;
  if ((mapping.access & kAccessUser) != 0) spte |= masks.user;
  if (mapping.level > kPageTableLevel) spte |= kSpteHuge;
  if (mapping.host_writable) spte |= kSpteHostWritable;
  if (!mapping.host_writable) spte &= ~kSpteWritable;  // EPT's base has W
  return spte;
}

// reset_shadow_zero_bits_mask: whether sptes may have NX. EFER.NX of a guest does not matter:
// ControlsOf has it on. With TDP it is another bit.
template <ReverseMap R>
bool ShadowMmu<R>::UsesNx(const Processor& vcpu) const {
  return vcpu.mode.nx || !config_.tdp;
}

// set_spte. True if the frame has to stay write-protected. BUGs: kReservedSpte.
template <ReverseMap R>
bool ShadowMmu<R>::SetSpte(Processor& vcpu, Spte* sptep, MappingRequest& mapping) {
  if (!mapping.dirty) mapping.access &= ~kAccessWrite;
  Spte spte = BuildSpte(mapping);
  const Spte old = *sptep;
  const bool may_write = (mapping.access & kAccessWrite) != 0;
  const bool wp0_write =
      !config_.tdp && mapping.write_fault && !vcpu.mode.wp && !mapping.user_fault;
  bool write_protect = false;
  bool mark_dirty = may_write;
  if (may_write || wp0_write) {
    if (mapping.level > kPageTableLevel && HasWriteProtectedPage(mapping.gfn, mapping.level)) {
      if (Present(old) || config_.quirks.drop_absent_spte) graph_.DropSpte(sptep, trap());
      return true;
    }
    spte |= kSpteWritable;
    if (!config_.tdp && !may_write) {
      spte &= ~kSpteUser;
      if (vcpu.mode.smep) spte |= graph_.masks().nx;
    }
    const bool was_writable = Present(old) && IsWritable(old);
    if (!mapping.can_unsync && was_writable) {
      mark_dirty = false;  // it was writable before: nothing to check or to log
    } else if (NeedWriteProtect(mapping.gfn, mapping.can_unsync)) {
      write_protect = true;
      mark_dirty = false;
      spte &= ~kSpteWritable;
    }
  }
  if ((spte & kGpteNx) != 0 && !UsesNx(vcpu)) {
    RaiseBug(BugClass::kReservedSpte, "make_spte: spte has reserved bits");
  }
  if (mark_dirty) MarkPageDirty(mapping.gfn);
  if (Present(old) && IsWritable(old) && !IsWritable(spte)) {
    graph_.events().dirtied.push_back(mapping.pfn);
    if (!config_.quirks.flush_only_this_vcpu) graph_.FlushRemote();
  }
  graph_.UpdateSpte(sptep, spte);
  return write_protect;
}

// mmu_need_write_protect: whether the frame is a table that must stay write-protected. A level 1
// table may go out of sync instead.
template <ReverseMap R>
bool ShadowMmu<R>::NeedWriteProtect(Gfn gfn, bool can_unsync) {
  bool need_unsync = false;
  for (Page* page = graph_.FirstPageOf(gfn); page != nullptr; page = graph_.NextPageOf(*page)) {
    if (!IsShadowed(*page)) continue;
    if (!can_unsync || page->role.level != kPageTableLevel) return true;
    if (page->unsync) continue;
    if (!config_.oos_shadow) return true;
    need_unsync = true;
  }
  if (need_unsync) UnsyncPages(gfn);
  return false;
}

// kvm_unsync_pages.
template <ReverseMap R>
void ShadowMmu<R>::UnsyncPages(Gfn gfn) {
  for (Page* page = graph_.FirstPageOf(gfn); page != nullptr; page = graph_.NextPageOf(*page)) {
    if (IsShadowed(*page) && !page->unsync) graph_.UnsyncPage(*page);
  }
}

// mmu_notifier_retry.
template <ReverseMap R>
bool ShadowMmu<R>::NotifierRetry(uint64_t mmu_seq) const {
  return notifier_count_ != 0 || notifier_seq_ != mmu_seq;
}

}  // namespace rmapdiff

#endif  // RMAPDIFF_MMU_SHADOW_SHADOW_MMU_FAULT_H_
