// GraphReader<R>: what a page graph holds, read as values through the reverse map's own iteration.
//
// Used by both kinds of voice. Everything here is plain reading: nothing is interpreted, and a list
// that cannot be walked throws its BugError.
#ifndef RMAPDIFF_FUZZERS_VOICES_GRAPH_READER_H_
#define RMAPDIFF_FUZZERS_VOICES_GRAPH_READER_H_

#include <algorithm>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "fuzzers/state/observation.h"
#include "fuzzers/state/raw_state.h"
#include "mmu/graph/page_graph.h"

namespace rmapdiff {

// The observer is a judge. As with the others (JUDGE_COPTS in BUILD), UBSan does not watch it and
// libFuzzer does not count it. They do so with the functions of the MMU that it calls.
#if defined(__clang__)
#pragma clang attribute push(__attribute__((no_sanitize("coverage", "undefined"))), \
                             apply_to = function)
#endif

// Most lists have one entry.
inline void Sort(std::vector<SpteRef>* refs) {
  if (refs->size() > 1) std::sort(refs->begin(), refs->end());
}

template <ReverseMap R>
class GraphReader {
 public:
  using Graph = PageGraph<R>;
  using Page = typename Graph::Page;
  using Head = typename Graph::Head;

  // `max_entries`: more than this on one list is a cycle. The bound is best tight, since the legacy
  // iteration costs the square of the length.
  GraphReader(const Graph& graph, const GuestLayout& layout, int max_entries)
      : graph_(graph), layout_(layout), max_entries_(max_entries) {}

  static int LevelOf(const Page& page) { return static_cast<int>(page.role.level); }
  static SpteRef RefOf(const Spte* sptep) {
    const ShadowPage* page = PageHeader(sptep);
    return {page->id, IndexOf(*page, sptep)};
  }
  // A zapped page is invalid and not pinned; a pinned invalid root is still in use.
  static bool IsZapped(const ShadowPage& page) { return page.role.invalid && page.root_count == 0; }

  // In the order of the reverse map's own iteration.
  void ListEntries(const Head& head, std::vector<SpteRef>* entries) const {
    entries->clear();
    WalkBound bound(max_entries_);
    for (Spte* sptep = graph_.RmapNext(head, nullptr); sptep != nullptr;
         sptep = graph_.RmapNext(head, sptep)) {
      bound.Step();
      entries->push_back(RefOf(sptep));
    }
  }
  SlotValue SlotAt(const Page& page, uint32_t index) const;
  // Vectors are filled in place: they keep their memory from one operation to the next.
  void ObservePage(const Page& page, PageObservation* seen) const;
  // Events and stats, and nothing of the rest.
  void ObserveCommon(Outcome outcome, Observation* out) const;

  // Pages, sorted by id, and everything of the graph. `raw`'s header and the rest is the caller's.
  template <typename Pages>
  void Read(const Pages& pages, RawState* raw) const;
  // ... and as a complete observation. `raw` is of the same moment.
  template <typename Pages>
  void Observe(const Pages& pages, const RawState& raw, Observation* out) const;

  // How the lists are stored, if the reverse map keeps them in objects.
  template <typename Pages>
  ListShapes Shapes(const Pages& pages) const;

  // All that is left where nothing should be: "2 descriptors, rmap(gfn 0x3, level 1) not empty".
  std::string Leaks() const;

 private:
  void ListUnsyncBits(const Page& page, std::vector<uint16_t>* bits) const {
    for (uint16_t i = 0; i < Graph::kEntries; ++i) {
      if (page.unsync_child_bitmap[i]) bits->push_back(i);
    }
  }
  void ReadPage(const Page& page, RawPage* raw) const;
  void ReadRmaps(const typename Graph::Slots::Slot& slot, RawState* raw) const;
  template <typename Id>
  void Complain(const Id& list, std::string words, RawState* raw) const;

  const Graph& graph_;
  const GuestLayout& layout_;
  const int max_entries_;
};

template <ReverseMap R>
SlotValue GraphReader<R>::SlotAt(const Page& page, uint32_t index) const {
  const Spte spte = page.spt[index];
  if (spte == graph_.masks().trap) return {};
  if (spte == graph_.masks().notrap) return {.kind = SlotValue::Kind::kNotrap};
  if (IsLeaf(spte, LevelOf(page))) return {.kind = SlotValue::Kind::kLeaf, .word = spte};
  return {.kind = SlotValue::Kind::kLink, .word = spte & ~kSpteAddress, .child = ChildOf(spte)->id};
}

