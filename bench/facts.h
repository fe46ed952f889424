// What no clock is needed for: how much memory a reverse map takes, what it allocates under the MMU
// lock, and when it runs out of it. All figures are read from the counters of pools and caches.
//
// Bytes are those of the kernel's objects: a descriptor has 40, whatever room the arena gives it.
#ifndef RMAPDIFF_BENCH_FACTS_H_
#define RMAPDIFF_BENCH_FACTS_H_

#include <cstdint>
#include <string>
#include <vector>

namespace rmapdiff {

// The memory of a page graph, in bytes: pages (spt, gfns, links), page headers, and the reverse
// map's own objects; what is in the vcpu's caches does not count.
struct Memory {
  uint64_t pages = 0;
  uint64_t headers = 0;
  uint64_t objects = 0;
  uint64_t peak_objects = 0;  // number of them, ever at once
  uint64_t object_count = 0;
  int shadow_pages = 0;
  int mappings = 0;

  uint64_t bytes() const { return pages + headers + objects; }
};

// Objects taken from the caches, and so under the lock, by one kind of operation.
struct Taken {
  std::string what;
  uint64_t operations = 0;
  uint64_t objects = 0;          // of the reverse map's own
  uint64_t operations_with = 0;  // that took any of them
  uint64_t worst = 0;            // of one operation
  uint64_t pages = 0;            // pages and page headers, for shadow pages
};

struct TakenIn {
  std::string workload;
  uint64_t peak_objects = 0;  // of the map's own at once, those in caches among them
  uint64_t peak_bytes = 0;
  std::vector<Taken> taken;
};

// One emulated instruction that stores into a page table: how many entries it got done, what it
// took for them, and the BUG that ended it, or "".
struct StoreBurst {
  int wanted = 0;
  int done = 0;
  uint64_t taken = 0;  // objects of the map's own, under one hold of the lock
  std::string bug;
};

// A fragmented list: adds, then three of four entries removed.
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
  // `n` mappings of each frame, `fill` of the entries of each of kFillPages pages in use.
  Memory (*with_fill)(int n, int fill) = nullptr;
  // `parents` links to each of kFillPages pages.
  Memory (*with_parents)(int parents) = nullptr;
  // The guest of histogram.h, `fill` entries in use of each page.
  Memory (*idle_guest)(int fill) = nullptr;
  // The same frames under TDP: direct pages, every frame mapped once.
  Memory (*tdp_guest)(int fill) = nullptr;
  Fragments (*fragments)() = nullptr;
  std::vector<TakenIn> (*taken)() = nullptr;
  StoreBurst (*store_burst)(int wanted) = nullptr;
};

inline constexpr int kFillPages = 120;  // a multiple of all small n

}  // namespace rmapdiff

#endif  // RMAPDIFF_BENCH_FACTS_H_
