// The handlers stand in the order of ops.h and are to be read beside it: the guards in their order,
// then the effect.
//
// ModelWorld names in `touched_` all that it looks at or changes. A handler adds the pages whose
// unsync bits the operation may change: the model has no such bits.

#include "fuzzers/judges/model.h"

#include <algorithm>
#include <optional>
#include <span>
#include <variant>
#include <vector>

#include "fuzzers/judges/model_world.h"
#include "mmu/base/bug.h"
#include "mmu/base/spte.h"

namespace rmapdiff {
namespace {

constexpr uint32_t kPinLimit = 3;

Outcome Value(uint64_t value) { return {OutcomeCode::kOk, BugClass::kNone, value}; }
Outcome Done() { return Value(0); }
Outcome No(OutcomeCode code) { return {code, BugClass::kNone, 0}; }
Outcome Bug(BugClass bug) { return {OutcomeCode::kBug, bug, 0}; }

void SortUnique(std::vector<Pfn>* pfns) {
  if (pfns->size() < 2) return;
  std::sort(pfns->begin(), pfns->end());
  pfns->erase(std::unique(pfns->begin(), pfns->end()), pfns->end());
}

}  // namespace

class ModelOperations final : public ModelWorld {
 public:
  Outcome Apply(const Op& op) {
    events_.Clear();
    touched_.Clear();
    outcome_ = std::visit([this](const auto& each) { return Do(each); }, op);
    SortUnique(&events_.dirtied);
    SortUnique(&events_.accessed);
    touched_.SortAndDedupe();
    return outcome_;
  }

 private:
  Outcome MapOne(SpteRef ref, GfnArg arg, bool writable, bool speculative) {
    ModelPage& page = At(ref.page);
    const int level = int(page.role.level);
    const uint64_t gfn = MappedGfn(page, ref.index, arg);
    const std::optional<RmapId> rmap = RmapOf(gfn, level);
    if (!rmap) return No(OutcomeCode::kNoSlot);
    if (Busy(ref)) return No(OutcomeCode::kSlotBusy);

    const uint32_t* generation = generations_.Find(*rmap);
    const Pfn pfn = HostPfn(Gfn(gfn), generation == nullptr ? 0 : *generation);
    ModelSlot& slot = page.slots[ref.index];
    slot.value = {SlotValue::Kind::kLeaf, MakeLeaf(*masks_, pfn, level, writable, speculative), 0};
    slot.rmap = *rmap;
    if (level > kPageTableLevel) ++stats_.lpages;
    const bool recycle = List(*rmap).size() > layout_->recycle_threshold;
    Insert(ModelLeaf{*rmap, ref}, &leaves_);
    if (recycle) RecycleList(*rmap);
    return Value(recycle ? 1 : 0);
  }

  // ---- Pages ----

  Outcome Do(const ops::AllocPage& op) {
    const PageId id = op.page.value;
    const SpteRef parent{op.parent.value, op.index.value};
    TouchPage(id);
    if (At(id).exists) return No(OutcomeCode::kPageExists);
    if (!op.parent.none()) {
      const ModelPage* above = Live(parent.page);
      if (above == nullptr) return no_;
      if (above->role.level != op.level.value + 1u) return No(OutcomeCode::kWrongLevel);
      if (Busy(parent)) return No(OutcomeCode::kSlotBusy);
    }
    uint64_t gfn = layout_->gfn(op.gfn.value);
    if (!op.direct.value && !RmapOf(gfn, kPageTableLevel)) return No(OutcomeCode::kNoSlot);

    if (op.direct.value) gfn = gfn / Frames(op.level.value + 1) * Frames(op.level.value + 1);
    ModelPage& page = At(id);
    page.exists = true;
    page.role.level = op.level.value;
    page.role.direct = op.direct.value;
    page.role.access = kAccessAll;
    page.gfn = Gfn(gfn);
    if (!op.direct.value) Account(page.gfn, +1);
    if (!op.parent.none()) SetLink(parent, id);
    active_.insert(active_.begin(), id);
    ++stats_.cache_miss;
    ++stats_.live_pages;
    return Done();
  }

  Outcome Do(const ops::Pin& op) {
    ModelPage* page = Live(op.page.value);
    if (page == nullptr) return no_;
    if (page->root_count == kPinLimit) return No(OutcomeCode::kPinLimit);
    if (page->role.invalid) return No(OutcomeCode::kPageZapped);
    return Value(++page->root_count);
  }

  Outcome Do(const ops::Unpin& op) {
    ModelPage* page = Live(op.page.value);
    if (page == nullptr) return no_;
    if (page->root_count == 0) return No(OutcomeCode::kNotPinned);
    const uint32_t root_count = --page->root_count;
    if (root_count == 0 && page->role.invalid) {
      PageIds zapped;
      PrepareZap(op.page.value, &zapped);
      CommitZap(&zapped);
    }
    return Value(root_count);
  }

