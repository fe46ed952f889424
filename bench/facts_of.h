// The facts about one reverse map. They are measured on a page graph, or on a whole MMU where the
// comment says so.
#ifndef RMAPDIFF_BENCH_FACTS_OF_H_
#define RMAPDIFF_BENCH_FACTS_OF_H_

#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bench/bench_guest.h"
#include "bench/facts.h"
#include "bench/guest_cases.h"
#include "bench/histogram.h"
#include "mmu/graph/page_graph_functions.h"

namespace rmapdiff {

// The number of a map's own objects in a vcpu's caches, and of those taken so far. A map whose
// caches have other names adds them here.
template <class Caches>
uint64_t CachedObjects(const Caches& caches) {
  if constexpr (requires { caches.descriptors; }) {
    return static_cast<uint64_t>(caches.descriptors.size() + caches.chains.size());
  }
  return 0;
}
template <class Caches>
uint64_t TakenObjects(const Caches& caches) {
  if constexpr (requires { caches.descriptors; }) {
    return caches.descriptors.taken() + caches.chains.taken();
  }
  return 0;
}

// A page graph to fill: shadow pages with a given number of leaves each.
template <ReverseMap R>
class FillWorld {
 public:
  using Graph = PageGraph<R>;
  using Page = typename R::Page;

  explicit FillWorld(Gfn frames) : graph_(memory_, kShadowMasks, RecyclePolicy::kNative) {
    graph_.slots().Add(0, frames, 0);
  }

  Graph& graph() { return graph_; }
  Page& NewPage(bool direct, Gfn gfn) {
    graph_.TopUp(caches_);
    Role role;
    role.level = kPageTableLevel;
    role.direct = direct;
    return *graph_.AllocPage(caches_, next_id_++, gfn, role, nullptr);
  }
  void Map(Page& page, int index, Gfn gfn) {
    graph_.TopUp(caches_);
    const Spte leaf = MakeLeaf(graph_.masks(), Pfn{gfn}, kPageTableLevel, false, false);
    graph_.MapLeaf(caches_, &page.spt[index], leaf, gfn);
    ++mappings_;
  }
  void Unmap(Page& page, int index) {
    graph_.DropSpte(&page.spt[index], graph_.masks().trap);
    --mappings_;
  }
  void AddParent(Page& page, Spte* sptep) {
    graph_.TopUp(caches_);
    graph_.AddParent(caches_, page, sptep);
    graph_.LinkPage(sptep, page);
  }

  Memory Measure() {
    graph_.Drain(caches_);
    Memory memory;
    memory.shadow_pages = graph_.pages();
    memory.mappings = mappings_;
    graph_.ForEachPool([&memory](const Pool& pool) {
      const uint64_t bytes = pool.live() * pool.object_bytes();
      const std::string_view name = pool.name();
      if (name == "pages") {
        memory.pages += bytes;
      } else if (name == "page headers") {
        memory.headers += bytes;
      } else {
        memory.objects += bytes;
        memory.object_count += pool.live();
        memory.peak_objects += pool.peak();
      }
    });
    return memory;
  }

 private:
  HostMemory memory_{HostMemory::Reuse::kLifo};
  Graph graph_;
  typename Graph::Caches caches_;
  PageId next_id_ = 0;
  int mappings_ = 0;
};

// Deals leaves out to pages, round and round: each leaf goes to the next page that is not full. So
// the entries of a list are on different pages.
template <ReverseMap R>
class Dealer {
 public:
  Dealer(FillWorld<R>& world, std::vector<typename R::Page*> pages)
      : world_(world), pages_(std::move(pages)) {}
  void Map(Gfn gfn) {
    const size_t page = static_cast<size_t>(dealt_) % pages_.size();
    world_.Map(*pages_[page], dealt_ / static_cast<int>(pages_.size()), gfn);
    ++dealt_;
  }

