// MmuVoice: handlers of what userspace does to memslots in releases after 2.6.36. Included by
// mmu_voice.h, not on its own.
#ifndef RMAPDIFF_FUZZERS_VOICES_MMU_VOICE_SLOTS_H_
#define RMAPDIFF_FUZZERS_VOICES_MMU_VOICE_SLOTS_H_

#include "fuzzers/voices/mmu_voice.h"

namespace rmapdiff {

template <ReverseMap R>
Outcome MmuVoice<R>::Do(const ops::ManualProtect& op) {
  manual_protect_ = op.on.value;
  Quiet([&] { mmu_.SetManualProtect(op.on.value); });
  return Ok();
}

// The range for a slot of `npages` frames, with a bitmap of just as many words.
template <ReverseMap R>
ClearLogRequest MmuVoice<R>::ClearRequest(const ops::ClearDirtyLog& op, Gfn npages) {
  constexpr Gfn kBits = Limits::kLogWordBits;
  const Gfn whole = npages / kBits * kBits;
  ClearLogRequest request{op.slot.value, 0, npages, {}};
  const auto range = [&](Gfn first, Gfn count) {
    request.first = first;
    request.npages = count;
  };
  switch (op.range.value) {
    case LogRangeArg::kWord:
      range(0, kBits);
      break;
    case LogRangeArg::kRest:
      range(kBits, npages > kBits ? npages - kBits : 0);
      break;
    case LogRangeArg::kTail:
      request.first = whole != npages ? whole : whole - std::min(kBits, whole);
      request.npages = npages - request.first;
      break;
    case LogRangeArg::kNone:
      range(0, 0);
      break;
    case LogRangeArg::kOdd:
      range(1, npages - 1);
      break;
    case LogRangeArg::kShort:
      range(0, npages - 1);
      break;
    case LogRangeArg::kOver:
      range(0, npages + 1);
      break;
    case LogRangeArg::kBeyond:
      range(whole + kBits, kBits);
      break;
    default:
      break;
  }
  const uint64_t words = (uint64_t{request.npages} + kBits - 1) / kBits;
  const uint64_t pattern = op.bits.value * 0x0101010101010101ull & LowBits(kBits);
  request.bitmap.assign(std::min<uint64_t>(words, npages / kBits + 2), pattern);
  return request;
}

template <ReverseMap R>
Outcome MmuVoice<R>::Do(const ops::ClearDirtyLog& op) {
  const GuestSlots::Slot* slot = slots_.Of(op.slot.value);
  const ClearLogRequest request = ClearRequest(op, slot == nullptr ? 0 : slot->npages);
  const MmuCode code = mmu_.ClearDirtyLog(request);
  const bool done = code == MmuCode::kOk;
  Blame(
      slots_.ClearAnswered(request.id, request.first, request.npages, Limits::kLogWordBits, done));
  if (truth_ != nullptr) {
    std::vector<Gfn> frames;  // of the slot
    for (Gfn i = 0; i < request.npages && done; ++i) {
      if ((op.bits.value >> (i % 8) & 1) != 0) frames.push_back(request.first + i);
    }
    truth_->LogCleared(request.id, frames);
  }
  return {.code = CodeOf(code)};
}

template <ReverseMap R>
Outcome MmuVoice<R>::Do(const ops::ReadOnlySlot& op) {
  const GuestSlots::Slot* slot = slots_.Of(op.slot.value);
  if (slot == nullptr) return {.code = OutcomeCode::kInvalid};
  const MemslotRequest request{slot->id,  slot->base,   slot->npages,
                               slot->hva, slot->logged, op.read_only.value};
  if (op.anew.value) SetSlot({.id = op.slot.value});
  return {.code = CodeOf(SetSlot(request))};
}

// The vcpus that stay keep all valid pages, and the VM its quota.
template <ReverseMap R>
Outcome MmuVoice<R>::Do(const ops::ReplaceVcpu& op) {
  const int vcpu = op.vcpu.value;
  const int allocated = mmu_.allocated_pages();
  WithWords([&] { mmu_.ReplaceVcpu(vcpu); },
            [](const MmuWords& before, const MmuWords& now) {
              return reclaim_truth::VcpuGone(before, now);
            });
  if (mmu_.allocated_pages() != allocated) Blame("the quota has changed with a vcpu");
  if (truth_ != nullptr) truth_->SetMode(vcpu, {}, 0);
  const MmuCode code = SetMode(vcpu, BootMode(header_), layout_.gfn(boot::kRoot));
  return {.code = CodeOf(code)};
}

template <ReverseMap R>
Outcome MmuVoice<R>::Do(const ops::PageReady& op) {
  const int vcpu = op.vcpu.value;
  const AsyncFault fault = mmu_.vcpu(vcpu).async_fault;
  if (!fault.pending) return Ok();
  const GuestSlots::Slot* slot = slots_.With(fault.gfn);
  if (slot != nullptr) Quiet([&] { mmu_.MapPage(slot->PageOf(fault.gfn)); });
  const bool mapped = mmu_.AsyncPageReady(vcpu);
  if (truth_ != nullptr) Blame(truth_->PageReady(vcpu, fault.gva, mapped));
  return Ok(mapped ? 1 : 0);
}

}  // namespace rmapdiff

#endif  // RMAPDIFF_FUZZERS_VOICES_MMU_VOICE_SLOTS_H_
