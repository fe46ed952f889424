// MmuVoice: how it begins, how an operation is carried out, and the single steps that operations
// are made of. Included by mmu_voice.h, not on its own.
#ifndef RMAPDIFF_FUZZERS_VOICES_MMU_VOICE_STEPS_H_
#define RMAPDIFF_FUZZERS_VOICES_MMU_VOICE_STEPS_H_

#include "fuzzers/voices/mmu_voice.h"

namespace rmapdiff {

template <ReverseMap R>
template <class... MapArgs>
MmuVoice<R>::MmuVoice(const Header& header, Judge judge, const MapArgs&... map_args)
    : header_(Normal(header)),
      layout_(header_.layout()),
      memory_(header.reuse == ReuseMode::kLifo ? HostMemory::Reuse::kLifo
                                               : HostMemory::Reuse::kQuarantine),
      mmu_(memory_, ConfigOf(header_), map_args...) {
  if (judge == Judge::kGuestTruth) {
    const TruthConfig config{.level_bits = Limits::kLevelBits,
                             .vcpus = mmu_.config().vcpus,
                             .tdp = mmu_.config().tdp,
                             .tdp_level = mmu_.config().tdp_level};
    truth_ = std::make_unique<GuestTruth>(mmu_.host(), config);
    ledger_ = std::make_unique<UsedLedger>(mmu_.host(), Limits::kLevelBits,
                                           mmu_.graph().masks().accessed != 0);
  }
  BootHost();
  BootGuest();
}

template <ReverseMap R>
void MmuVoice<R>::BootHost() {
  for (uint32_t i = 0; i < GuestLayout::kSlots; ++i) {
    const SlotLayout& slot = layout_.slots[i];
    SetSlot({i, slot.base_gfn, slot.npages, static_cast<Hva>(slot.user_gfn), header_.log});
  }
  for (const uint8_t page : {boot::kLargePage, boot::kOtherLargePage}) {
    const bool huge = page == boot::kOtherLargePage && header_.limits == LimitsMode::kTiny;
    const int level = huge ? 3 : kDirectoryLevel;
    Quiet([&] { mmu_.SetBacking(static_cast<Hva>(layout_.gfn(page)), level); });
  }
}

template <ReverseMap R>
void MmuVoice<R>::BootGuest() {
  for (const BootEntry& entry : BootTables(header_)) {
    HostStoreEntry(entry.table, entry.entry, entry.gpte, entry.bytes);
  }
  const Gfn root = layout_.gfn(boot::kRoot);
  for (int i = 0; i < mmu_.config().vcpus; ++i) {
    SetMode(i, BootMode(header_), root);
  }
}

// ---- One operation ----

template <ReverseMap R>
Outcome MmuVoice<R>::Apply(const Op& op) {
  mmu_.graph().events().Clear();
  told_accessed_ = told_dirtied_ = 0;
  raw_is_current_ = false;
  try {
    // A rep_store takes part in no race: what it alone may run into (L1) is its own.
    if (racing_ == Racing::kArmed && !std::holds_alternative<ops::RepStore>(op)) {
      first_ = op;
      racing_ = Racing::kHaveFirst;
      outcome_ = {.code = OutcomeCode::kPending};
    } else {
      outcome_ = racing_ == Racing::kHaveFirst ? DoRace(op) : Dispatch(op);
    }
  } catch (const BugError& error) {
    outcome_ = {.code = OutcomeCode::kBug, .bug = error.bug()};
  }
  TellLedger();
  return outcome_;
}

// Passes on what the host has been told since the last call, and which frames explain it. While
// operations race, the host moves pages before the judge hears of the access.
template <ReverseMap R>
void MmuVoice<R>::TellLedger() {
  if (ledger_ == nullptr) return;
  for (const std::optional<Pfn>& frame : truth_->TakeReached()) ledger_->Reached(frame);
  const HostEvents& events = mmu_.graph().events();
  const std::span accessed = std::span(events.accessed).subspan(told_accessed_);
  const std::span dirtied = std::span(events.dirtied).subspan(told_dirtied_);
  told_accessed_ = events.accessed.size();
  told_dirtied_ = events.dirtied.size();
  Blame(ledger_->Told(accessed, dirtied, !in_race_));
}

template <ReverseMap R>
Outcome MmuVoice<R>::Dispatch(const Op& op) {
  if (!std::holds_alternative<ops::FailAlloc>(op) && !in_window_) {
    fail_nth_ = std::exchange(next_fail_nth_, 0);
  }
  return std::visit([this](const auto& typed) { return this->Do(typed); }, op);
}

// first_ with `second` in its first window, or after it.
template <ReverseMap R>
Outcome MmuVoice<R>::DoRace(const Op& second) {
  racing_ = Racing::kNo;
  in_race_ = true;
  const Op first = first_;
  Outcome inner;
  bool done = false;
  if (FitsIntoWindow(second, first)) {
    mmu_.Interleave([&] {
      if (truth_ != nullptr) truth_->BeginInterleaved();
      in_window_ = true;
      mmu_.graph().FailTopUp(0);  // a failure is of the first operation alone
      inner = Dispatch(second);
      in_window_ = false;
      done = true;
      if (truth_ != nullptr) truth_->EndInterleaved();
    });
  }
  Outcome outer = Dispatch(first);
  mmu_.Interleave(nullptr);
  if (!done) inner = Dispatch(second);
  TellLedger();
  in_race_ = false;
  outer.of_access = false;
  outer.value = (outer.value * 31 + static_cast<uint64_t>(inner.code)) * 31 + inner.value;
  return outer;
}

// In a window nothing may use the vcpu that is in it, nor change memslots.
template <ReverseMap R>
bool MmuVoice<R>::FitsIntoWindow(const Op& inner, const Op& outer) const {
  const auto vcpu_of = [](const Op& op) {
    return std::visit(
        [](const auto& typed) {
          if constexpr (requires { typed.vcpu; }) {
            return int{typed.vcpu.value};
          } else {
            return -1;
          }
        },
        op);
  };
  const bool slots = std::visit(
      [](const auto& typed) { return requires { typed.slot; } && !requires { typed.vcpu; }; },
      inner);
  const OpGroup group = std::visit([](const auto& typed) { return typed.kGroup; }, inner);
  return !slots && !std::holds_alternative<ops::Reset>(inner) && group != OpGroup::kFault &&
         (vcpu_of(inner) < 0 || vcpu_of(inner) != vcpu_of(outer));
}

template <ReverseMap R>
Outcome MmuVoice<R>::Do(const ops::Race&) {
  racing_ = Racing::kArmed;
  return Ok();
}

template <ReverseMap R>
Outcome MmuVoice<R>::Do(const ops::FailAlloc& op) {
  next_fail_nth_ = op.nth.value;
  return Ok();
}

// ---- Steps ----

template <ReverseMap R>
void MmuVoice<R>::Blame(GuestTruth::Wrong wrong) {
  if (!wrong || objection_) return;
  objection_ = Difference{Finding::kTruth, "what the guest may see",
                          "as its tables and the host allow", std::move(*wrong), ""};
}

inline MmuCode CodeIn(MmuCode code) { return code; }
inline MmuCode CodeIn(const AccessResult& result) { return result.code; }

template <ReverseMap R>
template <typename Step>
auto MmuVoice<R>::Attempt(Step&& step) {
  constexpr uint64_t kSystematic = 3;
  const uint64_t last = in_window_ ? 0 : header_.oom ? kSystematic : fail_nth_;
  for (uint64_t nth = header_.oom ? 1 : last; nth != 0 && nth <= last; ++nth) {
    mmu_.graph().FailTopUp(nth);
    const auto result = step();
    mmu_.graph().FailTopUp(0);
    if (CodeIn(result) != MmuCode::kNoMemory) return result;
    AuditAfterFailure();
  }
  return step();
}

template <ReverseMap R>
void MmuVoice<R>::AuditAfterFailure() {
  if (mmu_.interleave_pending()) return;  // others may be in the midst of something
  raw_is_current_ = false;
  std::optional<Difference> wrong = Audit(Raw());
  raw_is_current_ = false;
  if (!wrong || objection_) return;
  wrong->subject += ", after an allocation failed";
  objection_ = std::move(wrong);
}

inline TruthAccess ToTruth(const AccessRequest& request) {
  return {.gva = request.gva,
          .type = static_cast<TruthAccess::Type>(request.type),
          .user = request.user,
          .value = request.value,
          .bytes = request.bytes,
          .ac = request.kind != AccessKind::kPlain,
          .implicit = request.kind == AccessKind::kImplicit};
}

inline TruthResult ToTruth(const AccessResult& result) {
  TruthResult truth{.kind = TruthResult::Kind::kOther,
                    .value = result.value,
                    .error_code = result.error_code,
                    .pfn = result.pfn};
  switch (result.code) {
    case MmuCode::kOk:
    case MmuCode::kEmulated:
      truth.kind = TruthResult::Kind::kDone;
      break;
    case MmuCode::kGuestFault:
      truth.kind = TruthResult::Kind::kFault;
      break;
    case MmuCode::kMmio:
      truth.kind = TruthResult::Kind::kMmio;
      break;
    case MmuCode::kHostFault:
      truth.kind = TruthResult::Kind::kHostFault;
      break;
    default:
      break;
  }
  return truth;
}

inline GuestSlots::Slot ToTruth(const MemslotRequest& request) {
  return {request.id,  request.base_gfn,  request.npages,
          request.hva, request.log_dirty, request.read_only};
}

template <ReverseMap R>
AccessResult MmuVoice<R>::Access(int vcpu, const AccessRequest& request) {
  const uint32_t zapped = mmu_.graph().stats().zapped;
  const AccessResult result = Attempt([&] { return mmu_.Access(vcpu, request); });
  JudgeEntered(vcpu, result.code);
  if (result.code == MmuCode::kStaleFrame) Blame("the hardware reached a host frame that is gone");
  // While a range is being invalidated, or others get in between, a guest may have to wait.
  const bool must_end = open_range_.npages == 0 && !in_race_;
  if (result.code == MmuCode::kRetryExhausted && must_end) {
    Blame("an access faults again and again, and nothing comes of it");
  }
  if (truth_ == nullptr) return result;
  Blame(truth_->Accessed(vcpu, ToTruth(request), ToTruth(result)));
  if (result.code == MmuCode::kEmulated) JudgeEmulated(vcpu, request, zapped);
  TellLedger();
  if (result.code != MmuCode::kOk) return result;
  if (const std::optional<UsedLeaf> leaf = LeafAt(vcpu, request.gva)) {
    ledger_->Used(*leaf);
    if (result.exits != 0) JudgeLevel(vcpu, leaf->level, zapped);
  }
  if (request.type == AccessType::kWrite) ledger_->Written(result.pfn);
  return result;
}

template <ReverseMap R>
AccessResult MmuVoice<R>::StoreMany(int vcpu, const AccessRequest& first,
                                    const std::vector<uint64_t>& values) {
  const AccessResult result = Attempt([&] { return mmu_.StoreMany(vcpu, first, values); });
  JudgeEntered(vcpu, result.code);
  if (result.code == MmuCode::kStaleFrame) Blame("the hardware reached a host frame that is gone");
  if (truth_ == nullptr) return result;
  std::vector<TruthAccess> stores;
  TruthAccess store = ToTruth(first);
  store.type = TruthAccess::Type::kWrite;
  for (const uint64_t value : values) {
    store.value = value;
    stores.push_back(store);
    store.gva += static_cast<Gva>(store.bytes);
    if ((store.gva & kPageOffset) < Gva{Mmu::kEntries} * 8) continue;
    store.gva = ((store.gva >> kPageShift) + 1) << kPageShift;
  }
  Blame(truth_->StoredMany(vcpu, stores, ToTruth(result)));
  TellLedger();
  return result;
}

template <ReverseMap R>
MmuCode MmuVoice<R>::Hypercall(int vcpu, Gva gpa, uint64_t value, int bytes) {
  const MmuCode code = Attempt([&] { return mmu_.PvMmuWrite(vcpu, gpa, value, bytes); });
  JudgeEntered(vcpu, code);
  if (truth_ == nullptr) return code;
  AccessResult result;
  result.code = code;
  const TruthAccess store{
      .gva = gpa, .type = TruthAccess::Type::kWrite, .value = value, .bytes = bytes};
  Blame(truth_->StoreAnswered(store, ToTruth(result).kind));
  const unsigned word = static_cast<unsigned>((gpa & kPageOffset) / 8) % Mmu::kEntries;
  if (code == MmuCode::kOk || code == MmuCode::kEmulated) {
    Blame(truth_->WroteGuest(static_cast<Gfn>(gpa >> kPageShift), word, true));
  } else {
    truth_->Absorb();
  }
  TellLedger();
  return code;
}

template <ReverseMap R>
void MmuVoice<R>::HostStore(Gfn gfn, unsigned word, uint64_t value) {
  const bool done = mmu_.HostWrite(gfn, word, value);
  JudgeStore(gfn, word, value, done, /*by_userspace=*/true);
  if (truth_ != nullptr) Blame(truth_->UserspaceStored(gfn, word));
}

template <ReverseMap R>
MmuCode MmuVoice<R>::SetMode(int vcpu, const GuestMode& mode, Gfn cr3) {
  const MmuCode code = mmu_.SetMode(vcpu, mode, cr3);
  if (truth_ == nullptr) return code;
  const bool done = code == MmuCode::kOk;
  Blame(truth_->ModeAnswered(vcpu, mode, cr3, done));
  if (done) truth_->SetMode(vcpu, mode, cr3);
  return code;
}

template <ReverseMap R>
MmuCode MmuVoice<R>::SetSlot(const MemslotRequest& request) {
  const MmuCode code = mmu_.SetMemslot(request);
  Blame(slots_.Answered(ToTruth(request), code == MmuCode::kOk));
  if (code == MmuCode::kOk && !quota_set_) {
    Blame(slots_.QuotaFollowed(Limits::kPermilleMmuPages, Limits::kMinAllocPages,
                               mmu_.allocated_pages()));
  }
  if (truth_ == nullptr) return code;
  if (code == MmuCode::kOk) {
    truth_->SlotChanged(request.id, request.base_gfn, request.npages, request.hva,
                        request.log_dirty, request.read_only);
  } else {
    truth_->Absorb();
  }
  return code;
}

// ---- Outcomes ----

template <ReverseMap R>
OutcomeCode MmuVoice<R>::CodeOf(MmuCode code) {
  switch (code) {
    case MmuCode::kOk:
      return OutcomeCode::kOk;
    case MmuCode::kEmulated:
      return OutcomeCode::kEmulated;
    case MmuCode::kGuestFault:
      return OutcomeCode::kGuestFault;
    case MmuCode::kGeneralProtection:
      return OutcomeCode::kGeneralProtection;
    case MmuCode::kTripleFault:
      return OutcomeCode::kTripleFault;
    case MmuCode::kMmio:
      return OutcomeCode::kMmio;
    case MmuCode::kHostFault:
      return OutcomeCode::kHostFault;
    case MmuCode::kNoMemory:
      return OutcomeCode::kNoMemory;
    case MmuCode::kInvalid:
      return OutcomeCode::kInvalid;
    case MmuCode::kRetryExhausted:
      return OutcomeCode::kRetryExhausted;
    case MmuCode::kStaleFrame:
      return OutcomeCode::kStaleFrame;
  }
  return OutcomeCode::kInvalid;
}

template <ReverseMap R>
Outcome MmuVoice<R>::OutcomeOf(const AccessResult& result) const {
  const uint64_t exits = static_cast<uint64_t>(result.exits) & 0xff;
  return {.code = CodeOf(result.code),
          .value = exits | uint64_t{result.error_code & 0xff} << 8 | result.value << 32,
          .of_access = true};
}

// ---- The guest ----

template <ReverseMap R>
int MmuVoice<R>::EntryBytes(int vcpu) {
  PagingMode mode = PagingOf(vcpu);
  if (mode == PagingMode::kNonPaging) mode = BootPaging(header_);
  if (mode == PagingMode::kNonPaging) mode = SecondPaging(header_).value_or(PagingMode::kLong);
  return GpteBytes(mode);
}

template <ReverseMap R>
Gpte MmuVoice<R>::GpteOf(int vcpu, Gfn gfn, GpteFlagsArg flags) {
  Gpte gpte = Gpte{gfn} << kPageShift | GpteBits(flags.value);
  const bool wide = EntryBytes(vcpu) == 8;
  if (flags.Has(GpteFlagsArg::kNoExecute) && wide) gpte |= kGpteNx;
  if (flags.Has(GpteFlagsArg::kReserved)) gpte |= wide ? Gpte{1} << 45 : Gpte{1} << 13;
  return gpte;
}

template <ReverseMap R>
AccessRequest MmuVoice<R>::EntryAccess(int vcpu, uint32_t table, uint32_t entry) {
  const int bytes = EntryBytes(vcpu);
  const Gva window = WindowOf(layout_, PagingOf(vcpu), mmu_.config().tdp, table);
  return {.gva = window + Gva{entry % EntriesOf(vcpu)} * static_cast<Gva>(bytes),
          .type = AccessType::kRead,
          .user = false,
          .value = 0,
          .bytes = bytes};
}

template <ReverseMap R>
Outcome MmuVoice<R>::StoreEntryBy(ViaArg via, int vcpu, uint32_t table, uint32_t entry, Gpte gpte) {
  const int bytes = EntryBytes(vcpu);
  switch (via.value) {
    case ViaArg::kHypercall: {
      const Gva offset = Gva{entry % EntriesOf(vcpu)} * static_cast<Gva>(bytes);
      const Gva gpa = Gva{layout_.gfn(table)} << kPageShift | offset;
      gpte &= LowBits(static_cast<unsigned>(bytes) * 8);
      return {.code = CodeOf(Hypercall(vcpu, gpa, gpte, bytes))};
    }
    case ViaArg::kHost:
      HostStoreEntry(table, entry, gpte, bytes);
      return Ok();
    default:
      break;
  }
  const int parts = via.value == ViaArg::kHalves ? 2 : via.value == ViaArg::kBytes ? bytes : 1;
  return OutcomeOf(StoreEntry(vcpu, table, entry, gpte, parts));
}

// In `parts` stores, of which the last one comes first in every other entry.
template <ReverseMap R>
AccessResult MmuVoice<R>::StoreEntry(int vcpu, uint32_t table, uint32_t entry, Gpte gpte,
                                     int parts) {
  AccessRequest whole = EntryAccess(vcpu, table, entry);
  whole.type = AccessType::kWrite;
  AccessRequest part = whole;
  part.bytes = whole.bytes / parts;
  AccessResult result;
  for (int i = 0; i < parts; ++i) {
    const int at = (entry % 2 == 0 ? i : parts - 1 - i) * part.bytes;
    part.gva = whole.gva + static_cast<Gva>(at);
    part.value = gpte >> (at * 8) & LowBits(static_cast<unsigned>(part.bytes) * 8);
    result = Access(vcpu, part);
    if (result.code != MmuCode::kOk && result.code != MmuCode::kEmulated) break;
  }
  return result;
}

template <ReverseMap R>
void MmuVoice<R>::HostStoreEntry(uint32_t table, uint32_t entry, Gpte gpte, int bytes) {
  const Gfn gfn = layout_.gfn(table);
  unsigned word = entry % static_cast<uint32_t>(Mmu::kEntries * 8 / bytes);
  if (bytes == 4) {
    const unsigned shift = word % 2 * 32;
    word /= 2;
    gpte = (mmu_.ReadGuest(gfn, word).value_or(0) & ~(LowBits(32) << shift)) | (gpte & LowBits(32))
                                                                                   << shift;
  }
  HostStore(gfn, word, gpte);
}

}  // namespace rmapdiff

#endif  // RMAPDIFF_FUZZERS_VOICES_MMU_VOICE_STEPS_H_
