// ShadowMmu: roots, and the changes of mode and cr3 that replace them.
// Included by shadow_mmu_functions.h.
//
// A root is pinned while a vcpu uses it. A zap in the meantime leaves it empty and invalid on the
// active list, and asks all vcpus to reload. The last vcpu that lets go of it frees it.
#ifndef RMAPDIFF_MMU_SHADOW_SHADOW_MMU_ROOTS_H_
#define RMAPDIFF_MMU_SHADOW_SHADOW_MMU_ROOTS_H_

#include "mmu/shadow/shadow_mmu.h"

namespace rmapdiff {

// init_kvm_softmmu, init_kvm_tdp_mmu.
template <ReverseMap R>
void ShadowMmu<R>::InitContext(Processor& vcpu) {
  const PagingMode mode = vcpu.mode.paging;
  vcpu.root_level = GuestRootLevel(mode);
  vcpu.shadow_root_level = mode == PagingMode::kLong ? kRootLevel : 3;
  vcpu.base_role = Role{};
  if (config_.tdp) {
    vcpu.shadow_root_level = config_.tdp_level;
    return;
  }
  vcpu.base_role.cr4_pae = IsPae(mode);
  vcpu.base_role.cr0_wp = vcpu.mode.wp;
  vcpu.base_role.nxe = vcpu.mode.nx;
  const bool pse_matters = mode == PagingMode::k32Bit && !config_.quirks.share_across_pse;
  vcpu.base_role.cr4_pse = pse_matters && vcpu.mode.pse;
  // Without WP a user page becomes the kernel's when the kernel stores into it. Neither SMEP nor
  // SMAP would protect the pages that were made so before.
  const bool not_wp = mode != PagingMode::kNonPaging && !vcpu.mode.wp;
  vcpu.base_role.smep_andnot_wp = vcpu.mode.smep && not_wp;
  vcpu.base_role.smap_andnot_wp = vcpu.mode.smap && not_wp;
}

// Returns a root page, pinned, or null if there is no memory at its gfn.
template <ReverseMap R>
typename ShadowMmu<R>::Page* ShadowMmu<R>::AllocRoot(Processor& vcpu, Gfn gfn, Gva gva, int level,
                                                     bool direct) {
  if (!direct && graph_.slots().Find(gfn) == nullptr) return nullptr;
  FreeSomePages();
  Page& page = GetPage(vcpu, gfn, gva, level, direct, kAccessAll, nullptr);
  graph_.Pin(page);
  return &page;
}

// mmu_alloc_roots.
template <ReverseMap R>
MmuCode ShadowMmu<R>::AllocRoots(Processor& vcpu) {
  if (vcpu.shadow_root_level != kRootLevel) return AllocPaeRoots(vcpu);
  const Gfn gfn = config_.tdp ? 0 : vcpu.cr3;
  vcpu.root = AllocRoot(vcpu, gfn, 0, kRootLevel, config_.tdp);
  if (vcpu.root == nullptr) return MmuCode::kTripleFault;
  vcpu.root_valid = true;
  Window();
  return MmuCode::kOk;
}

// The kernel takes the lock for each root on its own.
template <ReverseMap R>
MmuCode ShadowMmu<R>::AllocPaeRoots(Processor& vcpu) {
  const bool direct = IsDirect(vcpu);
  const unsigned shift = GfnShift<Limits>(3);  // frames of a root
  for (unsigned i = 0; i < 4; ++i) {
    Gfn gfn = vcpu.cr3;
    if (direct) {
      gfn = Gfn{i} << shift;
      if (config_.quirks.wrong_direct_root_gfn) gfn = config_.tdp ? gfn << kPageShift : 0;
    } else if (vcpu.mode.paging == PagingMode::kPae) {
      vcpu.pae_root[i] = nullptr;
      if ((vcpu.pdptrs[i] & kGptePresent) == 0) continue;
      gfn = static_cast<Gfn>((vcpu.pdptrs[i] & kGpteAddress) >> kPageShift);
    }
    const Gva gva = Gva{i} << shift << kPageShift;
    vcpu.pae_root[i] = AllocRoot(vcpu, gfn, gva, kDirectoryLevel, direct);
    if (vcpu.pae_root[i] == nullptr) {
      if (!config_.quirks.leak_partial_roots) {
        vcpu.root_valid = true;
        FreeRoots(vcpu);
      }
      vcpu.pae_root = {};
      return MmuCode::kTripleFault;
    }
    Window();
  }
  vcpu.root_valid = true;
  return MmuCode::kOk;
}

// kvm_mmu_load.
template <ReverseMap R>
MmuCode ShadowMmu<R>::LoadRoots(Processor& vcpu) {
  if (!graph_.TopUp(vcpu.caches)) return MmuCode::kNoMemory;
  const MmuCode code = AllocRoots(vcpu);
  SyncRoots(vcpu);
  if (code == MmuCode::kOk) vcpu.tlb.Clear();
  return code;
}

template <ReverseMap R>
void ShadowMmu<R>::ReleaseRoot(Page*& root, PageList& zapped) {
  if (root == nullptr) return;
  if (--root->root_count == 0 && root->role.invalid) graph_.PrepareZap(*root, zapped);
  root = nullptr;
}

// mmu_free_roots.
template <ReverseMap R>
void ShadowMmu<R>::FreeRoots(Processor& vcpu) {
  if (!vcpu.root_valid) return;
  PageList zapped;
  ReleaseRoot(vcpu.root, zapped);
  for (Page*& root : vcpu.pae_root) ReleaseRoot(root, zapped);
  graph_.CommitZap(zapped);
  vcpu.root_valid = false;
  vcpu.tlb.Clear();  // the guest does not run before LoadRoots, which flushes
}

// kvm_reload_remote_mmus.
template <ReverseMap R>
void ShadowMmu<R>::ReloadAll() {
  for (Processor& vcpu : vcpus_) vcpu.requests.reload = true;
}

template <ReverseMap R>
void ShadowMmu<R>::Unload(int vcpu) {
  FreeRoots(vcpus_[static_cast<size_t>(vcpu)]);
}

// The quota and the pages belong to the VM, not to the vcpu.
template <ReverseMap R>
void ShadowMmu<R>::ReplaceVcpu(int vcpu_index) {
  Processor& vcpu = vcpus_[static_cast<size_t>(vcpu_index)];
  FreeRoots(vcpu);
  graph_.Drain(vcpu.caches);
  vcpu.mode = {};
  vcpu.cr3 = 0;
  vcpu.pdptrs = {};
  vcpu.last_pt_write_gfn = 0;
  vcpu.last_pt_write_count = 0;
  vcpu.last_pte_updated = nullptr;
  vcpu.update_pte = {};
  vcpu.async_fault = {};
  Refresh(vcpu);
  vcpu.requests = {};
  InitContext(vcpu);
}

// load_pdptrs. False: one of them is malformed, or they are not in memory.
template <ReverseMap R>
bool ShadowMmu<R>::LoadPdptrs(const GuestMode& mode, Gfn cr3, std::array<Gpte, 4>* pdptrs) const {
  const Paging guest{mode.paging};
  const Gpte unchecked = config_.quirks.old_reserved_bits ? kGpteAccessed | kGpteDirty : 0;
  for (uint32_t i = 0; i < 4; ++i) {
    const std::optional<Gpte> pdptr = ReadGpte(cr3, i, true);
    if (!pdptr) return false;
    const bool present = (*pdptr & kGptePresent) != 0;
    if (present && (*pdptr & guest.Reserved(mode, *pdptr, 3) & ~unchecked) != 0) return false;
    (*pdptrs)[i] = *pdptr;
  }
  return true;
}

// The frame that a value for cr3 names. Nothing if a reserved bit is set: there are some in long
// mode only, from the physical width on. Otherwise the value has 32 bits. The low 12 bits are no
// part of a frame's number, and none of them is reserved.
template <ReverseMap R>
std::optional<Gfn> ShadowMmu<R>::TableOfCr3(const Processor& vcpu, uint64_t value) {
  if (vcpu.mode.paging != PagingMode::kLong) {
    value &= LowBits(32);
  } else if ((value & BitRange(kMaxPhysicalBits, 63)) != 0) {
    return std::nullopt;
  }
  return static_cast<Gfn>(value >> kPageShift);
}

template <ReverseMap R>
MmuCode ShadowMmu<R>::LoadCr3(int vcpu_index, Gfn cr3, uint64_t others) {
  Processor& vcpu = vcpus_[static_cast<size_t>(vcpu_index)];
  Refresh(vcpu);
  const std::optional<Gfn> table = TableOfCr3(vcpu, uint64_t{cr3} << kPageShift | others);
  if (!table) return MmuCode::kGeneralProtection;
  cr3 = *table;
  std::array<Gpte, 4> pdptrs = vcpu.pdptrs;
  if (vcpu.mode.paging == PagingMode::kPae && !LoadPdptrs(vcpu.mode, cr3, &pdptrs)) {
    return MmuCode::kGeneralProtection;
  }
  if (cr3 == vcpu.cr3 && pdptrs == vcpu.pdptrs) {
    SyncRoots(vcpu);
    FlushTlb(vcpu);
    return MmuCode::kOk;
  }
  if (graph_.slots().Find(cr3) == nullptr) return MmuCode::kGeneralProtection;
  vcpu.cr3 = cr3;
  vcpu.pdptrs = pdptrs;
  if (!IsDirect(vcpu)) FreeRoots(vcpu);
  return MmuCode::kOk;
}

template <ReverseMap R>
MmuCode ShadowMmu<R>::SetMode(int vcpu_index, const GuestMode& mode, Gfn cr3) {
  Processor& vcpu = vcpus_[static_cast<size_t>(vcpu_index)];
  Refresh(vcpu);
  std::array<Gpte, 4> pdptrs{};
  if (mode.paging == PagingMode::kPae && !LoadPdptrs(mode, cr3, &pdptrs)) {
    return MmuCode::kGeneralProtection;
  }
  if (mode.paging != PagingMode::kNonPaging && graph_.slots().Find(cr3) == nullptr) {
    return MmuCode::kGeneralProtection;
  }
  vcpu.cr3 = cr3;
  vcpu.pdptrs = pdptrs;
  ResetContext(vcpu, mode);
  return MmuCode::kOk;
}

// kvm_mmu_reset_context.
template <ReverseMap R>
void ShadowMmu<R>::ResetContext(Processor& vcpu, const GuestMode& mode) {
  FreeRoots(vcpu);
  vcpu.mode = mode;
  InitContext(vcpu);
}

// With PAE paging the processor loads the pdptrs again if SMEP changes, but not if SMAP does.
template <ReverseMap R>
MmuCode ShadowMmu<R>::WriteCr4(int vcpu_index, bool smep, bool smap) {
  Processor& vcpu = vcpus_[static_cast<size_t>(vcpu_index)];
  Refresh(vcpu);
  GuestMode mode = vcpu.mode;
  mode.smep = smep;
  mode.smap = smap;
  const bool loads_pdptrs = mode.paging == PagingMode::kPae && mode.smep != vcpu.mode.smep;
  std::array<Gpte, 4> pdptrs = vcpu.pdptrs;
  if (loads_pdptrs && !LoadPdptrs(mode, vcpu.cr3, &pdptrs)) return MmuCode::kGeneralProtection;
  if (mode == vcpu.mode) return MmuCode::kOk;
  vcpu.pdptrs = pdptrs;
  ResetContext(vcpu, mode);
  return MmuCode::kOk;
}

// Handles requests, then loads roots. Both may bring new requests, because loading may reclaim
// pages.
template <ReverseMap R>
MmuCode ShadowMmu<R>::EnterGuest(int vcpu_index) {
  Processor& vcpu = vcpus_[static_cast<size_t>(vcpu_index)];
  for (int round = 0; round < kMaxExits; ++round) {
    Refresh(vcpu);
    if (vcpu.requests == VcpuRequests{} && vcpu.root_valid) return MmuCode::kOk;
    const VcpuRequests requests = vcpu.requests;
    vcpu.requests = {};
    if (requests.reload) FreeRoots(vcpu);
    if (requests.sync) SyncRoots(vcpu);
    if (requests.flush) vcpu.tlb.Clear();
    if (vcpu.root_valid) continue;
    const MmuCode code = LoadRoots(vcpu);
    if (code != MmuCode::kOk) return code;
  }
  return MmuCode::kRetryExhausted;
}

}  // namespace rmapdiff

#endif  // RMAPDIFF_MMU_SHADOW_SHADOW_MMU_ROOTS_H_
