// GuestTruth: events, and the verdicts on them.
#include "fuzzers/judges/guest_truth.h"

#include <algorithm>

#include "fmt/format.h"

namespace rmapdiff {
namespace {

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
  return fmt::format("vcpu {}: {}{} {} at gva {:#x}{}", vcpu, access.implicit ? "implicit " : "",
                     access.user && !access.implicit ? "user" : "supervisor", Name(access.type),
                     access.gva, access.ac ? " with AC" : "");
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
    case TruthResult::Kind::kHostFault:
      return "a fault of the host";
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

// ---- Events ----

void GuestTruth::LoadedCr3(int vcpu, Gfn cr3, uint64_t others) {
  Drain(false);
  Processor& processor = vcpus_[static_cast<size_t>(vcpu)];
  processor.cr3 = FrameInCr3(processor, cr3, others);
  ReadPdptrs(processor);
  MarkRoots(processor);
  Flush(processor);
  EndEvent();
}

void GuestTruth::SetMode(int vcpu, const GuestMode& mode, Gfn cr3) {
  vcpus_[static_cast<size_t>(vcpu)].mode = mode;
  LoadedCr3(vcpu, cr3);
}

// SDM 4.10.4.1 and 4.4.1: what is cached goes when SMEP is switched on; a change of SMEP loads the
// pdptrs again. A change of SMAP does neither.
void GuestTruth::WroteCr4(int vcpu, bool smep, bool smap) {
  Drain(false);
  Processor& processor = vcpus_[static_cast<size_t>(vcpu)];
  const bool was_on = processor.mode.smep;
  processor.mode.smep = smep;
  processor.mode.smap = smap;
  if (smep != was_on) ReadPdptrs(processor);
  MarkRoots(processor);
  if (smep && !was_on) Flush(processor);
  EndEvent();
}

void GuestTruth::Invlpg(int vcpu, Gva gva) {
  Drain(false);
  Processor& processor = vcpus_[static_cast<size_t>(vcpu)];
  processor.invalidated[PageOf(processor, gva >> kPageShift)] = Begin();
  EndEvent();
}

void GuestTruth::SlotChanged(uint32_t id, Gfn base, Gfn npages, Hva hva, bool logged,
                             bool read_only) {
  Drain(false);
  const auto found =
      std::find_if(slots_.begin(), slots_.end(), [&](const Slot& slot) { return slot.id == id; });
  bool kept = false;  // the log goes on
  if (found != slots_.end()) {
    const Slot old = *found;
    kept = logged && old.logged && npages == old.npages && base == old.base;
    if (!kept) {
      std::erase_if(written_, [&](const auto& one) { return old.Contains(one.first); });
      std::erase_if(written_one_of_, [&](const Written& one) { return SlotHas(old, one); });
    }
    slots_.erase(found);
  }
  if (logged && npages != 0 && !kept) {  // a log begins empty
    last_fetch_ = event_;
    last_fetched_ = id;
    quiet_events_ = 0;
  }
  if (npages != 0) slots_.push_back({id, base, npages, hva, logged, read_only});
  any_logged_ =
      std::any_of(slots_.begin(), slots_.end(), [](const Slot& slot) { return slot.logged; });
  for (const Processor& vcpu : vcpus_) MarkRoots(vcpu);
  EndEvent();
}

GuestTruth::Wrong GuestTruth::WroteGuest(Gfn gfn, unsigned word, bool mmu_told) {
  Drain(!mmu_told);
  const std::optional<Hva> hva = HvaOf(gfn);
  if (mmu_told) NoteReached(hva);
  Wrong wrong = StrayStore(hva, word);
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
  NoteWays();
  std::vector<Awaited>& awaited = vcpus_[static_cast<size_t>(vcpu)].awaited;
  if (result.kind == TruthResult::Kind::kHostFault && awaited.size() < kMaxWays) {
    awaited.push_back(At(judged.vcpu, access.gva));
  }
  std::vector<Explanation> explained(stores_.size() - first_store_);
  ExplainStores(judged, result.kind == TruthResult::Kind::kDone, &explained);
  PendStores(explained);
  const char* what = WhatIsWrong(judged, result);
  Wrong wrong;
  if (what != nullptr) {
    wrong = fmt::format("{}: {}: {}", Describe(vcpu, access), Describe(result), what);
  } else {
    wrong = Unexplained(vcpu, access, explained);
    if (result.kind == TruthResult::Kind::kDone && access.IsWrite()) WriteDone();
  }
  EndEvent();
  return wrong;
}

// The last store that was tried is not known, unless all are done.
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
    NoteWays();
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
  std::vector<Awaited>& awaited = vcpus_[static_cast<size_t>(vcpu)].awaited;
  for (const TruthAccess& store : stores) {
    if (last.kind != TruthResult::Kind::kHostFault || awaited.size() >= kMaxWays) break;
    awaited.push_back(At(vcpus_[static_cast<size_t>(vcpu)], store.gva));
  }
  if (possible) wrong = Unexplained(vcpu, stores.front(), explained);
  EndEvent();
  return wrong;
}

// ---- Verdicts ----

// The access as the processor takes it: aligned, inside of what a page holds.
GuestTruth::Judged GuestTruth::Prepare(const Processor& vcpu, TruthAccess access) const {
  if (access.bytes != 1 && access.bytes != 2 && access.bytes != 4) access.bytes = 8;
  if (access.implicit) access.user = false;
  const auto bytes = static_cast<unsigned>(access.bytes);
  const auto in_page = static_cast<unsigned>((access.gva & kPageOffset) % (host_.words() * 8));
  const unsigned offset = in_page / bytes * bytes;
  const unsigned shift = offset % 8 * 8;
  const uint64_t mask = ~uint64_t{0} >> (64 - bytes * 8) << shift;
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
      if (none([&](const Way& way) {
            return !way.fault && (!way.hva || (way.read_only && judged.access.IsWrite()));
          })) {
        return "no walk of the guest's tables permits it and leads out of the memslots, or to a "
               "read-only one";
      }
      return nullptr;
    case TruthResult::Kind::kHostFault:
      if (interleaved_) return nullptr;
      if (none([&](const Way& way) { return !way.fault && way.hva && !host_.Mapped(*way.hva); })) {
        return "no walk of the guest's tables leads to a page that the host has not mapped";
      }
      return nullptr;
    case TruthResult::Kind::kOther:
      break;
  }
  return nullptr;
}

