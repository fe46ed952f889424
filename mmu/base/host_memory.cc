#include "mmu/base/host_memory.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>

#include "mmu/base/memory_watch.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#include <sanitizer/asan_interface.h>
#define RMAPDIFF_ASAN 1
#endif
#endif

namespace rmapdiff {
namespace {

const MemoryWatch* memory_watch = nullptr;

constexpr size_t kChunkPages = 256;
constexpr size_t kChunkBytes = kChunkPages * kPageBytes;

void Poison([[maybe_unused]] const void* start, [[maybe_unused]] size_t bytes) {
#ifdef RMAPDIFF_ASAN
  __asan_poison_memory_region(start, bytes);
#endif
}

void Unpoison([[maybe_unused]] const void* start, [[maybe_unused]] size_t bytes) {
#ifdef RMAPDIFF_ASAN
  __asan_unpoison_memory_region(start, bytes);
#endif
}

void* Map(size_t bytes) {
  void* start = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (start == MAP_FAILED) {
    // The program under test has no fault here, so no engine and no sanitizer may report one, as
    // they would for an abort. The exit code says "environment" (fuzzers/finding/address_space.h).
    constexpr int kEnvironment = 3;
    std::fprintf(stderr,
                 "rmapdiff: cannot reserve %zu MiB of address space, expected no limit of it "
                 "(ulimit -v)\n",
                 bytes >> 20);
    _exit(kEnvironment);
  }
  return start;
}

// Reserves the region; page-aligned, as every mapping is.
void InitRegion(HostRegion& region) {
  region.base = reinterpret_cast<uintptr_t>(Map(HostRegion::kBytes));
  region.page_private = static_cast<void**>(Map(HostRegion::kBytes / kPageBytes * sizeof(void*)));
}

// Chunks that were used before, last in first out, and the end of the used part of the region.
struct ChunkAllocator {
  std::vector<uintptr_t> free;
  size_t bump = 0;

  uintptr_t Take() {
    if (!free.empty()) {
      const uintptr_t chunk = free.back();
      free.pop_back();
      return chunk;
    }
    if (bump + kChunkBytes > HostRegion::kBytes) return 0;
    const uintptr_t chunk = HostRegion::Get().base + bump;
    bump += kChunkBytes;
    Poison(reinterpret_cast<void*>(chunk), kChunkBytes);
    return chunk;
  }
};

ChunkAllocator& Chunks() {
  static ChunkAllocator* allocator = [] {
    InitRegion(HostRegion::Get());
    return new ChunkAllocator;
  }();
  return *allocator;
}

void*& PrivateWord(uintptr_t address) {
  const HostRegion& region = HostRegion::Get();
  return region.page_private[(address - region.base) / kPageBytes];
}

// Room between two objects of a page, so that an overrun meets poison. An object that fills its
// page has none.
constexpr size_t kRedzone = 16;

size_t StrideOf(size_t object_bytes) {
  return std::min(kPageBytes, (object_bytes + kRedzone + 15) / 16 * 16);
}

}  // namespace

void PoisonMemory(const void* start, size_t bytes) { Poison(start, bytes); }

void SetMemoryWatch(const MemoryWatch* watch) { memory_watch = watch; }

void SetPagePrivate(const void* page, void* word) {
  PrivateWord(reinterpret_cast<uintptr_t>(page)) = word;
}

HostMemory::HostMemory(Reuse reuse) : reuse_(reuse) { Chunks(); }

HostMemory::~HostMemory() {
  // An MMU that raised BUG() may leave objects behind. They are poisoned and forgotten with the
  // rest.
  for (size_t i = 0; i < chunks_.size(); ++i) {
    const size_t pages = std::min(kChunkPages, used_pages_ - i * kChunkPages);
    Poison(reinterpret_cast<void*>(chunks_[i]), pages * kPageBytes);
    std::memset(&PrivateWord(chunks_[i]), 0, pages * sizeof(void*));
  }
  // The next HostMemory takes the chunks in the same order, so its first one is still warm in the
  // caches.
  for (size_t i = chunks_.size(); i > 0; --i) Chunks().free.push_back(chunks_[i - 1]);
}

bool HostMemory::MayReserve() {
  ++reservations_;
  return fail_in_ == 0 || --fail_in_ != 0;
}

uint8_t* HostMemory::FreshPage() {
  if (used_pages_ == chunks_.size() * kChunkPages) {
    const uintptr_t chunk = Chunks().Take();
    if (chunk == 0) return nullptr;
    chunks_.push_back(chunk);
  }
  const uintptr_t page = chunks_.back() + used_pages_ % kChunkPages * kPageBytes;
  ++used_pages_;
  return reinterpret_cast<uint8_t*>(page);
}

Pool::Pool(HostMemory& memory, size_t object_bytes, const char* name)
    : memory_(memory), object_bytes_(object_bytes), stride_(StrideOf(object_bytes)), name_(name) {}

void* Pool::Carve() {
  if (carve_next_ == carve_end_) {
    carve_next_ = memory_.FreshPage();
    if (carve_next_ == nullptr) {
      carve_end_ = nullptr;
      return nullptr;
    }
    carve_end_ = carve_next_ + kPageBytes / stride_ * stride_;
  }
  uint8_t* object = carve_next_;
  carve_next_ += stride_;
  return object;
}

void* Pool::Reserve() {
  if (!memory_.MayReserve()) return nullptr;
  void* object = nullptr;
  if (memory_.reuse() == HostMemory::Reuse::kLifo && !free_.empty()) {
    object = free_.back();
    free_.pop_back();
  } else if (memory_.reuse() == HostMemory::Reuse::kQuarantine &&
             free_.size() - reused_ > kQuarantine) {
    object = free_[reused_++];
  } else {
    object = Carve();
  }
  if (object != nullptr) peak_ = std::max(peak_, ++live_);
  return object;
}

void Pool::Open(void* object, size_t bytes, uint8_t pattern) {
  Unpoison(object, bytes);
  std::memset(object, pattern, bytes);
  if (memory_watch != nullptr) memory_watch->opened(object, bytes);
}

void Pool::Release(void* object) {
  if (object_bytes_ == kPageBytes) SetPagePrivate(object, nullptr);
  Poison(object, object_bytes_);
  if (memory_watch != nullptr) memory_watch->released(object, object_bytes_);
  free_.push_back(object);
  --live_;
}

bool MemoryCache::TopUp(Pool& pool, int min, int full) {
  if (size_ >= min) return true;
  while (size_ < std::max(min, full)) {
    void* object = pool.Reserve();
    if (object == nullptr) return false;
    objects_[size_++] = object;
  }
  return true;
}

void* MemoryCache::Take(size_t bytes, uint8_t pattern) {
  if (size_ == 0) RaiseBug(BugClass::kCacheEmpty, "mmu_memory_cache_alloc: !mc->nobjs");
  ++taken_;
  void* object = objects_[--size_];
  Pool::Open(object, bytes, pattern);
  return object;
}

void MemoryCache::Drain(Pool& pool) {
  while (size_ > 0) pool.Release(objects_[--size_]);
}

}  // namespace rmapdiff
