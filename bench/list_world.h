// Lists to measure: a page graph with so many leaves for each frame, and so many parents for each
// page.
//
// The graph decides about recycling as the kernel does (RecyclePolicy::kNative). So it counts no
// list that the kernel would not count. Freed memory is used again at once, as by a slab.
// Invariant: slot(list, i) is the same spte for the life of a world, and no two are equal.
#ifndef RMAPDIFF_BENCH_LIST_WORLD_H_
#define RMAPDIFF_BENCH_LIST_WORLD_H_

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "bench/prepared.h"
#include "mmu/graph/page_graph_functions.h"

namespace rmapdiff {

// A place in a list.
enum class Place { kHead, kMiddle, kTail, kRandom };

template <ReverseMap R>
class ListWorld {
 public:
  using Graph = PageGraph<R>;
  using Page = typename R::Page;
  static constexpr int kEntries = Graph::kEntries;

  explicit ListWorld(const Shape& shape)
      : shape_(shape), graph_(memory_, kShadowMasks, RecyclePolicy::kNative) {
    const int slots = shape.n * shape.lists;
    const int packed_pages = (slots + kEntries - 1) / kEntries;
    const int pages =
        shape.layout == Layout::kPacked ? packed_pages : std::max(shape.n, kScatteredPages);
    graph_.slots().Add(0, static_cast<Gfn>(2 * shape.lists + pages + 1), 0);
    // All pages are of level 1, links or not: no measured function reads the level.
    for (int i = 0; i < pages; ++i) pages_.push_back(&NewPage());
    for (int i = 0; i < shape.lists; ++i) children_.push_back(&NewPage());
    fork_page_ = &NewPage();
    shape.layout == Layout::kPacked ? PlacePacked() : PlaceScattered();
  }
  ListWorld(const ListWorld&) = delete;
  ListWorld& operator=(const ListWorld&) = delete;

  int n() const { return shape_.n; }
  int lists() const { return shape_.lists; }
  Graph& graph() { return graph_; }
  typename R::Head& head(int list) { return graph_.slots().Rmap(Gfn(list), kPageTableLevel); }
  Spte* slot(int list, int i) const { return slots_[Index(list, i)]; }
  Page& child(int list) { return *children_[static_cast<size_t>(list)]; }
  // The page table of a forked child. Its entry i maps the frame of list i.
  Page& fork_page() { return *fork_page_; }
  // The entry of each list that ChooseVictims chose.
  Spte* victim(int list) const { return victims_[static_cast<size_t>(list)]; }
  // The result of a Run. It is stored so that the compiler cannot optimise the Run away.
  uint64_t sink = 0;

  // ---- Rmaps ----
  // The last half of a page fault: top up, store, rmap_add.
  void Add(Spte* sptep, int list) {
    graph_.TopUp(caches_);
    const Gfn gfn = static_cast<Gfn>(list);
    graph_.MapLeaf(caches_, sptep, MakeLeaf(graph_.masks(), gfn + kFrame, 1, true, false), gfn);
  }
  void Drop(Spte* sptep) { graph_.DropSpte(sptep, graph_.masks().trap); }
  // Adds entries first..last-1 of every list.
  void AddRange(int first, int last) {
    for (int list = 0; list < lists(); ++list) {
      for (int i = first; i < last; ++i) Add(slot(list, i), list);
    }
  }
  // Sets bits in all present leaves, past the MMU.
  void Change(Spte bits) {
    for (Spte* sptep : slots_) {
      if (IsPresent(graph_.masks(), *sptep)) *sptep |= bits;
    }
  }

  // ---- Parents ----
  void AddParent(Spte* sptep, int list) {
    graph_.TopUp(caches_);
    graph_.AddParent(caches_, child(list), sptep);
    graph_.LinkPage(sptep, child(list));
  }
  void AddParentRange(int first, int last) {
    for (int list = 0; list < lists(); ++list) {
      for (int i = first; i < last; ++i) AddParent(slot(list, i), list);
    }
  }

  // ---- Both kinds of list ----
  std::vector<Spte*> Entries(int list, bool parents) {
    std::vector<Spte*> entries;
    if (parents) {
      graph_.ForEachParent(child(list), [&](Spte* sptep) { entries.push_back(sptep); });
    } else {
      for (Spte* sptep = graph_.RmapNext(head(list), nullptr); sptep != nullptr;
           sptep = graph_.RmapNext(head(list), sptep)) {
        entries.push_back(sptep);
      }
    }
    return entries;
  }
  // Chooses an entry of each list, by its place in the list.
  void ChooseVictims(bool parents, Place place) {
    victims_.clear();
    for (int list = 0; list < lists(); ++list) {
      const std::vector<Spte*> entries = Entries(list, parents);
      victims_.push_back(entries[IndexOfPlace(place, entries.size())]);
    }
  }

  // "" if every list has `expected` entries.
  std::string CheckLengths(bool parents, int expected) {
    for (int list = 0; list < lists(); ++list) {
      const size_t length = Entries(list, parents).size();
      if (length == static_cast<size_t>(expected)) continue;
      return "list " + std::to_string(list) + " has " + std::to_string(length) +
             " entries, expected " + std::to_string(expected);
    }
    return "";
  }

 private:
  static constexpr int kScatteredPages = 256;
  static constexpr Pfn kFrame = 0x10000;

  size_t IndexOfPlace(Place place, size_t length) {
    switch (place) {
      case Place::kHead:
        return 0;
      case Place::kMiddle:
        return length / 2;
      case Place::kTail:
        return length - 1;
      case Place::kRandom:
        return random_() % length;
    }
    return 0;
  }
  size_t Index(int list, int i) const { return static_cast<size_t>(list * shape_.n + i); }

  // Makes an indirect page. The gfns after those of the lists are the guest's tables.
  Page& NewPage() {
    graph_.TopUp(caches_);
    Role role;
    role.level = kPageTableLevel;
    const PageId id = next_id_++;
    return *graph_.AllocPage(caches_, id, static_cast<Gfn>(shape_.lists) + id, role, nullptr);
  }
  void PlacePacked() {
    for (int i = 0; i < shape_.n * shape_.lists; ++i) {
      slots_.push_back(&pages_[static_cast<size_t>(i / kEntries)]->spt[i % kEntries]);
    }
  }
  // Each list takes one entry of each of n pages, in an order of its own.
  void PlaceScattered() {
    std::vector<size_t> order(pages_.size());
    for (size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::vector<int> used(pages_.size());
    for (int list = 0; list < shape_.lists; ++list) {
      std::shuffle(order.begin(), order.end(), random_);
      for (int i = 0; i < shape_.n; ++i) {
        const size_t page = order[static_cast<size_t>(i)];
        slots_.push_back(&pages_[page]->spt[used[page]++]);
      }
    }
  }

  const Shape shape_;
  HostMemory memory_{HostMemory::Reuse::kLifo};
  Graph graph_;
  typename Graph::Caches caches_;
  PageId next_id_ = 0;
  std::vector<Page*> pages_;
  std::vector<Page*> children_;
  Page* fork_page_ = nullptr;
  std::vector<Spte*> slots_;
  std::vector<Spte*> victims_;
  std::mt19937 random_{1};
};

}  // namespace rmapdiff

#endif  // RMAPDIFF_BENCH_LIST_WORLD_H_
