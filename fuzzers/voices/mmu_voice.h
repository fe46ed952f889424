// MmuVoice<R>: a whole shadow MMU on the reverse map R, with a guest and a host, as a voice.
//
// Each operation of mmu_ops.h has one handler here, made of single steps of ShadowMmu. One voice of
// a run, the model's, also has a GuestTruth. The voice tells it of each step. It asks it about
// everything that the vcpus' TLBs and the shadow tables offer. It also tells a UsedLedger which
// frames were used, and what the host hears of that. And it watches that the guest gets on. Its
// objections are to the engine, which all voices share. The reverse maps are compared with each
// other.
//
// Failed allocations (fail_alloc, the header's oom): the caches cannot be topped up. The step that
// needed it says so, the MMU passes its audit, and the step succeeds when it is repeated. All MMUs
// fail at the same top-up, whether they had to allocate there or not (D6). So they stay comparable.
// The unit tests show that each survives the failure of any single allocation.
//
// Not covered: deciding what is right.
#ifndef RMAPDIFF_FUZZERS_VOICES_MMU_VOICE_H_
#define RMAPDIFF_FUZZERS_VOICES_MMU_VOICE_H_

#include <algorithm>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "fuzzers/guest/guest_boot.h"
#include "fuzzers/judges/auditor.h"
#include "fuzzers/judges/guest_slots.h"
#include "fuzzers/judges/guest_truth.h"
#include "fuzzers/judges/mmu_words.h"
#include "fuzzers/judges/notifier_truth.h"
#include "fuzzers/judges/reclaim_truth.h"
#include "fuzzers/judges/used_ledger.h"
#include "fuzzers/program/fields.h"
#include "fuzzers/state/reused.h"
#include "fuzzers/voices/graph_reader.h"
#include "fuzzers/voices/mmu_config.h"
#include "fuzzers/voices/voice.h"
#include "mmu/shadow/shadow_mmu.h"

namespace rmapdiff {

template <ReverseMap R>
class MmuVoice final : public Voice {
 public:
  using Mmu = ShadowMmu<R>;
  using Page = typename Mmu::Page;
  using Head = typename Mmu::Head;
  using Limits = typename R::Limits;

  enum class Judge : bool { kNo, kGuestTruth };
  // `map_args`: as PageGraph's.
  template <class... MapArgs>
  MmuVoice(const Header& header, Judge judge, const MapArgs&... map_args);

  Outcome Apply(const Op& op) override;
  void ObserveTouched(const Touched& touched, Observation* out) override;
  void ObserveAll(Observation* out) override;
  const RawState& Raw() override;
  ListShapes Shapes() override { return reader_.Shapes(PagesById()); }
  bool add_returns_ok() const override { return mmu_.graph().add_returns_ok(); }
  std::optional<Difference> Objection(bool everything) override;
  std::string Teardown() override;

 private:
  enum class Racing : uint8_t { kNo, kArmed, kHaveFirst };

  static Outcome Ok(uint64_t value = 0) { return {.value = value}; }
  // `header` with the masks that are used: EPT's format cannot express the guest's own rights.
  static Header Normal(Header header) {
    if (!header.tdp() && header.masks == MasksMode::kEpt) header.masks = MasksMode::kShadow;
    return header;
  }
  void BootHost();
  void BootGuest();

  // ---- One operation (mmu_voice_steps.h) ----
  Outcome Dispatch(const Op& op);
  Outcome DoRace(const Op& second);
  bool FitsIntoWindow(const Op& inner, const Op& outer) const;

