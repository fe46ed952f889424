// GraphVoice: the handlers of the operations. Included by graph_voice.h, not on its own.
#ifndef RMAPDIFF_FUZZERS_VOICES_GRAPH_VOICE_OPS_H_
#define RMAPDIFF_FUZZERS_VOICES_GRAPH_VOICE_OPS_H_

#include "fuzzers/voices/graph_voice.h"

namespace rmapdiff {

template <ReverseMap R>
template <class... MapArgs>
GraphVoice<R>::GraphVoice(const Header& header, const MapArgs&... map_args)
    : header_(header),
      layout_(header_.layout()),
      memory_(header.reuse == ReuseMode::kLifo ? HostMemory::Reuse::kLifo
                                               : HostMemory::Reuse::kQuarantine),
      graph_(
          memory_, header.spte_masks(),
          header.recycle == RecycleMode::kNative ? RecyclePolicy::kNative : RecyclePolicy::kExact,
          map_args...) {
  for (const SlotLayout& slot : layout_.slots) {
    graph_.slots().Add(slot.base_gfn, slot.npages, slot.base_gfn);
  }
}

template <ReverseMap R>
Outcome GraphVoice<R>::Apply(const Op& op) {
  graph_.events().Clear();
  raw_is_current_ = false;
  try {
    outcome_ = std::visit([this](const auto& typed) { return this->Do(typed); }, op);
    for (const PageId id : graph_.events().freed) pages_[id] = nullptr;
  } catch (const BugError& error) {
    outcome_ = {.code = OutcomeCode::kBug, .bug = error.bug()};
  }
  return outcome_;
}

// ---- Guards ----

template <ReverseMap R>
OutcomeCode GraphVoice<R>::NeedPage(PageArg arg, Page** page) const {
  *page = pages_[arg.value];
  if (*page == nullptr) return OutcomeCode::kNoSuchPage;
  return IsZapped(**page) ? OutcomeCode::kPageZapped : OutcomeCode::kOk;
}

template <ReverseMap R>
OutcomeCode GraphVoice<R>::NeedParentSlot(Page& parent, int child_level, IndexArg index) const {
  if (LevelOf(parent) != child_level + 1) return OutcomeCode::kWrongLevel;
  return Present(parent, index.value) ? OutcomeCode::kSlotBusy : OutcomeCode::kOk;
}

template <ReverseMap R>
OutcomeCode GraphVoice<R>::NeedLeaf(PageArg arg, IndexArg index, Page** page) const {
  const OutcomeCode code = NeedPage(arg, page);
  if (code != OutcomeCode::kOk) return code;
  return LeafAt(**page, index.value) ? OutcomeCode::kOk : OutcomeCode::kNotPresent;
}

// A slot that may be made a leaf, and the frame it would map.
template <ReverseMap R>
OutcomeCode GraphVoice<R>::NeedEmptyFrame(PageArg arg, IndexArg index, GfnArg gfn, Page** page,
                                          Gfn* frame) {
  const OutcomeCode code = NeedPage(arg, page);
  if (code != OutcomeCode::kOk) return code;
  if (LevelOf(**page) == kRootLevel) return OutcomeCode::kWrongLevel;
  *frame = FrameToMap(**page, index, gfn);
  if (!HasSlot(*frame)) return OutcomeCode::kNoSlot;
  return Present(**page, index.value) ? OutcomeCode::kSlotBusy : OutcomeCode::kOk;
}

// ---- Helpers ----

template <ReverseMap R>
RmapId GraphVoice<R>::RmapIdOf(Gfn gfn, int level) {
  const auto& slot = graph_.slots().Get(gfn);
  return {slot.id(), static_cast<uint32_t>(level), slot.IndexOf(gfn, level)};
}

template <ReverseMap R>
Pfn GraphVoice<R>::HostFrame(Gfn gfn, int level) {
  const auto found = generations_.find(RmapIdOf(gfn, level));
  return HostPfn(AlignGfn<Limits>(gfn, level), found == generations_.end() ? 0 : found->second);
}

template <ReverseMap R>
Gfn GraphVoice<R>::FrameToMap(const Page& page, IndexArg index, GfnArg gfn) const {
  if (page.role.direct) return graph_.GetGfn(page, index.value);
  return AlignGfn<Limits>(GfnOf(gfn), LevelOf(page));
}

template <ReverseMap R>
bool GraphVoice<R>::MapSlot(Page& page, uint32_t index, Gfn frame, bool write, bool speculative) {
  const int level = LevelOf(page);
  const Spte spte = MakeLeaf(graph_.masks(), HostFrame(frame, level), level, write, speculative);
  return graph_.MapLeaf(caches_, &page.spt[index], spte, frame);
}

// ---- Pages ----

template <ReverseMap R>
Outcome GraphVoice<R>::Do(const ops::AllocPage& op) {
  if (pages_[op.page.value] != nullptr) return Is(OutcomeCode::kPageExists);
  const int level = op.level.value;
  Spte* parent_pte = nullptr;
  if (!op.parent.none()) {
    Page* parent = nullptr;
    OutcomeCode code = NeedPage({op.parent.value}, &parent);
    if (code == OutcomeCode::kOk) code = NeedParentSlot(*parent, level, op.index);
    if (code != OutcomeCode::kOk) return Is(code);
    parent_pte = &parent->spt[op.index.value];
  }
  Gfn gfn = GfnOf(op.gfn);
  if (op.direct.value) gfn = AlignGfn<Limits>(gfn, level + 1);
  if (!op.direct.value && !HasSlot(gfn)) return Is(OutcomeCode::kNoSlot);
  if (!graph_.TopUp(caches_)) return Is(OutcomeCode::kNoMemory);
  Role role;
  role.level = static_cast<uint32_t>(level);
  role.direct = op.direct.value;
  role.access = kAccessAll;
  Page* page = graph_.AllocPage(caches_, op.page.value, gfn, role, parent_pte);
  pages_[op.page.value] = page;
  if (parent_pte != nullptr) graph_.LinkPage(parent_pte, *page);
  return Ok();
}

template <ReverseMap R>
Outcome GraphVoice<R>::Do(const ops::Pin& op) {
  Page* page = nullptr;
  const OutcomeCode code = NeedPage(op.page, &page);
  if (code != OutcomeCode::kOk) return Is(code);
  if (page->root_count == kPinLimit) return Is(OutcomeCode::kPinLimit);
  if (page->role.invalid) return Is(OutcomeCode::kPageZapped);
  graph_.Pin(*page);
  return Ok(static_cast<uint64_t>(page->root_count));
}

template <ReverseMap R>
Outcome GraphVoice<R>::Do(const ops::Unpin& op) {
  Page* page = nullptr;
  const OutcomeCode code = NeedPage(op.page, &page);
  if (code != OutcomeCode::kOk) return Is(code);
  if (page->root_count == 0) return Is(OutcomeCode::kNotPinned);
  const int left = page->root_count - 1;
  graph_.Unpin(*page);
  return Ok(static_cast<uint64_t>(left));
}

// ---- Parents ----

template <ReverseMap R>
Outcome GraphVoice<R>::Do(const ops::Link& op) {
  Page* page = nullptr;
  Page* parent = nullptr;
  OutcomeCode code = NeedPage(op.page, &page);
  if (code == OutcomeCode::kOk) code = NeedPage(op.parent, &parent);
  if (code == OutcomeCode::kOk && page->role.invalid) code = OutcomeCode::kPageZapped;
  if (code == OutcomeCode::kOk) code = NeedParentSlot(*parent, LevelOf(*page), op.index);
  if (code != OutcomeCode::kOk) return Is(code);
  if (!graph_.TopUp(caches_)) return Is(OutcomeCode::kNoMemory);
  Spte* parent_pte = &parent->spt[op.index.value];
  graph_.AddParent(caches_, *page, parent_pte);
  if (op.keep.value) {
    graph_.LinkPage(parent_pte, *page);
  } else {
    graph_.PutPage(*page, parent_pte);
    *parent_pte = graph_.masks().trap;
  }
  return Ok();
}

template <ReverseMap R>
Outcome GraphVoice<R>::Do(const ops::Unlink& op) {
  Page* parent = nullptr;
  const OutcomeCode code = NeedPage(op.parent, &parent);
  if (code != OutcomeCode::kOk) return Is(code);
  if (!LinkAt(*parent, op.index.value)) return Is(OutcomeCode::kNotPresent);
  graph_.UnlinkChild(&parent->spt[op.index.value]);
  return Ok();
}

template <ReverseMap R>
Outcome GraphVoice<R>::Do(const ops::ParentWalk& op) {
  Page* page = nullptr;
  const OutcomeCode code = NeedPage(op.page, &page);
  if (code != OutcomeCode::kOk) return Is(code);
  uint64_t parents = 0;
  graph_.ForEachParent(*page, [&](const Spte*) { ++parents; });
  return Ok(parents);
}

template <ReverseMap R>
Outcome GraphVoice<R>::Do(const ops::UnlinkParents& op) {
  Page* page = nullptr;
  const OutcomeCode code = NeedPage(op.page, &page);
  if (code != OutcomeCode::kOk) return Is(code);
  return Ok(static_cast<uint64_t>(graph_.UnlinkParents(*page)));
}

template <ReverseMap R>
Outcome GraphVoice<R>::Do(const ops::UnlinkChildren& op) {
  Page* page = nullptr;
  const OutcomeCode code = NeedPage(op.page, &page);
  if (code != OutcomeCode::kOk) return Is(code);
  return Ok(static_cast<uint64_t>(graph_.UnlinkChildren(*page)));
}

// ---- Leaves ----

template <ReverseMap R>
Outcome GraphVoice<R>::Do(const ops::Map& op) {
  Page* page = nullptr;
  Gfn frame = 0;
  const OutcomeCode code = NeedEmptyFrame(op.page, op.index, op.gfn, &page, &frame);
  if (code != OutcomeCode::kOk) return Is(code);
  if (!graph_.TopUp(caches_)) return Is(OutcomeCode::kNoMemory);
  return Ok(MapSlot(*page, op.index.value, frame, op.write.value, op.speculative.value) ? 1 : 0);
}

template <ReverseMap R>
Outcome GraphVoice<R>::Do(const ops::MapMany& op) {
  Page* page = nullptr;
  const OutcomeCode code = NeedPage(op.page, &page);
  if (code != OutcomeCode::kOk) return Is(code);
  if (LevelOf(*page) == kRootLevel) return Is(OutcomeCode::kWrongLevel);
  if (!page->role.direct && !HasSlot(FrameToMap(*page, op.index, op.gfn))) {
    return Is(OutcomeCode::kNoSlot);
  }
  uint64_t mapped = 0;
  uint64_t recycled = 0;
  const uint32_t end = std::min<uint32_t>(op.index.value + op.count.value, Graph::kEntries);
  for (uint32_t index = op.index.value; index < end; ++index) {
    const Gfn frame = FrameToMap(*page, {static_cast<uint16_t>(index)}, op.gfn);
    if (!HasSlot(frame) || Present(*page, index) || !graph_.TopUp(caches_)) continue;
    if (MapSlot(*page, index, frame, op.write.value, false)) ++recycled;
    ++mapped;
  }
  return Ok(mapped | recycled << 16);
}

template <ReverseMap R>
Outcome GraphVoice<R>::Do(const ops::Drop& op) {
  Page* page = nullptr;
  const OutcomeCode code = NeedLeaf(op.page, op.index, &page);
  if (code != OutcomeCode::kOk) return Is(code);
  graph_.DropLeaf(&page->spt[op.index.value],
                  op.notrap.value ? graph_.masks().notrap : graph_.masks().trap);
  return Ok();
}

template <ReverseMap R>
Outcome GraphVoice<R>::Do(const ops::Touch& op) {
  Page* page = nullptr;
  const OutcomeCode code = NeedLeaf(op.page, op.index, &page);
  if (code != OutcomeCode::kOk) return Is(code);
  Spte& spte = page->spt[op.index.value];
  if (op.write.value && !IsWritable(spte)) return Ok(0);
  spte |= graph_.masks().accessed;
  if (op.write.value) spte |= graph_.masks().dirty;
  return Ok(1);
}

// ---- Reverse maps ----

template <ReverseMap R>
Outcome GraphVoice<R>::Do(const ops::WriteProtect& op) {
  const Gfn gfn = GfnOf(op.gfn);
  if (!HasSlot(gfn)) return Is(OutcomeCode::kNoSlot);
  return Ok(graph_.RmapWriteProtect(gfn) ? 1 : 0);
}

template <ReverseMap R>
Outcome GraphVoice<R>::Do(const ops::Unmap& op) {
  const Gfn gfn = GfnOf(op.gfn);
  if (!HasSlot(gfn)) return Is(OutcomeCode::kNoSlot);
  return Ok(graph_.RmapUnmap(graph_.slots().Rmap(gfn, op.level.value)) ? 1 : 0);
}

template <ReverseMap R>
Outcome GraphVoice<R>::Do(const ops::SetPte& op) {
  const Gfn gfn = GfnOf(op.gfn);
  const int level = op.level.value;
  if (!HasSlot(gfn)) return Is(OutcomeCode::kNoSlot);
  generations_[RmapIdOf(gfn, level)] = op.host.value;
  graph_.RmapSetPte(graph_.slots().Rmap(gfn, level), HostFrame(gfn, level), op.write.value);
  return Ok();
}

template <ReverseMap R>
Outcome GraphVoice<R>::Do(const ops::Age& op) {
  const Gfn gfn = GfnOf(op.gfn);
  if (!HasSlot(gfn)) return Is(OutcomeCode::kNoSlot);
  return Ok(graph_.RmapAge(graph_.slots().Rmap(gfn, op.level.value)) ? 1 : 0);
}

template <ReverseMap R>
Outcome GraphVoice<R>::Do(const ops::Recycle& op) {
  Page* page = nullptr;
  const OutcomeCode code = NeedLeaf(op.page, op.index, &page);
  if (code != OutcomeCode::kOk) return Is(code);
  graph_.RmapRecycle(graph_.slots().Rmap(graph_.GetGfn(*page, op.index.value), LevelOf(*page)));
  return Ok();
}

template <ReverseMap R>
Outcome GraphVoice<R>::Do(const ops::RmapCount& op) {
  const Gfn gfn = GfnOf(op.gfn);
  if (!HasSlot(gfn)) return Is(OutcomeCode::kNoSlot);
  return Ok(static_cast<uint64_t>(graph_.map().Count(graph_.slots().Rmap(gfn, op.level.value))));
}

// ---- Unsync ----

template <ReverseMap R>
Outcome GraphVoice<R>::Do(const ops::Unsync& op) {
  Page* page = nullptr;
  const OutcomeCode code = NeedPage(op.page, &page);
  if (code != OutcomeCode::kOk) return Is(code);
  if (page->role.direct || LevelOf(*page) != kPageTableLevel) return Is(OutcomeCode::kWrongLevel);
  if (page->role.invalid) return Is(OutcomeCode::kPageZapped);
  if (page->unsync) return Is(OutcomeCode::kAlreadyUnsync);
  graph_.UnsyncPage(*page);
  return Ok();
}

template <ReverseMap R>
Outcome GraphVoice<R>::Do(const ops::Sync& op) {
  Page* page = nullptr;
  const OutcomeCode code = NeedPage(op.page, &page);
  if (code != OutcomeCode::kOk) return Is(code);
  if (!page->unsync) return Is(OutcomeCode::kNotUnsync);
  graph_.MarkSynced(*page);
  return Ok();
}

template <ReverseMap R>
Outcome GraphVoice<R>::Do(const ops::SyncChildren& op) {
  Page* page = nullptr;
  const OutcomeCode code = NeedPage(op.page, &page);
  if (code != OutcomeCode::kOk) return Is(code);
  const int synced =
      graph_.ForEachUnsyncChild(*page, [this](Page& child) { graph_.MarkSynced(child); });
  return Ok(static_cast<uint64_t>(synced));
}

// ---- Zap ----

template <ReverseMap R>
Outcome GraphVoice<R>::Do(const ops::Zap& op) {
  Page* page = nullptr;
  const OutcomeCode code = NeedPage(op.page, &page);
  if (code != OutcomeCode::kOk) return Is(code);
  return Ok(static_cast<uint64_t>(graph_.PrepareZap(*page, zapped_)));
}

template <ReverseMap R>
Outcome GraphVoice<R>::Do(const ops::Commit&) {
  return Ok(static_cast<uint64_t>(graph_.CommitZap(zapped_)));
}

template <ReverseMap R>
Outcome GraphVoice<R>::Do(const ops::Shrink& op) {
  return Ok(static_cast<uint64_t>(graph_.Shrink(op.count.value)));
}

// ---- Misuse ----

template <ReverseMap R>
Outcome GraphVoice<R>::Do(const ops::MisuseRemove& op) {
  if (!header_.misuse) return Is(OutcomeCode::kMisuseOff);
  Page* page = nullptr;
  Gfn frame = 0;
  const OutcomeCode code = NeedEmptyFrame(op.page, op.index, op.gfn, &page, &frame);
  if (code != OutcomeCode::kOk) return Is(code);
  graph_.SetGfn(*page, op.index.value, frame);
  graph_.RmapRemove(&page->spt[op.index.value]);
  return Ok();
}

template <ReverseMap R>
Outcome GraphVoice<R>::Do(const ops::MisuseRemoveParent& op) {
  if (!header_.misuse) return Is(OutcomeCode::kMisuseOff);
  Page* page = nullptr;
  OutcomeCode code = NeedPage(op.page, &page);
  if (code != OutcomeCode::kOk) return Is(code);
  Spte* parent_pte = nullptr;
  if (!op.parent.none()) {
    Page* parent = nullptr;
    code = NeedPage({op.parent.value}, &parent);
    if (code != OutcomeCode::kOk) return Is(code);
    parent_pte = &parent->spt[op.index.value];
    if (LinkAt(*parent, op.index.value) && ChildOf(*parent_pte) == page) {
      return Is(OutcomeCode::kSlotBusy);
    }
  }
  graph_.PutPage(*page, parent_pte);
  return Ok();
}

template <ReverseMap R>
Outcome GraphVoice<R>::Do(const ops::MisuseAddTwice& op) {
  if (!header_.misuse) return Is(OutcomeCode::kMisuseOff);
  Page* page = nullptr;
  const OutcomeCode code = NeedLeaf(op.page, op.index, &page);
  if (code != OutcomeCode::kOk) return Is(code);
  if (!graph_.TopUp(caches_)) return Is(OutcomeCode::kNoMemory);
  const Gfn gfn = graph_.GetGfn(*page, op.index.value);
  graph_.RmapAdd(caches_, &page->spt[op.index.value], gfn);
  graph_.map().Count(graph_.slots().Rmap(gfn, LevelOf(*page)));
  return Ok();
}

template <ReverseMap R>
Outcome GraphVoice<R>::Do(const ops::MisuseWrongGfn& op) {
  if (!header_.misuse) return Is(OutcomeCode::kMisuseOff);
  Page* page = nullptr;
  const OutcomeCode code = NeedPage(op.page, &page);
  if (code != OutcomeCode::kOk) return Is(code);
  if (page->role.direct) return Is(OutcomeCode::kWrongLevel);
  const int level = LevelOf(*page);
  const Gfn frame = AlignGfn<Limits>(GfnOf(op.gfn), level);
  if (!HasSlot(frame)) return Is(OutcomeCode::kNoSlot);
  if (!LeafAt(*page, op.index.value)) return Is(OutcomeCode::kNotPresent);
  if (RmapIdOf(frame, level) == RmapIdOf(graph_.GetGfn(*page, op.index.value), level)) {
    return Is(OutcomeCode::kSlotBusy);
  }
  graph_.SetGfn(*page, op.index.value, frame);
  graph_.RmapRemove(&page->spt[op.index.value]);
  return Ok();
}

template <ReverseMap R>
Outcome GraphVoice<R>::Do(const ops::MisuseSetGfn& op) {
  if (!header_.misuse) return Is(OutcomeCode::kMisuseOff);
  Page* page = nullptr;
  const OutcomeCode code = NeedPage(op.page, &page);
  if (code != OutcomeCode::kOk) return Is(code);
  if (!page->role.direct || LevelOf(*page) == kRootLevel) return Is(OutcomeCode::kWrongLevel);
  const Gfn gfn = GfnOf(op.gfn);
  if (!HasSlot(gfn)) return Is(OutcomeCode::kNoSlot);
  if (Present(*page, op.index.value)) return Is(OutcomeCode::kSlotBusy);
  if (gfn == graph_.GetGfn(*page, op.index.value)) return Is(OutcomeCode::kNotPresent);
  MapSlot(*page, op.index.value, gfn, false, false);
  return Ok();
}

}  // namespace rmapdiff

#endif  // RMAPDIFF_FUZZERS_VOICES_GRAPH_VOICE_OPS_H_