template <ReverseMap R>
void GraphReader<R>::ObservePage(const Page& page, PageObservation* seen) const {
  seen->id = page.id;
  seen->role = page.role;
  seen->gfn = page.gfn;
  seen->root_count = static_cast<uint32_t>(page.root_count);
  seen->zapped = IsZapped(page);
  seen->unsync = page.unsync;
  seen->parents.clear();
  graph_.ForEachParent(page, [&](const Spte* sptep) { seen->parents.push_back(RefOf(sptep)); });
  Sort(&seen->parents);
  seen->unsync_children.clear();
  if (page.unsync_children != 0) ListUnsyncBits(page, &seen->unsync_children);
}

inline void SortUnique(const std::vector<Pfn>& from, std::vector<Pfn>* to) {
  to->clear();
  if (from.empty()) return;  // nearly always
  *to = from;
  std::sort(to->begin(), to->end());
  to->erase(std::unique(to->begin(), to->end()), to->end());
}

template <ReverseMap R>
void GraphReader<R>::ObserveCommon(Outcome outcome, Observation* out) const {
  out->outcome = outcome;
  const HostEvents& events = graph_.events();
  SortUnique(events.dirtied, &out->events.dirtied);
  SortUnique(events.accessed, &out->events.accessed);
  out->events.remote_flushes = events.remote_flushes;
  const GraphStats& stats = graph_.stats();
  out->stats = {.cache_miss = stats.cache_miss,
                .zapped = stats.zapped,
                .recycled = stats.recycled,
                .reloads = stats.reloads,
                .unsync = stats.unsync,
                .lpages = stats.lpages,
                .live_pages = static_cast<uint32_t>(graph_.pages())};
  out->slots.clear();
  out->write_counts.clear();
  out->active.clear();
}

template <ReverseMap R>
void GraphReader<R>::ReadPage(const Page& page, RawPage* raw) const {
  raw->id = page.id;
  raw->role = page.role;
  raw->gfn = page.gfn;
  raw->spt_address = LinkAddress(page);
  raw->spt = page.spt;
  raw->gfns = page.gfns;
  raw->slot_bitmap = page.slot_bitmap;
  raw->root_count = static_cast<uint32_t>(page.root_count);
  raw->zapped = IsZapped(page);
  raw->unsync = page.unsync;
  raw->unsync_children = page.unsync_children;
  raw->unsync_bits.clear();
  if (page.unsync_child_bitmap.any()) ListUnsyncBits(page, &raw->unsync_bits);
  raw->parents.clear();
  graph_.ForEachParent(page, [&](const Spte* sptep) { raw->parents.push_back(RefOf(sptep)); });
}

template <ReverseMap R>
void GraphReader<R>::ReadRmaps(const typename Graph::Slots::Slot& slot, RawState* raw) const {
  slot.ForEachRmap([&](int level, uint32_t index, const Head& head) {
    const RmapId id{slot.id(), static_cast<uint32_t>(level), index};
    if (level > kPageTableLevel) {
      raw->write_counts.push_back({id, slot.write_count(index, level)});
    }
    if (graph_.RmapNext(head, nullptr) == nullptr) return;
    raw->rmaps.resize(raw->rmaps.size() + 1);
    RawRmap& rmap = raw->rmaps.back();
    rmap.id = id;
    rmap.count = static_cast<uint32_t>(graph_.map().Count(head));
    ListEntries(head, &rmap.entries);
    if constexpr (HasAudits<R>) Complain(id, graph_.map().AuditRmap(head), raw);
  });
}

// Keeps the first complaint of the map's own audit.
template <ReverseMap R>
template <typename Id>
void GraphReader<R>::Complain(const Id& list, std::string words, RawState* raw) const {
  if (words.empty() || raw->complaint) return;
  std::string name;
  if constexpr (std::is_same_v<Id, RmapId>) {
    name = ToString(list, layout_);
  } else {
    name = fmt::format("parents of page {}", list);
  }
  raw->complaint = Difference{Finding::kMapAudit, name, "the map's own invariants",
                              std::move(words), "the map's own audit complains"};
}

