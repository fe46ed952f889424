// Host memory as the MMU sees it: pages with a private word, pools of objects, and caches.
//
//   region (one per process)          page_private[]
//   +------+------+------+------+     +---+---+---+---+
//   | page | page | page | ...  |     | w | 0 | w |...|
//   +------+------+------+------+     +---+---+---+---+
//
// A HostMemory takes chunks of the region. A Pool carves objects, or whole pages, out of those.
//
// PagePrivate(address) costs one shift and one load. AddressSanitizer cannot see a use after free
// inside an arena, so the pools poison memory themselves. Memory is poisoned until it is opened,
// and again once it is released. Opened memory holds a pattern, because alloc_page does not zero
// the kernel's pages either.
//
// Invariants
//  1. Every address handed out lies in the region. Its page has a null private word until the owner
//     sets it, and again once the page is released.
//  2. Addresses never decide anything: two runs may get different ones and behave the same.
//  3. With Reuse::kQuarantine a pool hands an object out again only after kQuarantine later
//     releases. With Reuse::kLifo it hands out the object released last.
// Not thread-safe. Not covered: NUMA, highmem, swapping.
#ifndef RMAPDIFF_MMU_BASE_HOST_MEMORY_H_
#define RMAPDIFF_MMU_BASE_HOST_MEMORY_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "mmu/base/bug.h"

namespace rmapdiff {

inline constexpr size_t kPageBytes = 4096;

// The region of host addresses, reserved at the first use and never given back.
struct HostRegion {
  static constexpr size_t kBytes = sizeof(void*) == 4 ? size_t{1} << 27 : size_t{1} << 32;

  uintptr_t base = 0;
  void** page_private = nullptr;  // one word a page, as struct page has

  static HostRegion& Get() {
    static constinit HostRegion region;
    return region;
  }
};

// The private word of the page that `address` is in: page_private(virt_to_page(address)).
// BUGs: kWild if the address is outside the region, kDangling if no owner has set the word.
inline void* PagePrivate(const void* address) {
  const HostRegion& region = HostRegion::Get();
  const uintptr_t offset = reinterpret_cast<uintptr_t>(address) - region.base;
  if (offset >= HostRegion::kBytes) RaiseBug(BugClass::kWild, "not an address of host memory");
  void* word = region.page_private[offset / kPageBytes];
  if (word == nullptr) RaiseBug(BugClass::kDangling, "not in a shadow page any more");
  return word;
}

// set_page_private. REQUIRES: `page` was handed out by a Pool of whole pages.
void SetPagePrivate(const void* page, void* word);

// Makes AddressSanitizer report accesses to this part of an opened object, until the object is
// released.
void PoisonMemory(const void* start, size_t bytes);

// The memory of one host. Pools take their pages from it, and it injects failures.
class HostMemory {
 public:
  enum class Reuse : uint8_t { kQuarantine, kLifo };

  explicit HostMemory(Reuse reuse);
  ~HostMemory();
  HostMemory(const HostMemory&) = delete;
  HostMemory& operator=(const HostMemory&) = delete;

  Reuse reuse() const { return reuse_; }

  // Makes the nth reservation from now on fail, once. 1: the next one; 0: none.
  void FailNth(uint64_t nth) { fail_in_ = nth; }

  // The number of reservations so far, failed ones included.
  uint64_t reservations() const { return reservations_; }

 private:
  friend class Pool;

  bool MayReserve();
  uint8_t* FreshPage();  // poisoned; null when the region is exhausted

  const Reuse reuse_;
  uint64_t fail_in_ = 0;
  uint64_t reservations_ = 0;
  std::vector<uintptr_t> chunks_;
  size_t used_pages_ = 0;  // of all chunks, in order
};

// A kmem_cache. With objects of kPageBytes it is the page allocator.
class Pool {
 public:
  static constexpr size_t kQuarantine = 64;  // objects

  // REQUIRES: 0 < object_bytes <= kPageBytes. `name` appears in leak reports.
  Pool(HostMemory& memory, size_t object_bytes, const char* name);
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  // Sets an object aside, or returns null if this reservation fails. Its memory stays poisoned
  // until Open.
  void* Reserve();
  // Makes the first `bytes` of a reserved object usable, filled with `pattern`.
  static void Open(void* object, size_t bytes, uint8_t pattern);
  // Takes an object back, opened or not, and poisons it.
  void Release(void* object);

  size_t object_bytes() const { return object_bytes_; }
  const char* name() const { return name_; }
  size_t live() const { return live_; }  // reserved and not released
  size_t peak() const { return peak_; }

 private:
  void* Carve();

  HostMemory& memory_;
  const size_t object_bytes_;
  const size_t stride_;
  const char* const name_;
  size_t live_ = 0;
  size_t peak_ = 0;
  std::vector<void*> free_;  // in the order of release
  size_t reused_ = 0;        // quarantine: free_[0, reused_) were handed out again
  uint8_t* carve_next_ = nullptr;
  uint8_t* carve_end_ = nullptr;
};

// kvm_mmu_memory_cache: objects that are set aside before the MMU lock is taken. No function has to
// allocate under the lock.
class MemoryCache {
 public:
  static constexpr int kCapacity = 40;  // KVM_NR_MEM_OBJS

  // mmu_topup_memory_cache: if fewer than `min` objects are left, fills up to the larger of `min`
  // and `full`. False if the host is out of memory; the cache keeps the objects that it got by
  // then. REQUIRES: both are at most kCapacity.
  bool TopUp(Pool& pool, int min, int full = kCapacity);

  // mmu_memory_cache_alloc: an opened object filled with `pattern`. BUGs: kCacheEmpty.
  void* Take(size_t bytes, uint8_t pattern);

  // mmu_free_memory_cache.
  void Drain(Pool& pool);

  int size() const { return size_; }
  // Objects taken since the cache was made: the allocations under the lock.
  uint64_t taken() const { return taken_; }

 private:
  int size_ = 0;
  uint64_t taken_ = 0;
  void* objects_[kCapacity];
};

}  // namespace rmapdiff

#endif  // RMAPDIFF_MMU_BASE_HOST_MEMORY_H_