 private:
  FillWorld<R>& world_;
  const std::vector<typename R::Page*> pages_;
  int dealt_ = 0;
};

template <ReverseMap R>
std::vector<typename R::Page*> NewPages(FillWorld<R>& world, int count, Gfn first_table) {
  std::vector<typename R::Page*> pages;
  for (int i = 0; i < count; ++i) {
    pages.push_back(&world.NewPage(false, first_table + static_cast<Gfn>(i)));
  }
  return pages;
}

template <ReverseMap R>
Memory MemoryWithFill(int n, int fill) {
  const int frames = kFillPages * fill / n;
  FillWorld<R> world(static_cast<Gfn>(frames + kFillPages));
  Dealer<R> dealer(world, NewPages(world, kFillPages, static_cast<Gfn>(frames)));
  for (int gfn = 0; gfn < frames; ++gfn) {
    for (int i = 0; i < n; ++i) dealer.Map(static_cast<Gfn>(gfn));
  }
  return world.Measure();
}

template <ReverseMap R>
Memory MemoryWithParents(int parents) {
  constexpr int kSlots = kSptesPerPage<typename R::Limits>;
  const int directories = (kFillPages * parents + kSlots - 1) / kSlots;
  FillWorld<R> world(static_cast<Gfn>(kFillPages + directories));
  const auto above = NewPages(world, directories, 0);
  const auto below = NewPages(world, kFillPages, static_cast<Gfn>(directories));
  for (int i = 0; i < kFillPages * parents; ++i) {
    Spte* sptep = &above[static_cast<size_t>(i / kSlots)]->spt[i % kSlots];
    world.AddParent(*below[static_cast<size_t>(i % kFillPages)], sptep);
  }
  return world.Measure();
}

template <ReverseMap R>
Memory MemoryOfIdleGuest(int fill) {
  const std::vector<int> lengths = RmapLengths(1);
  int mappings = 0;
  for (const int length : lengths) mappings += length;
  const int pages = (mappings + fill - 1) / fill;
  const auto frames = static_cast<Gfn>(lengths.size());
  FillWorld<R> world(frames + static_cast<Gfn>(pages));
  Dealer<R> dealer(world, NewPages(world, pages, frames));
  for (Gfn gfn = 0; gfn < frames; ++gfn) {
    for (int i = 0; i < lengths[gfn]; ++i) dealer.Map(gfn);
  }
  return world.Measure();
}

template <ReverseMap R>
Memory MemoryOfTdpGuest(int fill) {
  constexpr Gfn kSlots = kSptesPerPage<typename R::Limits>;
  const auto frames = static_cast<Gfn>(RmapLengths(1).size());
  const Gfn pages = frames / static_cast<Gfn>(fill);
  FillWorld<R> world(pages * kSlots);
  for (Gfn i = 0; i < pages; ++i) {
    auto& page = world.NewPage(true, i * kSlots);
    for (int entry = 0; entry < fill; ++entry) {
      world.Map(page, entry, i * kSlots + static_cast<Gfn>(entry));
    }
  }
  return world.Measure();
}

// Removes three of every four entries of a list, in the order in which they were added.
template <ReverseMap R>
Fragments FragmentsOf() {
  constexpr int kAdded = 400;
  FillWorld<R> world(2);
  auto& page = world.NewPage(false, 1);
  for (int i = 0; i < kAdded; ++i) world.Map(page, i, 0);
  const uint64_t full = world.Measure().objects;
  for (int i = 0; i < kAdded; ++i) {
    if (i % 4 != 0) world.Unmap(page, i);
  }
  return {kAdded, kAdded / 4, full, world.Measure().objects};
}

// Counts the objects that each operation of a workload takes from the caches of vcpu 0.
template <ReverseMap R>
class TakenWatch {
 public:
  explicit TakenWatch(GuestWork<R>& work) : work_(work) {
    Read(&objects_, &pages_);
    work.WatchBy([this](const char* what) { Note(what); });
  }
  std::vector<Taken> taken() const {
    std::vector<Taken> all;
    for (const auto& [what, taken] : taken_) all.push_back(taken);
    return all;
  }

