// MmuVoice: the handlers of the operations. Included by mmu_voice.h, not on its own.
#ifndef RMAPDIFF_FUZZERS_VOICES_MMU_VOICE_OPS_H_
#define RMAPDIFF_FUZZERS_VOICES_MMU_VOICE_OPS_H_

#include "fuzzers/voices/mmu_voice.h"

namespace rmapdiff {

// ---- Handlers: guest ----

template <ReverseMap R>
Outcome MmuVoice<R>::Do(const ops::Access& op) {
  const int vcpu = op.vcpu.vcpu;
  return OutcomeOf(Access(vcpu, {.gva = GvaFor(vcpu, op.va) | Gva{WordAt(op.word)} * 8,
                                 .type = static_cast<AccessType>(op.type.value),
                                 .user = op.user.on,
                                 .value = Filled(op.value),
                                 .bytes = 8}));
}

template <ReverseMap R>
Outcome MmuVoice<R>::Do(const ops::SetGpte& op) {
  const int vcpu = op.vcpu.vcpu;
  const Gpte gpte = GpteOf(vcpu, GfnAt(op.gfn), op.flags);
  const int bytes = EntryBytes(vcpu);
  switch (op.via.value) {
    case ViaArg::kHypercall: {
      const Gva offset = Gva{op.entry.index % EntriesOf(vcpu)} * static_cast<Gva>(bytes);
      const Gva gpa = Gva{layout_.gfn(op.table.index)} << kPageShift | offset;
      return {.code = CodeOf(Hypercall(vcpu, gpa, gpte, bytes))};
    }
    case ViaArg::kHost:
      HostStoreEntry(op.table.index, op.entry.index, gpte, bytes);
      return Ok();
    default:
      break;
  }
  const int parts = op.via.value == ViaArg::kHalves  ? 2
                    : op.via.value == ViaArg::kBytes ? bytes
                                                     : 1;
  return OutcomeOf(StoreEntry(vcpu, op.table.index, op.entry.index, gpte, parts));
}

template <ReverseMap R>
Outcome MmuVoice<R>::Do(const ops::Invlpg& op) {
  const Gva gva = GvaFor(op.vcpu.vcpu, op.va);
  // invlpg keeps it to itself that its top-up has failed.
  Attempt([&] {
    mmu_.Invlpg(op.vcpu.vcpu, gva);
    return mmu_.vcpu(op.vcpu.vcpu).caches.refused ? MmuCode::kNoMemory : MmuCode::kOk;
  });
  if (truth_ != nullptr) truth_->Invlpg(op.vcpu.vcpu, gva);
  return Ok();
}

template <ReverseMap R>
Outcome MmuVoice<R>::Do(const ops::LoadCr3& op) {
  const Gfn cr3 = layout_.gfn(op.table.index);
  const MmuCode code = mmu_.LoadCr3(op.vcpu.vcpu, cr3);
  if (truth_ != nullptr && code == MmuCode::kOk) truth_->LoadedCr3(op.vcpu.vcpu, cr3);
  return {.code = CodeOf(code)};
}

template <ReverseMap R>
Outcome MmuVoice<R>::Do(const ops::SetMode& op) {
  GuestMode mode{.paging = BootPaging(header_), .wp = op.wp.on, .nx = op.nx.on, .pse = op.pse.on};
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
  const Gfn cr3 = layout_.gfn(op.table.index);
  const MmuCode code = mmu_.SetMode(op.vcpu.vcpu, mode, cr3);
  if (truth_ != nullptr && code == MmuCode::kOk) truth_->SetMode(op.vcpu.vcpu, mode, cr3);
  return {.code = CodeOf(code)};
}

template <ReverseMap R>
Outcome MmuVoice<R>::Do(const ops::EnterGuest& op) {
  MmuCode code = MmuCode::kOk;
  Unjudged([&] { code = Attempt([&] { return mmu_.EnterGuest(op.vcpu.vcpu); }); });
  return {.code = CodeOf(code)};
}

template <ReverseMap R>
Outcome MmuVoice<R>::Do(const ops::Unload& op) {
  Unjudged([&] { mmu_.Unload(op.vcpu.vcpu); });
  return Ok();
}

template <ReverseMap R>
Outcome MmuVoice<R>::Do(const ops::UnprotectVirt& op) {
  bool any = false;
  Unjudged([&] { any = mmu_.UnprotectVirt(op.vcpu.vcpu, GvaFor(op.vcpu.vcpu, op.va)); });
  return Ok(any ? 1 : 0);
}

template <ReverseMap R>
Outcome MmuVoice<R>::Do(const ops::RepStore& op) {
  const int vcpu = op.vcpu.vcpu;
  AccessRequest first = EntryAccess(vcpu, op.table.index, op.entry.index);
  first.type = AccessType::kWrite;
  const Gpte gpte = GpteOf(vcpu, GfnAt(op.gfn), op.flags);
  return OutcomeOf(StoreMany(vcpu, first, std::vector<uint64_t>(op.count.count, gpte)));
}

template <ReverseMap R>
Outcome MmuVoice<R>::Do(const ops::Fork& op) {
  const int vcpu = op.vcpu.vcpu;
  AccessResult result;
  for (uint32_t i = 0; i < std::min<uint32_t>(op.count.count, EntriesOf(vcpu)); ++i) {
    const AccessRequest read = EntryAccess(vcpu, op.from.index, i);
    result = Access(vcpu, read);
    if (result.code != MmuCode::kOk && result.code != MmuCode::kEmulated) break;
    // The result is the whole word.
    const unsigned shift = static_cast<unsigned>(read.gva % 8) * 8;
    const Gpte gpte = result.value >> shift & LowBits(static_cast<unsigned>(read.bytes) * 8);
    if ((gpte & kGptePresent) == 0) continue;
    for (const uint32_t table : {op.from.index, op.to.index}) {
      result = StoreEntry(vcpu, table, i, gpte & ~kGpteWritable);
    }
  }
  return OutcomeOf(result);
}

template <ReverseMap R>
Outcome MmuVoice<R>::Do(const ops::ClearTable& op) {
  const int vcpu = op.vcpu.vcpu;
  AccessResult result;
  for (uint32_t i = 0; i < std::min<uint32_t>(op.count.count, EntriesOf(vcpu)); ++i) {
    result = StoreEntry(vcpu, op.table.index, i, 0);
  }
  return OutcomeOf(result);
}

template <ReverseMap R>
Outcome MmuVoice<R>::Do(const ops::Burst& op) {
  const int vcpu = op.vcpu.vcpu;
  const Gpte gpte = GpteOf(vcpu, GfnAt(op.gfn), op.flags);
  AccessResult result;
  for (uint32_t i = 0; i < op.count.count; ++i) {
    const Gpte toggled = i % 2 == 0 ? Gpte{0} : kGpteDirty;
    result = StoreEntry(vcpu, op.table.index, op.entry.index, gpte ^ toggled);
  }
  return OutcomeOf(result);
}

template <ReverseMap R>
Outcome MmuVoice<R>::Do(const ops::Share& op) {
  const int vcpu = op.vcpu.vcpu;
  const Gpte gpte = GpteOf(vcpu, GfnAt(op.gfn), op.flags);
  const uint32_t entries = std::min<uint32_t>(op.count.count * 16u, EntriesOf(vcpu));
  for (uint32_t i = 0; i < entries; ++i) {
    const MmuCode code = StoreEntry(vcpu, op.table.index, i, gpte).code;
    if (code != MmuCode::kOk && code != MmuCode::kEmulated) break;
  }
  uint64_t reads = 0;
  const Gva first = GvaFor(vcpu, {static_cast<uint8_t>(op.va.path & 0xf0)});
  for (uint32_t i = 0; i < entries; ++i) {
    const Gva gva = first + (Gva{i} << kPageShift);
    const MmuCode code = Access(vcpu, {.gva = gva, .user = op.flags.Has('u')}).code;
    if (code == MmuCode::kOk || code == MmuCode::kEmulated) ++reads;
  }
  return Ok(reads);
}

template <ReverseMap R>
Outcome MmuVoice<R>::Do(const ops::SelfMap& op) {
  const int vcpu = op.vcpu.vcpu;
  const Gpte gpte =
      Gpte{layout_.gfn(op.table.index)} << kPageShift | kGptePresent | kGpteWritable | kGpteUser;
  StoreEntry(vcpu, op.table.index, op.entry.index, gpte);
  return OutcomeOf(Access(vcpu, {.gva = GvaFor(vcpu, op.va)}));
}

// ---- Handlers: host ----

template <ReverseMap R>
const typename MmuVoice<R>::Mmu::Slot* MmuVoice<R>::SlotAt(SlotArg arg) const {
  const auto& slots = mmu_.graph().slots().all();
  const bool there = arg.slot < slots.size() && !slots[arg.slot].empty();
  return there ? &slots[arg.slot] : nullptr;
}

template <ReverseMap R>
Outcome MmuVoice<R>::Do(const ops::Memslot& op) {
  return {.code = CodeOf(
              SetSlot({op.slot.slot, GfnAt(op.gfn), op.pages.count, HvaAt(op.hva), op.log.on}))};
}

template <ReverseMap R>
Outcome MmuVoice<R>::Do(const ops::DeleteMemslot& op) {
  return {.code = CodeOf(SetSlot({op.slot.slot, 0, 0, 0, false}))};
}

template <ReverseMap R>
Outcome MmuVoice<R>::Do(const ops::MoveMemslot& op) {
  const auto* slot = SlotAt(op.slot);
  if (slot == nullptr) return {.code = OutcomeCode::kInvalid};
  return {.code = CodeOf(SetSlot({op.slot.slot, GfnAt(op.gfn), slot->npages(),
                                  static_cast<Hva>(slot->user_gfn()), slot->logged()}))};
}

template <ReverseMap R>
Outcome MmuVoice<R>::Do(const ops::LogDirty& op) {
  const auto* slot = SlotAt(op.slot);
  if (slot == nullptr) return {.code = OutcomeCode::kInvalid};
  return {.code = CodeOf(SetSlot({op.slot.slot, slot->base_gfn(), slot->npages(),
                                  static_cast<Hva>(slot->user_gfn()), op.on.on}))};
}

template <ReverseMap R>
Outcome MmuVoice<R>::Do(const ops::GetDirtyLog& op) {
  std::vector<Gfn> dirty;
  const MmuCode code = mmu_.GetDirtyLog(op.slot.slot, &dirty);
  if (truth_ != nullptr) {
    if (code == MmuCode::kOk) {
      Blame(truth_->LogFetched(op.slot.slot, dirty));
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
  Unjudged([&] { mmu_.SetBacking(HvaAt(op.hva), op.level.level); });
  return Ok();
}

template <ReverseMap R>
Outcome MmuVoice<R>::Do(const ops::AgePage& op) {
  bool young = false;
  Unjudged([&] { young = mmu_.AgePage(HvaAt(op.hva)); });
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
  Unjudged([&] { mmu_.InvalidateRangeStart(begin, begin + op.count.count); });
  open_range_ = {static_cast<Gfn>(begin), op.count.count};
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
  Unjudged([&] { code = mmu_.SetQuota(Limits::kMinAllocPages + op.count.count - 1); });
  return {.code = CodeOf(code)};
}

template <ReverseMap R>
Outcome MmuVoice<R>::Do(const ops::MmuShrink& op) {
  int pages = 0;
  for (int i = 0; i <= op.count.count % 8; ++i) Unjudged([&] { pages = mmu_.Shrink(); });
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