  // ---- Parents ----

  Outcome Do(const ops::Link& op) {
    const SpteRef parent{op.parent.value, op.index.value};
    const ModelPage* page = Live(op.page.value);
    if (page == nullptr) return no_;
    const ModelPage* above = Live(parent.page);
    if (above == nullptr) return no_;
    if (page->role.invalid) return No(OutcomeCode::kPageZapped);
    if (above->role.level != page->role.level + 1u) return No(OutcomeCode::kWrongLevel);
    if (Busy(parent)) return No(OutcomeCode::kSlotBusy);

    SetLink(parent, op.page.value);
    // Whether the child has unsync bits, perhaps stale ones, the model cannot tell.
    TouchAncestors(op.page.value);
    if (!op.keep.value) RemoveLink(parent);
    return Done();
  }

  Outcome Do(const ops::Unlink& op) {
    const SpteRef parent{op.parent.value, op.index.value};
    if (Live(parent.page) == nullptr) return no_;
    const ModelSlot* slot = Look(parent);
    if (slot == nullptr || !slot->link()) return No(OutcomeCode::kNotPresent);
    RemoveLink(parent);
    return Done();
  }

  Outcome Do(const ops::ParentWalk& op) {
    const ModelPage* page = Live(op.page.value);
    if (page == nullptr) return no_;
    return Value(page->parents.size());
  }

  Outcome Do(const ops::UnlinkParents& op) {
    if (Live(op.page.value) == nullptr) return no_;
    return Value(RemoveParents(op.page.value));
  }

  Outcome Do(const ops::UnlinkChildren& op) {
    if (Live(op.page.value) == nullptr) return no_;
    return Value(EmptyPage(op.page.value));
  }

  // ---- Leaves ----

  Outcome Do(const ops::Map& op) {
    const ModelPage* page = Live(op.page.value);
    if (page == nullptr) return no_;
    if (page->role.level == kRootLevel) return No(OutcomeCode::kWrongLevel);
    return MapOne({op.page.value, op.index.value}, op.gfn, op.write.value, op.speculative.value);
  }

  Outcome Do(const ops::MapMany& op) {
    const ModelPage* page = Live(op.page.value);
    if (page == nullptr) return no_;
    if (page->role.level == kRootLevel) return No(OutcomeCode::kWrongLevel);
    const uint64_t gfn = MappedGfn(*page, op.index.value, op.gfn);
    if (!page->role.direct && !RmapOf(gfn, int(page->role.level))) return No(OutcomeCode::kNoSlot);

    uint64_t mapped = 0;
    uint64_t recycles = 0;
    const uint32_t end =
        std::min(op.index.value + uint32_t(op.count.value), layout_->sptes_per_page());
    for (uint32_t index = op.index.value; index < end; ++index) {
      const Outcome each = MapOne({op.page.value, index}, op.gfn, op.write.value, false);
      if (each.code != OutcomeCode::kOk) continue;
      ++mapped;
      recycles += each.value;
    }
    return Value(mapped | recycles << 16);
  }

  Outcome Do(const ops::Drop& op) {
    const SpteRef ref{op.page.value, op.index.value};
    ModelPage* page = Live(ref.page);
    if (page == nullptr) return no_;
    if (LookForLeaf(ref) == nullptr) return No(OutcomeCode::kNotPresent);
    if (page->role.level > kPageTableLevel) --stats_.lpages;
    DropLeaf(ref);
    // Where both are the same word there is only trap.
    if (op.notrap.value && masks_->notrap != masks_->trap) {
      page->slots[ref.index].value.kind = SlotValue::Kind::kNotrap;
    }
    return Done();
  }

  Outcome Do(const ops::Touch& op) {
    const SpteRef ref{op.page.value, op.index.value};
    if (Live(ref.page) == nullptr) return no_;
    ModelSlot* leaf = LookForLeaf(ref);
    if (leaf == nullptr) return No(OutcomeCode::kNotPresent);
    Spte& word = leaf->value.word;
    if (op.write.value && !IsWritable(word)) return Value(0);
    word |= masks_->accessed;
    if (op.write.value) word |= masks_->dirty;
    return Value(1);
  }

  // ---- Reverse maps ----