 private:
  void Read(uint64_t* objects, uint64_t* pages) {
    const auto& caches = work_.guest().mmu().vcpu(0).caches;
    *objects = TakenObjects(caches.map);
    *pages = caches.pages.taken() + caches.headers.taken();
  }
  void Note(const char* what) {
    uint64_t objects = 0;
    uint64_t pages = 0;
    Read(&objects, &pages);
    Taken& taken = taken_[what];
    taken.what = what;
    const uint64_t now = objects - objects_;
    ++taken.operations;
    taken.objects += now;
    if (now != 0) ++taken.operations_with;
    taken.worst = std::max(taken.worst, now);
    taken.pages += pages - pages_;
    objects_ = objects;
    pages_ = pages;
  }

  GuestWork<R>& work_;
  uint64_t objects_ = 0;
  uint64_t pages_ = 0;
  std::map<std::string, Taken> taken_;
};

template <ReverseMap R>
std::vector<TakenIn> TakenOf() {
  std::vector<TakenIn> all;
  for (const GuestCase<R>& guest_case : GuestCases<R>()) {
    const std::unique_ptr<GuestWork<R>> work = guest_case.make();
    TakenWatch<R> watch(*work);
    work->Run();
    TakenIn found{guest_case.name, 0, 0, watch.taken()};
    work->guest().mmu().graph().map().ForEachPool([&found](const Pool& pool) {
      found.peak_objects += pool.peak();
      found.peak_bytes += pool.peak() * pool.object_bytes();
    });
    all.push_back(std::move(found));
  }
  return all;
}

// The guest stores `wanted` entries into a page table with one instruction (rep movs). Before that
// come 36 faults. If the map has descriptors, each fault took one. So the cache was filled with 40
// and holds 4, which is enough not to be filled again. The entries map the table itself, as
// recursive tables do, so the MMU takes them for no flood. Here tables never go out of sync, so
// stores are emulated.
template <ReverseMap R>
StoreBurst StoreBurstOf(int wanted) {
  using Guest = BenchGuest<R>;
  constexpr Gva kWindow = Gva{1} << 18;  // the page where the guest sees its table
  constexpr Gva kTableBegin = Guest::kEntries;
  constexpr Gfn kFrames = MemoryCache::kCapacity - 4;
  Guest guest({.data = kFrames, .tables = 16, .oos_shadow = false});
  const Gfn root = guest.NewSpace();
  const Gfn table = guest.LeafTable(root, kTableBegin);
  guest.Map(root, kTableBegin + Guest::kEntries - 1, 0, false);
  guest.Map(root, kWindow, table, true);
  for (Gva page = 0; page < 2 * kFrames; ++page) {
    guest.Map(root, page, static_cast<Gfn>(page % kFrames), false);
  }
  guest.Boot(root);
  for (Gva page = 0; page < 2 * kFrames; ++page) guest.Read(page);
  guest.Read(kTableBegin + Guest::kEntries - 1);  // shadows the table; frame 0 has a list already
  guest.Read(kWindow);
  const int before = guest.RmapLength(table);
  const std::vector<uint64_t> values(static_cast<size_t>(wanted),
                                     Gpte{table} << kPageShift | Guest::kFlags);
  const auto taken = [&guest] { return TakenObjects(guest.mmu().vcpu(0).caches.map); };
  const uint64_t taken_before = taken();
  StoreBurst burst{wanted, 0, 0, ""};
  try {
    guest.mmu().StoreMany(0, {kWindow << kPageShift, AccessType::kWrite, true, 0, 8}, values);
  } catch (const BugError& error) {
    burst.bug = BugName(error.bug());
  }
  burst.done = guest.RmapLength(table) - before;
  burst.taken = taken() - taken_before;
  return burst;
}

template <ReverseMap R>
Facts FactsOf() {
  Facts facts;
  facts.head_bytes = sizeof(typename R::Head);
  facts.header_bytes = sizeof(typename R::Page);
  facts.page_cache_min = R::kPageCacheMin;
  facts.with_fill = MemoryWithFill<R>;
  facts.with_parents = MemoryWithParents<R>;
  facts.idle_guest = MemoryOfIdleGuest<R>;
  facts.tdp_guest = MemoryOfTdpGuest<R>;
  facts.fragments = FragmentsOf<R>;
  facts.taken = TakenOf<R>;
  facts.store_burst = StoreBurstOf<R>;
  return facts;
}

}  // namespace rmapdiff

#endif  // RMAPDIFF_BENCH_FACTS_OF_H_
