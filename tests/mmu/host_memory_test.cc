// Host memory: reuse, patterns, poison, injected failures, private words, leaks.
#include "mmu/base/host_memory.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <set>

#include "tests/common/checks.h"

namespace rmapdiff {
namespace {

using Reuse = HostMemory::Reuse;

// Whether each of the bytes has the value.
bool Holds(const void* start, size_t bytes, uint8_t value) {
  const auto* first = static_cast<const uint8_t*>(start);
  return std::all_of(first, first + bytes, [&](uint8_t byte) { return byte == value; });
}

// Only AddressSanitizer sees poison.
void ExpectPoisoned(const void* start, size_t offset = 0) {
  if (!kAddressSanitizer) return;
  const volatile uint8_t* byte = static_cast<const uint8_t*>(start) + offset;
  EXPECT_DEATH((void)*byte, "use-after-poison") << "offset " << offset;
}

// ---- Pools ----

TEST(PoolTest, AnOpenedObjectHoldsThePattern) {
  HostMemory memory(Reuse::kLifo);
  Pool pool(memory, 40, "objects");
  void* object = pool.Reserve();
  Pool::Open(object, 40, 0xb1);
  EXPECT_TRUE(Holds(object, 40, 0xb1));
  std::memset(object, 7, 40);
  pool.Release(object);
  ASSERT_EQ(pool.Reserve(), object);
  Pool::Open(object, 40, 0x5b);
  EXPECT_TRUE(Holds(object, 40, 0x5b));
}

TEST(PoolTest, OpeningAPartLeavesTheNextObjectAlone) {
  HostMemory memory(Reuse::kLifo);
  Pool pool(memory, 24, "objects");
  void* first = pool.Reserve();
  void* second = pool.Reserve();
  Pool::Open(second, 24, 2);
  Pool::Open(first, 24, 1);
  EXPECT_TRUE(Holds(second, 24, 2));
}

TEST(PoolTest, ObjectsOfAnySizeLieApartInsideOnePage) {
  for (const size_t bytes : {1, 15, 16, 17, 40, 56, 2040, 2048, 4000, 4080, 4081, 4095, 4096}) {
    HostMemory memory(Reuse::kQuarantine);
    Pool pool(memory, bytes, "objects");
    EXPECT_EQ(pool.object_bytes(), bytes);
    std::set<uintptr_t> starts;
    for (int i = 0; i < 600; ++i) starts.insert(reinterpret_cast<uintptr_t>(pool.Reserve()));
    ASSERT_EQ(starts.size(), 600u) << bytes;
    uintptr_t end = 0;
    for (const uintptr_t start : starts) {
      ASSERT_GE(start, end) << bytes;
      end = start + bytes;
      ASSERT_EQ(start % 16, 0u) << bytes;
      ASSERT_EQ(start / kPageBytes, (end - 1) / kPageBytes) << bytes;
      ASSERT_LT(end - 1 - HostRegion::Get().base, HostRegion::kBytes) << bytes;
    }
  }
}

TEST(PoolTest, LifoHandsOutTheLastReleasedFirst) {
  HostMemory memory(Reuse::kLifo);
  Pool pool(memory, 40, "objects");
  void* a = pool.Reserve();
  void* b = pool.Reserve();
  void* c = pool.Reserve();
  pool.Release(b);
  pool.Release(c);
  pool.Release(a);
  EXPECT_EQ(pool.Reserve(), a);
  EXPECT_EQ(pool.Reserve(), c);
  EXPECT_EQ(pool.Reserve(), b);
}

TEST(PoolTest, QuarantineKeepsAnObjectBackUntilEnoughOthersAreReleased) {
  HostMemory memory(Reuse::kQuarantine);
  Pool pool(memory, kPageBytes, "pages");
  std::vector<void*> pages;
  for (size_t i = 0; i < Pool::kQuarantine + 2; ++i) pages.push_back(pool.Reserve());
  pool.Release(pages[0]);
  for (size_t i = 1; i <= Pool::kQuarantine; ++i) {
    EXPECT_NE(pool.Reserve(), pages[0]) << "after " << i - 1 << " others";
    pool.Release(pages[i]);
  }
  EXPECT_EQ(pool.Reserve(), pages[0]);
  EXPECT_NE(pool.Reserve(), pages[1]);
  pool.Release(pages[Pool::kQuarantine + 1]);
  EXPECT_EQ(pool.Reserve(), pages[1]);
}

TEST(PoolTest, CountsWhatIsReservedAndTheMostThatEverWas) {
  HostMemory memory(Reuse::kLifo);
  Pool pool(memory, 40, "descriptors");
  EXPECT_STREQ(pool.name(), "descriptors");
  EXPECT_EQ(pool.live(), 0u);
  void* a = pool.Reserve();
  void* b = pool.Reserve();
  EXPECT_EQ(pool.live(), 2u);
  pool.Release(a);
  EXPECT_EQ(pool.live(), 1u);
  EXPECT_EQ(pool.peak(), 2u);
  pool.Release(b);
  EXPECT_EQ(pool.live(), 0u);
  EXPECT_EQ(pool.peak(), 2u);
}

TEST(PoolTest, AFailedReservationIsNotLive) {
  HostMemory memory(Reuse::kLifo);
  Pool pool(memory, 40, "objects");
  memory.FailNth(1);
  EXPECT_EQ(pool.Reserve(), nullptr);
  EXPECT_EQ(pool.live(), 0u);
  EXPECT_EQ(pool.peak(), 0u);
}

// ---- Injected failures ----

TEST(HostMemoryTest, TheNthReservationFailsOnce) {
  for (uint64_t nth = 1; nth <= 5; ++nth) {
    HostMemory memory(Reuse::kLifo);
    Pool pages(memory, kPageBytes, "pages");
    Pool objects(memory, 40, "objects");
    objects.Reserve();
    memory.FailNth(nth);
    for (uint64_t i = 1; i <= 8; ++i) {
      void* object = (i % 2 == 0 ? pages : objects).Reserve();
      EXPECT_EQ(object == nullptr, i == nth) << i << " of " << nth;
    }
    EXPECT_EQ(memory.reservations(), 9u);
  }
}

TEST(HostMemoryTest, AFailureCanBeCalledOff) {
  HostMemory memory(Reuse::kLifo);
  Pool pool(memory, 40, "objects");
  memory.FailNth(2);
  EXPECT_NE(pool.Reserve(), nullptr);
  memory.FailNth(0);
  EXPECT_NE(pool.Reserve(), nullptr);
  EXPECT_NE(pool.Reserve(), nullptr);
}

// AddressSanitizer's shadow of the whole region would be too large.
#ifndef RMAPDIFF_TESTS_ASAN
TEST(HostMemoryTest, AnExhaustedRegionFailsReservationsUntilSomethingIsReleased) {
  HostMemory memory(Reuse::kLifo);
  Pool pool(memory, kPageBytes, "pages");
  Pool objects(memory, 40, "objects");
  void* last = nullptr;
  size_t pages = 0;
  while (void* page = pool.Reserve()) {
    last = page;
    ++pages;
  }
  EXPECT_EQ(pages, HostRegion::kBytes / kPageBytes);
  EXPECT_EQ(pool.live(), pages);
  EXPECT_EQ(objects.Reserve(), nullptr);
  EXPECT_EQ(objects.Reserve(), nullptr);
  pool.Release(last);
  EXPECT_EQ(pool.Reserve(), last);
}
#endif  // RMAPDIFF_TESTS_ASAN

// ---- Private words ----

TEST(PagePrivateTest, EveryAddressOfAPageLeadsToItsWord) {
  HostMemory memory(Reuse::kLifo);
  Pool pool(memory, kPageBytes, "pages");
  auto* page = static_cast<uint8_t*>(pool.Reserve());
  auto* other = static_cast<uint8_t*>(pool.Reserve());
  int word = 0;
  int other_word = 0;
  SetPagePrivate(page, &word);
  SetPagePrivate(other, &other_word);
  for (const size_t offset : {0, 8, 2048, 4095}) {
    EXPECT_EQ(PagePrivate(page + offset), &word);
    EXPECT_EQ(PagePrivate(other + offset), &other_word);
  }
}

TEST(PagePrivateTest, APageWithoutAWordIsDangling) {
  HostMemory memory(Reuse::kLifo);
  Pool pool(memory, kPageBytes, "pages");
  void* page = pool.Reserve();
  EXPECT_EQ(BugOf([&] { PagePrivate(page); }), BugClass::kDangling);
  int word = 0;
  SetPagePrivate(page, &word);
  EXPECT_EQ(BugOf([&] { PagePrivate(page); }), BugClass::kNone);
  pool.Release(page);
  EXPECT_EQ(BugOf([&] { PagePrivate(page); }), BugClass::kDangling);
  ASSERT_EQ(pool.Reserve(), page);
  EXPECT_EQ(BugOf([&] { PagePrivate(page); }), BugClass::kDangling);
}

TEST(PagePrivateTest, ReleasingAnObjectLeavesTheWordOfItsPage) {
  HostMemory memory(Reuse::kLifo);
  Pool pool(memory, 40, "objects");
  void* object = pool.Reserve();
  int word = 0;
  SetPagePrivate(object, &word);
  pool.Release(object);
  EXPECT_EQ(PagePrivate(object), &word);
}

TEST(PagePrivateTest, AnAddressOutsideTheRegionIsWild) {
  HostMemory memory(Reuse::kLifo);
  const uintptr_t base = HostRegion::Get().base;
  const auto at = [](uintptr_t address) { return reinterpret_cast<const void*>(address); };
  int local = 0;
  for (const void* wild : {at(0), at(base - 1), at(base + HostRegion::kBytes), at(0x5bad5bad),
                           static_cast<const void*>(&local)}) {
    EXPECT_EQ(BugOf([&] { PagePrivate(wild); }), BugClass::kWild);
  }
  EXPECT_EQ(BugOf([&] { PagePrivate(at(base + HostRegion::kBytes - 1)); }), BugClass::kDangling);
}

// ---- One host after another ----

TEST(HostMemoryTest, TwoHostsShareNoPage) {
  HostMemory one(Reuse::kLifo);
  HostMemory two(Reuse::kLifo);
  Pool one_pool(one, kPageBytes, "pages");
  Pool two_pool(two, kPageBytes, "pages");
  std::set<void*> pages;
  for (int i = 0; i < 300; ++i) {
    pages.insert(one_pool.Reserve());
    pages.insert(two_pool.Reserve());
  }
  EXPECT_EQ(pages.size(), 600u);
}

TEST(HostMemoryTest, HostsInARowGetSaneMemoryWhateverTheLastOneLeft) {
  // More hosts than the region has room for at once.
  constexpr size_t kHosts = (HostRegion::kBytes >> 20) + 8;
  int word = 0;
  for (size_t host = 0; host < kHosts; ++host) {
    HostMemory memory(host % 2 == 0 ? Reuse::kLifo : Reuse::kQuarantine);
    Pool pages(memory, kPageBytes, "pages");
    Pool objects(memory, 56, "objects");
    for (int i = 0; i < 3; ++i) {
      void* page = pages.Reserve();
      ASSERT_NE(page, nullptr) << "host " << host;
      ASSERT_EQ(BugOf([&] { PagePrivate(page); }), BugClass::kDangling) << "host " << host;
      Pool::Open(page, kPageBytes, 0xb1);
      SetPagePrivate(page, &word);
      void* object = objects.Reserve();
      ASSERT_EQ(BugOf([&] { PagePrivate(object); }), BugClass::kDangling) << "host " << host;
      Pool::Open(object, 56, 0x11);
      ASSERT_TRUE(Holds(page, kPageBytes, 0xb1));
    }
  }
}

TEST(HostMemoryTest, AHostOfManyChunksGivesThemAllBackClean) {
  constexpr int kPages = 256 * 3 + 1;
  int word = 0;
  for (int round = 0; round < 3; ++round) {
    HostMemory memory(Reuse::kLifo);
    Pool pool(memory, kPageBytes, "pages");
    for (int i = 0; i < kPages; ++i) {
      void* page = pool.Reserve();
      ASSERT_EQ(BugOf([&] { PagePrivate(page); }), BugClass::kDangling);
      SetPagePrivate(page, &word);
    }
  }
}

TEST(HostMemoryTest, TheSameHostAgainGetsTheSamePages) {
  std::vector<void*> runs[2];
  for (auto& run : runs) {
    HostMemory memory(Reuse::kLifo);
    Pool pool(memory, kPageBytes, "pages");
    for (int i = 0; i < 600; ++i) run.push_back(pool.Reserve());
  }
  EXPECT_EQ(runs[0], runs[1]);
}

// ---- Caches ----

TEST(MemoryCacheTest, ATopUpBelowTheMinimumFillsTheCache) {
  HostMemory memory(Reuse::kLifo);
  Pool pool(memory, 40, "objects");
  MemoryCache cache;
  EXPECT_TRUE(cache.TopUp(pool, 4));
  EXPECT_EQ(cache.size(), 40);
  EXPECT_EQ(pool.live(), 40u);
  cache.Drain(pool);
}

TEST(MemoryCacheTest, ATopUpAtTheMinimumDoesNothing) {
  HostMemory memory(Reuse::kLifo);
  Pool pool(memory, 40, "objects");
  MemoryCache cache;
  ASSERT_TRUE(cache.TopUp(pool, 4));
  for (int i = 0; i < 36; ++i) pool.Release(cache.Take(40, 0));
  memory.FailNth(1);
  EXPECT_TRUE(cache.TopUp(pool, 4));
  EXPECT_EQ(cache.size(), 4);
  EXPECT_FALSE(cache.TopUp(pool, 5));
  EXPECT_TRUE(cache.TopUp(pool, 5));
  EXPECT_EQ(cache.size(), 40);
  cache.Drain(pool);
}

TEST(MemoryCacheTest, AFailedTopUpKeepsWhatItHadAndTheNextGoesOn) {
  HostMemory memory(Reuse::kLifo);
  Pool pool(memory, 40, "objects");
  MemoryCache cache;
  memory.FailNth(11);
  EXPECT_FALSE(cache.TopUp(pool, 12));
  EXPECT_EQ(cache.size(), 10);
  EXPECT_EQ(pool.live(), 10u);
  EXPECT_TRUE(cache.TopUp(pool, 10));
  EXPECT_EQ(memory.reservations(), 11u);
  EXPECT_TRUE(cache.TopUp(pool, 11));
  EXPECT_EQ(cache.size(), 40);
  EXPECT_EQ(memory.reservations(), 41u);
  cache.Drain(pool);
}

TEST(MemoryCacheTest, TakenObjectsAreDifferentFilledAndCounted) {
  HostMemory memory(Reuse::kLifo);
  Pool pool(memory, 40, "objects");
  MemoryCache cache;
  ASSERT_TRUE(cache.TopUp(pool, 1));
  std::set<void*> objects;
  for (uint8_t i = 0; i < 40; ++i) {
    void* object = cache.Take(40, i);
    EXPECT_TRUE(Holds(object, 40, i));
    objects.insert(object);
    EXPECT_EQ(cache.taken(), i + 1u);
    EXPECT_EQ(cache.size(), 39 - i);
  }
  EXPECT_EQ(objects.size(), 40u);
  EXPECT_EQ(BugOf([&] { cache.Take(40, 0); }), BugClass::kCacheEmpty);
  EXPECT_EQ(cache.taken(), 40u);
  EXPECT_EQ(pool.live(), 40u);
}

TEST(MemoryCacheTest, DrainingGivesEverythingBack) {
  HostMemory memory(Reuse::kLifo);
  Pool pool(memory, 40, "objects");
  MemoryCache cache;
  ASSERT_TRUE(cache.TopUp(pool, 1));
  void* object = cache.Take(40, 0);
  cache.Drain(pool);
  EXPECT_EQ(cache.size(), 0);
  EXPECT_EQ(pool.live(), 1u);
  pool.Release(object);
  EXPECT_EQ(pool.live(), 0u);
}

// ---- Poison: these say something in the sanitized target only. ----

TEST(PoisonDeathTest, AReservedObjectIsPoisonedUntilItIsOpened) {
  HostMemory memory(Reuse::kLifo);
  Pool pool(memory, 40, "objects");
  void* object = pool.Reserve();
  ExpectPoisoned(object);
  Pool::Open(object, 24, 0);
  EXPECT_TRUE(Holds(object, 24, 0));
  ExpectPoisoned(object, 24);
}

TEST(PoisonDeathTest, AnOverrunMeetsPoisonBeforeTheNextObject) {
  HostMemory memory(Reuse::kLifo);
  Pool pool(memory, 48, "objects");
  void* first = pool.Reserve();
  void* second = pool.Reserve();
  Pool::Open(first, 48, 0);
  Pool::Open(second, 48, 0);
  ExpectPoisoned(first, 48);
  ExpectPoisoned(first, 48 + 15);
  ExpectPoisoned(second, 48);
}

TEST(PoisonDeathTest, AReleasedObjectIsPoisonedAgain) {
  for (const size_t bytes : {size_t{40}, kPageBytes}) {
    HostMemory memory(Reuse::kQuarantine);
    Pool pool(memory, bytes, "objects");
    void* object = pool.Reserve();
    Pool::Open(object, bytes, 0);
    pool.Release(object);
    ExpectPoisoned(object);
    ExpectPoisoned(object, bytes - 1);
  }
}

TEST(PoisonDeathTest, WhatAHostLeavesBehindIsPoisonedWithIt) {
  std::vector<void*> left;
  {
    HostMemory memory(Reuse::kLifo);
    Pool pool(memory, kPageBytes, "pages");
    for (int i = 0; i < 300; ++i) {
      left.push_back(pool.Reserve());
      Pool::Open(left.back(), kPageBytes, 0);
    }
  }
  ExpectPoisoned(left.front());
  ExpectPoisoned(left[255], kPageBytes - 1);
  ExpectPoisoned(left[256]);
  ExpectPoisoned(left.back(), kPageBytes - 1);
}

}  // namespace
}  // namespace rmapdiff
