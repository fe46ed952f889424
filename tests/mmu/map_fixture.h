// A reverse map on its own: shadow pages made by hand, sptes to list, and its two kinds of list.
//
// MapHost does for its reverse map what a PageGraph does. It has memory, caches, and pages with
// page_private set. RmapList and ParentList have the same interface, for the lists of frames and of
// pages. So one suite of tests holds for both.
// Not covered: the contents of sptes, which no reverse map reads.
#ifndef RMAPDIFF_TESTS_MMU_MAP_FIXTURE_H_
#define RMAPDIFF_TESTS_MMU_MAP_FIXTURE_H_

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <string>
#include <vector>

#include "mmu/graph/reverse_map.h"
#include "tests/common/checks.h"

namespace rmapdiff {

using Sptes = std::vector<Spte*>;

inline Sptes Sorted(Sptes sptes) {
  std::sort(sptes.begin(), sptes.end());
  return sptes;
}

template <ReverseMap R>
class MapHost {
 public:
  using Map = R;
  using Page = typename R::Page;
  static constexpr int kEntries = kSptesPerPage<typename R::Limits>;
  // Nothing that could pass for an empty entry.
  static constexpr uint8_t kSptPattern = 0xb1;

  explicit MapHost(HostMemory::Reuse reuse = HostMemory::Reuse::kQuarantine) : memory(reuse) {}
  MapHost(const MapHost&) = delete;
  MapHost& operator=(const MapHost&) = delete;

  void TopUp() {
    ASSERT_TRUE(map.TopUp(caches));
    ASSERT_TRUE(page_cache.TopUp(page_pool, R::kPageCacheMin));
  }

  Page& NewPage(bool direct = true) {
    TopUp();
    Page& page = pages_.emplace_back();
    page.role.direct = direct;
    page.spt = static_cast<Spte*>(page_cache.Take(kEntries * sizeof(Spte), kSptPattern));
    map.AllocStorage(page_cache, page, direct);
    SetPagePrivate(page.spt, static_cast<ShadowPage*>(&page));
    return page;
  }
  void FreePage(Page& page) {
    page_pool.Release(page.spt);
    map.FreeStorage(page_pool, page, page.role.direct);
    page.spt = nullptr;
  }

  // The nth spte: four on each page, so that lists cross pages; the last is the page's last.
  Spte* Slot(int n) {
    constexpr int kPerPage = 4;
    constexpr int kStep = kEntries / kPerPage;
    while (static_cast<int>(slot_pages_.size()) <= n / kPerPage) {
      slot_pages_.push_back(&NewPage());
    }
    return &slot_pages_[static_cast<size_t>(n / kPerPage)]->spt[n % kPerPage * kStep + kStep - 1];
  }
  Sptes Slots(int n) {
    Sptes slots;
    for (int i = 0; i < n; ++i) slots.push_back(Slot(i));
    return slots;
  }

  // Objects of the map's own pools that are neither free nor in a cache.
  size_t ObjectsInUse() {
    map.Drain(caches);
    size_t live = 0;
    map.ForEachPool([&](const Pool& pool) { live += pool.live(); });
    return live;
  }
  // Frees all pages; every object and page must have come back.
  void ExpectNoLeak() {
    for (Page& page : pages_) {
      if (page.spt != nullptr) FreePage(page);
    }
    slot_pages_.clear();
    page_cache.Drain(page_pool);
    EXPECT_EQ(page_pool.live(), 0u);
    EXPECT_EQ(ObjectsInUse(), 0u);
  }

  HostMemory memory;
  Pool page_pool{memory, kPageBytes, "pages"};
  R map{memory};
  MemoryCache page_cache;
  typename R::Caches caches;

 private:
  std::deque<Page> pages_;
  std::vector<Page*> slot_pages_;
};

// The rmap of some frame.
template <ReverseMap R>
class RmapList {
 public:
  using Map = R;
  static constexpr BugClass kMissing = BugClass::kRmapRemove;
  static constexpr int kBlock = RmapBlockOf<R>();

  explicit RmapList(MapHost<R>& host) : host_(host) {}

  void Add(Spte* sptep) {
    host_.TopUp();
    const int returned = host_.map.Add(host_.caches, head_, sptep);
    EXPECT_TRUE(R::AddReturnAgrees(returned, size_)) << returned << " for " << size_;
    ++size_;
  }
  void Remove(Spte* sptep) {
    host_.map.Remove(head_, sptep);
    --size_;
  }
  Sptes Entries() const {
    Sptes entries;
    WalkBound bound(1 << 16);
    for (Spte* sptep = host_.map.Next(head_, nullptr); sptep != nullptr;
         sptep = host_.map.Next(head_, sptep)) {
      bound.Step();
      entries.push_back(sptep);
    }
    return entries;
  }
  int Count() const { return host_.map.Count(head_); }
  typename R::Head& head() { return head_; }

 private:
  MapHost<R>& host_;
  typename R::Head head_{};
  int size_ = 0;
};

// The parents of some page.
template <ReverseMap R>
class ParentList {
 public:
  using Map = R;
  static constexpr BugClass kMissing = BugClass::kRemoveParent;
  static constexpr int kBlock = ParentBlockOf<R>();

  explicit ParentList(MapHost<R>& host) : host_(host), page_(host.NewPage()) {
    host_.map.InitParents(page_, nullptr);
  }

  void Add(Spte* sptep) {
    host_.TopUp();
    host_.map.AddParent(host_.caches, page_, sptep);
  }
  void Remove(Spte* sptep) { host_.map.RemoveParent(page_, sptep); }
  Sptes Entries() const {
    Sptes entries;
    host_.map.ForEachParent(page_, [&](Spte* sptep) { entries.push_back(sptep); });
    return entries;
  }
  int Count() const { return static_cast<int>(Entries().size()); }
  typename R::Page& page() { return page_; }

 private:
  MapHost<R>& host_;
  typename R::Page& page_;
};

// Adds all of `sptes` in their order.
template <class List>
void AddAll(List& list, const Sptes& sptes) {
  for (Spte* sptep : sptes) list.Add(sptep);
}

template <class List>
void RemoveAll(List& list, const Sptes& sptes) {
  for (Spte* sptep : sptes) list.Remove(sptep);
}

// The same entries, each as often as in `sptes`, in any order.
template <class List>
void ExpectSet(const List& list, const Sptes& sptes) {
  EXPECT_EQ(Sorted(list.Entries()), Sorted(sptes));
  EXPECT_EQ(list.Count(), static_cast<int>(sptes.size()));
}

}  // namespace rmapdiff

#endif  // RMAPDIFF_TESTS_MMU_MAP_FIXTURE_H_
