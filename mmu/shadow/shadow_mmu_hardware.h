// ShadowMmu: the processor on the shadow tables, and the emulator.
// Included by shadow_mmu_functions.h.
//
// Under shadow paging the processor runs with WP and NX on, whatever the guest has set. SMEP and
// SMAP are on if the guest has set them and pages: an unpaged guest runs on user pages. It sets
// accessed bits at all levels, and the dirty bit of the leaf, if the masks have them. With two
// non-present words (bypass_guest_pf) a `notrap` entry faults straight into the guest. A `trap`
// entry faults into the MMU.
#ifndef RMAPDIFF_MMU_SHADOW_SHADOW_MMU_HARDWARE_H_
#define RMAPDIFF_MMU_SHADOW_SHADOW_MMU_HARDWARE_H_

#include "mmu/shadow/shadow_mmu.h"

namespace rmapdiff {

// The result of a translation.
template <ReverseMap R>
struct ShadowMmu<R>::Hardware {
  enum class State : uint8_t { kTranslated, kExit, kGuestFault };
  State state = State::kExit;
  int level = 0;
  TlbEntry entry;
};

// The control bits of the real processor while it runs the guest.
template <ReverseMap R>
struct ShadowMmu<R>::Controls {
  bool nx = true;
  bool smep = false;
  bool smap = false;
};

// update_transition_efer, vmx_set_cr4.
template <ReverseMap R>
typename ShadowMmu<R>::Controls ShadowMmu<R>::ControlsOf(const Processor& vcpu) const {
  Controls controls;
  if (IsDirect(vcpu)) return controls;
  controls.smep = vcpu.mode.smep;
  controls.smap = vcpu.mode.smap;
  return controls;
}

// The page number of an address, cut to the bits that the mode has.
template <ReverseMap R>
Gva ShadowMmu<R>::PageNumber(const Processor& vcpu, Gva gva) const {
  if (!config_.tdp) return paging(vcpu).PageOf(gva);
  const unsigned bits =
      config_.tdp_level == kRootLevel ? 4u * Limits::kLevelBits : 2u + 2u * Limits::kLevelBits;
  return gva >> kPageShift & LowBits(bits);
}

// The address, rounded down to a multiple of the size. Its offset is cut to the words that a page
// has.
template <ReverseMap R>
Gva ShadowMmu<R>::Aligned(Gva gva, int bytes) {
  const Gva offset = (gva & kPageOffset) % (Gva{kEntries} * 8);
  return (gva & ~kPageOffset) | (offset - offset % static_cast<Gva>(bytes));
}

// The request as the processor takes it: its address cut to the bits that exist, and aligned. An
// implicit one is the supervisor's.
template <ReverseMap R>
AccessRequest ShadowMmu<R>::Normalized(const Processor& vcpu, AccessRequest request) const {
  if (request.bytes != 1 && request.bytes != 2 && request.bytes != 4) request.bytes = 8;
  const Gva page = PageNumber(vcpu, request.gva) << kPageShift;
  request.gva = page | (Aligned(request.gva, request.bytes) & kPageOffset);
  if (request.kind == AccessKind::kImplicit) request.user = false;
  return request;
}

template <ReverseMap R>
bool ShadowMmu<R>::Permits(const Controls& controls, const TlbEntry& entry,
                           const AccessRequest& request) {
  if (request.user && !entry.user) return false;
  if (!request.user && entry.user) {
    const bool fetch = request.type == AccessType::kFetch;
    if (fetch ? controls.smep : controls.smap && request.kind != AccessKind::kAc) return false;
  }
  if (request.type == AccessType::kWrite) return entry.writable;
  return request.type != AccessType::kFetch || entry.executable;
}

// The walk of the shadow tables.
template <ReverseMap R>
typename ShadowMmu<R>::Hardware ShadowMmu<R>::HardwareWalk(const Processor& vcpu,
                                                           const AccessRequest& request) {
  const SpteMasks& masks = graph_.masks();
  const Controls controls = ControlsOf(vcpu);
  Hardware walk;
  walk.entry = {0, true, true, true};
  std::array<Spte*, kRootLevel> path{};
  size_t depth = 0;
  int level = 0;
  Page* page = RootFor(vcpu, request.gva, &level);
  while (page != nullptr) {
    const Gva index = request.gva >> kPageShift >> GfnShift<Limits>(level) & (kEntries - 1);
    Spte* sptep = &page->spt[index];
    const Spte spte = *sptep;
    if (!Present(spte)) {
      const bool guest = spte == masks.notrap && masks.trap != masks.notrap;
      if (guest) walk.state = Hardware::State::kGuestFault;
      return walk;
    }
    if (!controls.nx && (spte & masks.nx) != 0) return walk;  // a reserved bit
    path[depth++] = sptep;
    walk.entry.writable &= IsWritable(spte);
    walk.entry.user &= masks.user == 0 || (spte & masks.user) != 0;
    walk.entry.executable &= masks.exec != 0 ? (spte & masks.exec) != 0 : (spte & masks.nx) == 0;
    if (IsLeaf(spte, level)) {
      walk.level = level;
      break;
    }
    page = static_cast<Page*>(ChildOf(spte));
    --level;
  }
  if (walk.level == 0 || !Permits(controls, walk.entry, request)) return walk;
  for (size_t i = 0; i < depth; ++i) *path[i] |= masks.accessed;
  if (request.type == AccessType::kWrite) *path[depth - 1] |= masks.dirty;
  walk.entry.spte = *path[depth - 1];
  walk.state = Hardware::State::kTranslated;
  return walk;
}

// Looks into the TLB, then walks the tables.
template <ReverseMap R>
typename ShadowMmu<R>::Hardware ShadowMmu<R>::Translate(Processor& vcpu,
                                                        const AccessRequest& request) {
  const Gva page = request.gva >> kPageShift;
  Hardware walk;
  const TlbEntry* cached = vcpu.tlb.Find(page, &walk.level);
  if (cached != nullptr && Permits(ControlsOf(vcpu), *cached, request)) {
    walk.entry = *cached;
    walk.state = Hardware::State::kTranslated;
    return walk;
  }
  if (cached != nullptr) vcpu.tlb.Erase(page);
  walk = HardwareWalk(vcpu, request);
  if (walk.state == Hardware::State::kTranslated) vcpu.tlb.Insert(page, walk.level, walk.entry);
  return walk;
}

template <ReverseMap R>
unsigned ShadowMmu<R>::WordOf(const AccessRequest& request) {
  return static_cast<unsigned>((request.gva & kPageOffset) / 8);
}

// The word after the store.
template <ReverseMap R>
uint64_t ShadowMmu<R>::Store(uint64_t word, const AccessRequest& request) {
  if (request.type != AccessType::kWrite) return word;
  const unsigned shift = static_cast<unsigned>(request.gva % 8) * 8;
  const uint64_t mask = LowBits(static_cast<unsigned>(request.bytes) * 8) << shift;
  return (word & ~mask) | (request.value << shift & mask);
}

// The access itself, on the frame of the translation.
template <ReverseMap R>
AccessResult ShadowMmu<R>::TouchFrame(const AccessRequest& request, const Hardware& walk) {
  const Gva page = request.gva >> kPageShift;
  const Gva offset = page & LowBits(GfnShift<Limits>(walk.level));
  AccessResult result;
  result.pfn = PfnOf(walk.entry.spte) + offset;
  const bool write = request.type == AccessType::kWrite;
  const std::optional<Hva> hva = host_.PageOn(result.pfn);
  if (!hva || (write && !host_.Writable(*hva))) {
    result.code = MmuCode::kStaleFrame;
    return result;
  }
  result.value = Store(host_.Read(*hva, WordOf(request)), request);
  if (write) host_.Write(*hva, WordOf(request), result.value);
  return result;
}

// emulate_instruction: the access by its guest physical address. The MMU learns of a store.
// REQUIRES: the caches were topped up.
template <ReverseMap R>
AccessResult ShadowMmu<R>::Emulate(Processor& vcpu, const AccessRequest& request) {
  AccessResult result;
  const std::optional<Gva> gpa = GvaToGpa(vcpu, request, &result.error_code);
  if (!gpa) {
    result.code = MmuCode::kGuestFault;
    return result;
  }
  return EmulatePhysical(vcpu, static_cast<Gfn>(*gpa >> kPageShift), request);
}

// emulator_read and emulator_write_phys. Only the offset of the request's address counts.
template <ReverseMap R>
AccessResult ShadowMmu<R>::EmulatePhysical(Processor& vcpu, Gfn gfn, const AccessRequest& request) {
  AccessResult result;
  if (!HvaOf(gfn) || (request.type == AccessType::kWrite && IsReadOnly(gfn))) {
    result.code = MmuCode::kMmio;
    return result;
  }
  const std::optional<uint64_t> word = ReadGuest(gfn, WordOf(request));
  if (!word) {
    result.code = MmuCode::kHostFault;
    return result;
  }
  result.code = MmuCode::kEmulated;
  result.value = Store(*word, request);
  if (request.type == AccessType::kWrite) {
    WriteGuest(gfn, WordOf(request), result.value);
    const unsigned offset = static_cast<unsigned>(request.gva & kPageOffset);
    PteWriteLocked(vcpu, gfn, offset, request.value, request.bytes, true);
  }
  return result;
}

// kvm_mmu_page_fault. No result: the caller enters the guest again.
template <ReverseMap R>
std::optional<AccessResult> ShadowMmu<R>::HandleExit(Processor& vcpu,
                                                     const AccessRequest& request) {
  AccessResult result;
  switch (PageFault(vcpu, request, &result.error_code)) {
    case FaultResult::kRetry:
      return std::nullopt;
    case FaultResult::kGuestFault:
      result.code = MmuCode::kGuestFault;
      return result;
    case FaultResult::kNoMemory:
      result.code = MmuCode::kNoMemory;
      return result;
    case FaultResult::kHostFault:
      result.code = MmuCode::kHostFault;
      return result;
    case FaultResult::kEmulate:
      break;
  }
  if (!graph_.TopUp(vcpu.caches)) {
    result.code = MmuCode::kNoMemory;
    return result;
  }
  ++stats_.emulated;
  return Emulate(vcpu, request);
}

template <ReverseMap R>
AccessResult ShadowMmu<R>::Access(int vcpu_index, const AccessRequest& access) {
  Processor& vcpu = vcpus_[static_cast<size_t>(vcpu_index)];
  const AccessRequest request = Normalized(vcpu, access);
  AccessResult result;
  for (int exits = 0; exits < kMaxExits; ++exits) {
    result.exits = exits;
    result.code = EnterGuest(vcpu_index);
    if (result.code != MmuCode::kOk) return result;
    const Hardware walk = Translate(vcpu, request);
    if (walk.state == Hardware::State::kTranslated) {
      result = TouchFrame(request, walk);
      result.exits = exits;
      return result;
    }
    if (walk.state == Hardware::State::kGuestFault) {
      result.code = MmuCode::kGuestFault;
      result.error_code = ErrorBitsOf(vcpu, request.type, request.user);
      if (request.type == AccessType::kFetch && config_.quirks.bypass_reports_fetch) {
        result.error_code |= kFaultFetch;
      }
      return result;
    }
    std::optional<AccessResult> handled = HandleExit(vcpu, request);
    if (!handled) continue;
    handled->exits = exits + 1;
    return *handled;
  }
  result.exits = kMaxExits;
  result.code = MmuCode::kRetryExhausted;
  return result;
}

template <ReverseMap R>
AccessResult ShadowMmu<R>::StoreMany(int vcpu_index, const AccessRequest& first,
                                     const std::vector<uint64_t>& values) {
  Processor& vcpu = vcpus_[static_cast<size_t>(vcpu_index)];
  AccessRequest request = Normalized(vcpu, first);
  request.type = AccessType::kWrite;
  AccessResult result;
  for (const uint64_t value : values) {
    request.value = value;
    const int exits = result.exits;
    result =
        result.code == MmuCode::kEmulated ? Emulate(vcpu, request) : Access(vcpu_index, request);
    result.exits += exits;
    if (result.code != MmuCode::kOk && result.code != MmuCode::kEmulated) break;
    request.gva += static_cast<Gva>(request.bytes);
    if ((request.gva & kPageOffset) < Gva{kEntries} * 8) continue;
    request.gva = ((request.gva >> kPageShift) + 1) << kPageShift;
    request = Normalized(vcpu, request);
  }
  return result;
}

}  // namespace rmapdiff

#endif  // RMAPDIFF_MMU_SHADOW_SHADOW_MMU_HARDWARE_H_
