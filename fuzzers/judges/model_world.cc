#include "fuzzers/judges/model_world.h"

namespace rmapdiff {
namespace {

struct OrderByRmap {
  bool operator()(const ModelLeaf& leaf, const RmapId& id) const { return leaf.rmap < id; }
  bool operator()(const RmapId& id, const ModelLeaf& leaf) const { return id < leaf.rmap; }
};

Outcome No(OutcomeCode code) { return {code, BugClass::kNone, 0}; }

}  // namespace

void ModelWorld::Reset(const Header& header) {
  header_ = header;
  layout_ = &header_.layout();
  masks_ = &header_.spte_masks();
  for (ModelPage& page : pages_) page.Clear();
  active_.clear();
  zapped_.Clear();
  leaves_.clear();
  generations_.entries().clear();
  InitWriteCounts();
  stats_ = {};
  ended_ = false;
  outcome_ = {};
  events_.Clear();
  touched_.Clear();
}

void ModelWorld::InitWriteCounts() {
  auto& counts = write_counts_.entries();
  counts.clear();
  for (uint32_t slot = 0; slot < GuestLayout::kSlots; ++slot) {
    const uint64_t begin = layout_->slots[slot].base_gfn;
    const uint64_t end = begin + layout_->slots[slot].npages;
    for (int level = kDirectoryLevel; level <= kRmapLevels; ++level) {
      const uint64_t frames = Frames(level);
      const size_t first = counts.size();
      const auto last = uint32_t((end - 1) / frames - begin / frames);
      for (uint32_t i = 0; i <= last; ++i) counts.push_back({{slot, uint32_t(level), i}, 0});
      // A large page that sticks out of its slot may never be mapped large.
      if (begin % frames != 0) counts[first].second = 1;
      if (end % frames != 0) counts.back().second = 1;
    }
  }
}

// ---- Naming and looking ----

void ModelWorld::TouchPage(PageId id) { touched_.pages.push_back(id); }

void ModelWorld::TouchAncestors(PageId id) {
  PageIds above;
  AddAbove(id, &above);
  for (const PageId page : above) TouchPage(page);
}

ModelPage* ModelWorld::Live(PageId id) {
  TouchPage(id);
  ModelPage& page = At(id);
  if (!page.exists) {
    no_ = No(OutcomeCode::kNoSuchPage);
    return nullptr;
  }
  if (page.zapped) {
    no_ = No(OutcomeCode::kPageZapped);
    return nullptr;
  }
  return &page;
}

ModelSlot* ModelWorld::Look(SpteRef ref) {
  touched_.slots.push_back(ref);
  return At(ref.page).slots.Find(ref.index);
}

ModelSlot* ModelWorld::LookForLeaf(SpteRef ref) {
  ModelSlot* slot = Look(ref);
  return slot != nullptr && slot->leaf() ? slot : nullptr;
}

bool ModelWorld::Busy(SpteRef ref) {
  const ModelSlot* slot = Look(ref);
  return slot != nullptr && slot->busy();
}

std::optional<RmapId> ModelWorld::RmapOf(uint64_t gfn, int level) {
  for (uint32_t slot = 0; slot < GuestLayout::kSlots; ++slot) {
    const uint64_t begin = layout_->slots[slot].base_gfn;
    if (gfn < begin || gfn >= begin + layout_->slots[slot].npages) continue;
    const RmapId id{slot, uint32_t(level), uint32_t(gfn / Frames(level) - begin / Frames(level))};
    if (level <= kRmapLevels) touched_.rmaps.push_back(id);  // a page of level 4 has no leaves
    return id;
  }
  return std::nullopt;
}

uint64_t ModelWorld::MappedGfn(const ModelPage& page, uint32_t index, GfnArg gfn) const {
  const uint64_t frames = Frames(int(page.role.level));
  if (page.role.direct) return page.gfn + index * frames;
  return layout_->gfn(gfn.value) / frames * frames;
}

std::span<const ModelLeaf> ModelWorld::List(const RmapId& id) const {
  const auto [begin, end] = std::equal_range(leaves_.begin(), leaves_.end(), id, OrderByRmap{});
  return {leaves_.data() + (begin - leaves_.begin()), static_cast<size_t>(end - begin)};
}

PageIds ModelWorld::Below(PageId id) const {
  PageIds pages;
  AddBelow(id, &pages);
  return pages;
}

void ModelWorld::AddBelow(PageId id, PageIds* pages) const {
  const ModelPage& page = At(id);
  if (page.role.level == kPageTableLevel) return;
  for (const auto& [index, slot] : page.slots.entries()) {
    if (slot.link() && pages->Add(slot.value.child)) AddBelow(slot.value.child, pages);
  }
}

void ModelWorld::AddAbove(PageId id, PageIds* pages) const {
  for (const SpteRef& parent : At(id).parents) {
    if (pages->Add(parent.page)) AddAbove(parent.page, pages);
  }
}

// ---- Changing ----

void ModelWorld::SetLink(SpteRef parent, PageId child) {
  At(parent.page).slots[parent.index].value = {SlotValue::Kind::kLink, kLinkFlags, child};
  Insert(parent, &At(child).parents);
}

void ModelWorld::RemoveLink(SpteRef parent) {
  const PageId child = Look(parent)->value.child;
  TouchPage(child);
  Erase(parent, &At(child).parents);
  At(parent.page).slots.Erase(parent.index);
}

uint64_t ModelWorld::RemoveParents(PageId id) {
  const auto& parents = At(id).parents;
  const uint64_t count = parents.size();
  while (!parents.empty()) RemoveLink(parents.back());
  return count;
}

// kvm_mmu_page_unlink_children: everything becomes trap, notrap too.
uint64_t ModelWorld::EmptyPage(PageId id) {
  auto& slots = At(id).slots.entries();
  uint64_t present = 0;
  while (!slots.empty()) {
    const auto [index, slot] = slots.back();  // a copy: the slot itself goes
    const SpteRef ref{id, index};
    if (slot.busy()) ++present;
    if (slot.link()) {
      RemoveLink(ref);
    } else if (slot.leaf()) {
      if (slot.rmap.level > kPageTableLevel) --stats_.lpages;
      DropLeaf(ref);
    } else {
      touched_.slots.push_back(ref);
      slots.pop_back();
    }
  }
  return present;
}

void ModelWorld::Track(Spte old) {
  if (masks_->accessed == 0 || (old & masks_->accessed) != 0)
    events_.accessed.push_back(PfnOf(old));
  if (IsWritable(old)) events_.dirtied.push_back(PfnOf(old));
}

void ModelWorld::DropLeaf(SpteRef ref) {
  const ModelSlot slot = *Look(ref);
  Track(slot.value.word);
  At(ref.page).slots.Erase(ref.index);
  touched_.rmaps.push_back(slot.rmap);
  Erase(ModelLeaf{slot.rmap, ref}, &leaves_);
}

// kvm_unmap_rmapp, which leaves lpages as it is: 1 if anything was mapped.
uint64_t ModelWorld::UnmapList(const RmapId& id) {
  const size_t count = List(id).size();
  for (size_t i = 0; i < count; ++i) DropLeaf(List(id).back().ref);
  return count == 0 ? 0 : 1;
}

void ModelWorld::RecycleList(const RmapId& id) {
  UnmapList(id);
  ++events_.remote_flushes;
  ++stats_.recycled;
}

void ModelWorld::SyncPage(ModelPage* page) {
  page->unsync = false;
  --stats_.unsync;
}

// account_shadowed and unaccount_shadowed.
void ModelWorld::Account(Gfn gfn, int delta) {
  for (int level = kDirectoryLevel; level <= kRmapLevels; ++level) {
    if (const std::optional<RmapId> id = RmapOf(gfn, level)) *write_counts_.Find(*id) += delta;
  }
}

uint64_t ModelWorld::PrepareZap(PageId id, PageIds* zapped) {
  TouchPage(id);
  ++stats_.zapped;
  uint64_t result = 0;
  for (const PageId below : Below(id)) {
    TouchPage(below);  // the walk clears unsync bits on its way
    if (!At(below).unsync) continue;
    PrepareZap(below, zapped);
    ++result;
  }
  EmptyPage(id);
  RemoveParents(id);
  ModelPage& page = At(id);
  if (!page.role.invalid && !page.role.direct) Account(page.gfn, -1);
  if (page.unsync) SyncPage(&page);
  page.role.invalid = 1;
  active_.erase(std::find(active_.begin(), active_.end(), id));
  if (page.root_count > 0) {
    active_.insert(active_.begin(), id);
    ++stats_.reloads;
    return result;
  }
  page.zapped = true;
  zapped->Add(id);
  return result + 1;
}

uint64_t ModelWorld::CommitZap(PageIds* zapped) {
  const uint64_t freed = zapped->size();
  if (freed > 0) ++events_.remote_flushes;
  for (const PageId id : *zapped) {
    TouchPage(id);
    At(id).Clear();
  }
  stats_.live_pages -= uint32_t(freed);
  zapped->Clear();
  return freed;
}

// ---- Observing ----

void ModelWorld::ObservePage(PageId id, const ModelPage& page, PageObservation* out) const {
  out->id = id;
  out->role = page.role;
  out->gfn = page.gfn;
  out->root_count = page.root_count;
  out->zapped = page.zapped;
  out->unsync = page.unsync;
  out->parents = page.parents;
  out->unsync_children.clear();
}

void ModelWorld::ObserveOutcome(Observation* out) const {
  out->outcome = outcome_;
  out->events = events_;
  out->stats = stats_;
  out->slots.clear();
  out->write_counts.clear();
  out->active.clear();
}

void ModelWorld::ObserveTouched(const Touched& touched, Observation* out) const {
  ObserveOutcome(out);
  // Resized and not cleared, so that the vectors inside keep their memory from one operation to
  // the next.
  out->rmaps.resize(touched.rmaps.size());
  for (size_t i = 0; i < touched.rmaps.size(); ++i) {
    RmapObservation& rmap = out->rmaps[i];
    rmap.id = touched.rmaps[i];
    rmap.entries.clear();
    for (const ModelLeaf& leaf : List(rmap.id)) rmap.entries.push_back(leaf.ref);
  }
  size_t pages = 0;
  out->pages.resize(touched.pages.size());
  for (const PageId id : touched.pages) {
    if (At(id).exists) ObservePage(id, At(id), &out->pages[pages++]);
  }
  out->pages.resize(pages);
  for (const SpteRef& ref : touched.slots) {
    const ModelPage& page = At(ref.page);
    if (!page.exists) continue;
    const ModelSlot* slot = page.slots.Find(ref.index);
    out->slots.push_back({ref, slot == nullptr ? SlotValue{} : slot->value});
  }
}

void ModelWorld::ObserveAll(Observation* out) const {
  ObserveOutcome(out);
  out->rmaps.clear();
  for (const ModelLeaf& leaf : leaves_) {
    if (out->rmaps.empty() || out->rmaps.back().id != leaf.rmap) {
      out->rmaps.resize(out->rmaps.size() + 1);
      out->rmaps.back().id = leaf.rmap;
      out->rmaps.back().entries.clear();
    }
    out->rmaps.back().entries.push_back(leaf.ref);
  }
  size_t pages = 0;
  out->pages.resize(pages_.size());
  for (PageId id = 0; id < pages_.size(); ++id) {
    const ModelPage& page = pages_[id];
    if (!page.exists) continue;
    ObservePage(id, page, &out->pages[pages++]);
    for (const auto& [index, slot] : page.slots.entries()) {
      out->slots.push_back({{id, index}, slot.value});
    }
  }
  out->pages.resize(pages);
  for (const auto& [id, count] : write_counts_.entries()) out->write_counts.push_back({id, count});
  out->active = active_;
}

}  // namespace rmapdiff
