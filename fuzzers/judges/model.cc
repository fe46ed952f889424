// The handlers stand in the order of ops.h and are to be read beside it: the guards in their order,
// then the effect.
//
// What an operation looks at or changes is named in `touched_` by whoever looks or changes: Live,
// Look, RmapOf and the functions that write. So a handler names only what it knows beyond that: the
// pages whose unsync bits, which the model does not have, the operation may change.

#include "fuzzers/judges/model.h"

#include <algorithm>
#include <array>
#include <compare>
#include <cstddef>
#include <optional>
#include <span>
#include <utility>
#include <variant>
#include <vector>

#include "fuzzers/program/guest_layout.h"
#include "mmu/base/bug.h"
#include "mmu/base/spte.h"
#include "mmu/base/types.h"

namespace rmapdiff {
namespace {

constexpr uint32_t kPinLimit = 3;

// The sets and maps of the model are sorted vectors: they hold a handful of entries, and when they
// are emptied for the next program they keep their memory.

template <typename T>
void Insert(const T& value, std::vector<T>* set) {
  set->insert(std::lower_bound(set->begin(), set->end(), value), value);
}

// REQUIRES: the set has the value.
template <typename T>
void Erase(const T& value, std::vector<T>* set) {
  set->erase(std::lower_bound(set->begin(), set->end(), value));
}

// What Find and [] return is good until the next [] or Erase.
template <typename Key, typename Value>
class SortedMap {
 public:
  using Entries = std::vector<std::pair<Key, Value>>;

  const Entries& entries() const { return entries_; }
  Entries& entries() { return entries_; }

  Value* Find(const Key& key) {
    const auto entry = LowerBound(key);
    return entry != entries_.end() && entry->first == key ? &entry->second : nullptr;
  }
  const Value* Find(const Key& key) const { return const_cast<SortedMap*>(this)->Find(key); }
  Value& operator[](const Key& key) {
    const auto entry = LowerBound(key);
    if (entry != entries_.end() && entry->first == key) return entry->second;
    return entries_.insert(entry, {key, Value{}})->second;
  }
  // REQUIRES: the map has the key.
  void Erase(const Key& key) { entries_.erase(LowerBound(key)); }

 private:
  typename Entries::iterator LowerBound(const Key& key) {
    return std::lower_bound(
        entries_.begin(), entries_.end(), key,
        [](const std::pair<Key, Value>& entry, const Key& k) { return entry.first < k; });
  }

  Entries entries_;
};

// Page ids in the order in which they were added, each once.
class PageIds {
 public:
  // False if `id` was there before.
  bool Add(PageId id) {
    if ((members_ >> id & 1) != 0) return false;
    members_ |= uint64_t{1} << id;
    ids_[size_++] = id;
    return true;
  }
  void Clear() { members_ = size_ = 0; }
  size_t size() const { return size_; }
  const PageId* begin() const { return ids_.data(); }
  const PageId* end() const { return ids_.data() + size_; }

 private:
  static_assert(PageArg::kCount <= 64);
  std::array<PageId, PageArg::kCount> ids_;
  uint64_t members_ = 0;
  size_t size_ = 0;
};

// A slot that is not trap.
struct Slot {
  SlotValue value;
  RmapId rmap;  // leaf: the reverse map that it is on

  bool leaf() const { return value.kind == SlotValue::Kind::kLeaf; }
  bool link() const { return value.kind == SlotValue::Kind::kLink; }
  bool busy() const { return leaf() || link(); }
};

struct Page {
  bool exists = false;
  Role role;
  Gfn gfn = 0;
  uint32_t root_count = 0;
  bool zapped = false;
  bool unsync = false;
  SortedMap<uint32_t, Slot> slots;  // by index; all but trap
  std::vector<SpteRef> parents;     // sorted: the links that point here

  void Clear() {
    exists = false;
    role = {};
    gfn = 0;
    root_count = 0;
    zapped = false;
    unsync = false;
    slots.entries().clear();
    parents.clear();
  }
};

// A leaf slot and the reverse map that it is on.
struct Leaf {
  RmapId rmap;
  SpteRef ref;