  Outcome Do(const ops::WriteProtect& op) {
    const uint64_t gfn = layout_->gfn(op.gfn.value);
    const std::optional<RmapId> pages = RmapOf(gfn, kPageTableLevel);
    if (!pages) return No(OutcomeCode::kNoSlot);
    bool write_protected = false;
    for (const ModelLeaf& leaf : List(*pages)) {
      Spte& word = Look(leaf.ref)->value.word;
      if (!IsWritable(word)) continue;
      // update_spte marks nothing accessed here: the new word has A if the old one has.
      word &= ~kSpteWritable;
      // The kernel dirties once the frame that the head maps; one list maps one frame.
      events_.dirtied.push_back(PfnOf(word));
      write_protected = true;
    }
    for (int level = kDirectoryLevel; level <= kRmapLevels; ++level) {
      const RmapId id = *RmapOf(gfn, level);
      // Backwards, because the list becomes shorter.
      for (size_t i = List(id).size(); i-- > 0;) {
        const SpteRef ref = List(id)[i].ref;
        if (!IsWritable(Look(ref)->value.word)) continue;
        DropLeaf(ref);
        --stats_.lpages;
        write_protected = true;
      }
    }
    return Value(write_protected ? 1 : 0);
  }

  Outcome Do(const ops::Unmap& op) {
    const std::optional<RmapId> rmap = RmapOf(layout_->gfn(op.gfn.value), op.level.value);
    if (!rmap) return No(OutcomeCode::kNoSlot);
    return Value(UnmapList(*rmap));
  }

  Outcome Do(const ops::SetPte& op) {
    const uint64_t frames = Frames(op.level.value);
    const uint64_t gfn = layout_->gfn(op.gfn.value);
    const std::optional<RmapId> rmap = RmapOf(gfn, op.level.value);
    if (!rmap) return No(OutcomeCode::kNoSlot);

    generations_[*rmap] = op.host.value;
    const Pfn pfn = HostPfn(Gfn(gfn / frames * frames), op.host.value);
    if (op.write.value) {
      if (UnmapList(*rmap) != 0) ++events_.remote_flushes;
      return Done();
    }
    const std::span<const ModelLeaf> list = List(*rmap);
    for (const ModelLeaf& leaf : list) {
      Spte& word = Look(leaf.ref)->value.word;
      Track(word);
      word &= ~(kSpteAddress | kSpteWritable | kSpteHostWritable | masks_->accessed);
      word |= pfn << 12;
    }
    if (!list.empty()) ++events_.remote_flushes;
    return Done();
  }

  Outcome Do(const ops::Age& op) {
    const std::optional<RmapId> rmap = RmapOf(layout_->gfn(op.gfn.value), op.level.value);
    if (!rmap) return No(OutcomeCode::kNoSlot);
    if (masks_->accessed == 0) return Value(UnmapList(*rmap));
    bool young = false;
    for (const ModelLeaf& leaf : List(*rmap)) {
      Spte& word = Look(leaf.ref)->value.word;
      young = young || (word & masks_->accessed) != 0;
      word &= ~masks_->accessed;
    }
    return Value(young ? 1 : 0);
  }

  Outcome Do(const ops::Recycle& op) {
    const SpteRef ref{op.page.value, op.index.value};
    if (Live(ref.page) == nullptr) return no_;
    const ModelSlot* leaf = LookForLeaf(ref);
    if (leaf == nullptr) return No(OutcomeCode::kNotPresent);
    const RmapId rmap = leaf->rmap;
    RecycleList(rmap);
    return Done();
  }

  Outcome Do(const ops::RmapCount& op) {
    const std::optional<RmapId> rmap = RmapOf(layout_->gfn(op.gfn.value), op.level.value);
    if (!rmap) return No(OutcomeCode::kNoSlot);
    return Value(List(*rmap).size());
  }

  // ---- Unsync ----

  Outcome Do(const ops::Unsync& op) {
    ModelPage* page = Live(op.page.value);
    if (page == nullptr) return no_;
    if (page->role.direct || page->role.level != kPageTableLevel) {
      return No(OutcomeCode::kWrongLevel);
    }
    if (page->role.invalid) return No(OutcomeCode::kPageZapped);
    if (page->unsync) return No(OutcomeCode::kAlreadyUnsync);

    ++stats_.unsync;
    page->unsync = true;
    TouchAncestors(op.page.value);
    std::erase_if(page->slots.entries(), [&](const auto& entry) {
      const auto& [index, slot] = entry;
      if (!slot.busy()) touched_.slots.push_back({op.page.value, index});
      return !slot.busy();
    });
    return Done();
  }

  Outcome Do(const ops::Sync& op) {
    ModelPage* page = Live(op.page.value);
    if (page == nullptr) return no_;
    if (!page->unsync) return No(OutcomeCode::kNotUnsync);
    SyncPage(page);
    return Done();
  }

  Outcome Do(const ops::SyncChildren& op) {
    if (Live(op.page.value) == nullptr) return no_;
    uint64_t synced = 0;
    for (const PageId below : Below(op.page.value)) {
      TouchPage(below);
      ModelPage& page = At(below);
      if (!page.unsync) continue;
      SyncPage(&page);
      ++synced;
    }
    return Value(synced);
  }

  // ---- Zap ----

  Outcome Do(const ops::Zap& op) {
    if (Live(op.page.value) == nullptr) return no_;
    return Value(PrepareZap(op.page.value, &zapped_));
  }

