// GraphVoice: what can be seen of the MMU, and its end. Included by graph_voice.h, not on its own.
#ifndef RMAPDIFF_FUZZERS_GRAPH_VOICE_OBSERVE_H_
#define RMAPDIFF_FUZZERS_GRAPH_VOICE_OBSERVE_H_

#include "fuzzers/graph_voice.h"

namespace rmapdiff {

// Who observes is a judge and, like the others (JUDGE_COPTS in BUILD), not watched by UBSan. What
// of the MMU it calls is.
#if defined(__clang__)
#pragma clang attribute push(__attribute__((no_sanitize("undefined"))), apply_to = function)
#endif

// Most lists have one entry.
inline void Sort(std::vector<SpteRef>* refs) {
  if (refs->size() > 1) std::sort(refs->begin(), refs->end());
}

// In the order of the reverse map's own iteration.
template <ReverseMap R>
void GraphVoice<R>::ListEntries(const Head& head, std::vector<SpteRef>* entries) const {
  entries->clear();
  // Longer than all slots together is a cycle. The bound is tight because the legacy iteration
  // costs the square of the length.
  WalkBound bound(PageArg::kCount * Graph::kEntries);
  for (Spte* sptep = graph_.RmapNext(head, nullptr); sptep != nullptr;
       sptep = graph_.RmapNext(head, sptep)) {
    bound.Step();
    entries->push_back(RefOf(sptep));
  }
}

template <ReverseMap R>
SlotValue GraphVoice<R>::SlotAt(const Page& page, uint32_t index) const {
  const Spte spte = page.spt[index];
  if (spte == graph_.masks().trap) return {};
  if (spte == graph_.masks().notrap) return {.kind = SlotValue::Kind::kNotrap};
  if (IsLeaf(spte, LevelOf(page))) return {.kind = SlotValue::Kind::kLeaf, .word = spte};
  return {.kind = SlotValue::Kind::kLink, .word = spte & ~kSpteAddress, .child = ChildOf(spte)->id};
}

template <ReverseMap R>
void GraphVoice<R>::ObservePage(const Page& page, PageObservation* seen) const {
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

template <ReverseMap R>
void GraphVoice<R>::ListUnsyncBits(const Page& page, std::vector<uint16_t>* bits) const {
  for (uint16_t i = 0; i < Graph::kEntries; ++i) {
    if (page.unsync_child_bitmap[i]) bits->push_back(i);
  }
}

inline void SortUnique(const std::vector<Pfn>& from, std::vector<Pfn>* to) {
  to->clear();
  if (from.empty()) return;  // nearly always
  *to = from;
  std::sort(to->begin(), to->end());
  to->erase(std::unique(to->begin(), to->end()), to->end());
}

template <ReverseMap R>
void GraphVoice<R>::ObserveCommon(Observation* out) const {
  out->outcome = outcome_;
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

// Vectors of vectors are resized and filled in place: the inner ones keep their memory from one
// operation to the next.
template <ReverseMap R>
void GraphVoice<R>::ObserveTouched(const Touched& touched, Observation* out) {
  ObserveCommon(out);
  try {
    out->rmaps.resize(touched.rmaps.size());
    for (size_t i = 0; i < touched.rmaps.size(); ++i) {
      const RmapId& id = touched.rmaps[i];
      RmapObservation& rmap = out->rmaps[i];
      rmap.id = id;
      const auto& slot = graph_.slots().all()[id.slot];
      ListEntries(slot.rmap(id.index, static_cast<int>(id.level)), &rmap.entries);
      Sort(&rmap.entries);
    }
    size_t pages = 0;
    out->pages.resize(touched.pages.size());
    for (const PageId id : touched.pages) {
      if (pages_[id] != nullptr) ObservePage(*pages_[id], &out->pages[pages++]);
    }
    out->pages.resize(pages);
    for (const SpteRef& ref : touched.slots) {
      if (pages_[ref.page] == nullptr) continue;
      out->slots.push_back({ref, SlotAt(*pages_[ref.page], ref.index)});
    }
  } catch (const BugError& error) {
    out->outcome = {.code = OutcomeCode::kBug, .bug = error.bug()};
  }
}

template <ReverseMap R>
void GraphVoice<R>::ObserveAll(Observation* out) {
  ObserveCommon(out);
  try {
    const RawState& raw = Raw();
    out->rmaps.resize(raw.rmaps.size());
    for (size_t i = 0; i < raw.rmaps.size(); ++i) {
      RmapObservation& rmap = out->rmaps[i];
      rmap.id = raw.rmaps[i].id;
      rmap.entries = raw.rmaps[i].entries;
      Sort(&rmap.entries);
    }
    for (const RawWriteCount& count : raw.write_counts) {
      out->write_counts.push_back({count.id, count.count});
    }
    out->active = raw.active;
    out->pages.resize(raw.pages.size());
    size_t pages = 0;
    for (const Page* page : pages_) {
      if (page == nullptr) continue;
      ObservePage(*page, &out->pages[pages++]);
      const Spte trap = graph_.masks().trap;
      for (uint32_t i = NextWord(page->spt, 0, Graph::kEntries, trap); i < Graph::kEntries;
           i = NextWord(page->spt, i + 1, Graph::kEntries, trap)) {
        out->slots.push_back({{page->id, i}, SlotAt(*page, i)});
      }
    }
  } catch (const BugError& error) {
    out->outcome = {.code = OutcomeCode::kBug, .bug = error.bug()};
  }
}

template <ReverseMap R>
void GraphVoice<R>::ReadPage(const Page& page, RawPage* raw) const {
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
void GraphVoice<R>::ReadRmaps(const typename Graph::Slots::Slot& slot, RawState* raw) const {
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
  });
}

template <ReverseMap R>
const RawState& GraphVoice<R>::Raw() {
  if (!raw_) raw_.emplace();
  RawState& raw = **raw_;
  if (raw_is_current_) return raw;
  raw.header = header_;
  raw.pages.clear();
  for (const Page* page : pages_) {
    if (page == nullptr) continue;
    raw.pages.resize(raw.pages.size() + 1);
    ReadPage(*page, &raw.pages.back());
  }
  raw.rmaps.clear();
  raw.write_counts.clear();
  for (const auto& slot : graph_.slots().all()) ReadRmaps(slot, &raw);
  raw.active.clear();
  for (const ShadowPage* page : graph_.active_pages()) raw.active.push_back(page->id);
  raw_is_current_ = true;
  return raw;
}

#if defined(__clang__)
#pragma clang attribute pop
#endif

template <ReverseMap R>
std::string GraphVoice<R>::Leaks() {
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

template <ReverseMap R>
std::string GraphVoice<R>::Teardown() {
  try {
    graph_.CommitZap(zapped_);
    while (!graph_.active_pages().empty()) {
      Page& page = static_cast<Page&>(*graph_.active_pages().back());
      page.root_count = 0;
      graph_.PrepareZap(page, zapped_);
    }
    graph_.CommitZap(zapped_);
    graph_.Drain(caches_);
    return Leaks();
  } catch (const BugError& error) {
    return fmt::format("BUG {}: {}", BugName(error.bug()), error.what());
  }
}

}  // namespace rmapdiff

#endif  // RMAPDIFF_FUZZERS_GRAPH_VOICE_OBSERVE_H_