template <ReverseMap R>
template <typename Pages>
void GraphReader<R>::Read(const Pages& pages, RawState* raw) const {
  raw->complaint.reset();
  raw->pages.clear();
  for (const Page* page : pages) {
    if (page == nullptr) continue;
    raw->pages.resize(raw->pages.size() + 1);
    ReadPage(*page, &raw->pages.back());
    if constexpr (HasAudits<R>) Complain(page->id, graph_.map().AuditParents(*page), raw);
  }
  raw->rmaps.clear();
  raw->write_counts.clear();
  raw->slots.clear();
  for (const auto& slot : graph_.slots().all()) {
    if (slot.empty()) continue;
    raw->slots.push_back({slot.id(), slot.base_gfn(), slot.npages(), slot.user_gfn(),
                          slot.logged() ? &slot.dirty_bitmap() : nullptr});
    ReadRmaps(slot, raw);
  }
  raw->active.clear();
  for (const ShadowPage* page : graph_.active_pages()) raw->active.push_back(page->id);
}

template <ReverseMap R>
template <typename Pages>
void GraphReader<R>::Observe(const Pages& pages, const RawState& raw, Observation* out) const {
  out->rmaps.resize(raw.rmaps.size());
  for (size_t i = 0; i < raw.rmaps.size(); ++i) {
    RmapObservation& rmap = out->rmaps[i];
    rmap.id = raw.rmaps[i].id;
    rmap.entries = raw.rmaps[i].entries;
    Sort(&rmap.entries);
  }
  out->write_counts = raw.write_counts;
  out->active = raw.active;
  out->pages.resize(raw.pages.size());
  size_t seen = 0;
  const Spte trap = graph_.masks().trap;
  for (const Page* page : pages) {
    if (page == nullptr) continue;
    ObservePage(*page, &out->pages[seen++]);
    for (uint32_t i = NextWord(page->spt, 0, Graph::kEntries, trap); i < Graph::kEntries;
         i = NextWord(page->spt, i + 1, Graph::kEntries, trap)) {
      out->slots.push_back({{page->id, i}, SlotAt(*page, i)});
    }
  }
}

template <ReverseMap R>
template <typename Pages>
ListShapes GraphReader<R>::Shapes(const Pages& pages) const {
  ListShapes shapes;
  if constexpr (requires(const R& map) { map.has_objects(); }) {
    const R& map = graph_.map();
    if (!map.has_objects()) return shapes;
    shapes.rmap_capacity = static_cast<uint32_t>(map.rmap_block());
    shapes.parent_capacity = static_cast<uint32_t>(map.parent_block());
    for (const auto& slot : graph_.slots().all()) {
      if (slot.empty()) continue;
      slot.ForEachRmap([&](int level, uint32_t index, const Head& head) {
        const RmapId id{slot.id(), static_cast<uint32_t>(level), index};
        std::vector<uint32_t> sizes = map.DescriptorSizes(head);
        if (!sizes.empty()) shapes.rmaps.emplace_back(id, std::move(sizes));
      });
    }
    for (const Page* page : pages) {
      if (page == nullptr) continue;
      std::vector<uint32_t> sizes = map.ChainSizes(*page);
      if (!sizes.empty()) shapes.parents.emplace_back(page->id, std::move(sizes));
    }
  }
  return shapes;
}

#if defined(__clang__)
#pragma clang attribute pop
#endif

template <ReverseMap R>
std::string GraphReader<R>::Leaks() const {
  std::string leaks;
  const auto say = [&](const std::string& what) { leaks += (leaks.empty() ? "" : ", ") + what; };
  graph_.ForEachPool([&](const Pool& pool) {
    if (pool.live() != 0) say(fmt::format("{} {}", pool.live(), pool.name()));
  });
  for (const auto& slot : graph_.slots().all()) {
    slot.ForEachRmap([&](int level, uint32_t index, const Head& head) {
      if (graph_.RmapNext(head, nullptr) == nullptr) return;
      const RmapId id{slot.id(), static_cast<uint32_t>(level), index};
      say(ToString(id, layout_) + " not empty");
    });
  }
  return leaks;
}

}  // namespace rmapdiff

#endif  // RMAPDIFF_FUZZERS_VOICES_GRAPH_READER_H_