  Outcome Do(const ops::Commit&) { return Value(CommitZap(&zapped_)); }

  Outcome Do(const ops::Shrink& op) {
    PageIds zapped;
    uint64_t sum = 0;
    for (int i = 0; i < op.count.value && !active_.empty(); ++i) {
      sum += PrepareZap(active_.back(), &zapped);
    }
    CommitZap(&zapped);
    return Value(sum);
  }

  // ---- Misuse ----

  Outcome End(const Outcome& outcome) {
    ended_ = true;
    touched_.Clear();
    return outcome;
  }

  Outcome Do(const ops::MisuseRemove& op) {
    if (!header_.misuse) return No(OutcomeCode::kMisuseOff);
    const SpteRef ref{op.page.value, op.index.value};
    const ModelPage* page = Live(ref.page);
    if (page == nullptr) return no_;
    const int level = int(page->role.level);
    if (level == kRootLevel) return No(OutcomeCode::kWrongLevel);
    if (!RmapOf(MappedGfn(*page, ref.index, op.gfn), level)) return No(OutcomeCode::kNoSlot);
    if (Busy(ref)) return No(OutcomeCode::kSlotBusy);
    return End(Bug(BugClass::kRmapRemove));
  }

  Outcome Do(const ops::MisuseRemoveParent& op) {
    if (!header_.misuse) return No(OutcomeCode::kMisuseOff);
    const ModelPage* page = Live(op.page.value);
    if (page == nullptr) return no_;
    if (op.parent.none()) {
      // D11: the legacy MMU finds NULL where it looks for NULL.
      return End(page->parents.empty() ? Done() : Bug(BugClass::kRemoveParent));
    }
    const SpteRef parent{op.parent.value, op.index.value};
    if (Live(parent.page) == nullptr) return no_;
    const ModelSlot* slot = Look(parent);
    if (slot != nullptr && slot->link() && slot->value.child == op.page.value) {
      return No(OutcomeCode::kSlotBusy);
    }
    return End(Bug(BugClass::kRemoveParent));
  }

  Outcome Do(const ops::MisuseAddTwice& op) {
    if (!header_.misuse) return No(OutcomeCode::kMisuseOff);
    if (Live(op.page.value) == nullptr) return no_;
    if (LookForLeaf({op.page.value, op.index.value}) == nullptr)
      return No(OutcomeCode::kNotPresent);
    return End(Done());
  }

  Outcome Do(const ops::MisuseWrongGfn& op) {
    if (!header_.misuse) return No(OutcomeCode::kMisuseOff);
    const SpteRef ref{op.page.value, op.index.value};
    const ModelPage* page = Live(ref.page);
    if (page == nullptr) return no_;
    if (page->role.direct) return No(OutcomeCode::kWrongLevel);
    const auto rmap = RmapOf(MappedGfn(*page, ref.index, op.gfn), int(page->role.level));
    if (!rmap) return No(OutcomeCode::kNoSlot);
    const ModelSlot* leaf = LookForLeaf(ref);
    if (leaf == nullptr) return No(OutcomeCode::kNotPresent);
    if (leaf->rmap == *rmap) return No(OutcomeCode::kSlotBusy);
    return End(Bug(BugClass::kRmapRemove));
  }

  Outcome Do(const ops::MisuseSetGfn& op) {
    if (!header_.misuse) return No(OutcomeCode::kMisuseOff);
    const SpteRef ref{op.page.value, op.index.value};
    const ModelPage* page = Live(ref.page);
    if (page == nullptr) return no_;
    if (!page->role.direct || page->role.level == kRootLevel) return No(OutcomeCode::kWrongLevel);
    const uint64_t gfn = layout_->gfn(op.gfn.value);
    if (!RmapOf(gfn, int(page->role.level))) return No(OutcomeCode::kNoSlot);
    if (Busy(ref)) return No(OutcomeCode::kSlotBusy);
    if (gfn == MappedGfn(*page, ref.index, op.gfn)) return No(OutcomeCode::kNotPresent);
    return End(Bug(BugClass::kSetGfn));
  }

  template <typename MmuOp>
  Outcome Do(const MmuOp&) {
    return {.code = OutcomeCode::kWrongProgram};
  }
};

// ---- The model ----

Model::Model(const Header& header) { operations_->Reset(header); }
Model::~Model() = default;

Outcome Model::Apply(const Op& op) { return operations_->Apply(op); }
const Touched& Model::touched() const { return operations_->touched(); }
bool Model::ended() const { return operations_->ended(); }

void Model::ObserveTouched(const Touched& touched, Observation* out) {
  operations_->ObserveTouched(touched, out);
}
void Model::ObserveAll(Observation* out) { operations_->ObserveAll(out); }

}  // namespace rmapdiff