  friend auto operator<=>(const Leaf&, const Leaf&) = default;
};

struct OrderByRmap {
  bool operator()(const Leaf& leaf, const RmapId& id) const { return leaf.rmap < id; }
  bool operator()(const RmapId& id, const Leaf& leaf) const { return id < leaf.rmap; }
};

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

class Model::State {
 public:
  // Begins anew, with the memory of the program before.
  void Reset(const Header& header);

  Outcome Apply(const Op& op);
  void ObserveTouched(const Touched& touched, Observation* out) const;
  void ObserveAll(Observation* out) const;

  const Touched& touched() const { return touched_; }
  bool ended() const { return ended_; }

 private:
  // ---- The operations ----

  Outcome Do(const ops::AllocPage& op);
  Outcome Do(const ops::Pin& op);
  Outcome Do(const ops::Unpin& op);
  Outcome Do(const ops::Link& op);
  Outcome Do(const ops::Unlink& op);
  Outcome Do(const ops::ParentWalk& op);
  Outcome Do(const ops::UnlinkParents& op);
  Outcome Do(const ops::UnlinkChildren& op);
  Outcome Do(const ops::Map& op);
  Outcome Do(const ops::MapMany& op);
  Outcome Do(const ops::Drop& op);
  Outcome Do(const ops::Touch& op);
  Outcome Do(const ops::WriteProtect& op);
  Outcome Do(const ops::Unmap& op);
  Outcome Do(const ops::SetPte& op);
  Outcome Do(const ops::Age& op);
  Outcome Do(const ops::Recycle& op);
  Outcome Do(const ops::RmapCount& op);
  Outcome Do(const ops::Unsync& op);
  Outcome Do(const ops::Sync& op);
  Outcome Do(const ops::SyncChildren& op);
  Outcome Do(const ops::Zap& op);
  Outcome Do(const ops::Commit& op);
  Outcome Do(const ops::Shrink& op);
  Outcome Do(const ops::MisuseRemove& op);
  Outcome Do(const ops::MisuseRemoveParent& op);
  Outcome Do(const ops::MisuseAddTwice& op);
  Outcome Do(const ops::MisuseWrongGfn& op);
  Outcome Do(const ops::MisuseSetGfn& op);
  template <typename MmuOp>
  Outcome Do(const MmuOp&) {
    return {.code = OutcomeCode::kWrongProgram};
  }

  void InitWriteCounts();

  // ---- Naming and looking; each names in `touched_` what it looks at ----

  void TouchPage(PageId id);
  void TouchAncestors(PageId id);  // the pages above `id`, not itself

  // P(x) of ops.h: the live page, or null and in `no_` why not.
  Page* Live(PageId id);
  // Where the page is, if it exists.
  Page& At(PageId id) { return pages_.at(id); }
  const Page& At(PageId id) const { return pages_.at(id); }
  // The slot, or null if it is trap. REQUIRES: the page exists.
  Slot* Look(SpteRef ref);
  Slot* LookForLeaf(SpteRef ref);
  bool Busy(SpteRef ref);
  // The reverse map that `gfn` has at `level`, if a memslot covers it.
  std::optional<RmapId> RmapOf(uint64_t gfn, int level);

  uint64_t Frames(int level) const { return uint64_t{1} << (layout_->level_bits * (level - 1)); }
  // What `map` maps by page[index].
  uint64_t MappedGfn(const Page& page, uint32_t index, GfnArg gfn) const;
  // The leaves on `id`, until a leaf comes or goes.
  std::span<const Leaf> List(const RmapId& id) const;
  // The pages that links lead to from `id`, each once, as a walk by ascending index meets them.
  PageIds Below(PageId id) const;
  void AddBelow(PageId id, PageIds* pages) const;
  void AddAbove(PageId id, PageIds* pages) const;

  // ---- Changing ----

  void SetLink(SpteRef parent, PageId child);
  void RemoveLink(SpteRef parent);
  uint64_t RemoveParents(PageId id);
  uint64_t EmptyPage(PageId id);
  Outcome MapOne(SpteRef ref, GfnArg gfn, bool writable, bool speculative);
  // What the kernel does with a present word that it takes out of a slot (set_spte_track_bits).
  void Track(Spte old);
  void DropLeaf(SpteRef ref);
  uint64_t UnmapList(const RmapId& id);
  void RecycleList(const RmapId& id);
  void SyncPage(Page* page);
  void Account(Gfn gfn, int delta);
  uint64_t PrepareZap(PageId id, PageIds* zapped);
  uint64_t CommitZap(PageIds* zapped);
  Outcome End(const Outcome& outcome);

