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
                                 .bytes = 8,
                                 .kind = static_cast<AccessKind>(op.kind.value)}));
}

template <ReverseMap R>
Outcome MmuVoice<R>::Do(const ops::SetGpte& op) {
  const int vcpu = op.vcpu.value;
  const Gpte gpte = GpteOf(vcpu, GfnAt(op.gfn), op.flags);
  return StoreEntryBy(op.via, vcpu, op.table.value, op.entry.value, gpte);
}

template <ReverseMap R>
Outcome MmuVoice<R>::Do(const ops::SetPlace& op) {
  const int vcpu = op.vcpu.value;
  const Gpte gpte = GpteOf(vcpu, Gfn{NumberAt(op.gfn)}, op.flags);
  return StoreEntryBy(op.via, vcpu, op.table.value, op.entry.value, gpte);
}

template <ReverseMap R>
Outcome MmuVoice<R>::Do(const ops::TouchPlace& op) {
  return OutcomeOf(
      Access(op.vcpu.value, {.gva = Gva{NumberAt(op.page)} << kPageShift | Gva{WordAt(op.word)} * 8,
                             .type = static_cast<AccessType>(op.type.value),
                             .user = op.user.value,
                             .value = Filled(op.value),
                             .bytes = 8}));
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
  const uint64_t others = Cr3Bits(op.bits);
  const MmuCode code = mmu_.LoadCr3(op.vcpu.value, cr3, others);
  const bool done = code == MmuCode::kOk;
  if (truth_ != nullptr) Blame(truth_->Cr3Answered(op.vcpu.value, cr3, done, others));
  if (truth_ != nullptr && done) truth_->LoadedCr3(op.vcpu.value, cr3, others);
  return {.code = CodeOf(code)};
}

template <ReverseMap R>
Outcome MmuVoice<R>::Do(const ops::SetMode& op) {
  GuestMode mode{.paging = BootPaging(header_),
                 .wp = op.wp.value,
                 .nx = op.nx.value,
                 .pse = op.pse.value,
                 .smep = op.cr4.Has(Cr4Arg::kSmep),
                 .smap = op.cr4.Has(Cr4Arg::kSmap)};
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
  return {.code = CodeOf(SetMode(op.vcpu.value, mode, cr3))};
}

template <ReverseMap R>
Outcome MmuVoice<R>::Do(const ops::WriteCr4& op) {
  const bool smep = op.cr4.Has(Cr4Arg::kSmep);
  const bool smap = op.cr4.Has(Cr4Arg::kSmap);
  const MmuCode code = mmu_.WriteCr4(op.vcpu.value, smep, smap);
  const bool done = code == MmuCode::kOk;
  if (truth_ != nullptr) Blame(truth_->Cr4Answered(op.vcpu.value, smep, done));
  if (truth_ != nullptr && done) truth_->WroteCr4(op.vcpu.value, smep, smap);
  return {.code = CodeOf(code)};
}

template <ReverseMap R>
Outcome MmuVoice<R>::Do(const ops::EnterGuest& op) {
  const MmuCode code = Attempt([&] { return mmu_.EnterGuest(op.vcpu.value); });
  JudgeEntered(op.vcpu.value, code);
  if (truth_ != nullptr) Blame(truth_->StoredNothing(/*logs_nothing=*/false));
  return {.code = CodeOf(code)};
}

template <ReverseMap R>
Outcome MmuVoice<R>::Do(const ops::Unload& op) {
  Quiet([&] { mmu_.Unload(op.vcpu.value); });
  const auto& vcpu = mmu_.vcpu(op.vcpu.value);
  if (vcpu.root_valid || !vcpu.tlb.entries().empty()) {
    Blame("a vcpu was unloaded, and still has roots or translations");
  }
  return Ok();
}

