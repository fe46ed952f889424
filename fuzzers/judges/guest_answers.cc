// GuestTruth: whether KVM had to do what a guest or userspace asked for, or to refuse it. A refusal
// that all MMUs share may still be wrong.
//
// Others may get in between (Interleave) and change the reasons. Then nothing is claimed.
#include <algorithm>
#include <utility>

#include "fmt/format.h"
#include "fuzzers/judges/guest_truth.h"

namespace rmapdiff {
namespace {

// Of a page directory pointer of PAE paging: bits 1, 2, 5..8, and all above the physical width.
constexpr uint64_t kPdptrReserved = 3ull << 1 | 0xfull << 5 | ~uint64_t{0} << kMaxPhysicalBits;

constexpr const char* kNoPdptrs = "its page directory pointers are malformed or not in memory";

}  // namespace

// load_pdptrs: all four are in memory, and those that are present have no reserved bit.
bool GuestTruth::HasPdptrs(Gfn cr3) const {
  const std::optional<Hva> hva = HvaOf(cr3);
  if (!hva || !host_.Mapped(*hva)) return false;
  for (unsigned i = 0; i < 4; ++i) {
    const uint64_t pdptr = host_.Read(*hva, i);
    if ((pdptr & kGptePresent) != 0 && (pdptr & kPdptrReserved) != 0) return false;
  }
  return true;
}

// SDM 4.5, tables 4-3, 4-7 and 4-12. Without 4-level paging bits 32 to 63 do not count. The bits
// below the frame's number select how the table is cached, or nothing.
Gfn GuestTruth::FrameInCr3(const Processor& vcpu, Gfn cr3, uint64_t others) {
  const uint64_t frame = uint64_t{cr3} | others >> kPageShift;
  constexpr uint64_t kShortFrame = 0xfffff;
  return static_cast<Gfn>(vcpu.mode.paging == PagingMode::kLong ? frame : frame & kShortFrame);
}

GuestTruth::Wrong GuestTruth::Answered(int vcpu, Gfn cr3, const char* refusal, bool done) const {
  if (interleaved_ || done == (refusal == nullptr)) return std::nullopt;
  if (done) return fmt::format("vcpu {}: cr3 {:#x} was loaded, but {}", vcpu, cr3, refusal);
  return fmt::format("vcpu {}: #GP for cr3 {:#x}, which had to be loaded", vcpu, cr3);
}

// Of the same value no memory is asked for again.
GuestTruth::Wrong GuestTruth::Cr3Answered(int vcpu, Gfn cr3, bool done, uint64_t others) const {
  const Processor& processor = vcpus_[static_cast<size_t>(vcpu)];
  const bool pae = processor.mode.paging == PagingMode::kPae;
  const bool long_mode = processor.mode.paging == PagingMode::kLong;
  cr3 = FrameInCr3(processor, cr3, others);
  const char* refusal = nullptr;
  if (long_mode && others >> kMaxPhysicalBits != 0) {
    refusal = "a reserved bit is set";
  } else if (pae && !HasPdptrs(cr3)) {
    refusal = kNoPdptrs;
  } else if (cr3 != processor.cr3 && SlotOf(cr3) == nullptr) {
    refusal = "no memslot has it";
  }
  return Answered(vcpu, cr3, refusal, done);
}

GuestTruth::Wrong GuestTruth::ModeAnswered(int vcpu, const GuestMode& mode, Gfn cr3,
                                           bool done) const {
  const char* refusal = nullptr;
  if (mode.paging == PagingMode::kPae && !HasPdptrs(cr3)) {
    refusal = kNoPdptrs;
  } else if (mode.paging != PagingMode::kNonPaging && SlotOf(cr3) == nullptr) {
    refusal = "no memslot has it";
  }
  return Answered(vcpu, cr3, refusal, done);
}

// With PAE paging a change of SMEP loads the pdptrs. Nothing else can be refused.
GuestTruth::Wrong GuestTruth::Cr4Answered(int vcpu, bool smep, bool done) const {
  const Processor& processor = vcpus_[static_cast<size_t>(vcpu)];
  const bool loads = processor.mode.paging == PagingMode::kPae && smep != processor.mode.smep;
  const char* refusal = nullptr;
  if (loads && !HasPdptrs(processor.cr3)) {
    refusal = kNoPdptrs;
  }
  return Answered(vcpu, processor.cr3, refusal, done);
}

bool GuestTruth::IsLetPastSmap(int vcpu, const TruthAccess& access) const {
  const GuestMode& mode = vcpus_[static_cast<size_t>(vcpu)].mode;
  return mode.smap && !mode.wp && access.ac && !access.implicit && !access.user;
}

// Only a root table without memory is a reason.
GuestTruth::Wrong GuestTruth::ShutDown(int vcpu) const {
  const Processor& processor = vcpus_[static_cast<size_t>(vcpu)];
  if (interleaved_) return std::nullopt;
  bool due = false;
  if (processor.mode.paging == PagingMode::kPae && !IsDirect(processor)) {
    due = std::any_of(processor.pdptrs.begin(), processor.pdptrs.end(), [&](uint64_t pdptr) {
      const Gfn table = static_cast<Gfn>((pdptr & kGpteAddress) >> kPageShift);
      return (pdptr & kGptePresent) != 0 && SlotOf(table) == nullptr;
    });
  } else if (!IsDirect(processor)) {
    due = SlotOf(processor.cr3) == nullptr;
  }
  if (due) return std::nullopt;
  return fmt::format("vcpu {}: the guest was shut down, and its root table is in memory", vcpu);
}

GuestTruth::Wrong GuestTruth::StoreAnswered(const TruthAccess& store, TruthResult::Kind answer,
                                            bool by_userspace) const {
  using Kind = TruthResult::Kind;
  if (interleaved_) return std::nullopt;
  const Gfn gfn = static_cast<Gfn>(store.gva >> kPageShift);
  const std::optional<Hva> hva = HvaOf(gfn);
  const bool read_only = IsReadOnly(gfn) && !by_userspace;
  const Kind due = !hva || read_only    ? Kind::kMmio
                   : host_.Mapped(*hva) ? Kind::kDone
                                        : Kind::kHostFault;
  const bool refused = answer != Kind::kDone;
  if (answer == Kind::kOther ? due == Kind::kDone : answer != due) {
    const char* state = !hva                 ? "no memslot has it"
                        : read_only          ? "its memslot is read-only"
                        : due == Kind::kDone ? "it is in memory"
                                             : "the host has nothing mapped there";
    return fmt::format("KVM's store to gfn {:#x} was {}, but {}", gfn, refused ? "refused" : "done",
                       state);
  }
  if (refused) return std::nullopt;
  const Judged judged = Prepare(vcpus_.front(), store);
  const uint64_t now = host_.Read(*hva, judged.word);
  if ((now & judged.mask) == judged.bytes) return std::nullopt;
  return fmt::format("KVM has stored {:#x} to word {} of gfn {:#x}, which is {:#x} now",
                     judged.bytes, judged.word, gfn, now);
}

// A store of the operation itself, other than to this word.
GuestTruth::Wrong GuestTruth::StrayStore(std::optional<Hva> hva, unsigned word) const {
  for (size_t i = first_store_; i < stores_.size(); ++i) {
    const HostStore& store = stores_[i].store;
    if (!stores_[i].own || (store.hva == hva && store.word == word)) continue;
    return fmt::format("the operation has changed word {} of host page {:#x}: {:#x} -> {:#x}",
                       store.word, store.hva, store.old_value, store.new_value);
  }
  return std::nullopt;
}

GuestTruth::Wrong GuestTruth::StoredNothing(bool logs_nothing) {
  Drain(true);
  Wrong wrong = StrayStore(std::nullopt, 0);
  if (logs_nothing && NothingSinceFetch()) ++quiet_events_;
  EndEvent();
  return wrong;
}

GuestTruth::Wrong GuestTruth::UserspaceStored(Gfn gfn, unsigned word) {
  Drain(true);
  Wrong wrong = StrayStore(HvaOf(gfn), word);
  EndEvent();
  return wrong;
}

// The walk reads as a supervisor: it may set A, and nothing else. It does not access the page.
GuestTruth::Wrong GuestTruth::LookedUp(int vcpu, Gva gva) {
  const auto reached = reached_;
  Wrong wrong = Accessed(vcpu, {.gva = gva}, {.kind = TruthResult::Kind::kOther});
  reached_ = reached;
  return wrong;
}

// An address without the bits that do not exist in the mode.
GuestTruth::Awaited GuestTruth::At(const Processor& vcpu, Gva gva) const {
  return {PageOf(vcpu, gva >> kPageShift), vcpu.cr3, IsDirect(vcpu)};
}

GuestTruth::Wrong GuestTruth::PageReady(int vcpu, Gva gva, bool mapped) {
  Processor& processor = vcpus_[static_cast<size_t>(vcpu)];
  const bool forgets = processor.awaited.size() >= kMaxWays;
  const std::vector<Awaited> awaited = std::exchange(processor.awaited, {});
  const Awaited now = At(processor, gva);
  const auto same = [&](const Awaited& one) {
    return one.gva == now.gva && one.direct == now.direct && (one.direct || one.cr3 == now.cr3);
  };
  if (forgets || std::any_of(awaited.begin(), awaited.end(), same)) return LookedUp(vcpu, gva);
  Wrong wrong = StoredNothing(/*logs_nothing=*/false);
  if (!mapped) return wrong;
  return fmt::format("vcpu {}: page {:#x} was mapped for an access of another address space", vcpu,
                     now.gva);
}

bool GuestTruth::MayHaveMet(Gfn gfn) const {
  const auto is = [gfn](const Way& way) { return !way.fault && way.gfn == gfn; };
  return anything_ || std::any_of(ways_.begin(), ways_.end(), is);
}

bool GuestTruth::MustHaveMet(Gfn gfn) const {
  const auto is = [gfn](const Way& way) { return !way.fault && way.gfn == gfn; };
  return !anything_ && !ways_.empty() && std::all_of(ways_.begin(), ways_.end(), is);
}

bool GuestTruth::MayHaveMetBlockOf(Gfn gfn) const {
  const auto near = [&](const Way& way) {
    if (way.fault || !way.hva) return false;
    const unsigned levels = static_cast<unsigned>(host_.BackingLevel(*way.hva)) - 1;
    return (way.gfn ^ gfn) >> (config_.level_bits * levels) == 0;
  };
  return anything_ || std::any_of(ways_.begin(), ways_.end(), near);
}

int GuestTruth::LargestLevel(int vcpu, int most, const std::vector<Gfn>& tables) const {
  if (anything_ || ways_.size() != 1 || ways_[0].fault || !ways_[0].hva) return 1;
  const Way& way = ways_[0];
  const Slot& slot = *SlotOf(way.gfn);
  const Processor& processor = vcpus_[static_cast<size_t>(vcpu)];
  if (slot.logged) return 1;
  most = std::min(most, host_.BackingLevel(*way.hva));
  const int top = processor.mode.paging == PagingMode::kLong ? 4 : 2;
  if (!IsDirect(processor)) most = std::min(most, top - way.depth + 1);
  int level = 1;
  for (; level < most; ++level) {
    const uint64_t frames = uint64_t{1} << (config_.level_bits * static_cast<unsigned>(level));
    const uint64_t first = way.gfn / frames * frames;
    const bool inside = first >= slot.base && first + frames <= uint64_t{slot.base} + slot.npages;
    const bool aligned = (slot.base ^ slot.hva) % frames == 0;
    const auto in_block = [&](Gfn table) { return table / frames * frames == first; };
    if (!inside || !aligned || std::any_of(tables.begin(), tables.end(), in_block)) break;
  }
  return level;
}

}  // namespace rmapdiff
