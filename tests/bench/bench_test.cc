// Tests the benchmarks: every case leaves its lists as it found them, every guest does what it
// should, and the counters agree with arithmetic.
#include <gtest/gtest.h>

#include <string>

#include "bench/histogram.h"
#include "bench/maps.h"

namespace rmapdiff {
namespace {

const BenchMap& MapNamed(const std::string& name) {
  for (const BenchMap& map : AllMaps()) {
    if (map.name == name) return map;
  }
  ADD_FAILURE() << "no map " << name;
  return AllMaps()[0];
}
const Facts& Legacy() { return MapNamed("legacy").facts; }
const Facts& Sibling() { return MapNamed("sibling").facts; }

TEST(Cases, CanBeRepeatedFromTheSameBeginning) {
  for (const BenchMap& map : AllMaps()) {
    for (const Case& measured : map.cases) {
      if (measured.guest) continue;
      for (const Layout layout : {Layout::kScattered, Layout::kPacked}) {
        for (const int n : {1, 2, 5, 17}) {
          SCOPED_TRACE(map.name + " " + measured.name + " " + std::to_string(n));
          const auto prepared = measured.prepare({n, layout, 3});
          EXPECT_EQ(prepared->operations(), 3);
          for (int round = 0; round < 3; ++round) {
            ASSERT_EQ(prepared->Check(), "");
            prepared->Run();
            if (measured.repeatable) ASSERT_EQ(prepared->Check(), "");
            prepared->Restore();
          }
          ASSERT_EQ(prepared->Check(), "");
        }
      }
    }
  }
}

// A check that never fails checks nothing.
TEST(Cases, AreSeenToChangeTheirLists) {
  for (const Case& measured : AllMaps()[0].cases) {
    if (measured.name != "add" && measured.name != "unmap" && measured.name != "unlink_parents") {
      continue;
    }
    const auto prepared = measured.prepare({5, Layout::kPacked, 2});
    prepared->Run();
    EXPECT_NE(prepared->Check(), "") << measured.name;
  }
}

TEST(Cases, OfAllMapsAreTheSame) {
  for (const BenchMap& map : AllMaps()) {
    ASSERT_EQ(map.cases.size(), AllMaps()[0].cases.size());
    for (size_t i = 0; i < map.cases.size(); ++i) {
      EXPECT_EQ(map.cases[i].name, AllMaps()[0].cases[i].name);
    }
  }
}

TEST(Guests, MeetNothingThatTheyShouldNot) {
  for (const BenchMap& map : AllMaps()) {
    for (const Case& measured : map.cases) {
      if (!measured.guest) continue;
      const auto prepared = measured.prepare({});
      prepared->Run();
      prepared->Restore();
      prepared->Run();
      EXPECT_EQ(prepared->Check(), "") << map.name << " " << measured.name;
      EXPECT_GT(prepared->operations(), 1);
    }
  }
}

// ---- Memory ----

TEST(MemoryFacts, BreakEvenIsWhereArithmeticSays) {
  // 4096 bytes of links a page, against 40 for each four entries of a list.
  struct {
    int n;
    int fill;
  } const points[] = {{2, 205}, {3, 308}, {4, 410}, {5, 256}};
  for (const auto& [n, fill] : points) {
    EXPECT_LE(Sibling().with_fill(n, fill).bytes(), Legacy().with_fill(n, fill).bytes()) << n;
    EXPECT_GT(Sibling().with_fill(n, fill - 1).bytes(), Legacy().with_fill(n, fill - 1).bytes());
  }
  EXPECT_GT(Sibling().with_fill(1, 512).bytes(), Legacy().with_fill(1, 512).bytes());
}

TEST(MemoryFacts, AListOfFourIsOneDescriptorAndAListOfOneNone) {
  const Memory four = Legacy().with_fill(4, 64);
  EXPECT_EQ(four.mappings, kFillPages * 64);
  EXPECT_EQ(four.shadow_pages, kFillPages);
  EXPECT_EQ(four.object_count, static_cast<uint64_t>(four.mappings / 4));
  EXPECT_EQ(four.objects, four.object_count * 40);
  EXPECT_EQ(Legacy().with_fill(1, 64).objects, 0u);
  EXPECT_EQ(Sibling().with_fill(4, 64).objects, 0u);
}

TEST(MemoryFacts, ParentsTakeChainsOfFive) {
  EXPECT_EQ(Legacy().with_parents(1).objects, 0u);
  EXPECT_EQ(Legacy().with_parents(5).objects, uint64_t{kFillPages} * 56);
  EXPECT_EQ(Legacy().with_parents(6).objects, uint64_t{kFillPages} * 2 * 56);
  EXPECT_EQ(Sibling().with_parents(64).objects, 0u);
}

TEST(MemoryFacts, ATdpGuestPaysForLinksThatItNeverUses) {
  const Memory legacy = Legacy().tdp_guest(512);
  const Memory sibling = Sibling().tdp_guest(512);
  EXPECT_EQ(legacy.objects, 0u);
  EXPECT_EQ(sibling.pages, 2 * legacy.pages);
}

TEST(MemoryFacts, DescriptorsStayWithOneEntryEach) {
  const Fragments fragments = Legacy().fragments();
  EXPECT_EQ(fragments.bytes_full, 100u * 40);
  EXPECT_EQ(fragments.bytes_left, fragments.bytes_full);
  EXPECT_EQ(Sibling().fragments().bytes_full, 0u);
}

TEST(Histogram, HasTheFramesAndLengthsThatWerePrinted) {
  const std::vector<int> lengths = RmapLengths(1);
  EXPECT_EQ(lengths.size(), 67348u);
  EXPECT_EQ(lengths.front(), 1);
  EXPECT_LE(lengths.back(), 127);
  EXPECT_EQ(RmapLengths(1 << 20).size(), 7u);  // one of each row
}

// ---- Under the lock ----

uint64_t ObjectsTaken(const Facts& facts) {
  uint64_t objects = 0;
  for (const TakenIn& workload : facts.taken()) {
    for (const Taken& taken : workload.taken) objects += taken.objects;
  }
  return objects;
}

TEST(LockFacts, OnlyDescriptorsAndChainsAreTakenByAMap) {
  EXPECT_GT(ObjectsTaken(Legacy()), 0u);
  EXPECT_EQ(ObjectsTaken(Sibling()), 0u);
  EXPECT_EQ(ObjectsTaken(MapNamed("counted").facts), 0u);
}

TEST(LockFacts, FourDescriptorsAreSixteenEntries) {
  const StoreBurst enough = Legacy().store_burst(15);
  EXPECT_EQ(enough.done, 15);
  EXPECT_EQ(enough.taken, 4u);
  EXPECT_EQ(enough.bug, "");
  const StoreBurst one_more = Legacy().store_burst(16);
  EXPECT_EQ(one_more.done, 15);
  EXPECT_EQ(one_more.bug, "cache_empty");
  EXPECT_EQ(Sibling().store_burst(64).done, 64);
  EXPECT_EQ(Sibling().store_burst(64).taken, 0u);
  EXPECT_EQ(Sibling().store_burst(64).bug, "");
}

}  // namespace
}  // namespace rmapdiff
