// ShadowMmu: stores into shadowed tables, and invlpg. Included by shadow_mmu_functions.h.
//
// A store to a write-protected table is emulated. The sptes that depend on the entry are zapped or
// updated at once. A table that the guest writes again and again without using it is probably not a
// table any more. Or the guest tears it down. Then the MMU zaps it as a whole.
#ifndef RMAPDIFF_MMU_SHADOW_SHADOW_MMU_PTE_WRITE_H_
#define RMAPDIFF_MMU_SHADOW_SHADOW_MMU_PTE_WRITE_H_

#include "mmu/shadow/shadow_mmu.h"

namespace rmapdiff {

template <ReverseMap R>
MmuCode ShadowMmu<R>::PvMmuWrite(int vcpu_index, Gva gpa, uint64_t value, int bytes) {
  Processor& vcpu = vcpus_[static_cast<size_t>(vcpu_index)];
  Refresh(vcpu);
  if (!graph_.TopUp(vcpu.caches)) return MmuCode::kNoMemory;
  AccessRequest request{gpa, AccessType::kWrite, false, value, bytes};
  if (bytes != 1 && bytes != 2 && bytes != 4) request.bytes = 8;
  request.gva = Aligned(gpa, request.bytes);
  const MmuCode code = EmulatePhysical(vcpu, static_cast<Gfn>(gpa >> kPageShift), request).code;
  return code == MmuCode::kEmulated ? MmuCode::kOk : code;
}

// kvm_mmu_pte_write, after the store to memory. Without a value the entry is read from memory, as
// after an invlpg. A store to half an entry counts as misaligned, because the kernel widens the
// store but keeps the offset.
// offset.
template <ReverseMap R>
void ShadowMmu<R>::PteWriteLocked(Processor& vcpu, Gfn gfn, unsigned offset,
                                  std::optional<Gpte> value, int bytes, bool guest_initiated) {
  const uint64_t invlpg_counter = invlpg_counter_;
  const bool pae = IsPae(vcpu.mode.paging);
  if (!value || (pae && bytes == 4)) {
    if (pae) bytes = 8;
    value = ReadGpte(gfn, offset / static_cast<unsigned>(bytes), bytes == 8).value_or(0);
  }
  Gpte gpte = bytes == 8 ? *value : bytes == 4 ? *value & LowBits(32) : 0;
  GuessFrame(vcpu, gpte);
  Window();
  if (bytes >= 4 && !config_.quirks.apply_overtaken_store) {
    // Another vcpu may have stored since, and may have come through here first.
    gpte = ReadGpte(gfn, offset / static_cast<unsigned>(bytes), bytes == 8).value_or(0);
  }
  if (invlpg_counter_ != invlpg_counter) gpte = 0;  // a younger invlpg has seen younger memory
  AccessPage(vcpu, gfn, guest_initiated);
  FreeSomePages();
  ++stats_.pte_write;
  const bool flooded = guest_initiated && DetectFlood(vcpu, gfn);
  PageList zapped;
  bool zapped_any = false;
  bool remote_flush = false;
  bool local_flush = false;
  for (Page* page = graph_.FirstPageOf(gfn); page != nullptr; page = graph_.NextPageOf(*page)) {
    if (!IsShadowed(*page)) continue;
    const unsigned entry = page->role.cr4_pae ? 8 : 4;
    const unsigned last = offset + static_cast<unsigned>(bytes) - 1;
    if (bytes < 4 || offset / entry != last / entry || flooded) {
      if (graph_.PrepareZap(*page, zapped) != 0) zapped_any = true;
      ++stats_.flooded;
      continue;
    }
    if (PteWriteOne(vcpu, *page, offset, gpte, &remote_flush)) local_flush = true;
  }
  if (!zapped_any && remote_flush) graph_.FlushRemote();
  if (!zapped_any && !remote_flush && local_flush) FlushTlb(vcpu);
  graph_.CommitZap(zapped);
  vcpu.update_pte.valid = false;
}

// mmu_guess_page_from_pte_write.
template <ReverseMap R>
void ShadowMmu<R>::GuessFrame(Processor& vcpu, Gpte gpte) {
  if ((gpte & kGptePresent) == 0) return;
  const Gfn gfn = static_cast<Gfn>((gpte & kGpteAddress) >> kPageShift);
  const uint64_t mmu_seq = notifier_seq_;
  const HostFrame frame = GfnToPfn(gfn, /*write=*/true);
  if (frame.state != HostFrame::State::kMapped) return;
  vcpu.update_pte = {true, gfn, frame.pfn, mmu_seq};
}

// kvm_mmu_access_page: the guest writes to a table through the mapping that it has just made.
template <ReverseMap R>
void ShadowMmu<R>::AccessPage(Processor& vcpu, Gfn gfn, bool stored) {
  Refresh(vcpu);
  Spte* sptep = vcpu.last_pte_updated;
  if (sptep == nullptr || vcpu.last_pte_gfn != gfn || !Present(*sptep)) return;
  if (!config_.quirks.guess_marks_stranger) {
    const Page& page = Graph::PageOf(sptep);
    if (!stored || graph_.GetGfn(page, IndexOf(page, sptep)) != gfn) return;
  }
  *sptep |= graph_.masks().accessed;
}

// Whether the guest writes the same table for the third time and has not used the last entry it
// wrote.
template <ReverseMap R>
bool ShadowMmu<R>::DetectFlood(Processor& vcpu, Gfn gfn) {
  Refresh(vcpu);
  const Spte* sptep = vcpu.last_pte_updated;
  const bool used = sptep != nullptr && (*sptep & graph_.masks().accessed) != 0;
  if (gfn == vcpu.last_pt_write_gfn && !used) return ++vcpu.last_pt_write_count >= 3;
  vcpu.last_pt_write_gfn = gfn;
  vcpu.last_pt_write_count = 1;
  vcpu.last_pte_updated = nullptr;
  return false;
}

// Applies a store to one shadow page, which shadows one quadrant of a 32-bit table. A 32-bit entry
// has half the size of an spte, and at level 2 two sptes stand for it. False: the store is in
// another quadrant.
template <ReverseMap R>
bool ShadowMmu<R>::PteWriteOne(Processor& vcpu, Page& page, unsigned offset, Gpte gpte,
                               bool* remote_flush) {
  constexpr unsigned kBytes = static_cast<unsigned>(kEntries) * 8;
  int count = 1;
  if (!page.role.cr4_pae) {
    offset *= 2;
    if (page.role.level == kDirectoryLevel) {
      offset = (offset & ~7u) * 2;
      count = 2;
    }
    if (offset / kBytes != page.role.quadrant) return false;
    offset %= kBytes;
  }
  const Role base = vcpu.base_role;
  const bool same_mode = page.role.cr0_wp == base.cr0_wp && page.role.cr4_pae == base.cr4_pae &&
                         page.role.nxe == base.nxe && page.role.cr4_pse == base.cr4_pse &&
                         page.role.smep_andnot_wp == base.smep_andnot_wp &&
                         page.role.smap_andnot_wp == base.smap_andnot_wp;
  for (Spte* sptep = &page.spt[offset / 8]; count > 0; ++sptep, --count) {
    const Spte old = *sptep;
    ZapPte(page, sptep);
    if (gpte != 0 && same_mode) {
      if (page.role.level == kPageTableLevel) {
        UpdatePte(vcpu, page, sptep, gpte);
      } else {
        ++stats_.pde_zapped;
      }
    }
    if (NeedRemoteFlush(old, *sptep)) *remote_flush = true;
  }
  return true;
}

// mmu_pte_write_zap_pte.
template <ReverseMap R>
void ShadowMmu<R>::ZapPte(Page& page, Spte* sptep) {
  if (!Present(*sptep)) {
    *sptep = trap();
  } else if (IsLeaf(*sptep, static_cast<int>(page.role.level))) {
    graph_.DropLeaf(sptep, trap());
  } else {
    graph_.UnlinkChild(sptep);
  }
}

// mmu_pte_write_new_pte for a level 1 page, FNAME(update_pte).
template <ReverseMap R>
void ShadowMmu<R>::UpdatePte(Processor& vcpu, Page& page, Spte* sptep, Gpte gpte) {
  if (IsReserved(vcpu, gpte, kPageTableLevel)) return;
  ++stats_.pte_updated;
  if ((gpte & kGptePresent) == 0) {
    *sptep = page.unsync ? trap() : graph_.masks().notrap;
    return;
  }
  const GuessedFrame& guess = vcpu.update_pte;
  if ((gpte & kGpteAccessed) == 0 || !guess.valid) return;
  if (guess.gfn != (gpte & kGpteAddress) >> kPageShift || NotifierRetry(guess.mmu_seq)) return;
  MappingRequest mapping;
  mapping.access = page.role.access & GpteAccess(vcpu, gpte);
  mapping.dirty = (gpte & kGpteDirty) != 0;
  mapping.gfn = guess.gfn;
  mapping.pfn = guess.pfn;
  mapping.speculative = true;
  MmuSetSpte(vcpu, sptep, mapping);
}

// need_remote_flush: whether a vcpu's TLB may allow more than the new word does.
template <ReverseMap R>
bool ShadowMmu<R>::NeedRemoteFlush(Spte old_spte, Spte new_spte) const {
  if (!Present(old_spte)) return false;
  if (!Present(new_spte) || PfnOf(old_spte) != PfnOf(new_spte)) return true;
  constexpr Spte kNx = 1ull << 63;
  constexpr Spte kPermissions = kSptePresent | kSpteWritable | kSpteUser | kNx;
  return ((old_spte ^ kNx) & ~(new_spte ^ kNx) & kPermissions) != 0;
}

// kvm_mmu_invlpg and FNAME(invlpg): drops an entry of an unsync table, then reads it again.
template <ReverseMap R>
void ShadowMmu<R>::Invlpg(int vcpu_index, Gva gva) {
  Processor& vcpu = vcpus_[static_cast<size_t>(vcpu_index)];
  Refresh(vcpu);
  std::optional<Gfn> table;
  unsigned offset = 0;
  const unsigned entry = static_cast<unsigned>(GpteBytes(vcpu.mode.paging));
  if (!IsDirect(vcpu)) {
    gva = Gva{paging(vcpu).PageOf(gva)} << kPageShift;
    for (ShadowWalk it(*this, vcpu, gva); it.Okay(); it.Next()) {
      const Page& page = Graph::PageOf(it.sptep);
      const bool present = Present(*it.sptep);
      if (it.level == kPageTableLevel || IsHuge(*it.sptep)) {
        if (!page.unsync) break;
        const uint32_t first = page.role.quadrant * static_cast<uint32_t>(kEntries);
        offset = (first + IndexOf(page, it.sptep)) * entry;
        table = page.gfn;
        if (present) {
          graph_.DropLeaf(it.sptep, trap());
          graph_.FlushRemote();
        }
        *it.sptep = trap();
        break;
      }
      if (!present || page.unsync_children == 0) break;
    }
    ++invlpg_counter_;
    Window();
    if (table && graph_.TopUp(vcpu.caches)) {
      PteWriteLocked(vcpu, *table, offset, std::nullopt, static_cast<int>(entry), false);
    }
  }
  FlushTlb(vcpu);
  ++stats_.invlpg;
}

}  // namespace rmapdiff

#endif  // RMAPDIFF_MMU_SHADOW_SHADOW_MMU_PTE_WRITE_H_