template <ReverseMap R>
Outcome MmuVoice<R>::Do(const ops::UnprotectVirt& op) {
  const Gva gva = GvaFor(op.vcpu.value, op.va);
  const MmuWords before = truth_ != nullptr ? Words() : MmuWords();
  const bool any = mmu_.UnprotectVirt(op.vcpu.value, gva);
  if (truth_ != nullptr) {
    Blame(truth_->LookedUp(op.vcpu.value, gva));
    JudgeUnprotected(before, any);
  }
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
Outcome MmuVoice<R>::Do(const ops::Memslot& op) {
  return {.code = CodeOf(SetSlot(
              {op.slot.value, GfnAt(op.gfn), op.pages.value, HvaAt(op.hva), op.log.value}))};
}

template <ReverseMap R>
Outcome MmuVoice<R>::Do(const ops::PlaceMemslot& op) {
  return {.code = CodeOf(SetSlot({op.slot.value, Gfn{NumberAt(op.gfn)}, Gfn{NumberAt(op.pages)},
                                  NumberAt(op.hva), op.log.value}))};
}

template <ReverseMap R>
Outcome MmuVoice<R>::Do(const ops::DeleteMemslot& op) {
  return {.code = CodeOf(SetSlot({op.slot.value, 0, 0, 0, false}))};
}

template <ReverseMap R>
Outcome MmuVoice<R>::Do(const ops::MoveMemslot& op) {
  const GuestSlots::Slot* slot = slots_.Of(op.slot.value);
  if (slot == nullptr) return {.code = OutcomeCode::kInvalid};
  return {.code = CodeOf(SetSlot({op.slot.value, GfnAt(op.gfn), slot->npages, slot->hva,
                                  slot->logged, slot->read_only}))};
}

template <ReverseMap R>
Outcome MmuVoice<R>::Do(const ops::LogDirty& op) {
  const GuestSlots::Slot* slot = slots_.Of(op.slot.value);
  if (slot == nullptr) return {.code = OutcomeCode::kInvalid};
  return {.code = CodeOf(SetSlot(
              {op.slot.value, slot->base, slot->npages, slot->hva, op.on.value, slot->read_only}))};
}

template <ReverseMap R>
Outcome MmuVoice<R>::Do(const ops::GetDirtyLog& op) {
  std::vector<Gfn> dirty;
  const bool manual = manual_protect_;
  const MmuCode code = mmu_.GetDirtyLog(op.slot.value, &dirty);
  Blame(slots_.FetchAnswered(op.slot.value, code == MmuCode::kOk));
  if (truth_ != nullptr) {
    if (code == MmuCode::kOk) {
      Blame(manual ? truth_->LogShown(op.slot.value, dirty)
                   : truth_->LogFetched(op.slot.value, dirty));
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
  const Hva hva = HvaAt(op.hva);
  Unmapping(HostRange::OfPage(hva), [&] { mmu_.MovePage(hva); });
  return Ok();
}

template <ReverseMap R>
Outcome MmuVoice<R>::Do(const ops::MergePage& op) {
  const Hva hva = HvaAt(op.hva);
  Moving(hva, [&] { mmu_.MergePage(hva); });
  return Ok();
}

template <ReverseMap R>
Outcome MmuVoice<R>::Do(const ops::UnmapPage& op) {
  const Hva hva = HvaAt(op.hva);
  Unmapping(HostRange::OfPage(hva), [&] { mmu_.UnmapPage(hva); });
  return Ok();
}

template <ReverseMap R>
Outcome MmuVoice<R>::Do(const ops::MapPage& op) {
  Quiet([&] { mmu_.MapPage(HvaAt(op.hva)); });
  return Ok();
}

template <ReverseMap R>
Outcome MmuVoice<R>::Do(const ops::SetBacking& op) {
  const Hva first = mmu_.host().BlockOf(HvaAt(op.hva), op.level.value);
  const HostRange block{first, uint64_t{first} + mmu_.host().BlockPages(op.level.value)};
  Unmapping(block, [&] { mmu_.SetBacking(HvaAt(op.hva), op.level.value); });
  return Ok();
}

template <ReverseMap R>
Outcome MmuVoice<R>::Do(const ops::AgePage& op) {
  const Hva hva = HvaAt(op.hva);
  bool young = false;
  WithLeaves(
      HostRange::OfPage(hva), [&] { young = mmu_.AgePage(hva); },
      [&](const NotifierTruth::Leaves& before, const MmuWords& now) {
        return notifiers_.Aged(hva, before, now, young);
      });
  TellLedger();
  if (ledger_ != nullptr && mmu_.host().Mapped(hva)) {
    ledger_->Aged(mmu_.host().Frame(hva), young);
  }
  return Ok(young ? 1 : 0);
}

template <ReverseMap R>
Outcome MmuVoice<R>::Do(const ops::TestYoung& op) {
  const Hva hva = HvaAt(op.hva);
  bool young = false;
  WithLeaves(
      HostRange::OfPage(hva), [&] { young = mmu_.TestYoung(hva); },
      [&](const NotifierTruth::Leaves& before, const MmuWords& now) {
        return notifiers_.Tested(hva, before, now, young);
      });
  return Ok(young ? 1 : 0);
}

template <ReverseMap R>
Outcome MmuVoice<R>::Do(const ops::RangeStart& op) {
  if (open_range_.npages != 0) return Ok();
  const Hva begin = HvaAt(op.hva);
  Unmapping({begin, uint64_t{begin} + op.count.value},
            [&] { mmu_.InvalidateRangeStart(begin, begin + op.count.value); });
  open_range_ = {static_cast<Gfn>(begin), op.count.value};
  return Ok(1);
}

template <ReverseMap R>
void MmuVoice<R>::CloseRange() {
  Quiet([&] { mmu_.InvalidateRangeEnd(); });
  open_range_ = {};
}

template <ReverseMap R>
Outcome MmuVoice<R>::Do(const ops::RangeEnd&) {
  if (open_range_.npages == 0) return Ok();
  CloseRange();
  return Ok(1);
}

template <ReverseMap R>
Outcome MmuVoice<R>::Do(const ops::InvalidatePage& op) {
  const Hva hva = HvaAt(op.hva);
  Unmapping(HostRange::OfPage(hva), [&] { mmu_.InvalidatePage(hva); });
  return Ok();
}

template <ReverseMap R>
Outcome MmuVoice<R>::Do(const ops::Notify& op) {
  const Hva hva = NumberAt(op.hva);
  if (hva >> Host::kHvaBits != 0) return {.code = OutcomeCode::kInvalid};
  const auto change = static_cast<HostChange>(op.change.value);
  const auto step = [&] { mmu_.ChangePage(hva, change, static_cast<Notifier>(op.by.value)); };
  const Host& host = mmu_.host();
  const bool read_only = change == HostChange::kProtect || change == HostChange::kMerge ||
                         (change == HostChange::kStay && !host.Writable(hva));
  if (op.by.value == NotifierArg::kChangePte && read_only) {
    Moving(hva, step);
  } else {
    Unmapping(HostRange::OfPage(hva), step);
  }
  return Ok();
}

template <ReverseMap R>
Outcome MmuVoice<R>::Do(const ops::ChangeRange& op) {
  const auto change = static_cast<HostChange>(op.change.value);
  for (Gfn i = 0; i < open_range_.npages; ++i) {
    const Hva hva = static_cast<Hva>(open_range_.begin + i);
    Quiet([&] {
      // The open range may be a part of a large block, and the host splits the whole of it.
      if (mmu_.host().BackingLevel(hva) > kPageTableLevel) mmu_.SetBacking(hva, kPageTableLevel);
      mmu_.ChangeInRange(hva, change);
    });
  }
  return Ok(open_range_.npages);
}

template <ReverseMap R>
Outcome MmuVoice<R>::Do(const ops::Quota& op) {
  const int wanted = Limits::kMinAllocPages + op.count.value - 1;
  MmuCode code = MmuCode::kOk;
  WithWords([&] { code = mmu_.SetQuota(wanted); },
            [&](const MmuWords& before, const MmuWords& now) {
              return reclaim_truth::QuotaSet(before, now, static_cast<size_t>(wanted),
                                             static_cast<size_t>(mmu_.allocated_pages()));
            });
  if (code != MmuCode::kOk) Blame("a quota that is allowed was refused");
  quota_set_ = true;
  return {.code = CodeOf(code)};
}

template <ReverseMap R>
Outcome MmuVoice<R>::Do(const ops::MmuShrink& op) {
  int pages = 0;
  for (int i = 0; i <= op.count.value % 8; ++i) {
    WithWords([&] { pages = mmu_.Shrink(); },
              [&](const MmuWords& before, const MmuWords& now) {
                return reclaim_truth::Shrunk(before, now, static_cast<uint64_t>(pages));
              });
  }
  return Ok(static_cast<uint64_t>(pages));
}

template <ReverseMap R>
Outcome MmuVoice<R>::Do(const ops::ZapAll&) {
  Quiet([&] { mmu_.ZapAll(); });
  JudgeZappedAll();
  return Ok();
}

template <ReverseMap R>
Outcome MmuVoice<R>::Do(const ops::UnprotectGfn& op) {
  const Gfn gfn = GfnAt(op.gfn);
  bool any = false;
  WithWords([&] { any = mmu_.UnprotectPage(gfn); },
            [&](const MmuWords& before, const MmuWords& now) {
              return reclaim_truth::Unprotected(before, now, gfn, any);
            });
  return Ok(any ? 1 : 0);
}

template <ReverseMap R>
Outcome MmuVoice<R>::Do(const ops::Reset&) {
  if (open_range_.npages != 0) CloseRange();
  const auto slots = static_cast<uint32_t>(mmu_.graph().slots().all().size());
  for (uint32_t id = 0; id < std::max(slots, SlotArg::kCount); ++id) {
    SetSlot({id, 0, 0, 0, false});
  }
  const std::set<Hva> unmapped = mmu_.host().unmapped();
  for (const Hva hva : unmapped) Quiet([&] { mmu_.MapPage(hva); });
  BootHost();
  for (uint32_t table = 0; table < TableArg::kCount; ++table) {
    const Gfn gfn = layout_.gfn(table);
    const auto& contents = mmu_.host().contents();  // host page n is behind gfn n again
    const auto page = contents.find(static_cast<Hva>(gfn));
    if (page == contents.end()) continue;
    for (unsigned word = 0; word < page->second.size(); ++word) {
      if (page->second[word] != 0) HostStore(gfn, word, 0);
    }
  }
  BootGuest();
  Quiet([&] { mmu_.ZapAll(); });
  JudgeZappedAll();
  return Ok();
}

template <ReverseMap R>
Outcome MmuVoice<R>::Do(const ops::WriteGuest& op) {
  const Gfn gfn = GfnAt(op.gfn);
  const bool done = mmu_.WriteGuest(gfn, WordAt(op.word), Filled(op.value));
  JudgeStore(gfn, WordAt(op.word), Filled(op.value), done);
  if (!done) return {.code = OutcomeCode::kHostFault};
  if (truth_ != nullptr) Blame(truth_->WroteGuest(gfn, WordAt(op.word), false));
  return Ok();
}

}  // namespace rmapdiff

#endif  // RMAPDIFF_FUZZERS_VOICES_MMU_VOICE_OPS_H_
