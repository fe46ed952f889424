#include "fuzzers/judges/guest_truth.h"

#include <algorithm>

#include "fmt/format.h"

namespace rmapdiff {
namespace {

// Where the fields of an entry are; the names of single bits are guest.h's.
constexpr unsigned kWordBits = 64;
constexpr unsigned kHalfBits = 32;
// A and D are looked at apart; PWT, PCD and the three bits for software mean nothing.
constexpr uint64_t kUsedBits = kGpteAccessed | kGpteDirty;
constexpr uint64_t kMeaningless = kUsedBits | 3ull << 3 | 7ull << 9;
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

bool IsWrite(const TruthAccess& access) { return access.type == TruthAccess::Type::kWrite; }

const char* Name(TruthAccess::Type type) {
  switch (type) {
    case TruthAccess::Type::kRead:
      return "read";
    case TruthAccess::Type::kWrite:
      return "write";
    case TruthAccess::Type::kFetch:
      return "fetch";
  }
  return "access";
}

std::string Describe(int vcpu, const TruthAccess& access) {
  return fmt::format("vcpu {}: {} {} at gva {:#x}", vcpu, access.user ? "user" : "supervisor",
                     Name(access.type), access.gva);
}

std::string Describe(const TruthResult& result) {
  switch (result.kind) {
    case TruthResult::Kind::kDone:
      if (result.pfn == 0) return fmt::format("emulated, value {:#x}", result.value);
      return fmt::format("done on frame {:#x}, value {:#x}", result.pfn, result.value);
    case TruthResult::Kind::kFault:
      return fmt::format("#PF with error code {:#x}", result.error_code);
    case TruthResult::Kind::kMmio:
      return "MMIO";
    case TruthResult::Kind::kOther:
      break;
  }
  return "not done";
}

}  // namespace

GuestTruth::GuestTruth(Host& host, const TruthConfig& config)
    : host_(host), config_(config), vcpus_(static_cast<size_t>(config.vcpus)) {
  host_.LogTo(&log_);
}

// ---- Time and stores ----

// `unnoticed`: the MMU does not know of these stores.
void GuestTruth::Drain(bool unnoticed) {
  for (const HostStore& store : log_) {
    Remember(store, unnoticed);
    stores_.push_back({store, true});
  }
  log_.clear();
}

void GuestTruth::Remember(const HostStore& store, bool unnoticed) {
  ++clock_;
  // In a window the tables of the access around it are not in tables_ yet.
  const bool may_be_table = !outer_.empty() || tables_.count(store.hva) != 0;
  const bool for_ever = (unnoticed && may_be_table) || IsAliased(store.hva);
  const uint64_t until = for_ever ? kForever : clock_;
  std::vector<Former>& formers = history_[uint64_t{store.hva} * host_.words() + store.word];
  for (Former& former : formers) {
    if (former.value != store.old_value) continue;
    former.until = std::max(former.until, until);
    return;
  }
  const uint64_t oldest = Oldest();
  std::erase_if(formers, [&](const Former& former) { return former.until <= oldest; });
  formers.push_back({store.old_value, until});
}

void GuestTruth::EndEvent() {
  ++event_;
  begin_ = clock_;
  interleaved_ = false;
  if (outer_.empty()) {
    stores_.clear();
    first_store_ = 0;
    return;
  }
  for (size_t i = first_store_; i < stores_.size(); ++i) stores_[i].own = false;
  first_store_ = stores_.size();
}

// What was replaced before is out of reach for every vcpu.
uint64_t GuestTruth::Oldest() const {
  uint64_t oldest = kForever;
  for (const Processor& vcpu : vcpus_) oldest = std::min(oldest, vcpu.flushed);
  return std::min(oldest, Begin());
}

// When the operation began that is under way, with others in its windows. Until it ends the MMU may
// not know what it has stored.
uint64_t GuestTruth::Begin() const { return outer_.empty() ? begin_ : outer_.front().begin; }

// Whether the word has had the value at some time of this operation; without a window only the end
// of it counts.
bool GuestTruth::HeldSince(Hva hva, unsigned word, uint64_t value) const {
  if (host_.Read(hva, word) == value) return true;
  if (!interleaved_) return false;
  for (size_t i = first_store_; i < stores_.size(); ++i) {
    const HostStore& store = stores_[i].store;
    if (store.hva != hva || store.word != word) continue;
    if (store.old_value == value || store.new_value == value) return true;
  }
  return false;
}

uint64_t GuestTruth::ValueAtBegin(Hva hva, unsigned word) const {
  for (size_t i = first_store_; i < stores_.size(); ++i) {
    const HostStore& store = stores_[i].store;
    if (store.hva == hva && store.word == word) return store.old_value;
  }
  return host_.Read(hva, word);
}

void GuestTruth::BeginInterleaved() {
  Drain(false);
  outer_.push_back({begin_, first_store_, event_});
  begin_ = clock_;
  first_store_ = stores_.size();
  interleaved_ = false;
}

void GuestTruth::EndInterleaved() {
  Drain(true);
  for (size_t i = first_store_; i < stores_.size(); ++i) stores_[i].own = false;
  const Outer outer = outer_.back();
  outer_.pop_back();
  begin_ = outer.begin;
  first_store_ = outer.first_store;
  interleaved_ = true;
  interleaved_from_ = outer.event;
}

// ---- The guest ----

const GuestTruth::Slot* GuestTruth::SlotOf(Gfn gfn) const {
  for (const Slot& slot : slots_) {
    if (slot.Contains(gfn)) return &slot;
  }
  return nullptr;
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
  // KVM has the huge bit of the root, and with it the global one of the two topmost levels,
  // reserved.
  if (vcpu.mode.paging == PagingMode::kLong && level >= 3) reserved |= kGpteHuge | kGpteHuge << 1;
  return reserved;
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
    AddFault(Way{}, access, kNotPresent);
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
  if (!hva) return AddFault(above, access, kNotPresent);
  if (access != nullptr) tables_.insert(*hva);
  if (interleaved_ || !host_.Mapped(*hva)) AddFault(above, access, kNotPresent);
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
  for (size_t i = 0; i < list.count && !anything_; ++i) {
    Step(vcpu, page, access, level, list.values[i], entry, above);
  }
}

// One value of an entry. KVM's walk ends where a right is missing; the processor looks at the
// rights when it knows that everything is present, and guests that KVM lets fault by themselves see
// that.
void GuestTruth::Step(const Processor& vcpu, Gva page, const TruthAccess* access, int level,
                      const Value& value, const Entry& entry, const Way& above) {
  const uint64_t gpte = value.gpte;
  if ((gpte & kGptePresent) == 0) {
    if (value.fresh) AddFault(above, access, kNotPresent);
    return;
  }
  if ((gpte & Reserved(vcpu, gpte, level)) != 0) {
    if (value.fresh) AddFault(above, access, kFaultPresent | kFaultReserved);
    return;
  }
  const bool writable = (gpte & kGpteWritable) != 0;
  const bool user = (gpte & kGpteUser) != 0;
  const bool executable = !(vcpu.mode.nx && (gpte & kGpteNx) != 0);
  Way way = above;
  way.denied |=
      access != nullptr &&
      ((IsWrite(*access) && !writable && (access->user || vcpu.mode.wp)) ||
       (access->user && !user) || (access->type == TruthAccess::Type::kFetch && !executable));
  if (way.denied) {
    AddFault(above, access, kFaultPresent);
  } else {
    way.entries[static_cast<size_t>(way.depth++)] = entry;
  }
  way.writable &= writable;
  way.user &= user;
  way.executable &= executable;
  way.accessed &= value.accessed;
  way.dirty = value.dirty;
  const auto frame = static_cast<Gfn>((gpte & kGpteAddress) >> kPageShift);
  if (!IsLast(vcpu, gpte, level)) return Descend(vcpu, page, access, level - 1, frame, way);
  if (way.denied) return;
  const auto offset = static_cast<Gfn>(Ones(IndexBits(vcpu) * static_cast<unsigned>(level - 1)));
  AddLeaf(way, (frame & ~offset) | (static_cast<Gfn>(page) & offset));
}

void GuestTruth::AddFault(const Way& above, const TruthAccess* access, uint32_t error) {
  if (access == nullptr) return;
  Way way = above;
  way.fault = true;
  way.error = error;
  if (IsWrite(*access)) way.error |= kFaultWrite;
  if (access->type == TruthAccess::Type::kFetch) way.error |= kFaultFetch;
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
  ways_.push_back(way);
}

// What an entry is and was since then. False: too much.
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

// ---- Events ----

void GuestTruth::LoadedCr3(int vcpu, Gfn cr3) {
  Drain(false);
  Processor& processor = vcpus_[static_cast<size_t>(vcpu)];
  processor.cr3 = cr3;
  ReadPdptrs(processor);
  MarkRoots(processor);
  Flush(processor);
  EndEvent();
}

void GuestTruth::SetMode(int vcpu, const GuestMode& mode, Gfn cr3) {
  vcpus_[static_cast<size_t>(vcpu)].mode = mode;
  LoadedCr3(vcpu, cr3);
}

void GuestTruth::Invlpg(int vcpu, Gva gva) {
  Drain(false);
  Processor& processor = vcpus_[static_cast<size_t>(vcpu)];
  processor.invalidated[PageOf(processor, gva >> kPageShift)] = Begin();
  EndEvent();
}

void GuestTruth::SlotChanged(uint32_t id, Gfn base, Gfn npages, Hva hva, bool logged) {
  Drain(false);
  const auto found =
      std::find_if(slots_.begin(), slots_.end(), [&](const Slot& slot) { return slot.id == id; });
  if (found != slots_.end()) {
    const Slot old = *found;
    std::erase_if(written_, [&](const auto& one) { return old.Contains(one.first); });
    std::erase_if(written_one_of_, [&](const Written& one) { return SlotHas(old, one); });
    slots_.erase(found);
  }
  if (npages != 0) slots_.push_back({id, base, npages, hva, logged});
  any_logged_ =
      std::any_of(slots_.begin(), slots_.end(), [](const Slot& slot) { return slot.logged; });
  for (const Processor& vcpu : vcpus_) MarkRoots(vcpu);
  EndEvent();
}

GuestTruth::Wrong GuestTruth::WroteGuest(Gfn gfn, unsigned word, bool mmu_told) {
  Drain(!mmu_told);
  const std::optional<Hva> hva = HvaOf(gfn);
  Wrong wrong;
  for (size_t i = first_store_; i < stores_.size() && !wrong; ++i) {
    const HostStore& store = stores_[i].store;
    if (!stores_[i].own || (store.hva == hva && store.word == word)) continue;
    wrong =
        fmt::format("KVM's store to word {} of gfn {:#x} has changed word {} of host page {:#x}",
                    word, gfn, store.word, store.hva);
  }
  if (any_logged_) Pend({gfn});
  EndEvent();
  return wrong;
}

void GuestTruth::Absorb() {
  Drain(true);
  EndEvent();
}

GuestTruth::Wrong GuestTruth::Accessed(int vcpu, const TruthAccess& access,
                                       const TruthResult& result) {
  Drain(false);
  const Judged judged = Prepare(vcpus_[static_cast<size_t>(vcpu)], access);
  Walk(judged.vcpu, judged.page, &judged.access);
  std::vector<Explanation> explained(stores_.size() - first_store_);
  ExplainStores(judged, result.kind == TruthResult::Kind::kDone, &explained);
  PendStores(explained);
  const char* what = WhatIsWrong(judged, result);
  Wrong wrong;
  if (what != nullptr) {
    wrong = fmt::format("{}: {}: {}", Describe(vcpu, access), Describe(result), what);
  } else {
    wrong = Unexplained(vcpu, access, explained);
    if (result.kind == TruthResult::Kind::kDone && IsWrite(access)) WriteDone();
  }
  EndEvent();
  return wrong;
}

// Which store was the last that was tried nobody says, unless all are done.
GuestTruth::Wrong GuestTruth::StoredMany(int vcpu, const std::vector<TruthAccess>& stores,
                                         const TruthResult& last) {
  Drain(false);
  const bool done = last.kind == TruthResult::Kind::kDone;
  std::vector<Explanation> explained(stores_.size() - first_store_);
  Wrong wrong;
  bool possible = false;
  for (size_t i = 0; i < stores.size(); ++i) {
    TruthAccess access = stores[i];
    access.type = TruthAccess::Type::kWrite;
    const Judged judged = Prepare(vcpus_[static_cast<size_t>(vcpu)], access);
    Walk(judged.vcpu, judged.page, &judged.access);
    ExplainStores(judged, true, &explained);
    if (done && i + 1 < stores.size()) continue;
    const char* what = WhatIsWrong(judged, last);
    if (what == nullptr) {
      possible = true;
      if (done) WriteDone();
    } else if (!wrong) {
      wrong = fmt::format("{}: {}: {}", Describe(vcpu, access), Describe(last), what);
    }
  }
  PendStores(explained);
  if (possible) wrong = Unexplained(vcpu, stores.front(), explained);
  EndEvent();
  return wrong;
}

// ---- Verdicts ----

// The access as the processor takes it: aligned, inside of what a page holds.
GuestTruth::Judged GuestTruth::Prepare(const Processor& vcpu, TruthAccess access) const {
  if (access.bytes != 1 && access.bytes != 2 && access.bytes != 4) access.bytes = 8;
  const auto bytes = static_cast<unsigned>(access.bytes);
  const auto in_page = static_cast<unsigned>((access.gva & kPageOffset) % (host_.words() * 8));
  const unsigned offset = in_page / bytes * bytes;
  const unsigned shift = offset % 8 * 8;
  const uint64_t mask = Ones(bytes * 8) << shift;
  const Gva page = PageOf(vcpu, access.gva >> kPageShift);
  return {vcpu, access, page, offset / 8, mask, access.value << shift & mask};
}

// Leaves the ways of which it is true. False: there are none.
template <class Predicate>
bool GuestTruth::Keep(Predicate&& predicate) {
  std::erase_if(ways_, [&](const Way& way) { return !predicate(way); });
  return !ways_.empty();
}

// Null: nothing. The ways that are left are those by which it may have happened.
const char* GuestTruth::WhatIsWrong(const Judged& judged, const TruthResult& result) {
  const auto none = [this](auto&& predicate) {
    return !anything_ && std::none_of(ways_.begin(), ways_.end(), predicate);
  };
  switch (result.kind) {
    case TruthResult::Kind::kDone: {
      const char* place = WrongPlace(judged, result);
      return place != nullptr ? place : WrongContents(judged, result);
    }
    case TruthResult::Kind::kFault:
      if (none([](const Way& way) { return way.fault; })) {
        return "no walk of the guest's tables faults";
      }
      if (none([&](const Way& way) { return way.fault && way.error == result.error_code; })) {
        return "no walk of the guest's tables faults with that error code";
      }
      return nullptr;
    case TruthResult::Kind::kMmio:
      if (none([](const Way& way) { return !way.fault && !way.hva; })) {
        return "no walk of the guest's tables permits it and leads out of the memslots";
      }
      return nullptr;
    case TruthResult::Kind::kOther:
      break;
  }
  return nullptr;
}

// What the emulator has done may be followed by a window, in which the host takes the page away.
const char* GuestTruth::WrongPlace(const Judged& judged, const TruthResult& result) {
  if (result.pfn != 0 && !host_.PageOn(result.pfn)) return "the host has moved that frame away";
  if (anything_) return nullptr;
  if (!Keep([](const Way& way) { return !way.fault; })) {
    return "no walk of the guest's tables permits it";
  }
  if (!Keep([](const Way& way) { return way.hva.has_value(); })) {
    return "the guest's tables lead out of the memslots";
  }
  if (result.pfn == 0 && interleaved_) return nullptr;
  if (!Keep([&](const Way& way) { return host_.Mapped(*way.hva); })) {
    return "the host has nothing mapped there";
  }
  if (result.pfn != 0 &&
      !Keep([&](const Way& way) { return host_.Frame(*way.hva) == result.pfn; })) {
    return "no walk of the guest's tables leads to that frame";
  }
  if (IsWrite(judged.access) && !Keep([&](const Way& way) { return host_.Writable(*way.hva); })) {
    return "the host has the page read-only";
  }
  return nullptr;
}

const char* GuestTruth::WrongContents(const Judged& judged, const TruthResult& result) {
  const bool write = IsWrite(judged.access);
  if (write && (result.value & judged.mask) != judged.bytes) {
    return "the value does not have the bytes that were written";
  }
  if (anything_) return nullptr;
  if (!Keep([&](const Way& way) { return HeldSince(*way.hva, judged.word, result.value); })) {
    return "the word in memory has another value";
  }
  if (!Keep([](const Way& way) { return way.accessed; })) {
    return "an entry on the way has its accessed bit clear";
  }
  if (write && !Keep([](const Way& way) { return way.dirty; })) {
    return "the last entry has its dirty bit clear";
  }
  return nullptr;
}

// Which stores of the operation the access accounts for; `data`: it may have written. Two accesses
// of one instruction may account for one store, each by a frame of its own.
void GuestTruth::ExplainStores(const Judged& judged, bool data,
                               std::vector<Explanation>* explained) {
  const bool write = IsWrite(judged.access);
  for (size_t i = first_store_; i < stores_.size(); ++i) {
    Explanation& explanation = (*explained)[i - first_store_];
    if (!stores_[i].own || anything_) {
      explanation.found = explanation.any_frame = true;
      continue;
    }
    const HostStore& store = stores_[i].store;
    explanation.found |= SetsUsedBits(store, write, &explanation.frames);
    if (data && write) explanation.found |= IsData(judged, store, &explanation.frames);
  }
}

// Each store has written one of the frames by which it can be explained.
void GuestTruth::PendStores(const std::vector<Explanation>& explained) {
  if (!any_logged_) return;
  for (const Explanation& explanation : explained) {
    if (!explanation.any_frame) Pend(explanation.frames);
  }
}

// Whether the store sets A in an entry that a walk uses, or D in the last one of a write.
bool GuestTruth::SetsUsedBits(const HostStore& store, bool write, std::vector<Gfn>* tables) const {
  const uint64_t changed = store.old_value ^ store.new_value;
  if ((store.old_value & changed) != 0) return false;
  bool found = false;
  for (const Way& way : ways_) {
    for (int i = 0; i < way.depth; ++i) {
      const Entry& entry = way.entries[static_cast<size_t>(i)];
      if (entry.hva != store.hva || entry.word != store.word) continue;
      const bool last = !way.fault && i + 1 == way.depth;
      const uint64_t allowed = write && last ? kUsedBits : kGpteAccessed;
      if ((changed & ~(allowed << entry.shift)) != 0) continue;
      found = true;
      tables->push_back(entry.table);
    }
  }
  return found;
}

// Whether the store is what the guest asked for, where a walk leads.
bool GuestTruth::IsData(const Judged& judged, const HostStore& store,
                        std::vector<Gfn>* gfns) const {
  if (store.word != judged.word) return false;
  if (((store.old_value ^ store.new_value) & ~judged.mask) != 0) return false;
  if ((store.new_value & judged.mask) != judged.bytes) return false;
  bool found = false;
  for (const Way& way : ways_) {
    if (way.fault || way.hva != store.hva) continue;
    found = true;
    gfns->push_back(way.gfn);
  }
  return found;
}

GuestTruth::Wrong GuestTruth::Unexplained(int vcpu, const TruthAccess& access,
                                          const std::vector<Explanation>& explained) const {
  const auto found = std::find_if(explained.begin(), explained.end(),
                                  [](const Explanation& one) { return !one.found; });
  if (found == explained.end()) return std::nullopt;
  const size_t index = first_store_ + static_cast<size_t>(found - explained.begin());
  const HostStore& store = stores_[index].store;
  return fmt::format(
      "{}: nothing asked for the store to word {} of host page {:#x}: {:#x} -> {:#x}",
      Describe(vcpu, access), store.word, store.hva, store.old_value, store.new_value);
}

GuestTruth::Wrong GuestTruth::Reachable(int vcpu, Gva page, int level, const TruthRights& rights,
                                        Pfn pfn) {
  Drain(false);
  const Processor& processor = vcpus_[static_cast<size_t>(vcpu)];
  Walk(processor, PageOf(processor, page), nullptr);
  const auto wrong = [&](const char* what) {
    return fmt::format("vcpu {}: page {:#x} is mapped (level {}, {}{}{}) to frame {:#x}: {}", vcpu,
                       page, level, rights.writable ? "W" : "-", rights.user ? "U" : "-",
                       rights.executable ? "X" : "-", pfn, what);
  };
  if (!host_.PageOn(pfn)) return wrong("the host has moved it away");
  if (anything_) return std::nullopt;
  if (!Keep([&](const Way& way) { return way.hva && host_.Mapped(*way.hva); })) {
    return wrong("no walk of the guest's tables leads to memory");
  }
  if (!Keep([&](const Way& way) { return host_.Frame(*way.hva) == pfn; })) {
    return wrong("no walk of the guest's tables leads to it");
  }
  if (!Keep([&](const Way& way) { return way.accessed; })) {
    return wrong("an entry on the way has its accessed bit clear");
  }
  if (rights.user && !Keep([](const Way& way) { return way.user; })) {
    return wrong("the guest does not permit user accesses");
  }
  // Without CR0.WP the supervisor may write anything.
  const bool needs_w = rights.user || processor.mode.wp;
  if (rights.writable && !Keep([&](const Way& way) { return way.writable || !needs_w; })) {
    return wrong("the guest does not permit writes");
  }
  if (rights.executable && !Keep([](const Way& way) { return way.executable; })) {
    return wrong("the guest does not permit fetches");
  }
  if (rights.writable && !Keep([](const Way& way) { return way.dirty; })) {
    return wrong("it is writable, but the guest's dirty bit is clear");
  }
  if (rights.writable && !Keep([&](const Way& way) { return host_.Writable(*way.hva); })) {
    return wrong("it is writable, but the host has the page read-only");
  }
  return std::nullopt;
}

// ---- The dirty log ----

// A write was done by one of the ways.
void GuestTruth::WriteDone() {
  if (!any_logged_ || anything_) return;
  std::vector<Gfn> candidates;
  for (const Way& way : ways_) candidates.push_back(way.gfn);
  Pend(std::move(candidates));
}

// One of these frames was written. If that may be one that nobody logs, or one that was fetched in
// a window of the write, nothing can be said.
void GuestTruth::Pend(std::vector<Gfn> candidates) {
  if (interleaved_ && last_fetch_ && *last_fetch_ >= interleaved_from_) return;
  std::sort(candidates.begin(), candidates.end());
  candidates.erase(std::unique(candidates.begin(), candidates.end()), candidates.end());
  for (const Gfn gfn : candidates) {
    const Slot* slot = SlotOf(gfn);
    if (slot == nullptr || !slot->logged) return;
  }
  if (candidates.empty()) return;
  if (candidates.size() == 1) {
    written_.emplace(candidates.front(), event_);
    return;
  }
  const auto same = [&](const Written& one) { return one.candidates == candidates; };
  if (std::any_of(written_one_of_.begin(), written_one_of_.end(), same)) return;
  if (written_one_of_.size() < kMaxWays) written_one_of_.push_back({std::move(candidates), event_});
}

// Whether one of the candidates is in the slot.
bool GuestTruth::SlotHas(const Slot& slot, const Written& written) const {
  return std::any_of(written.candidates.begin(), written.candidates.end(),
                     [&](Gfn gfn) { return slot.Contains(gfn); });
}

// A write in a window of the fetch may be in this log or the next one; and what a fetch in a window
// lacks may be in that of a fetch around it.
GuestTruth::Wrong GuestTruth::LogFetched(uint32_t id, const std::vector<Gfn>& dirty) {
  Drain(false);
  const auto found =
      std::find_if(slots_.begin(), slots_.end(), [&](const Slot& slot) { return slot.id == id; });
  Wrong wrong;
  if (found == slots_.end() || !found->logged) {
    EndEvent();
    return fmt::format("the dirty log of slot {} was fetched, which has none", id);
  }
  const Slot& slot = *found;
  const bool alone = outer_.empty() && !interleaved_;
  if (alone && last_fetched_ == id && event_ == *last_fetch_ + 1 && !dirty.empty()) {
    wrong =
        fmt::format("gfn {:#x} of slot {} is in the dirty log again, which has just been fetched",
                    dirty.front(), id);
  }
  last_fetch_ = event_;
  last_fetched_ = alone ? std::optional(id) : std::nullopt;
  const auto logged = [&](Gfn gfn) { return std::binary_search(dirty.begin(), dirty.end(), gfn); };
  const auto late = [&](uint64_t event) {
    return !outer_.empty() || (interleaved_ && event >= interleaved_from_);
  };
  std::optional<Gfn> missing;
  std::erase_if(written_, [&](const auto& one) {
    if (!slot.Contains(one.first)) return false;
    if (logged(one.first)) return true;
    if (late(one.second)) return false;
    if (!missing || one.first < *missing) missing = one.first;
    return true;
  });
  std::erase_if(written_one_of_, [&](const Written& one) {
    if (!SlotHas(slot, one)) return false;
    if (std::any_of(one.candidates.begin(), one.candidates.end(), logged)) return true;
    if (late(one.event)) return false;
    const bool all_here = std::all_of(one.candidates.begin(), one.candidates.end(),
                                      [&](Gfn gfn) { return slot.Contains(gfn); });
    if (all_here && !missing) missing = one.candidates.front();
    return true;
  });
  if (missing) {
    wrong = fmt::format("gfn {:#x} of slot {} was written, and its dirty log does not have it",
                        *missing, id);
  }
  EndEvent();
  return wrong;
}

}  // namespace rmapdiff
