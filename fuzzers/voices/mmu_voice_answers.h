// MmuVoice: steps whose answer and effect the judges see in the words of the MMU, before and after.
// Included by mmu_voice.h, not on its own.
#ifndef RMAPDIFF_FUZZERS_VOICES_MMU_VOICE_ANSWERS_H_
#define RMAPDIFF_FUZZERS_VOICES_MMU_VOICE_ANSWERS_H_

#include "fuzzers/voices/mmu_voice.h"

namespace rmapdiff {

inline TruthAccess ToTruth(const AccessRequest& request);

// Neither watched by UBSan nor counted, see graph_reader.h.
#if defined(__clang__)
#pragma clang attribute push(__attribute__((no_sanitize("coverage", "undefined"))), \
                             apply_to = function)
#endif

template <ReverseMap R>
MmuWords MmuVoice<R>::Words() {
  MmuWords words;
  for (const ShadowPage* page : mmu_.graph().active_pages()) {
    words.pages.push_back({page->id, page->role, page->gfn, static_cast<uint32_t>(page->root_count),
                           page->unsync, page->spt, page->gfns});
  }
  for (int i = 0; i < mmu_.vcpus(); ++i) ReadTlb(i, &words.tlb);
  return words;
}

#if defined(__clang__)
#pragma clang attribute pop
#endif

template <ReverseMap R>
template <typename Step>
void MmuVoice<R>::Quiet(Step&& step) {
  step();
  if (truth_ != nullptr) Blame(truth_->StoredNothing(/*logs_nothing=*/true));
}

template <ReverseMap R>
template <typename Step, typename Verdict>
void MmuVoice<R>::WithLeaves(HostRange range, Step&& step, Verdict&& verdict) {
  if (truth_ == nullptr) return step();
  const NotifierTruth::Leaves before = notifiers_.LeavesOf(Words(), range);
  Quiet(step);
  Blame(verdict(before, Words()));
}

template <ReverseMap R>
template <typename Step, typename Verdict>
void MmuVoice<R>::WithWords(Step&& step, Verdict&& verdict) {
  if (truth_ == nullptr) return step();
  const MmuWords before = Words();
  Quiet(step);
  Blame(verdict(before, Words()));
}

template <ReverseMap R>
template <typename Step>
void MmuVoice<R>::Unmapping(HostRange range, Step&& step) {
  WithLeaves(range, step, [&](const NotifierTruth::Leaves& before, const MmuWords& now) {
    return notifiers_.Unmapped(range, before, now);
  });
}

template <ReverseMap R>
template <typename Step>
void MmuVoice<R>::Moving(Hva hva, Step&& step) {
  WithLeaves(HostRange::OfPage(hva), step,
             [&](const NotifierTruth::Leaves& before, const MmuWords& now) {
               return notifiers_.Changed(hva, before, now);
             });
}

// Only a failed allocation is a reason to run out of memory, and Attempt has repeated the step
// without one. Only a missing root table is a reason to shut the guest down.
template <ReverseMap R>
void MmuVoice<R>::JudgeEntered(int vcpu, MmuCode code) {
  if (truth_ == nullptr) return;
  switch (code) {
    case MmuCode::kTripleFault:
      Blame(truth_->ShutDown(vcpu));
      break;
    case MmuCode::kNoMemory:
      Blame("memory has run out, and no allocation was to fail");
      break;
    case MmuCode::kGeneralProtection:
    case MmuCode::kInvalid:
      Blame("the guest could not be entered, for a reason that does not exist");
      break;
    default:
      break;
  }
}

// No read is emulated. A store is emulated only if a page shadows its frame as a table. It may also
// shadow another frame of the host's block. The store itself may zap that page. Or a mapping for
// the store would hide a user page from SMAP.
template <ReverseMap R>
void MmuVoice<R>::JudgeEmulated(int vcpu, const AccessRequest& request, uint32_t zapped_before) {
  if (in_race_ || in_window_) return;
  if (request.type != AccessType::kWrite)
    return Blame("an access that does not store was emulated");
  if (truth_->IsLetPastSmap(vcpu, ToTruth(request))) return;
  if (mmu_.graph().stats().zapped != zapped_before) return;
  for (const ShadowPage* page : mmu_.graph().active_pages()) {
    const bool table = !page->role.direct && !page->role.invalid;
    if (table && truth_->MayHaveMetBlockOf(page->gfn)) return;
  }
  Blame("a store was emulated, and its frame is not a page table");
}

// The last fault of an access maps the largest page that it may. A page that has gone since may
// have stood in the way.
template <ReverseMap R>
void MmuVoice<R>::JudgeLevel(int vcpu, int level, uint32_t zapped_before) {
  const MmuConfig& config = mmu_.config();
  if (in_race_ || in_window_ || config.quirks.move_slot_in_place) return;
  if (mmu_.graph().stats().zapped != zapped_before) return;
  const bool four_roots = mmu_.vcpu(vcpu).shadow_root_level != kRootLevel;
  const int most = four_roots ? kDirectoryLevel : kRmapLevels;
  std::vector<Gfn> tables;
  for (const ShadowPage* page : mmu_.graph().active_pages()) {
    if (!page->role.direct && !page->role.invalid) tables.push_back(page->gfn);
  }
  const int due = truth_->LargestLevel(vcpu, std::min(most, config.max_large_level), tables);
  if (level >= due) return;
  Blame(fmt::format("vcpu {}: a page was mapped at level {}, and can be mapped at level {}", vcpu,
                    level, due));
}

// The walk decides which frame it was; it may have had a choice.
template <ReverseMap R>
void MmuVoice<R>::JudgeUnprotected(const MmuWords& before, bool any) {
  bool possible = false;
  for (const PageWords& page : before.pages) {
    if (!page.shadows() || !truth_->MayHaveMet(page.gfn)) continue;
    possible = true;
    if (truth_->MustHaveMet(page.gfn)) {
      return Blame(reclaim_truth::Unprotected(before, Words(), page.gfn, any));
    }
  }
  if (any && !possible) Blame("a page was unprotected that no table is in");
}

template <ReverseMap R>
void MmuVoice<R>::JudgeZappedAll() {
  if (truth_ == nullptr) return;
  Blame(reclaim_truth::ZappedAll(Words(), header_.spte_masks().trap, Mmu::kEntries));
}

// KVM's store to a word of guest memory.
template <ReverseMap R>
void MmuVoice<R>::JudgeStore(Gfn gfn, unsigned word, uint64_t value, bool done, bool by_userspace) {
  if (truth_ == nullptr) return;
  const TruthAccess store{.gva = Gva{gfn} << kPageShift | Gva{word} * 8,
                          .type = TruthAccess::Type::kWrite,
                          .value = value};
  Blame(truth_->StoreAnswered(store, done ? TruthResult::Kind::kDone : TruthResult::Kind::kOther,
                              by_userspace));
}

// With the whole state: numbers that the MMU keeps about itself.
template <ReverseMap R>
void MmuVoice<R>::CheckNumbers() {
  const MmuWords words = Words();
  Blame(notifiers_.Settled(words));
  Blame(reclaim_truth::Numbers(words, static_cast<size_t>(mmu_.graph().pages()),
                               static_cast<size_t>(mmu_.allocated_pages())));
  const int open = open_range_.npages != 0 ? 1 : 0;
  if (mmu_.notifier_count() == open) return;
  Blame(fmt::format("the host has {} open range, and the MMU counts {}", open,
                    mmu_.notifier_count()));
}

}  // namespace rmapdiff

#endif  // RMAPDIFF_FUZZERS_VOICES_MMU_VOICE_ANSWERS_H_
