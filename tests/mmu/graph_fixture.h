// A page graph for tests: memory, one memslot, caches that are always topped up.
#ifndef RMAPDIFF_TESTS_MMU_GRAPH_FIXTURE_H_
#define RMAPDIFF_TESTS_MMU_GRAPH_FIXTURE_H_

#include <gtest/gtest.h>

#include <vector>

#include "mmu/graph/any_map.h"
#include "mmu/graph/page_graph_functions.h"
#include "tests/mmu/map_fixture.h"

namespace rmapdiff {

template <ReverseMap R>
class GraphHost {
 public:
  using Graph = PageGraph<R>;
  using Page = typename R::Page;
  using Limits = typename R::Limits;
  static constexpr int kEntries = Graph::kEntries;
  // Frames of the memslot, which begins at 0: four large pages of level 2.
  static constexpr Gfn kFrames = Gfn{4} << Limits::kLevelBits;

  explicit GraphHost(const SpteMasks& masks = kShadowMasks,
                     RecyclePolicy recycle = RecyclePolicy::kExact)
      : graph(memory, masks, recycle) {
    graph.slots().Add(0, kFrames, 0);
  }
  // Of an AnyMap.
  explicit GraphHost(const MapMaker& maker, const SpteMasks& masks = kShadowMasks,
                     RecyclePolicy recycle = RecyclePolicy::kExact)
      : graph(memory, masks, recycle, maker) {
    graph.slots().Add(0, kFrames, 0);
  }
  GraphHost(const GraphHost&) = delete;
  GraphHost& operator=(const GraphHost&) = delete;

  static Pfn HostPfn(Gfn gfn) { return Pfn{gfn} + 0x10000; }

  // A new page, linked from `parent_pte` if given.
  Page& New(int level, bool direct, Gfn gfn, Spte* parent_pte = nullptr) {
    EXPECT_TRUE(graph.TopUp(caches));
    Role role;
    role.level = static_cast<unsigned>(level) & 7;
    role.direct = direct;
    Page* page = graph.AllocPage(caches, next_id_++, gfn, role, parent_pte);
    if (parent_pte != nullptr) graph.LinkPage(parent_pte, *page);
    return *page;
  }
  // One more link to a page.
  void Link(Page& page, Spte* parent_pte) {
    EXPECT_TRUE(graph.TopUp(caches));
    graph.AddParent(caches, page, parent_pte);
    graph.LinkPage(parent_pte, page);
  }
  // Maps `gfn` by an empty slot. Returns whether the list was recycled.
  bool Map(Page& page, int index, Gfn gfn, bool writable = true, bool speculative = false) {
    return MapTo(HostPfn(gfn), page, index, gfn, writable, speculative);
  }
  bool MapTo(Pfn pfn, Page& page, int index, Gfn gfn, bool writable = true,
             bool speculative = false) {
    EXPECT_TRUE(graph.TopUp(caches));
    const int level = static_cast<int>(page.role.level);
    return graph.MapLeaf(caches, &page.spt[index],
                         MakeLeaf(graph.masks(), pfn, level, writable, speculative), gfn);
  }

  typename R::Head& Rmap(Gfn gfn, int level = 1) { return graph.slots().Rmap(gfn, level); }
  Sptes Entries(Gfn gfn, int level = 1) {
    Sptes entries;
    WalkBound bound(1 << 16);
    for (Spte* sptep = graph.RmapNext(Rmap(gfn, level), nullptr); sptep != nullptr;
         sptep = graph.RmapNext(Rmap(gfn, level), sptep)) {
      bound.Step();
      entries.push_back(sptep);
    }
    return entries;
  }
  Sptes Parents(const Page& page) const {
    Sptes parents;
    graph.ForEachParent(page, [&](Spte* sptep) { parents.push_back(sptep); });
    return parents;
  }
  int WriteCount(Gfn gfn, int level) {
    const auto& slot = graph.slots().Get(gfn);
    return slot.write_count(slot.IndexOf(gfn, level), level);
  }
  std::vector<PageId> Active() const {
    std::vector<PageId> ids;
    for (const ShadowPage* page : graph.active_pages()) ids.push_back(page->id);
    return ids;
  }
  // Zaps every page; nothing may be left of any pool.
  void ExpectNothingLeftAfterZappingAll() {
    PageList zapped;
    while (!graph.active_pages().empty()) {
      auto& page = static_cast<Page&>(*graph.active_pages().front());
      page.root_count = 0;
      graph.PrepareZap(page, zapped);
    }
    graph.CommitZap(zapped);
    graph.Drain(caches);
    graph.ForEachPool([](const Pool& pool) { EXPECT_EQ(pool.live(), 0u) << pool.name(); });
  }

  HostMemory memory{HostMemory::Reuse::kQuarantine};
  Graph graph;
  typename Graph::Caches caches;

 private:
  PageId next_id_ = 0;
};

}  // namespace rmapdiff

#endif  // RMAPDIFF_TESTS_MMU_GRAPH_FIXTURE_H_
