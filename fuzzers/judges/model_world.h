// The small world of the model: pages, leaves, links and counters, and the few ways to change them.
//
// A reverse map is by definition the set of leaf slots that map its frame. The parents of a page
// are the set of link slots that point at it. Sets and maps are sorted vectors: they hold a handful
// of entries. When they are emptied for the next program, they keep their memory.
//
// Each function that looks at or changes something names it in `touched_`. Not covered: guards and
// effects of the operations (model.cc).
#ifndef RMAPDIFF_FUZZERS_JUDGES_MODEL_WORLD_H_
#define RMAPDIFF_FUZZERS_JUDGES_MODEL_WORLD_H_

#include <algorithm>
#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "fuzzers/program/guest_layout.h"
#include "fuzzers/program/program.h"
#include "fuzzers/state/observation.h"
#include "mmu/base/spte.h"
#include "mmu/base/types.h"

namespace rmapdiff {

// Of a sorted vector.
template <typename T>
void Insert(const T& value, std::vector<T>* set) {
  set->insert(std::lower_bound(set->begin(), set->end(), value), value);
}

// REQUIRES: the set has the value.
template <typename T>
void Erase(const T& value, std::vector<T>* set) {
  set->erase(std::lower_bound(set->begin(), set->end(), value));
}

// The pointers and references that it returns are good until the next [] or Erase.
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

// ModelPage ids in the order in which they were added, each once.
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
struct ModelSlot {
  SlotValue value;
  RmapId rmap;  // leaf: the reverse map that it is on

  bool leaf() const { return value.kind == SlotValue::Kind::kLeaf; }
  bool link() const { return value.kind == SlotValue::Kind::kLink; }
  bool busy() const { return leaf() || link(); }
};

struct ModelPage {
  bool exists = false;
  Role role;
  Gfn gfn = 0;
  uint32_t root_count = 0;
  bool zapped = false;
  bool unsync = false;
  SortedMap<uint32_t, ModelSlot> slots;  // by index; all but trap
  std::vector<SpteRef> parents;          // sorted: the links that point here

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
struct ModelLeaf {
  RmapId rmap;
  SpteRef ref;

  friend auto operator<=>(const ModelLeaf&, const ModelLeaf&) = default;
};

class ModelWorld {
 public:
  // Begins anew, with the memory of the program before.
  void Reset(const Header& header);

  void ObserveTouched(const Touched& touched, Observation* out) const;
  void ObserveAll(Observation* out) const;

  const Touched& touched() const { return touched_; }
  bool ended() const { return ended_; }

 protected:
  // ---- Naming and looking; each names in `touched_` what it looks at ----

  void TouchPage(PageId id);
  void TouchAncestors(PageId id);  // the pages above `id`, not itself

  // P(x) of ops.h: the live page, or null and in `no_` why not.
  ModelPage* Live(PageId id);
  // Where the page is, if it exists.
  ModelPage& At(PageId id) { return pages_.at(id); }
  const ModelPage& At(PageId id) const { return pages_.at(id); }
  // The slot, or null if it is trap. REQUIRES: the page exists.
  ModelSlot* Look(SpteRef ref);
  ModelSlot* LookForLeaf(SpteRef ref);
  bool Busy(SpteRef ref);
  // The reverse map that `gfn` has at `level`, if a memslot covers it.
  std::optional<RmapId> RmapOf(uint64_t gfn, int level);

  uint64_t Frames(int level) const { return uint64_t{1} << (layout_->level_bits * (level - 1)); }
  // The gfn that `map` maps by page[index].
  uint64_t MappedGfn(const ModelPage& page, uint32_t index, GfnArg gfn) const;
  // The leaves on `id`, until a leaf comes or goes.
  std::span<const ModelLeaf> List(const RmapId& id) const;
  // The pages that links lead to from `id`, each once, as a walk by ascending index meets them.
  PageIds Below(PageId id) const;
  void AddBelow(PageId id, PageIds* pages) const;
  void AddAbove(PageId id, PageIds* pages) const;

  // ---- Changing ----

  void SetLink(SpteRef parent, PageId child);
  void RemoveLink(SpteRef parent);
  uint64_t RemoveParents(PageId id);
  uint64_t EmptyPage(PageId id);
  // Dirties and accesses the frame of a present word that leaves its slot (set_spte_track_bits).
  void Track(Spte old);
  void DropLeaf(SpteRef ref);
  uint64_t UnmapList(const RmapId& id);
  void RecycleList(const RmapId& id);
  void SyncPage(ModelPage* page);
  void Account(Gfn gfn, int delta);
  uint64_t PrepareZap(PageId id, PageIds* zapped);
  uint64_t CommitZap(PageIds* zapped);

  // ---- Observing ----

  void ObservePage(PageId id, const ModelPage& page, PageObservation* out) const;
  void ObserveOutcome(Observation* out) const;

  Header header_;
  const GuestLayout* layout_ = nullptr;
  const SpteMasks* masks_ = nullptr;

  std::array<ModelPage, PageArg::kCount> pages_;  // by id
  std::vector<PageId> active_;                    // head first
  PageIds zapped_;                                // the program's list
  std::vector<ModelLeaf> leaves_;                 // sorted: all lists of all reverse maps
  SortedMap<RmapId, uint32_t> generations_;       // of host frames; absent: 0
  SortedMap<RmapId, int32_t> write_counts_;       // all that the memslots have
  Stats stats_;
  bool ended_ = false;

  // Of the last operation.
  Outcome outcome_;
  Outcome no_;  // why a page was not live
  Events events_;
  Touched touched_;

 private:
  void InitWriteCounts();
};

}  // namespace rmapdiff

#endif  // RMAPDIFF_FUZZERS_JUDGES_MODEL_WORLD_H_
