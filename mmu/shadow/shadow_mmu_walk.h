// ShadowMmu: guest memory, and the walk of the guest's own tables.
// Included by shadow_mmu_functions.h.
//
// The MMU reaches guest memory through the memslots and the host's mappings, as KVM does through
// user addresses. A store to a read-only host page breaks the copy on write first, and that calls
// the notifiers. So a caller that looks up a frame reads mmu_notifier_seq before.
//
// Read-only slots are those of Linux 3.7: a store finds no frame there. Tables may be in them, as
// since 3.12. Then the walk sets no accessed and no dirty bit, and a store takes the entry for a
// dirty one.
#ifndef RMAPDIFF_MMU_SHADOW_SHADOW_MMU_WALK_H_
#define RMAPDIFF_MMU_SHADOW_SHADOW_MMU_WALK_H_

#include "mmu/shadow/shadow_mmu.h"

namespace rmapdiff {

// struct guest_walker; the arrays are indexed by level - 1.
template <ReverseMap R>
struct ShadowMmu<R>::Walker {
  int level = 0;
  std::array<Gfn, kRootLevel> table_gfn{};
  std::array<uint32_t, kRootLevel> index{};
  std::array<Gpte, kRootLevel> ptes{};
  std::array<unsigned, kRootLevel> table_access{};  // the rights of all entries above the table
  unsigned pte_access = 0;                          // ... and of the leaf as well
  Gfn gfn = 0;
  // Why the walk fails. A missing right does not end it: an entry may be absent below.
  bool absent = false;
  bool reserved = false;
  bool denied = false;
  uint32_t error_code = 0;
  bool leaf_is_dirty = false;  // D is set, or cannot be set and the guest writes