  // ---- Observing ----

  void ObservePage(PageId id, const Page& page, PageObservation* out) const;
  void ObserveOutcome(Observation* out) const;

  Header header_;
  const GuestLayout* layout_ = nullptr;
  const SpteMasks* masks_ = nullptr;

  std::array<Page, PageArg::kCount> pages_;  // by id
  std::vector<PageId> active_;               // head first
  PageIds zapped_;                           // the program's list
  std::vector<Leaf> leaves_;                 // sorted: all lists of all reverse maps
  SortedMap<RmapId, uint32_t> generations_;  // of host frames; absent: 0
  SortedMap<RmapId, int32_t> write_counts_;  // all that the memslots have
  Stats stats_;
  bool ended_ = false;

  // Of the last operation.
  Outcome outcome_;
  Outcome no_;  // why a page was not live
  Events events_;
  Touched touched_;
};

void Model::State::Reset(const Header& header) {
  header_ = header;
  layout_ = &header_.layout();
  masks_ = &header_.spte_masks();
  for (Page& page : pages_) page.Clear();
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

void Model::State::InitWriteCounts() {
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

Outcome Model::State::Apply(const Op& op) {
  events_.Clear();
  touched_.Clear();
  outcome_ = std::visit([this](const auto& each) { return Do(each); }, op);
  SortUnique(&events_.dirtied);
  SortUnique(&events_.accessed);
  touched_.SortAndDedupe();
  return outcome_;
}

// ---- Naming and looking ----

void Model::State::TouchPage(PageId id) { touched_.pages.push_back(id); }

void Model::State::TouchAncestors(PageId id) {
  PageIds above;
  AddAbove(id, &above);
  for (const PageId page : above) TouchPage(page);
}

Page* Model::State::Live(PageId id) {
  TouchPage(id);
  Page& page = At(id);
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

Slot* Model::State::Look(SpteRef ref) {
  touched_.slots.push_back(ref);
  return At(ref.page).slots.Find(ref.index);
}

Slot* Model::State::LookForLeaf(SpteRef ref) {
  Slot* slot = Look(ref);
  return slot != nullptr && slot->leaf() ? slot : nullptr;
}

bool Model::State::Busy(SpteRef ref) {
  const Slot* slot = Look(ref);
  return slot != nullptr && slot->busy();
}

std::optional<RmapId> Model::State::RmapOf(uint64_t gfn, int level) {
  for (uint32_t slot = 0; slot < GuestLayout::kSlots; ++slot) {
    const uint64_t begin = layout_->slots[slot].base_gfn;
    if (gfn < begin || gfn >= begin + layout_->slots[slot].npages) continue;
    const RmapId id{slot, uint32_t(level), uint32_t(gfn / Frames(level) - begin / Frames(level))};
    if (level <= kRmapLevels) touched_.rmaps.push_back(id);  // a page of level 4 has no leaves
    return id;
  }
  return std::nullopt;
}

uint64_t Model::State::MappedGfn(const Page& page, uint32_t index, GfnArg gfn) const {
  const uint64_t frames = Frames(int(page.role.level));
  if (page.role.direct) return page.gfn + index * frames;
  return layout_->gfn(gfn.value) / frames * frames;
}

std::span<const Leaf> Model::State::List(const RmapId& id) const {
  const auto [begin, end] = std::equal_range(leaves_.begin(), leaves_.end(), id, OrderByRmap{});
  return {leaves_.data() + (begin - leaves_.begin()), static_cast<size_t>(end - begin)};
}

PageIds Model::State::Below(PageId id) const {
  PageIds pages;
  AddBelow(id, &pages);
  return pages;
}

void Model::State::AddBelow(PageId id, PageIds* pages) const {
  const Page& page = At(id);
  if (page.role.level == kPageTableLevel) return;
  for (const auto& [index, slot] : page.slots.entries()) {
    if (slot.link() && pages->Add(slot.value.child)) AddBelow(slot.value.child, pages);
  }
}

void Model::State::AddAbove(PageId id, PageIds* pages) const {
  for (const SpteRef& parent : At(id).parents) {
    if (pages->Add(parent.page)) AddAbove(parent.page, pages);
  }
}

// ---- Changing ----

void Model::State::SetLink(SpteRef parent, PageId child) {
  At(parent.page).slots[parent.index].value = {SlotValue::Kind::kLink, kLinkFlags, child};
  Insert(parent, &At(child).parents);
}

void Model::State::RemoveLink(SpteRef parent) {
  const PageId child = Look(parent)->value.child;
  TouchPage(child);
  Erase(parent, &At(child).parents);
  At(parent.page).slots.Erase(parent.index);
}

uint64_t Model::State::RemoveParents(PageId id) {
  const auto& parents = At(id).parents;
  const uint64_t count = parents.size();
  while (!parents.empty()) RemoveLink(parents.back());
  return count;
}

// kvm_mmu_page_unlink_children: everything becomes trap, notrap too.
uint64_t Model::State::EmptyPage(PageId id) {
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

Outcome Model::State::MapOne(SpteRef ref, GfnArg arg, bool writable, bool speculative) {
  Page& page = At(ref.page);
  const int level = int(page.role.level);
  const uint64_t gfn = MappedGfn(page, ref.index, arg);
  const std::optional<RmapId> rmap = RmapOf(gfn, level);
  if (!rmap) return No(OutcomeCode::kNoSlot);
  if (Busy(ref)) return No(OutcomeCode::kSlotBusy);

  const uint32_t* generation = generations_.Find(*rmap);
  const Pfn pfn = HostPfn(Gfn(gfn), generation == nullptr ? 0 : *generation);
  Slot& slot = page.slots[ref.index];
  slot.value = {SlotValue::Kind::kLeaf, MakeLeaf(*masks_, pfn, level, writable, speculative), 0};
  slot.rmap = *rmap;
  if (level > kPageTableLevel) ++stats_.lpages;
  const bool recycle = List(*rmap).size() > layout_->recycle_threshold;
  Insert(Leaf{*rmap, ref}, &leaves_);
  if (recycle) RecycleList(*rmap);
  return Value(recycle ? 1 : 0);
}

void Model::State::Track(Spte old) {
  if (masks_->accessed == 0 || (old & masks_->accessed) != 0)
    events_.accessed.push_back(PfnOf(old));
  if (IsWritable(old)) events_.dirtied.push_back(PfnOf(old));
}

void Model::State::DropLeaf(SpteRef ref) {
  const Slot slot = *Look(ref);
  Track(slot.value.word);
  At(ref.page).slots.Erase(ref.index);
  touched_.rmaps.push_back(slot.rmap);
  Erase(Leaf{slot.rmap, ref}, &leaves_);
}

// kvm_unmap_rmapp, which leaves lpages as it is: 1 if anything was mapped.
uint64_t Model::State::UnmapList(const RmapId& id) {
  const size_t count = List(id).size();
  for (size_t i = 0; i < count; ++i) DropLeaf(List(id).back().ref);
  return count == 0 ? 0 : 1;
}

void Model::State::RecycleList(const RmapId& id) {
  UnmapList(id);
  ++events_.remote_flushes;
  ++stats_.recycled;
}

void Model::State::SyncPage(Page* page) {
  page->unsync = false;
  --stats_.unsync;
}

// account_shadowed and unaccount_shadowed.
void Model::State::Account(Gfn gfn, int delta) {
  for (int level = kDirectoryLevel; level <= kRmapLevels; ++level) {
    if (const std::optional<RmapId> id = RmapOf(gfn, level)) *write_counts_.Find(*id) += delta;
  }
}

uint64_t Model::State::PrepareZap(PageId id, PageIds* zapped) {
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
  Page& page = At(id);
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

uint64_t Model::State::CommitZap(PageIds* zapped) {
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

// ---- Pages ----

Outcome Model::State::Do(const ops::AllocPage& op) {
  const PageId id = op.page.value;
  const SpteRef parent{op.parent.value, op.index.value};
  TouchPage(id);
  if (At(id).exists) return No(OutcomeCode::kPageExists);
  if (!op.parent.none()) {
    const Page* above = Live(parent.page);
    if (above == nullptr) return no_;
    if (above->role.level != op.level.value + 1u) return No(OutcomeCode::kWrongLevel);
    if (Busy(parent)) return No(OutcomeCode::kSlotBusy);
  }
  uint64_t gfn = layout_->gfn(op.gfn.value);
  if (!op.direct.value && !RmapOf(gfn, kPageTableLevel)) return No(OutcomeCode::kNoSlot);

  if (op.direct.value) gfn = gfn / Frames(op.level.value + 1) * Frames(op.level.value + 1);
  Page& page = At(id);
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

Outcome Model::State::Do(const ops::Pin& op) {
  Page* page = Live(op.page.value);
  if (page == nullptr) return no_;
  if (page->root_count == kPinLimit) return No(OutcomeCode::kPinLimit);
  if (page->role.invalid) return No(OutcomeCode::kPageZapped);
  return Value(++page->root_count);
}

Outcome Model::State::Do(const ops::Unpin& op) {
  Page* page = Live(op.page.value);
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

Outcome Model::State::Do(const ops::Link& op) {
  const SpteRef parent{op.parent.value, op.index.value};
  const Page* page = Live(op.page.value);
  if (page == nullptr) return no_;
  const Page* above = Live(parent.page);
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

Outcome Model::State::Do(const ops::Unlink& op) {
  const SpteRef parent{op.parent.value, op.index.value};
  if (Live(parent.page) == nullptr) return no_;
  const Slot* slot = Look(parent);
  if (slot == nullptr || !slot->link()) return No(OutcomeCode::kNotPresent);
  RemoveLink(parent);
  return Done();
}

Outcome Model::State::Do(const ops::ParentWalk& op) {
  const Page* page = Live(op.page.value);
  if (page == nullptr) return no_;
  return Value(page->parents.size());
}

Outcome Model::State::Do(const ops::UnlinkParents& op) {
  if (Live(op.page.value) == nullptr) return no_;
  return Value(RemoveParents(op.page.value));
}

Outcome Model::State::Do(const ops::UnlinkChildren& op) {
  if (Live(op.page.value) == nullptr) return no_;
  return Value(EmptyPage(op.page.value));
}

// ---- Leaves ----

Outcome Model::State::Do(const ops::Map& op) {
  const Page* page = Live(op.page.value);
  if (page == nullptr) return no_;
  if (page->role.level == kRootLevel) return No(OutcomeCode::kWrongLevel);
  return MapOne({op.page.value, op.index.value}, op.gfn, op.write.value, op.speculative.value);
}

Outcome Model::State::Do(const ops::MapMany& op) {
  const Page* page = Live(op.page.value);
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

Outcome Model::State::Do(const ops::Drop& op) {
  const SpteRef ref{op.page.value, op.index.value};
  Page* page = Live(ref.page);
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

Outcome Model::State::Do(const ops::Touch& op) {
  const SpteRef ref{op.page.value, op.index.value};
  if (Live(ref.page) == nullptr) return no_;
  Slot* leaf = LookForLeaf(ref);
  if (leaf == nullptr) return No(OutcomeCode::kNotPresent);
  Spte& word = leaf->value.word;
  if (op.write.value && !IsWritable(word)) return Value(0);
  word |= masks_->accessed;
  if (op.write.value) word |= masks_->dirty;
  return Value(1);
}

// ---- Reverse maps ----

Outcome Model::State::Do(const ops::WriteProtect& op) {
  const uint64_t gfn = layout_->gfn(op.gfn.value);
  const std::optional<RmapId> pages = RmapOf(gfn, kPageTableLevel);
  if (!pages) return No(OutcomeCode::kNoSlot);
  bool write_protected = false;
  for (const Leaf& leaf : List(*pages)) {
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

Outcome Model::State::Do(const ops::Unmap& op) {
  const std::optional<RmapId> rmap = RmapOf(layout_->gfn(op.gfn.value), op.level.value);
  if (!rmap) return No(OutcomeCode::kNoSlot);
  return Value(UnmapList(*rmap));
}

Outcome Model::State::Do(const ops::SetPte& op) {
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
  const std::span<const Leaf> list = List(*rmap);
  for (const Leaf& leaf : list) {
    Spte& word = Look(leaf.ref)->value.word;
    Track(word);
    word &= ~(kSpteAddress | kSpteWritable | kSpteHostWritable | masks_->accessed);
    word |= pfn << 12;
  }
  if (!list.empty()) ++events_.remote_flushes;
  return Done();
}

Outcome Model::State::Do(const ops::Age& op) {
  const std::optional<RmapId> rmap = RmapOf(layout_->gfn(op.gfn.value), op.level.value);
  if (!rmap) return No(OutcomeCode::kNoSlot);
  if (masks_->accessed == 0) return Value(UnmapList(*rmap));
  bool young = false;
  for (const Leaf& leaf : List(*rmap)) {
    Spte& word = Look(leaf.ref)->value.word;
    young = young || (word & masks_->accessed) != 0;
    word &= ~masks_->accessed;
  }
  return Value(young ? 1 : 0);
}

Outcome Model::State::Do(const ops::Recycle& op) {
  const SpteRef ref{op.page.value, op.index.value};
  if (Live(ref.page) == nullptr) return no_;
  const Slot* leaf = LookForLeaf(ref);
  if (leaf == nullptr) return No(OutcomeCode::kNotPresent);
  const RmapId rmap = leaf->rmap;
  RecycleList(rmap);
  return Done();
}

Outcome Model::State::Do(const ops::RmapCount& op) {
  const std::optional<RmapId> rmap = RmapOf(layout_->gfn(op.gfn.value), op.level.value);
  if (!rmap) return No(OutcomeCode::kNoSlot);
  return Value(List(*rmap).size());
}

// ---- Unsync ----

Outcome Model::State::Do(const ops::Unsync& op) {
  Page* page = Live(op.page.value);
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

Outcome Model::State::Do(const ops::Sync& op) {
  Page* page = Live(op.page.value);
  if (page == nullptr) return no_;
  if (!page->unsync) return No(OutcomeCode::kNotUnsync);
  SyncPage(page);
  return Done();
}

Outcome Model::State::Do(const ops::SyncChildren& op) {
  if (Live(op.page.value) == nullptr) return no_;
  uint64_t synced = 0;
  for (const PageId below : Below(op.page.value)) {
    TouchPage(below);
    Page& page = At(below);
    if (!page.unsync) continue;
    SyncPage(&page);
    ++synced;
  }
  return Value(synced);
}

// ---- Zap ----

Outcome Model::State::Do(const ops::Zap& op) {
  if (Live(op.page.value) == nullptr) return no_;
  return Value(PrepareZap(op.page.value, &zapped_));
}

Outcome Model::State::Do(const ops::Commit&) { return Value(CommitZap(&zapped_)); }

Outcome Model::State::Do(const ops::Shrink& op) {
  PageIds zapped;
  uint64_t sum = 0;
  for (int i = 0; i < op.count.value && !active_.empty(); ++i) {
    sum += PrepareZap(active_.back(), &zapped);
  }
  CommitZap(&zapped);
  return Value(sum);
}

// ---- Misuse ----

Outcome Model::State::End(const Outcome& outcome) {
  ended_ = true;
  touched_.Clear();
  return outcome;
}

Outcome Model::State::Do(const ops::MisuseRemove& op) {
  if (!header_.misuse) return No(OutcomeCode::kMisuseOff);
  const SpteRef ref{op.page.value, op.index.value};
  const Page* page = Live(ref.page);
  if (page == nullptr) return no_;
  const int level = int(page->role.level);
  if (level == kRootLevel) return No(OutcomeCode::kWrongLevel);
  if (!RmapOf(MappedGfn(*page, ref.index, op.gfn), level)) return No(OutcomeCode::kNoSlot);
  if (Busy(ref)) return No(OutcomeCode::kSlotBusy);
  return End(Bug(BugClass::kRmapRemove));
}

Outcome Model::State::Do(const ops::MisuseRemoveParent& op) {
  if (!header_.misuse) return No(OutcomeCode::kMisuseOff);
  const Page* page = Live(op.page.value);
  if (page == nullptr) return no_;
  if (op.parent.none()) {
    // D11: the legacy MMU finds NULL where it looks for NULL.
    return End(page->parents.empty() ? Done() : Bug(BugClass::kRemoveParent));
  }
  const SpteRef parent{op.parent.value, op.index.value};
  if (Live(parent.page) == nullptr) return no_;
  const Slot* slot = Look(parent);
  if (slot != nullptr && slot->link() && slot->value.child == op.page.value) {
    return No(OutcomeCode::kSlotBusy);
  }
  return End(Bug(BugClass::kRemoveParent));
}

Outcome Model::State::Do(const ops::MisuseAddTwice& op) {
  if (!header_.misuse) return No(OutcomeCode::kMisuseOff);
  if (Live(op.page.value) == nullptr) return no_;
  if (LookForLeaf({op.page.value, op.index.value}) == nullptr) return No(OutcomeCode::kNotPresent);
  return End(Done());
}

Outcome Model::State::Do(const ops::MisuseWrongGfn& op) {
  if (!header_.misuse) return No(OutcomeCode::kMisuseOff);
  const SpteRef ref{op.page.value, op.index.value};
  const Page* page = Live(ref.page);
  if (page == nullptr) return no_;
  if (page->role.direct) return No(OutcomeCode::kWrongLevel);
  const auto rmap = RmapOf(MappedGfn(*page, ref.index, op.gfn), int(page->role.level));
  if (!rmap) return No(OutcomeCode::kNoSlot);
  const Slot* leaf = LookForLeaf(ref);
  if (leaf == nullptr) return No(OutcomeCode::kNotPresent);
  if (leaf->rmap == *rmap) return No(OutcomeCode::kSlotBusy);
  return End(Bug(BugClass::kRmapRemove));
}

Outcome Model::State::Do(const ops::MisuseSetGfn& op) {
  if (!header_.misuse) return No(OutcomeCode::kMisuseOff);
  const SpteRef ref{op.page.value, op.index.value};
  const Page* page = Live(ref.page);
  if (page == nullptr) return no_;
  if (!page->role.direct || page->role.level == kRootLevel) return No(OutcomeCode::kWrongLevel);
  const uint64_t gfn = layout_->gfn(op.gfn.value);
  if (!RmapOf(gfn, int(page->role.level))) return No(OutcomeCode::kNoSlot);
  if (Busy(ref)) return No(OutcomeCode::kSlotBusy);
  if (gfn == MappedGfn(*page, ref.index, op.gfn)) return No(OutcomeCode::kNotPresent);
  return End(Bug(BugClass::kSetGfn));
}

// ---- Observing ----

void Model::State::ObservePage(PageId id, const Page& page, PageObservation* out) const {
  out->id = id;
  out->role = page.role;
  out->gfn = page.gfn;
  out->root_count = page.root_count;
  out->zapped = page.zapped;
  out->unsync = page.unsync;
  out->parents = page.parents;
  out->unsync_children.clear();
}

void Model::State::ObserveOutcome(Observation* out) const {
  out->outcome = outcome_;
  out->events = events_;
  out->stats = stats_;
  out->slots.clear();
  out->write_counts.clear();
  out->active.clear();
}

void Model::State::ObserveTouched(const Touched& touched, Observation* out) const {
  ObserveOutcome(out);
  // Resized and not cleared, so that the vectors inside keep their memory from one operation to
  // the next.
  out->rmaps.resize(touched.rmaps.size());
  for (size_t i = 0; i < touched.rmaps.size(); ++i) {
    RmapObservation& rmap = out->rmaps[i];
    rmap.id = touched.rmaps[i];
    rmap.entries.clear();
    for (const Leaf& leaf : List(rmap.id)) rmap.entries.push_back(leaf.ref);
  }
  size_t pages = 0;
  out->pages.resize(touched.pages.size());
  for (const PageId id : touched.pages) {
    if (At(id).exists) ObservePage(id, At(id), &out->pages[pages++]);
  }
  out->pages.resize(pages);
  for (const SpteRef& ref : touched.slots) {
    const Page& page = At(ref.page);
    if (!page.exists) continue;
    const Slot* slot = page.slots.Find(ref.index);
    out->slots.push_back({ref, slot == nullptr ? SlotValue{} : slot->value});
  }
}

void Model::State::ObserveAll(Observation* out) const {
  ObserveOutcome(out);
  out->rmaps.clear();
  for (const Leaf& leaf : leaves_) {
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
    const Page& page = pages_[id];
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

// ---- The model ----

Model::Model(const Header& header) { state_->Reset(header); }
Model::~Model() = default;

Outcome Model::Apply(const Op& op) { return state_->Apply(op); }
const Touched& Model::touched() const { return state_->touched(); }
bool Model::ended() const { return state_->ended(); }

void Model::ObserveTouched(const Touched& touched, Observation* out) const {
  state_->ObserveTouched(touched, out);
}
void Model::ObserveAll(Observation* out) const { state_->ObserveAll(out); }

}  // namespace rmapdiff
