// Figures that need no clock. They are the memory of a reverse map, its allocations under the MMU
// lock, and its limits. The counters of pools and caches give all of them.
//
// Bytes are those of the kernel's objects. A descriptor has 40, whatever room the arena gives it.
#ifndef RMAPDIFF_BENCH_FACTS_H_
#define RMAPDIFF_BENCH_FACTS_H_

#include <cstdint>
#include <string>
#include <vector>

namespace rmapdiff {

// The memory of a page graph, in bytes: pages (spt, gfns, links), page headers, and the reverse
// map's own objects. Objects in the vcpu's caches do not count.
struct Memory {
  uint64_t pages = 0;
  uint64_t headers = 0;
  uint64_t objects = 0;
  uint64_t peak_objects = 0;  // the largest number of them at once
  uint64_t object_count = 0;
  int shadow_pages = 0;
  int mappings = 0;

  uint64_t bytes() const { return pages + headers + objects; }
};

// Objects that one kind of operation took from the caches, and so under the lock.
struct Taken {
  std::string what;
  uint64_t operations = 0;
  uint64_t objects = 0;          // of the reverse map's own
  uint64_t operations_with = 0;  // operations that took any of them
  uint64_t worst = 0;            // objects of one operation
  uint64_t pages = 0;            // pages and page headers, for shadow pages
};

struct TakenIn {
  std::string workload;
  uint64_t peak_objects = 0;  // the map's own objects at once, including those in caches
  uint64_t peak_bytes = 0;
  std::vector<Taken> taken;
};

// One emulated instruction that stores into a page table. `bug` is the BUG that ended it, or "".
struct StoreBurst {
  int wanted = 0;      // entries to store
  int done = 0;        // entries stored
  uint64_t taken = 0;  // the map's own objects, under one hold of the lock
  std::string bug;
};

// A fragmented list: entries were added, and then three of four were removed.
struct Fragments {
  int added = 0;
  int left = 0;
  uint64_t bytes_full = 0;  // of objects
  uint64_t bytes_left = 0;
};

struct Facts {
  uint64_t head_bytes = 0;
  uint64_t header_bytes = 0;
  int page_cache_min = 0;
  // A graph with `n` mappings of each frame, and with `fill` entries in use in each of kFillPages
  // pages.
  Memory (*with_fill)(int n, int fill) = nullptr;
  // A graph with `parents` links to each of kFillPages pages.
  Memory (*with_parents)(int parents) = nullptr;
  // The guest of histogram.h, with `fill` entries in use in each page.
  Memory (*idle_guest)(int fill) = nullptr;
  // The same frames under TDP: the pages are direct, and every frame is mapped once.
  Memory (*tdp_guest)(int fill) = nullptr;
  Fragments (*fragments)() = nullptr;
  std::vector<TakenIn> (*taken)() = nullptr;
  StoreBurst (*store_burst)(int wanted) = nullptr;
};

inline constexpr int kFillPages = 120;  // a multiple of all small n

}  // namespace rmapdiff

#endif  // RMAPDIFF_BENCH_FACTS_H_
