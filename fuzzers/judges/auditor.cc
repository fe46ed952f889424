// One pass reads every present word into `leaves_` and `links_`, as the lists that should exist;
// the checks then compare those with what the MMU lists. All of it is sorted vectors, so a sound
// state costs a scan of the words and a few sorts; strings are made for a violation only.

#include "fuzzers/judges/auditor.h"

#include <fmt/format.h>

#include <algorithm>
#include <compare>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "fuzzers/judges/mmu_auditor.h"
#include "fuzzers/program/guest_layout.h"
#include "fuzzers/state/reused.h"
#include "mmu/base/spte.h"
#include "mmu/base/types.h"

namespace rmapdiff {
namespace {

using MaybeDifference = std::optional<Difference>;

constexpr int kMaxGeneration = 255;

// `ref` is on, or belongs on, the list that `list` names.
template <typename Id>
struct Entry {
  Id list;
  SpteRef ref;

  friend auto operator<=>(const Entry&, const Entry&) = default;
};

bool IdIsLess(const WriteCount& count, const RmapId& id) { return count.id < id; }

// Of a page graph: every host frame of a gfn is a whole number of moves from the first; one below
// it is, wrapped around, too many.
bool IsFrameOf(uint64_t gfn, Pfn pfn) {
  const Pfn first = HostPfn(Gfn(gfn), 0);
  const Pfn move = HostPfn(Gfn(gfn), 1) - first;
  return (pfn - first) % move == 0 && (pfn - first) / move <= kMaxGeneration;
}

// The sorted `entries`, list by list.
Rows<RmapObservation> ListsOf(const std::vector<Entry<RmapId>>& entries) {
  Rows<RmapObservation> rmaps;
  for (const Entry<RmapId>& entry : entries) {
    if (rmaps.empty() || rmaps.back().id != entry.list) rmaps.push_back({entry.list, {}});
    rmaps.back().entries.push_back(entry.ref);
  }
  return rmaps;
}

// The pages of `state` with these sorted `links` to them, and nothing else.
Rows<PageObservation> ParentsIn(const RawState& state, const std::vector<Entry<PageId>>& links) {
  Rows<PageObservation> pages;
  auto link = links.begin();
  for (const RawPage& page : state.pages) {
    pages.push_back({});
    pages.back().id = page.id;
    for (; link != links.end() && link->list == page.id; ++link) {
      pages.back().parents.push_back(link->ref);
    }
  }
  return pages;
}

// The collections of an audit. Reused: most audits are of small states, and allocating the vectors
// would be most of their cost.
struct Collected {
  std::vector<std::pair<uint64_t, const RawPage*>> by_address;
  std::vector<Entry<RmapId>> leaves;
  std::vector<Entry<PageId>> links;
  std::vector<SpteRef> in_zapped;  // present words of zapped pages
  std::vector<Entry<RmapId>> listed_leaves;
  std::vector<Entry<PageId>> listed_links;
  std::vector<WriteCount> write_counts;
  std::vector<PageId> not_zapped;
  std::vector<PageId> active;
  std::vector<RawSlot> slots;

  void Clear() {
    slots.clear();
    by_address.clear();
    leaves.clear();
    links.clear();
    in_zapped.clear();
    listed_leaves.clear();
    listed_links.clear();
    write_counts.clear();
    not_zapped.clear();
    active.clear();
  }
};

class Auditor {
 public:
  explicit Auditor(const RawState& state)
      : state_(state), layout_(state.header.layout()), masks_(state.header.spte_masks()) {
    collected_->Clear();
    CollectSlots();
  }

  MaybeDifference Run();

 private:
  MaybeDifference ReadWords();
  MaybeDifference ReadLeaf(const RawPage& page, uint32_t index);
  MaybeDifference ReadLink(const RawPage& page, uint32_t index);

  MaybeDifference CheckRmaps();        // 1
  MaybeDifference CheckParents();      // 2
  MaybeDifference CheckCounts();       // 3
  MaybeDifference CheckUnsync();       // 4
  MaybeDifference CheckUnsyncBits();   // 4
  MaybeDifference CheckWriteCounts();  // 5
  MaybeDifference CheckZapped();       // 6
  MaybeDifference CheckActive();       // 6
  MaybeDifference CheckSlotBits();     // 7