  // ---- Handlers (mmu_voice_ops.h) ----
  Outcome Do(const ops::Access& op);
  Outcome Do(const ops::SetGpte& op);
  Outcome Do(const ops::Invlpg& op);
  Outcome Do(const ops::LoadCr3& op);
  Outcome Do(const ops::SetMode& op);
  Outcome Do(const ops::WriteCr4& op);
  Outcome Do(const ops::EnterGuest& op);
  Outcome Do(const ops::Unload& op);
  Outcome Do(const ops::UnprotectVirt& op);
  Outcome Do(const ops::RepStore& op);
  Outcome Do(const ops::Fork& op);
  Outcome Do(const ops::ClearTable& op);
  Outcome Do(const ops::Burst& op);
  Outcome Do(const ops::Share& op);
  Outcome Do(const ops::SelfMap& op);
  Outcome Do(const ops::Memslot& op);
  Outcome Do(const ops::DeleteMemslot& op);
  Outcome Do(const ops::MoveMemslot& op);
  Outcome Do(const ops::LogDirty& op);
  Outcome Do(const ops::GetDirtyLog& op);
  Outcome Do(const ops::MovePage& op);
  Outcome Do(const ops::MergePage& op);
  Outcome Do(const ops::UnmapPage& op);
  Outcome Do(const ops::MapPage& op);
  Outcome Do(const ops::SetBacking& op);
  Outcome Do(const ops::AgePage& op);
  Outcome Do(const ops::TestYoung& op);
  Outcome Do(const ops::RangeStart& op);
  Outcome Do(const ops::RangeEnd& op);
  void CloseRange();
  Outcome Do(const ops::InvalidatePage& op);
  Outcome Do(const ops::Quota& op);
  Outcome Do(const ops::MmuShrink& op);
  Outcome Do(const ops::ZapAll& op);
  Outcome Do(const ops::UnprotectGfn& op);
  Outcome Do(const ops::Reset& op);
  Outcome Do(const ops::WriteGuest& op);
  Outcome Do(const ops::PlaceMemslot& op);
  Outcome Do(const ops::SetPlace& op);
  Outcome Do(const ops::TouchPlace& op);
  Outcome Do(const ops::Notify& op);
  Outcome Do(const ops::ChangeRange& op);
  Outcome Do(const ops::ManualProtect& op);
  Outcome Do(const ops::ClearDirtyLog& op);
  Outcome Do(const ops::ReadOnlySlot& op);
  Outcome Do(const ops::ReplaceVcpu& op);
  Outcome Do(const ops::PageReady& op);
  Outcome Do(const ops::FailAlloc& op);
  Outcome Do(const ops::Race& op);
  template <typename GraphOp>
  Outcome Do(const GraphOp&) {
    return {.code = OutcomeCode::kWrongProgram};
  }

  // ---- Single steps, told to the judge ----
  AccessResult Access(int vcpu, const AccessRequest& request);
  AccessResult StoreMany(int vcpu, const AccessRequest& first, const std::vector<uint64_t>& values);
  MmuCode Hypercall(int vcpu, Gva gpa, uint64_t value, int bytes);
  MmuCode SetMode(int vcpu, const GuestMode& mode, Gfn cr3);
  MmuCode SetSlot(const MemslotRequest& request);
  void HostStore(Gfn gfn, unsigned word, uint64_t value);
  void JudgeEmulated(int vcpu, const AccessRequest& request, uint32_t zapped_before);
  void JudgeLevel(int vcpu, int level, uint32_t zapped_before);

  // ---- Steps that are judged by the words (mmu_voice_answers.h) ----
  // A voice without a judge just does the step.
  MmuWords Words();
  // Any step that stores nothing into guest memory and makes nothing writable.
  template <typename Step>
  void Quiet(Step&& step);
  // ... and verdict(leaves of the host pages before, words now).
  template <typename Step, typename Verdict>
  void WithLeaves(HostRange range, Step&& step, Verdict&& verdict);
  // ... and verdict(words before, words now).
  template <typename Step, typename Verdict>
  void WithWords(Step&& step, Verdict&& verdict);
  // `step`, after which nothing maps the host pages.
  template <typename Step>
  void Unmapping(HostRange range, Step&& step);
  template <typename Step>
  void Moving(Hva hva, Step&& step);  // to another frame, by change_pte
  void JudgeEntered(int vcpu, MmuCode code);
  void JudgeUnprotected(const MmuWords& before, bool any);
  void JudgeZappedAll();
  void JudgeStore(Gfn gfn, unsigned word, uint64_t value, bool done, bool by_userspace = false);
  void CheckNumbers();
  // `step` with the failures of allocations that are due before it, see above.
  template <typename Step>
  auto Attempt(Step&& step);
  void AuditAfterFailure();
  void Blame(GuestTruth::Wrong wrong);