  bool failed() const { return absent || reserved || denied; }
  unsigned pt_access() const { return table_access[static_cast<size_t>(level - 1)]; }
  Gpte leaf() const { return ptes[static_cast<size_t>(level - 1)]; }
  bool dirty() const { return leaf_is_dirty; }
};

template <ReverseMap R>
struct ShadowMmu<R>::HostFrame {
  enum class State : uint8_t { kMapped, kNoSlot, kReadOnly, kFault };
  State state = State::kMapped;
  Pfn pfn = 0;
  bool writable = true;
};

// Whether the emulator has to find out that user space carries the access out.
template <ReverseMap R>
bool ShadowMmu<R>::IsMmio(const HostFrame& frame) {
  return frame.state == HostFrame::State::kNoSlot || frame.state == HostFrame::State::kReadOnly;
}

// gfn_to_hva.
template <ReverseMap R>
std::optional<Hva> ShadowMmu<R>::HvaOf(Gfn gfn) const {
  for (const Slot& slot : graph_.slots().all()) {
    if (slot.Contains(gfn)) return static_cast<Hva>(slot.UserGfn(gfn));
  }
  return std::nullopt;
}

// mark_page_dirty.
template <ReverseMap R>
void ShadowMmu<R>::MarkPageDirty(Gfn gfn) {
  Slot* slot = graph_.slots().Find(gfn);
  if (slot != nullptr && slot->logged()) slot->dirty_bitmap()[gfn - slot->base_gfn()] = true;
}

// do_wp_page: makes the host's page writable, on a new frame.
template <ReverseMap R>
void ShadowMmu<R>::BreakCow(Hva hva) {
  if (host_.Writable(hva)) return;
  host_.Move(hva);
  ChangePte(hva, host_.Frame(hva), true);
}

// memslot_is_readonly of the slot that has the frame, if one has it.
template <ReverseMap R>
bool ShadowMmu<R>::IsReadOnly(Gfn gfn) const {
  const Slot* slot = graph_.slots().Find(gfn);
  return slot != nullptr && slot->read_only();
}

// gfn_to_pfn_prot. It always asks for a writable frame, as in 2.6.36, but of a read-only slot.
// There `write` finds none.
template <ReverseMap R>
typename ShadowMmu<R>::HostFrame ShadowMmu<R>::GfnToPfn(Gfn gfn, bool write) {
  const std::optional<Hva> hva = HvaOf(gfn);
  if (!hva) return {HostFrame::State::kNoSlot, 0, false};
  const bool read_only = IsReadOnly(gfn);
  if (read_only && write) return {HostFrame::State::kReadOnly, 0, false};
  if (!host_.Mapped(*hva)) return {HostFrame::State::kFault, 0, false};
  if (!read_only) BreakCow(*hva);
  return {HostFrame::State::kMapped, host_.Frame(*hva), !read_only};
}

template <ReverseMap R>
std::optional<uint64_t> ShadowMmu<R>::ReadGuest(Gfn gfn, unsigned word) const {
  const std::optional<Hva> hva = HvaOf(gfn);
  if (!hva || !host_.Mapped(*hva)) return std::nullopt;
  return host_.Read(*hva, word);
}

template <ReverseMap R>
bool ShadowMmu<R>::WriteGuest(Gfn gfn, unsigned word, uint64_t value) {
  if (IsReadOnly(gfn) || !HostWrite(gfn, word, value)) return false;
  MarkPageDirty(gfn);
  return true;
}

template <ReverseMap R>
bool ShadowMmu<R>::HostWrite(Gfn gfn, unsigned word, uint64_t value) {
  const std::optional<Hva> hva = HvaOf(gfn);
  if (!hva || !host_.Mapped(*hva)) return false;
  BreakCow(*hva);
  host_.Write(*hva, word, value);
  return true;
}

// Reads an entry of a guest table: 8 bytes with PAE, else half a word.
template <ReverseMap R>
std::optional<Gpte> ShadowMmu<R>::ReadGpte(Gfn table, uint32_t index, bool pae) const {
  const std::optional<uint64_t> word = ReadGuest(table, pae ? index : index / 2);
  if (!word || pae) return word;
  return *word >> (index % 2 * 32) & LowBits(32);
}

template <ReverseMap R>
bool ShadowMmu<R>::WriteGpte(Gfn table, uint32_t index, bool pae, Gpte gpte) {
  if (pae) return WriteGuest(table, index, gpte);
  const std::optional<uint64_t> word = ReadGuest(table, index / 2);
  if (!word) return false;
  const unsigned shift = index % 2 * 32;
  return WriteGuest(table, index / 2, (*word & ~(LowBits(32) << shift)) | gpte << shift);
}

// gpte_access. The bits of ACC_* and of entries are the same.
template <ReverseMap R>
unsigned ShadowMmu<R>::GpteAccess(const Processor& vcpu, Gpte gpte) const {
  const unsigned access = static_cast<unsigned>(gpte & (kGpteWritable | kGpteUser)) | kAccessExec;
  const bool no_exec = IsPae(vcpu.mode.paging) && vcpu.mode.nx && (gpte & kGpteNx) != 0;
  return no_exec ? access & ~kAccessExec : access;
}

template <ReverseMap R>
bool ShadowMmu<R>::IsReserved(const Processor& vcpu, Gpte gpte, int level) const {
  if (config_.quirks.old_reserved_bits && (gpte & kGpteGlobal) != 0 && level >= 3 &&
      !paging(vcpu).IsLast(vcpu.mode, gpte, level)) {
    return true;
  }
  return (gpte & paging(vcpu).Reserved(vcpu.mode, gpte, level)) != 0;
}

// permission_fault, of a page that is the user's at every level: whether SMEP or SMAP protect it.
template <ReverseMap R>
bool ShadowMmu<R>::DeniesUserPage(const GuestMode& mode, const AccessRequest& request) {
  if (request.user) return false;
  if (request.type == AccessType::kFetch) return mode.smep;
  return mode.smap && request.kind != AccessKind::kAc;
}

// Reads one entry, checks it, and sets its accessed bit if the walk has the rights so far. False:
// the walk ends here.
template <ReverseMap R>
bool ShadowMmu<R>::WalkStep(Processor& vcpu, const AccessRequest& request, Walker* walker,
                            Gpte* gpte) {
  const size_t at = static_cast<size_t>(walker->level - 1);
  const bool pae = IsPae(vcpu.mode.paging);
  const Gfn table = walker->table_gfn[at];
  const std::optional<Gpte> read = ReadGpte(table, walker->index[at], pae);
  walker->absent = !read || (*read & kGptePresent) == 0;
  if (walker->absent) return false;
  *gpte = *read;
  walker->reserved = IsReserved(vcpu, *gpte, walker->level);
  if (walker->reserved) return false;
  const bool write_denied = request.type == AccessType::kWrite && (*gpte & kGpteWritable) == 0 &&
                            (request.user || vcpu.mode.wp);
  const bool user_denied = request.user && (*gpte & kGpteUser) == 0;
  const bool fetch_denied =
      request.type == AccessType::kFetch && (GpteAccess(vcpu, *gpte) & kAccessExec) == 0;
  if (write_denied || user_denied || fetch_denied) walker->denied = true;
  if (paging(vcpu).IsLast(vcpu.mode, *gpte, walker->level)) {
    const unsigned access = walker->table_access[at] & GpteAccess(vcpu, *gpte);
    if ((access & kAccessUser) != 0 && DeniesUserPage(vcpu.mode, request)) walker->denied = true;
  }
  if (!walker->denied && (*gpte & kGpteAccessed) == 0 && !IsReadOnly(table)) {
    *gpte |= kGpteAccessed;
    WriteGpte(table, walker->index[at], pae, *gpte);
  }
  walker->ptes[at] = *gpte;
  return true;
}

// walk_addr. False: the guest gets a #PF with error_code.
template <ReverseMap R>
bool ShadowMmu<R>::WalkAddr(Processor& vcpu, const AccessRequest& request, Walker* walker) {
  const Paging guest = paging(vcpu);
  const Gva gva = request.gva;
  walker->level = vcpu.root_level;
  Gpte gpte = Gpte{vcpu.cr3} << kPageShift;
  if (vcpu.mode.paging == PagingMode::kPae) {
    gpte = vcpu.pdptrs[guest.Index(gva, walker->level)];
    walker->absent = (gpte & kGptePresent) == 0;
    --walker->level;
  }
  unsigned access = kAccessAll;
  while (!walker->absent) {
    const size_t at = static_cast<size_t>(walker->level - 1);
    walker->table_gfn[at] = guest.GfnOf(gpte, kPageTableLevel);
    walker->index[at] = guest.Index(gva, walker->level);
    walker->table_access[at] = access;
    if (!WalkStep(vcpu, request, walker, &gpte)) break;
    access &= GpteAccess(vcpu, gpte);
    if (guest.IsLast(vcpu.mode, gpte, walker->level)) break;
    --walker->level;
  }
  if (walker->failed()) {
    if (!walker->absent) walker->error_code |= kFaultPresent;
    if (walker->reserved) walker->error_code |= kFaultReserved;
    walker->error_code |= ErrorBitsOf(vcpu, request.type, request.user);
    return false;
  }
  const size_t leaf = static_cast<size_t>(walker->level - 1);
  const bool stays_clean = IsReadOnly(walker->table_gfn[leaf]);
  if (request.type == AccessType::kWrite && (gpte & kGpteDirty) == 0 && !stays_clean) {
    gpte |= kGpteDirty;
    WriteGpte(walker->table_gfn[leaf], walker->index[leaf], IsPae(vcpu.mode.paging), gpte);
    walker->ptes[leaf] = gpte;
  }
  const bool write = request.type == AccessType::kWrite;
  walker->leaf_is_dirty = (gpte & kGpteDirty) != 0 || (stays_clean && write);
  walker->pte_access = access;
  walker->gfn = guest.GfnOf(gpte, walker->level) + guest.FrameOffset(gva, walker->level);
  return true;
}

// The bits of an error code that say what was tried. A fetch is reported where NX or SMEP can
// forbid it.
template <ReverseMap R>
uint32_t ShadowMmu<R>::ErrorBitsOf(const Processor& vcpu, AccessType type, bool user) const {
  const bool pae = IsPae(vcpu.mode.paging) || config_.quirks.fetch_bit_without_pae;
  uint32_t bits = user ? kFaultUser : 0;
  if (type == AccessType::kWrite) bits |= kFaultWrite;
  const bool fetch = vcpu.mode.smep || (vcpu.mode.nx && pae);
  if (type == AccessType::kFetch && fetch) bits |= kFaultFetch;
  return bits;
}

// gpte_changed.
template <ReverseMap R>
bool ShadowMmu<R>::GpteChanged(const Processor& vcpu, const Walker& walker, int level) const {
  const size_t at = static_cast<size_t>(level - 1);
  const std::optional<Gpte> now =
      ReadGpte(walker.table_gfn[at], walker.index[at], IsPae(vcpu.mode.paging));
  return !now || *now != walker.ptes[at];
}

// gva_to_gpa.
template <ReverseMap R>
std::optional<Gva> ShadowMmu<R>::GvaToGpa(Processor& vcpu, const AccessRequest& request,
                                          uint32_t* error_code) {
  if (IsDirect(vcpu)) return request.gva;
  Walker walker;
  if (!WalkAddr(vcpu, request, &walker)) {
    *error_code = walker.error_code;
    return std::nullopt;
  }
  return Gva{walker.gfn} << kPageShift | (request.gva & kPageOffset);
}

}  // namespace rmapdiff

#endif  // RMAPDIFF_MMU_SHADOW_SHADOW_MMU_WALK_H_