  const RawPage* PageOf(PageId id) const;
  const RawPage* PageAt(uint64_t spt_address) const;
  uint64_t Frames(uint32_t level) const {
    return uint64_t{1} << (layout_.level_bits * (level - 1));
  }
  uint64_t GfnOf(const RawPage& page, uint32_t index) const;
  void CollectSlots();
  std::optional<RmapId> RmapOf(uint64_t gfn, uint32_t level) const;
  void DeriveWriteCounts(std::vector<WriteCount>* counts) const;
  std::string NameOf(const RmapId& id) const { return ToString(id, layout_); }
  // Compare, of two states that have this field alone.
  template <typename Field>
  MaybeDifference Differ(Field Observation::* field, Field derived, Field listed) const {
    Observation expected;
    Observation actual;
    expected.*field = std::move(derived);
    actual.*field = std::move(listed);
    return Compare(expected, actual, Comparison::kModel, layout_);
  }

  const RawState& state_;
  const GuestLayout& layout_;
  const SpteMasks& masks_;
  Reused<Collected> collected_;
  std::vector<std::pair<uint64_t, const RawPage*>>& by_address_ = collected_->by_address;
  std::vector<Entry<RmapId>>& leaves_ = collected_->leaves;
  std::vector<Entry<PageId>>& links_ = collected_->links;
  std::vector<SpteRef>& in_zapped_ = collected_->in_zapped;
  std::vector<RawSlot>& slots_ = collected_->slots;
};

MaybeDifference Auditor::Run() {
  using Check = MaybeDifference (Auditor::*)();
  static constexpr Check kChecks[] = {&Auditor::ReadWords,        &Auditor::CheckRmaps,
                                      &Auditor::CheckParents,     &Auditor::CheckCounts,
                                      &Auditor::CheckUnsync,      &Auditor::CheckUnsyncBits,
                                      &Auditor::CheckWriteCounts, &Auditor::CheckZapped,
                                      &Auditor::CheckActive,      &Auditor::CheckSlotBits};
  for (const Check check : kChecks) {
    MaybeDifference difference = (this->*check)();
    if (difference) return difference;
  }
  if (MaybeDifference difference; state_.header.whole_mmu()) {
    difference = AuditMmu(state_);
    if (difference) return difference;
  }
  return state_.complaint;
}

// ---- What the words say ----

MaybeDifference Auditor::ReadWords() {
  for (const RawPage& page : state_.pages) by_address_.emplace_back(page.spt_address, &page);
  std::sort(by_address_.begin(), by_address_.end());
  for (const RawPage& page : state_.pages) {
    const uint32_t size = layout_.sptes_per_page();
    for (uint32_t index = NextWord(page.spt, 0, size, masks_.trap); index < size;
         index = NextWord(page.spt, index + 1, size, masks_.trap)) {
      const Spte word = page.spt[index];
      if (word == masks_.notrap) continue;
      if (page.zapped) in_zapped_.push_back({page.id, index});
      const bool leaf = page.role.level == kPageTableLevel || (word & kSpteHuge) != 0;
      MaybeDifference difference = leaf ? ReadLeaf(page, index) : ReadLink(page, index);
      if (difference) return difference;
    }
  }
  std::sort(leaves_.begin(), leaves_.end());
  std::sort(links_.begin(), links_.end());
  return std::nullopt;
}

MaybeDifference Auditor::ReadLeaf(const RawPage& page, uint32_t index) {
  const SpteRef ref{page.id, index};
  const Spte word = page.spt[index];
  const auto wrong = [&](std::string expected, std::string detail) {
    const std::string actual = ToString(SlotValue{SlotValue::Kind::kLeaf, word, 0});
    return Difference{Finding::kSlot, ToString(ref), std::move(expected), actual,
                      std::move(detail)};
  };
  const uint32_t level = page.role.level;
  if (level > uint32_t{kRmapLevels})
    return wrong("no leaf", fmt::format("a leaf at level {}", level));
  const uint64_t gfn = GfnOf(page, index);
  const std::optional<RmapId> rmap = RmapOf(gfn, level);
  if (!rmap) return wrong("no leaf", fmt::format("gfn {:#x} has no memslot", gfn));
  if (!state_.header.whole_mmu() && !IsFrameOf(gfn, PfnOf(word))) {
    return wrong(fmt::format("leaf of gfn {:#x} (pfn {:#x}, or moved)", gfn, HostPfn(Gfn(gfn), 0)),
                 fmt::format("gfn {:#x} never had pfn {:#x}", gfn, PfnOf(word)));
  }
  leaves_.push_back({*rmap, ref});
  return std::nullopt;
}

MaybeDifference Auditor::ReadLink(const RawPage& page, uint32_t index) {
  const SpteRef ref{page.id, index};
  const uint64_t address = page.spt[index] & kSpteAddress;
  const auto wrong = [&](Finding finding, std::string detail) {
    return Difference{finding, ToString(ref),
                      fmt::format("link to a page of level {}", page.role.level - 1),
                      fmt::format("{:#x}", page.spt[index]), std::move(detail)};
  };
  const RawPage* child = PageAt(address);
  if (child == nullptr) return wrong(Finding::kDangling, fmt::format("no page at {:#x}", address));
  if (child->zapped) return wrong(Finding::kDangling, fmt::format("page {} is zapped", child->id));
  if (child->role.level + 1 != page.role.level) {
    return wrong(Finding::kSlot,
                 fmt::format("page {} is of level {}", child->id, child->role.level));
  }
  links_.push_back({child->id, ref});
  return std::nullopt;
}

const RawPage* Auditor::PageOf(PageId id) const {
  const auto page = std::lower_bound(state_.pages.begin(), state_.pages.end(), id,
                                     [](const RawPage& p, PageId i) { return p.id < i; });
  return page != state_.pages.end() && page->id == id ? &*page : nullptr;
}

const RawPage* Auditor::PageAt(uint64_t spt_address) const {
  const auto found =
      std::lower_bound(by_address_.begin(), by_address_.end(), spt_address,
                       [](const auto& entry, uint64_t address) { return entry.first < address; });
  return found != by_address_.end() && found->first == spt_address ? found->second : nullptr;
}

uint64_t Auditor::GfnOf(const RawPage& page, uint32_t index) const {
  if (page.gfns != nullptr) return page.gfns[index];
  return page.gfn + index * Frames(page.role.level);
}

// The memslots of a page graph never change, so the layout is the better witness.
void Auditor::CollectSlots() {
  if (state_.header.whole_mmu()) {
    slots_ = state_.slots;
    return;
  }
  for (uint32_t id = 0; id < GuestLayout::kSlots; ++id) {
    const SlotLayout& slot = layout_.slots[id];
    slots_.push_back({id, slot.base_gfn, slot.npages, slot.base_gfn, nullptr});
  }
}

std::optional<RmapId> Auditor::RmapOf(uint64_t gfn, uint32_t level) const {
  for (const RawSlot& slot : slots_) {
    if (gfn < slot.base_gfn || gfn - slot.base_gfn >= slot.npages) continue;
    const uint32_t shift = layout_.level_bits * (level - 1);
    return RmapId{slot.id, level, uint32_t((gfn >> shift) - (uint64_t{slot.base_gfn} >> shift))};
  }
  return std::nullopt;
}

// ---- The checks ----

MaybeDifference Auditor::CheckRmaps() {
  std::vector<Entry<RmapId>>& listed = collected_->listed_leaves;
  for (const RawRmap& rmap : state_.rmaps) {
    for (const SpteRef& ref : rmap.entries) listed.push_back({rmap.id, ref});
  }
  std::sort(listed.begin(), listed.end());
  if (listed == leaves_) return std::nullopt;
  return Differ(&Observation::rmaps, ListsOf(leaves_), ListsOf(listed));
}

MaybeDifference Auditor::CheckParents() {
  std::vector<Entry<PageId>>& listed = collected_->listed_links;
  for (const RawPage& page : state_.pages) {
    for (const SpteRef& parent : page.parents) listed.push_back({page.id, parent});
  }
  std::sort(listed.begin(), listed.end());
  if (listed == links_) return std::nullopt;
  return Differ(&Observation::pages, ParentsIn(state_, links_), ParentsIn(state_, listed));
}

MaybeDifference Auditor::CheckCounts() {
  for (const RawRmap& rmap : state_.rmaps) {
    if (rmap.count == rmap.entries.size()) continue;
    return Difference{Finding::kOutcome, "count of " + NameOf(rmap.id),
                      fmt::format("{}", rmap.entries.size()), fmt::format("{}", rmap.count),
                      "the MMU's own count is not the length of the list"};
  }
  return std::nullopt;
}

MaybeDifference Auditor::CheckUnsync() {
  for (const RawPage& page : state_.pages) {
    if (page.unsync && (page.role.direct != 0 || page.role.level != kPageTableLevel)) {
      return Difference{Finding::kUnsync, fmt::format("unsync of page {}", page.id), "no", "yes",
                        "only indirect pages of level 1 go out of sync"};
    }
    const size_t bits = page.unsync_bits.size();
    if (page.unsync_children != bits) {
      return Difference{Finding::kUnsync, fmt::format("unsync_children of page {}", page.id),
                        fmt::format("{}", bits), fmt::format("{}", page.unsync_children),
                        fmt::format("{} bits are set", bits)};
    }
  }
  return std::nullopt;
}

MaybeDifference Auditor::CheckUnsyncBits() {
  for (const Entry<PageId>& link : links_) {
    const RawPage& child = *PageOf(link.list);
    if (!child.unsync && child.unsync_children == 0) continue;
    const std::vector<uint16_t>& bits = PageOf(link.ref.page)->unsync_bits;
    if (std::binary_search(bits.begin(), bits.end(), link.ref.index)) continue;
    return Difference{
        Finding::kUnsync, fmt::format("unsync bit of {}", ToString(link.ref)), "set", "clear",
        fmt::format("page {} {}", child.id, child.unsync ? "is unsync" : "has unsync children")};
  }
  return std::nullopt;
}

// Sorted by id.
void Auditor::DeriveWriteCounts(std::vector<WriteCount>* counts) const {
  for (const RawSlot& slot : slots_) {
    const uint64_t first = slot.base_gfn;
    const uint64_t end = first + slot.npages;
    for (uint32_t level = kDirectoryLevel; level <= uint32_t{kRmapLevels}; ++level) {
      const uint64_t frames = Frames(level);
      const bool skewed = (slot.base_gfn ^ slot.user_gfn) % frames != 0;
      uint32_t index = 0;
      // One for each large page that has a part in the slot. One that also has a part outside, or
      // that the host has in two halves, may not be mapped as a whole: it starts with a count.
      for (uint64_t begin = first - first % frames; begin < end; begin += frames) {
        const bool partly_outside = begin < first || begin + frames > end;
        counts->push_back({{slot.id, level, index++}, partly_outside || skewed ? 1 : 0});
      }
    }
  }
  for (const RawPage& page : state_.pages) {
    if (page.role.direct != 0 || page.role.invalid != 0) continue;
    for (uint32_t level = kDirectoryLevel; level <= uint32_t{kRmapLevels}; ++level) {
      const std::optional<RmapId> id = RmapOf(page.gfn, level);
      if (!id) continue;
      std::lower_bound(counts->begin(), counts->end(), *id, IdIsLess)->count += 1;
    }
  }
}

MaybeDifference Auditor::CheckWriteCounts() {
  std::vector<WriteCount>& derived = collected_->write_counts;
  DeriveWriteCounts(&derived);
  if (derived == state_.write_counts) return std::nullopt;
  std::vector<WriteCount> stored = state_.write_counts;
  std::sort(stored.begin(), stored.end(),
            [](const WriteCount& a, const WriteCount& b) { return a.id < b.id; });
  return Differ(&Observation::write_counts, derived, std::move(stored));
}

MaybeDifference Auditor::CheckZapped() {
  if (!in_zapped_.empty()) {
    const SpteRef& ref = in_zapped_.front();
    return Difference{Finding::kPage, fmt::format("page {}", ref.page), "empty, because zapped",
                      fmt::format("{:#x} in {}", PageOf(ref.page)->spt[ref.index], ToString(ref)),
                      "a zapped page maps something"};
  }
  for (const RawPage& page : state_.pages) {
    const auto wrong = [&](std::string expected, std::string actual, std::string detail) {
      return Difference{Finding::kPage, fmt::format("page {}", page.id), std::move(expected),
                        std::move(actual), std::move(detail)};
    };
    const bool invalid = page.role.invalid != 0;
    if (page.zapped && !invalid) return wrong("invalid", "valid", "a zapped page is invalid");
    if (page.zapped && page.root_count != 0) {
      return wrong("root_count 0", fmt::format("root_count {}", page.root_count),
                   "a zapped page is not pinned");
    }
    if (!page.zapped && invalid && page.root_count == 0) {
      return wrong("zapped or pinned", "neither", "an invalid page that is not zapped is pinned");
    }
  }
  return std::nullopt;
}

MaybeDifference Auditor::CheckActive() {
  std::vector<PageId>& expected = collected_->not_zapped;
  for (const RawPage& page : state_.pages) {
    if (!page.zapped) expected.push_back(page.id);
  }
  std::vector<PageId>& actual = collected_->active;
  actual = state_.active;
  std::sort(actual.begin(), actual.end());
  if (expected == actual) return std::nullopt;
  return Difference{Finding::kActiveList, "active list, sorted",
                    fmt::format("{{ {} }}", fmt::join(expected, ", ")),
                    fmt::format("{{ {} }}", fmt::join(actual, ", ")),
                    "each page that is not zapped is on it once"};
}

MaybeDifference Auditor::CheckSlotBits() {
  for (const Entry<RmapId>& leaf : leaves_) {
    const RawPage& page = *PageOf(leaf.ref.page);
    if ((page.slot_bitmap >> leaf.list.slot & 1) != 0) continue;
    return Difference{Finding::kPage, fmt::format("slot_bitmap of page {}", page.id),
                      fmt::format("bit {} set", leaf.list.slot),
                      fmt::format("{:#x}", page.slot_bitmap),
                      fmt::format("{} is on {}", ToString(leaf.ref), NameOf(leaf.list))};
  }
  return std::nullopt;
}

}  // namespace

std::optional<Difference> Audit(const RawState& state) { return Auditor(state).Run(); }

}  // namespace rmapdiff