// A window may follow the emulator's work, in which the host takes the page away.
const char* GuestTruth::WrongPlace(const Judged& judged, const TruthResult& result) {
  if (result.pfn != 0 && !host_.PageOn(result.pfn)) return "the host has moved that frame away";
  if (anything_) return nullptr;
  if (!Keep([](const Way& way) { return !way.fault; })) {
    return "no walk of the guest's tables permits it";
  }
  if (!Keep([](const Way& way) { return way.hva.has_value(); })) {
    return "the guest's tables lead out of the memslots";
  }
  if (judged.access.IsWrite() && !Keep([](const Way& way) { return !way.read_only; })) {
    return "the memslot is read-only";
  }
  if (result.pfn == 0 && interleaved_) return nullptr;
  if (!Keep([&](const Way& way) { return host_.Mapped(*way.hva); })) {
    return "the host has nothing mapped there";
  }
  if (result.pfn != 0 &&
      !Keep([&](const Way& way) { return host_.Frame(*way.hva) == result.pfn; })) {
    return "no walk of the guest's tables leads to that frame";
  }
  if (judged.access.IsWrite() && !Keep([&](const Way& way) { return host_.Writable(*way.hva); })) {
    return "the host has the page read-only";
  }
  return nullptr;
}

const char* GuestTruth::WrongContents(const Judged& judged, const TruthResult& result) {
  const bool write = judged.access.IsWrite();
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
  const bool write = judged.access.IsWrite();
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
      if (IsReadOnly(entry.table)) continue;
      const bool last = !way.fault && i + 1 == way.depth;
      const uint64_t allowed = kGpteAccessed | (write && last ? kGpteDirty : 0);
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
    if (way.fault || way.hva != store.hva || way.read_only) continue;
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
  const auto of_supervisor = [](const Way& way) { return !way.user; };
  const bool protects = !IsDirect(processor) && !rights.user;
  if (protects && processor.mode.smap && !Keep(of_supervisor)) {
    return wrong("it is not the user's here, and so out of SMAP's sight, but the guest's page is");
  }
  if (protects && processor.mode.smep && rights.executable && !Keep(of_supervisor)) {
    return wrong("it is not the user's here, and so out of SMEP's sight, but the guest's page is");
  }
  // Without CR0.WP the supervisor may write anything.
  const bool needs_w = rights.user || processor.mode.wp;
  if (rights.writable && !Keep([&](const Way& way) { return way.writable || !needs_w; })) {
    return wrong("the guest does not permit writes");
  }
  if (rights.executable && !Keep([](const Way& way) { return way.executable; })) {
    return wrong("the guest does not permit fetches");
  }
  if (rights.writable && !Keep([](const Way& way) { return !way.read_only; })) {
    return wrong("it is writable, and the memslot is read-only");
  }
  if (rights.writable && !Keep([](const Way& way) { return way.dirty; })) {
    return wrong("it is writable, but the guest's dirty bit is clear");
  }
  if (rights.writable && !Keep([&](const Way& way) { return host_.Writable(*way.hva); })) {
    return wrong("it is writable, but the host has the page read-only");
  }
  return std::nullopt;
}

}  // namespace rmapdiff
