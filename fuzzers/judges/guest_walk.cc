// GuestTruth: memslots, registers, and the walk of the guest's tables.
#include <algorithm>

#include "fuzzers/judges/guest_truth.h"

namespace rmapdiff {
namespace {

// Where the fields of an entry are; the names of single bits are guest.h's.
constexpr unsigned kWordBits = 64;
constexpr unsigned kHalfBits = 32;
// A and D have members of their own; PWT, PCD and the three bits for software mean nothing.
constexpr uint64_t kMeaningless = kGpteAccessed | kGpteDirty | 3ull << 3 | 7ull << 9;
constexpr unsigned kPdptrBits = 2;
constexpr uint32_t kNotPresent = 0;

// Bits 0..count-1.
constexpr uint64_t Ones(unsigned count) {
  return count >= kWordBits ? ~uint64_t{0} : (uint64_t{1} << count) - 1;
}
// Bits from..to, both included.
constexpr uint64_t Span(unsigned from, unsigned to) { return Ones(to + 1) & ~Ones(from); }

constexpr bool HasWideEntries(PagingMode mode) {
  return mode == PagingMode::kPae || mode == PagingMode::kLong;
}

}  // namespace

// ---- The guest ----

const GuestTruth::Slot* GuestTruth::SlotOf(Gfn gfn) const {
  for (const Slot& slot : slots_) {
    if (slot.Contains(gfn)) return &slot;
  }
  return nullptr;
}

const GuestTruth::Slot* GuestTruth::SlotWithId(uint32_t id) const {
  for (const Slot& slot : slots_) {
    if (slot.id == id) return &slot;
  }
  return nullptr;
}

bool GuestTruth::IsReadOnly(Gfn gfn) const {
  const Slot* slot = SlotOf(gfn);
  return slot != nullptr && slot->read_only;
}

std::optional<Hva> GuestTruth::HvaOf(Gfn gfn) const {
  const Slot* slot = SlotOf(gfn);
  if (slot == nullptr) return std::nullopt;
  return slot->hva + static_cast<Hva>(gfn - slot->base);
}

// Whether more than one frame of the guest is this page.
bool GuestTruth::IsAliased(Hva hva) const {
  int frames = 0;
  for (const Slot& slot : slots_) {
    if (hva >= slot.hva && hva - slot.hva < slot.npages) ++frames;
  }
  return frames > 1;
}

void GuestTruth::Flush(Processor& vcpu) {
  vcpu.flushed = Begin();
  vcpu.invalidated.clear();
}

// The four registers, as cr3 was loaded: before anybody got in between.
void GuestTruth::ReadPdptrs(Processor& vcpu) {
  vcpu.pdptrs = {};
  if (vcpu.mode.paging != PagingMode::kPae) return;
  const std::optional<Hva> hva = HvaOf(vcpu.cr3);
  if (!hva) return;
  for (unsigned i = 0; i < vcpu.pdptrs.size(); ++i) vcpu.pdptrs[i] = ValueAtBegin(*hva, i);
}

// The MMU shadows the root tables before anybody walks through them.
void GuestTruth::MarkRoots(const Processor& vcpu) {
  if (IsDirect(vcpu)) return;
  const auto mark = [this](Gfn gfn) {
    if (const std::optional<Hva> hva = HvaOf(gfn)) tables_.insert(*hva);
  };
  if (vcpu.mode.paging != PagingMode::kPae) return mark(vcpu.cr3);
  for (const uint64_t pdptr : vcpu.pdptrs) {
    if ((pdptr & kGptePresent) != 0) mark(static_cast<Gfn>((pdptr & kGpteAddress) >> kPageShift));
  }
}

bool GuestTruth::IsDirect(const Processor& vcpu) const {
  return config_.tdp || vcpu.mode.paging == PagingMode::kNonPaging;
}

// The page number: only so many bits of it exist.
Gva GuestTruth::PageOf(const Processor& vcpu, Gva page) const {
  const bool four_levels =
      config_.tdp ? config_.tdp_level == 4 : vcpu.mode.paging == PagingMode::kLong;
  const unsigned bits = four_levels ? 4 * config_.level_bits : kPdptrBits + 2 * config_.level_bits;
  return page & Ones(bits);
}

unsigned GuestTruth::IndexBits(const Processor& vcpu) const {
  return config_.level_bits + (HasWideEntries(vcpu.mode.paging) ? 0 : 1);
}

bool GuestTruth::IsLast(const Processor& vcpu, uint64_t gpte, int level) const {
  if (level == 1) return true;
  if ((gpte & kGpteHuge) == 0) return false;
  if (vcpu.mode.paging == PagingMode::k32Bit) return vcpu.mode.pse;
  return level == 2 || (level == 3 && vcpu.mode.paging == PagingMode::kLong);
}

// The bits of a present entry that make a fault if they are set.
uint64_t GuestTruth::Reserved(const Processor& vcpu, uint64_t gpte, int level) const {
  uint64_t reserved = 0;
  if (HasWideEntries(vcpu.mode.paging)) {
    // An address ends at the physical width; in long mode software may have 52..62.
    const unsigned last = vcpu.mode.paging == PagingMode::kLong ? 51 : 62;
    reserved |= Span(kMaxPhysicalBits, last);
    if (!vcpu.mode.nx) reserved |= kGpteNx;
  }
  if (level > 1 && IsLast(vcpu, gpte, level)) {
    // A large page is aligned, but for PAT in bit 12.
    const unsigned end = kPageShift + IndexBits(vcpu) * static_cast<unsigned>(level - 1);
    return reserved | (Ones(end) & ~Ones(kPageShift + 1));
  }
  if (vcpu.mode.paging == PagingMode::kLong && level == 4) reserved |= kGpteHuge;
  return reserved;
}

// SDM 4.6.1: SMEP forbids the supervisor's fetches from user pages, SMAP its data accesses.
// EFLAGS.AC lifts SMAP, but not for implicit accesses.
bool GuestTruth::KeepsOffUserPages(const Processor& vcpu, const TruthAccess& access) {
  if (access.user) return false;
  if (access.type == TruthAccess::Type::kFetch) return vcpu.mode.smep;
  return vcpu.mode.smap && (access.implicit || !access.ac);
}

// ---- The walk ----

// Without an access: every way to a leaf, whatever it permits.
void GuestTruth::Walk(const Processor& vcpu, Gva page, const TruthAccess* access) {
  ways_.clear();
  anything_ = false;
  steps_ = 0;
  if (IsDirect(vcpu)) {
    AddLeaf(Way{}, static_cast<Gfn>(page));
    return;
  }
  since_ = vcpu.flushed;
  if (!vcpu.invalidated.empty()) {
    const auto found = vcpu.invalidated.find(page);
    if (found != vcpu.invalidated.end()) since_ = std::max(since_, found->second);
  }
  if (vcpu.mode.paging != PagingMode::kPae) {
    const int top = vcpu.mode.paging == PagingMode::kLong ? 4 : 2;
    Descend(vcpu, page, access, top, vcpu.cr3, Way{});
    return;
  }
  const uint64_t pdptr = vcpu.pdptrs[page >> (2 * config_.level_bits) & Ones(kPdptrBits)];
  if ((pdptr & kGptePresent) == 0) {
    AddFault(vcpu, Way{}, access, kNotPresent);
    return;
  }
  Descend(vcpu, page, access, 2, static_cast<Gfn>((pdptr & kGpteAddress) >> kPageShift), Way{});
}

// One table. One that is not in memory counts as one without entries.
void GuestTruth::Descend(const Processor& vcpu, Gva page, const TruthAccess* access, int level,
                         Gfn table, const Way& above) {
  if (++steps_ > kMaxSteps) anything_ = true;
  if (anything_) return;
  const std::optional<Hva> hva = HvaOf(table);
  if (!hva) return AddFault(vcpu, above, access, kNotPresent);
  if (access != nullptr) tables_.insert(*hva);
  if (interleaved_ || !host_.Mapped(*hva)) AddFault(vcpu, above, access, kNotPresent);
  const unsigned bits = IndexBits(vcpu);
  const auto index =
      static_cast<unsigned>(page >> (bits * static_cast<unsigned>(level - 1)) & Ones(bits));
  const bool narrow = !HasWideEntries(vcpu.mode.paging);
  const Entry entry =
      narrow ? Entry{table, *hva, index / 2, index % 2 * kHalfBits} : Entry{table, *hva, index, 0};
  ValueList list;
  if (!ValuesOf(entry, narrow, since_, &list)) {
    anything_ = true;
    return;
  }
  const bool read_only = IsReadOnly(table);
  for (size_t i = 0; i < list.count && !anything_; ++i) {
    // KVM cannot set the bits there, and does without.
    list.values[i].accessed |= read_only;
    list.values[i].dirty |= read_only;
    Step(vcpu, page, access, level, list.values[i], entry, above);
  }
}

// One value of an entry. The processor looks at the rights once it knows that everything is
// present. So a missing right does not end the walk. But no entry from there on is marked accessed.
void GuestTruth::Step(const Processor& vcpu, Gva page, const TruthAccess* access, int level,
                      const Value& value, const Entry& entry, const Way& above) {
  const uint64_t gpte = value.gpte;
  if ((gpte & kGptePresent) == 0) {
    if (value.fresh) AddFault(vcpu, above, access, kNotPresent);
    return;
  }
  if ((gpte & Reserved(vcpu, gpte, level)) != 0) {
    if (value.fresh) AddFault(vcpu, above, access, kFaultPresent | kFaultReserved);
    return;
  }
  const bool writable = (gpte & kGpteWritable) != 0;
  const bool user = (gpte & kGpteUser) != 0;
  const bool executable = !(vcpu.mode.nx && (gpte & kGpteNx) != 0);
  Way way = above;
  way.denied |=
      access != nullptr &&
      ((access->IsWrite() && !writable && (access->user || vcpu.mode.wp)) ||
       (access->user && !user) || (access->type == TruthAccess::Type::kFetch && !executable));
  // A page is the user's if all its entries say so, which the last one decides.
  way.user &= user;
  const bool last = IsLast(vcpu, gpte, level);
  way.denied |= access != nullptr && last && way.user && KeepsOffUserPages(vcpu, *access);
  if (!way.denied) way.entries[static_cast<size_t>(way.depth++)] = entry;
  way.writable &= writable;
  way.executable &= executable;
  way.accessed &= value.accessed;
  way.dirty = value.dirty;
  const auto frame = static_cast<Gfn>((gpte & kGpteAddress) >> kPageShift);
  if (!last) return Descend(vcpu, page, access, level - 1, frame, way);
  if (way.denied) return AddFault(vcpu, way, access, kFaultPresent);
  const auto offset = static_cast<Gfn>(Ones(IndexBits(vcpu) * static_cast<unsigned>(level - 1)));
  AddLeaf(way, (frame & ~offset) | (static_cast<Gfn>(page) & offset));
}

// SDM 4.7: the fetch bit is there only if CR4.SMEP is set, or CR4.PAE and EFER.NXE are.
void GuestTruth::AddFault(const Processor& vcpu, const Way& above, const TruthAccess* access,
                          uint32_t error) {
  if (access == nullptr) return;
  Way way = above;
  way.fault = true;
  way.error = error;
  if (access->IsWrite()) way.error |= kFaultWrite;
  const bool has_nx = vcpu.mode.nx && HasWideEntries(vcpu.mode.paging);
  const bool forbids = vcpu.mode.smep || has_nx;
  if (access->type == TruthAccess::Type::kFetch && forbids) way.error |= kFaultFetch;
  if (access->user) way.error |= kFaultUser;
  for (const Way& other : ways_) {
    if (other.fault && other.error == way.error && other.depth == way.depth &&
        other.entries == way.entries) {
      return;
    }
  }
  if (ways_.size() == kMaxWays) {
    anything_ = true;
    return;
  }
  ways_.push_back(way);
}

void GuestTruth::AddLeaf(Way way, Gfn gfn) {
  if (ways_.size() == kMaxWays) {
    anything_ = true;
    return;
  }
  way.gfn = gfn;
  way.hva = HvaOf(gfn);
  way.read_only = IsReadOnly(gfn);
  ways_.push_back(way);
}

// For TakeReached: the ends of all ways.
void GuestTruth::NoteWays() {
  if (anything_) reached_.push_back(std::nullopt);
  for (const Way& way : ways_) {
    if (!way.fault) NoteReached(way.hva);
  }
}

void GuestTruth::NoteReached(const std::optional<Hva>& hva) {
  if (hva && host_.Mapped(*hva)) reached_.push_back(host_.Frame(*hva));
}

// The values of an entry, now and since then. False: too many.
bool GuestTruth::ValuesOf(const Entry& entry, bool narrow, uint64_t since, ValueList* list) const {
  AddValue(entry, narrow, host_.Read(entry.hva, entry.word), true, list);
  const auto found = history_.find(uint64_t{entry.hva} * host_.words() + entry.word);
  if (found == history_.end()) return true;
  const bool several = interleaved_ || !outer_.empty();
  for (const Former& former : found->second) {
    if (former.until <= since) continue;
    const bool fresh = former.until == kForever || (several && former.until > Begin());
    if (!AddValue(entry, narrow, former.value, fresh, list)) return false;
  }
  return true;
}

// Values that differ in A and D only are one: a bit counts as set if it was set once.
bool GuestTruth::AddValue(const Entry& entry, bool narrow, uint64_t word, bool fresh,
                          ValueList* list) const {
  const uint64_t raw = narrow ? word >> entry.shift & Ones(kHalfBits) : word;
  const uint64_t gpte = (raw & kGptePresent) == 0 ? 0 : raw & ~kMeaningless;
  const bool accessed = (raw & kGpteAccessed) != 0;
  const bool dirty = (raw & kGpteDirty) != 0;
  for (size_t i = 0; i < list->count; ++i) {
    Value& value = list->values[i];
    if (value.gpte != gpte) continue;
    value.accessed |= accessed;
    value.dirty |= dirty;
    value.fresh |= fresh;
    return true;
  }
  if (list->count == kMaxValues) return false;
  list->values[list->count++] = {gpte, accessed, dirty, fresh};
  return true;
}

}  // namespace rmapdiff
