// MmuVoice: the handlers of the operations. Included by mmu_voice.h, not on its own.
#ifndef RMAPDIFF_FUZZERS_VOICES_MMU_VOICE_OPS_H_
#define RMAPDIFF_FUZZERS_VOICES_MMU_VOICE_OPS_H_

#include "fuzzers/voices/mmu_voice.h"

namespace rmapdiff {

// ---- Handlers: guest ----

template <ReverseMap R>
Outcome MmuVoice<R>::Do(const ops::Access& op) {
  const int vcpu = op.vcpu.value;
  return OutcomeOf(Access(vcpu, {.gva = GvaFor(vcpu, op.va) | Gva{WordAt(op.word)} * 8,
                                 .type = static_cast<AccessType>(op.type.value),
                                 .user = op.user.value,
                                 .value = Filled(op.value),
                                 .bytes = 8}));
}

template <ReverseMap R>
Outcome MmuVoice<R>::Do(const ops::SetGpte& op) {
  const int vcpu = op.vcpu.value;
  const Gpte gpte = GpteOf(vcpu, GfnAt(op.gfn), op.flags);
  const int bytes = EntryBytes(vcpu);
  switch (op.via.value) {
    case ViaArg::kHypercall: {
      const Gva offset = Gva{op.entry.value % EntriesOf(vcpu)} * static_cast<Gva>(bytes);
      const Gva gpa = Gva{layout_.gfn(op.table.value)} << kPageShift | offset;
      return {.code = CodeOf(Hypercall(vcpu, gpa, gpte, bytes))};
    }
    case ViaArg::kHost:
      HostStoreEntry(op.table.value, op.entry.value, gpte, bytes);
      return Ok();
    default:
      break;
  }
  const int parts = op.via.value == ViaArg::kHalves  ? 2
                    : op.via.value == ViaArg::kBytes ? bytes
                                                     : 1;
  return OutcomeOf(StoreEntry(vcpu, op.table.value, op.entry.value, gpte, parts));
}

template <ReverseMap R>
Outcome MmuVoice<R>::Do(const ops::Invlpg& op) {
  const Gva gva = GvaFor(op.vcpu.value, op.va);
  // invlpg keeps it to itself that its top-up has failed.
  Attempt([&] {
    mmu_.Invlpg(op.vcpu.value, gva);
    return mmu_.vcpu(op.vcpu.value).caches.refused ? MmuCode::kNoMemory : MmuCode::kOk;
  });
  if (truth_ != nullptr) truth_->Invlpg(op.vcpu.value, gva);
  return Ok();
}

template <ReverseMap R>
Outcome MmuVoice<R>::Do(const ops::LoadCr3& op) {
  const Gfn cr3 = layout_.gfn(op.table.value);
  const MmuCode code = mmu_.LoadCr3(op.vcpu.value, cr3);
  if (truth_ != nullptr && code == MmuCode::kOk) truth_->LoadedCr3(op.vcpu.value, cr3);
  return {.code = CodeOf(code)};
}

template <ReverseMap R>
Outcome MmuVoice<R>::Do(const ops::SetMode& op) {
  GuestMode mode{
      .paging = BootPaging(header_), .wp = op.wp.value, .nx = op.nx.value, .pse = op.pse.value};
  switch (op.paging.value) {
    case PagingArg::kOff:
      mode.paging = PagingMode::kNonPaging;
      break;
    case PagingArg::kLong:
      mode.paging = PagingMode::kLong;
      break;
    case PagingArg::kPae:
      mode.paging = PagingMode::kPae;
      break;
    case PagingArg::k32Bit:
      mode.paging = PagingMode::k32Bit;
      break;
    default:
      break;
  }
  const Gfn cr3 = layout_.gfn(op.table.value);
  const MmuCode code = mmu_.SetMode(op.vcpu.value, mode, cr3);
  if (truth_ != nullptr && code == MmuCode::kOk) truth_->SetMode(op.vcpu.value, mode, cr3);
  return {.code = CodeOf(code)};
}

template <ReverseMap R>
Outcome MmuVoice<R>::Do(const ops::EnterGuest& op) {
  MmuCode code = MmuCode::kOk;
  Unjudged([&] { code = Attempt([&] { return mmu_.EnterGuest(op.vcpu.value); }); });
  return {.code = CodeOf(code)};
}

template <ReverseMap R>
Outcome MmuVoice<R>::Do(const ops::Unload& op) {
  Unjudged([&] { mmu_.Unload(op.vcpu.value); });
  return Ok();
}

template <ReverseMap R>
Outcome MmuVoice<R>::Do(const ops::UnprotectVirt& op) {
  bool any = false;
  Unjudged([&] { any = mmu_.UnprotectVirt(op.vcpu.value, GvaFor(op.vcpu.value, op.va)); });
  return Ok(any ? 1 : 0);
}

template <ReverseMap R>
Outcome MmuVoice<R>::Do(const ops::RepStore& op) {
  const int vcpu = op.vcpu.value;
  AccessRequest first = EntryAccess(vcpu, op.table.value, op.entry.value);
  first.type = AccessType::kWrite;
  const Gpte gpte = GpteOf(vcpu, GfnAt(op.gfn), op.flags);
  return OutcomeOf(StoreMany(vcpu, first, std::vector<uint64_t>(op.count.value, gpte)));
}

template <ReverseMap R>
Outcome MmuVoice<R>::Do(const ops::Fork& op) {
  const int vcpu = op.vcpu.value;
  AccessResult result;
  for (uint32_t i = 0; i < std::min<uint32_t>(op.count.value, EntriesOf(vcpu)); ++i) {
    const AccessRequest read = EntryAccess(vcpu, op.from.value, i);
    result = Access(vcpu, read);
    if (result.code != MmuCode::kOk && result.code != MmuCode::kEmulated) break;
    // The result is the whole word.
    const unsigned shift = static_cast<unsigned>(read.gva % 8) * 8;
    const Gpte gpte = result.value >> shift & LowBits(static_cast<unsigned>(read.bytes) * 8);
    if ((gpte & kGptePresent) == 0) continue;
    for (const uint32_t table : {op.from.value, op.to.value}) {
      result = StoreEntry(vcpu, table, i, gpte & ~kGpteWritable);
    }
  }
  return OutcomeOf(result);
}

template <ReverseMap R>
Outcome MmuVoice<R>::Do(const ops::ClearTable& op) {
  const int vcpu = op.vcpu.value;
  AccessResult result;
  for (uint32_t i = 0; i < std::min<uint32_t>(op.count.value, EntriesOf(vcpu)); ++i) {
    result = StoreEntry(vcpu, op.table.value, i, 0);
  }
  return OutcomeOf(result);
}

template <ReverseMap R>
Outcome MmuVoice<R>::Do(const ops::Burst& op) {
  const int vcpu = op.vcpu.value;
  const Gpte gpte = GpteOf(vcpu, GfnAt(op.gfn), op.flags);
  AccessResult result;
  for (uint32_t i = 0; i < op.count.value; ++i) {
    const Gpte toggled = i % 2 == 0 ? Gpte{0} : kGpteDirty;
    result = StoreEntry(vcpu, op.table.value, op.entry.value, gpte ^ toggled);
  }
  return OutcomeOf(result);
}

template <ReverseMap R>
Outcome MmuVoice<R>::Do(const ops::Share& op) {
  const int vcpu = op.vcpu.value;
  const Gpte gpte = GpteOf(vcpu, GfnAt(op.gfn), op.flags);
  const uint32_t entries = std::min<uint32_t>(op.count.value * 16u, EntriesOf(vcpu));
  for (uint32_t i = 0; i < entries; ++i) {
    const MmuCode code = StoreEntry(vcpu, op.table.value, i, gpte).code;
    if (code != MmuCode::kOk && code != MmuCode::kEmulated) break;
  }
  uint64_t reads = 0;
  const Gva first = GvaFor(vcpu, {static_cast<uint8_t>(op.va.value & 0xf0)});
  for (uint32_t i = 0; i < entries; ++i) {
    const Gva gva = first + (Gva{i} << kPageShift);
    const MmuCode code = Access(vcpu, {.gva = gva, .user = op.flags.Has(GpteFlagsArg::kUser)}).code;
    if (code == MmuCode::kOk || code == MmuCode::kEmulated) ++reads;
  }
  return Ok(reads);
}

template <ReverseMap R>
Outcome MmuVoice<R>::Do(const ops::SelfMap& op) {
  const int vcpu = op.vcpu.value;
  const Gpte gpte =
      Gpte{layout_.gfn(op.table.value)} << kPageShift | kGptePresent | kGpteWritable | kGpteUser;
  StoreEntry(vcpu, op.table.value, op.entry.value, gpte);
  return OutcomeOf(Access(vcpu, {.gva = GvaFor(vcpu, op.va)}));
}

// ---- Handlers: host ----

template <ReverseMap R>
const typename MmuVoice<R>::Mmu::Slot* MmuVoice<R>::SlotAt(SlotArg arg) const {
  const auto& slots = mmu_.graph().slots().all();
  const bool there = arg.value < slots.size() && !slots[arg.value].empty();
  return there ? &slots[arg.value] : nullptr;
}

template <ReverseMap R>
Outcome MmuVoice<R>::Do(const ops::Memslot& op) {
  return {.code = CodeOf(SetSlot(
              {op.slot.value, GfnAt(op.gfn), op.pages.value, HvaAt(op.hva), op.log.value}))};
}

template <ReverseMap R>
Outcome MmuVoice<R>::Do(const ops::DeleteMemslot& op) {
  return {.code = CodeOf(SetSlot({op.slot.value, 0, 0, 0, false}))};
}

template <ReverseMap R>
Outcome MmuVoice<R>::Do(const ops::MoveMemslot& op) {
  const auto* slot = SlotAt(op.slot);
  if (slot == nullptr) return {.code = OutcomeCode::kInvalid};
  return {.code = CodeOf(SetSlot({op.slot.value, GfnAt(op.gfn), slot->npages(),
                                  static_cast<Hva>(slot->user_gfn()), slot->logged()}))};
}

template <ReverseMap R>
Outcome MmuVoice<R>::Do(const ops::LogDirty& op) {
  const auto* slot = SlotAt(op.slot);
  if (slot == nullptr) return {.code = OutcomeCode::kInvalid};
  return {.code = CodeOf(SetSlot({op.slot.value, slot->base_gfn(), slot->npages(),
                                  static_cast<Hva>(slot->user_gfn()), op.on.value}))};
}

template <ReverseMap R>
Outcome MmuVoice<R>::Do(const ops::GetDirtyLog& op) {
  std::vector<Gfn> dirty;
  const MmuCode code = mmu_.GetDirtyLog(op.slot.value, &dirty);
  if (truth_ != nullptr) {
    if (code == MmuCode::kOk) {
      Blame(truth_->LogFetched(op.slot.value, dirty));
    } else {
      truth_->Absorb();
    }
  }
  uint64_t hash = dirty.size();
  for (const Gfn gfn : dirty) hash = hash * 0x9e3779b97f4a7c15ull + gfn;
  return {.code = CodeOf(code), .value = hash};
}

template <ReverseMap R>
Outcome MmuVoice<R>::Do(const ops::MovePage& op) {
  Unjudged([&] { mmu_.MovePage(HvaAt(op.hva)); });
  return Ok();
}

template <ReverseMap R>
Outcome MmuVoice<R>::Do(const ops::MergePage& op) {
  Unjudged([&] { mmu_.MergePage(HvaAt(op.hva)); });
  return Ok();
}

template <ReverseMap R>
Outcome MmuVoice<R>::Do(const ops::UnmapPage& op) {
  Unjudged([&] { mmu_.UnmapPage(HvaAt(op.hva)); });
  return Ok();
}

template <ReverseMap R>
Outcome MmuVoice<R>::Do(const ops::MapPage& op) {
  Unjudged([&] { mmu_.MapPage(HvaAt(op.hva)); });
  return Ok();
}

template <ReverseMap R>
Outcome MmuVoice<R>::Do(const ops::SetBacking& op) {
  Unjudged([&] { mmu_.SetBacking(HvaAt(op.hva), op.level.value); });
  return Ok();
}

template <ReverseMap R>
Outcome MmuVoice<R>::Do(const ops::AgePage& op) {
  const Hva hva = HvaAt(op.hva);
  bool young = false;
  Unjudged([&] { young = mmu_.AgePage(hva); });
  TellLedger();
  if (ledger_ != nullptr && mmu_.host().Mapped(hva)) {
    ledger_->Aged(mmu_.host().Frame(hva), young);
  }
  return Ok(young ? 1 : 0);
}

template <ReverseMap R>
Outcome MmuVoice<R>::Do(const ops::TestYoung& op) {
  bool young = false;
  Unjudged([&] { young = mmu_.TestYoung(HvaAt(op.hva)); });
  return Ok(young ? 1 : 0);
}

template <ReverseMap R>
Outcome MmuVoice<R>::Do(const ops::RangeStart& op) {
  if (mmu_.notifier_count() != 0) return Ok();
  const Hva begin = HvaAt(op.hva);
  Unjudged([&] { mmu_.InvalidateRangeStart(begin, begin + op.count.value); });
  open_range_ = {static_cast<Gfn>(begin), op.count.value};
  return Ok(1);
}

template <ReverseMap R>
void MmuVoice<R>::CloseRange() {
  Unjudged([&] { mmu_.InvalidateRangeEnd(); });
  open_range_ = {};
}

template <ReverseMap R>
Outcome MmuVoice<R>::Do(const ops::RangeEnd&) {
  if (mmu_.notifier_count() == 0) return Ok();
  CloseRange();
  return Ok(1);
}

template <ReverseMap R>
Outcome MmuVoice<R>::Do(const ops::InvalidatePage& op) {
  Unjudged([&] { mmu_.InvalidatePage(HvaAt(op.hva)); });
  return Ok();
}

template <ReverseMap R>
Outcome MmuVoice<R>::Do(const ops::Quota& op) {
  MmuCode code = MmuCode::kOk;
  Unjudged([&] { code = mmu_.SetQuota(Limits::kMinAllocPages + op.count.value - 1); });
  return {.code = CodeOf(code)};
}

template <ReverseMap R>
Outcome MmuVoice<R>::Do(const ops::MmuShrink& op) {
  int pages = 0;
  for (int i = 0; i <= op.count.value % 8; ++i) Unjudged([&] { pages = mmu_.Shrink(); });
  return Ok(static_cast<uint64_t>(pages));
}

template <ReverseMap R>
Outcome MmuVoice<R>::Do(const ops::ZapAll&) {
  Unjudged([&] { mmu_.ZapAll(); });
  return Ok();
}

template <ReverseMap R>
Outcome MmuVoice<R>::Do(const ops::UnprotectGfn& op) {
  bool any = false;
  Unjudged([&] { any = mmu_.UnprotectPage(GfnAt(op.gfn)); });
  return Ok(any ? 1 : 0);
}

template <ReverseMap R>
Outcome MmuVoice<R>::Do(const ops::Reset&) {
  if (mmu_.notifier_count() != 0) CloseRange();
  for (uint32_t id = 0; id < SlotArg::kCount; ++id) SetSlot({id, 0, 0, 0, false});
  for (uint32_t page = 0; page < GuestLayout::kGfnIndexes; ++page) {
    Unjudged([&] { mmu_.MapPage(static_cast<Hva>(layout_.gfn(page))); });
  }
  BootHost();
  for (uint32_t table = 0; table < TableArg::kCount; ++table) {
    const Gfn gfn = layout_.gfn(table);
    const auto& contents = mmu_.host().contents();  // host page n is behind gfn n again
    const auto page = contents.find(static_cast<Hva>(gfn));
    if (page == contents.end()) continue;
    for (unsigned word = 0; word < page->second.size(); ++word) {
      if (page->second[word] != 0) Unjudged([&] { mmu_.HostWrite(gfn, word, 0); });
    }
  }
  BootGuest();
  Unjudged([&] { mmu_.ZapAll(); });
  return Ok();
}

template <ReverseMap R>
Outcome MmuVoice<R>::Do(const ops::WriteGuest& op) {
  const Gfn gfn = GfnAt(op.gfn);
  if (!mmu_.WriteGuest(gfn, WordAt(op.word), Filled(op.value))) {
    return {.code = OutcomeCode::kHostFault};
  }
  if (truth_ != nullptr) Blame(truth_->WroteGuest(gfn, WordAt(op.word), false));
  return Ok();
}

}  // namespace rmapdiff

#endif  // RMAPDIFF_FUZZERS_VOICES_MMU_VOICE_OPS_H_