  // ---- The guest ----
  PagingMode PagingOf(int vcpu) { return mmu_.vcpu(vcpu).mode.paging; }
  Gva GvaFor(int vcpu, VaArg va) { return GvaOf(layout_, PagingOf(vcpu), mmu_.config().tdp, va); }
  // Entries have the format of the vcpu's mode, without paging that of the header's modes.
  int EntryBytes(int vcpu);
  Gpte GpteOf(int vcpu, Gfn gfn, GpteFlagsArg flags);
  AccessRequest EntryAccess(int vcpu, uint32_t table, uint32_t entry);
  Outcome StoreEntryBy(ViaArg via, int vcpu, uint32_t table, uint32_t entry, Gpte gpte);
  AccessResult StoreEntry(int vcpu, uint32_t table, uint32_t entry, Gpte gpte, int parts = 1);
  void HostStoreEntry(uint32_t table, uint32_t entry, Gpte gpte, int bytes);
  uint32_t EntriesOf(int vcpu) {
    return static_cast<uint32_t>(Mmu::kEntries * 8 / EntryBytes(vcpu));
  }

  static ClearLogRequest ClearRequest(const ops::ClearDirtyLog& op, Gfn npages);
  Outcome OutcomeOf(const AccessResult& result) const;
  static OutcomeCode CodeOf(MmuCode code);
  Gfn GfnAt(GfnArg arg) const { return layout_.gfn(arg.value); }
  template <Argument Listed>
  uint32_t NumberAt(Listed arg) const {
    return ListedNumber(arg.kDomain, header_, arg.value);
  }
  Hva HvaAt(GfnArg arg) const { return static_cast<Hva>(layout_.gfn(arg.value)); }
  unsigned WordAt(HostArg arg) const { return arg.value % unsigned{Mmu::kEntries}; }
  static uint64_t Filled(HostArg arg) { return arg.value * 0x0101010101010101ull; }

  // ---- What can be seen (mmu_voice_observe.h) ----
  std::vector<const Page*> PagesById() const;
  void ObserveCommon(Observation* out) const;
  void ObserveVcpus(std::vector<Fact>* facts);
  void ObserveMemory(std::vector<Fact>* facts) const;
  void ReadHash(const std::vector<const Page*>& pages, std::vector<PageId>* hashed) const;
  void ReadVcpu(int index, RawState* raw);
  void TellLedger();
  void CompareLedger();
  std::optional<UsedLeaf> LeafAt(int vcpu, Gva gva);
  UsedLeaf AsUsed(Spte spte, int level) const;
  void ReadTlb(int index, std::vector<RawTranslation>* tlb);
  void SweepTlb(int index);
  void SweepTables(int index);
  struct Reach;
  void SweepPage(const Page& page, const Reach& reach);
  void AskAll(int vcpu, Gva page, int level, const TruthRights& rights, Pfn pfn);

  const Header header_;
  const GuestLayout& layout_;
  HostMemory memory_;
  Mmu mmu_;
  const GraphReader<R> reader_{mmu_.graph(), layout_, 1 << 16};
  std::unique_ptr<GuestTruth> truth_;   // the model's voice only
  std::unique_ptr<UsedLedger> ledger_;  // the same
  size_t told_accessed_ = 0;            // events that the ledger knows
  size_t told_dirtied_ = 0;
  GuestSlots slots_;  // as userspace has asked for them
  const NotifierTruth notifiers_{mmu_.host(), slots_, header_.spte_masks(), layout_};
  std::optional<Difference> objection_;
  Racing racing_ = Racing::kNo;
  bool quota_set_ = false;       // by userspace; else it follows the memslots
  bool manual_protect_ = false;  // as userspace has asked for it
  RawRange open_range_;          // of RangeStart; at most one is open
  Op first_;                     // of a race
  bool in_race_ = false;
  bool in_window_ = false;
  uint64_t fail_nth_ = 0;       // of this operation; 0: none
  uint64_t next_fail_nth_ = 0;  // of the next one
  Outcome outcome_;
  Reused<RawState> raw_;
  bool raw_is_current_ = false;  // *raw_ is of the state after the last operation
  size_t sweep_left_ = 0;
};

}  // namespace rmapdiff

#include "fuzzers/voices/mmu_voice_answers.h"  // IWYU pragma: export
#include "fuzzers/voices/mmu_voice_observe.h"  // IWYU pragma: export
#include "fuzzers/voices/mmu_voice_ops.h"      // IWYU pragma: export
#include "fuzzers/voices/mmu_voice_slots.h"    // IWYU pragma: export
#include "fuzzers/voices/mmu_voice_steps.h"    // IWYU pragma: export

#endif  // RMAPDIFF_FUZZERS_VOICES_MMU_VOICE_H_
