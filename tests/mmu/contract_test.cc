// The differences between the two reverse maps that docs/contract.md lists, one test each, by their
// D-numbers. Every test shows both sides.
//
// Not here: D9 (time: //bench) and D19 (code and slabs that are gone).
#include <gtest/gtest.h>

#include <type_traits>

#include "legacy_mmu/descriptor_map.h"
#include "mmu/sibling_map.h"
#include "tests/mmu/graph_fixture.h"
#include "tests/mmu/map_fixture.h"

namespace rmapdiff {
namespace {

using Sibling = SiblingMap<ProductionLimits>;
using TinySibling = SiblingMap<TinyLimits>;
using Legacy = DescriptorMap<ProductionLimits>;
using TinyLegacy = DescriptorMap<TinyLimits>;

constexpr bool k32Bit = sizeof(void*) == 4;
// Gfns and links share a page only if both have 4 bytes.
#if defined(RMAPDIFF_LONG_GFN)
constexpr bool kLongGfn = k32Bit;
#else
constexpr bool kLongGfn = false;
#endif

// Lists as words: each slot has a letter, in the order in which letters are first asked for.
template <class List>
class Letters {
 public:
  using Map = typename List::Map;

  explicit Letters(MapHost<Map>& host) : host_(host), list_(host) {}

  void Add(const std::string& letters) {
    for (const char letter : letters) list_.Add(SlotOf(letter));
  }
  void Remove(const std::string& letters) {
    for (const char letter : letters) list_.Remove(SlotOf(letter));
  }
  std::string Order() const {
    std::string order;
    for (const Spte* sptep : list_.Entries()) order += LetterOf(sptep);
    return order;
  }
  // The order in which unmapping takes the entries: always the first.
  std::string Unmap() {
    std::string order;
    for (Sptes entries = list_.Entries(); !entries.empty(); entries = list_.Entries()) {
      order += LetterOf(entries.front());
      list_.Remove(entries.front());
    }
    return order;
  }

 private:
  Spte* SlotOf(char letter) {
    if (letters_.find(letter) == std::string::npos) letters_ += letter;
    return host_.Slot(static_cast<int>(letters_.find(letter)));
  }
  char LetterOf(const Spte* sptep) const {
    size_t i = 0;
    while (host_.Slot(static_cast<int>(i)) != sptep) ++i;
    return letters_[i];
  }

  MapHost<Map>& host_;
  List list_;
  std::string letters_;
};

// The numbers that the first `n` adds to one rmap return.
template <class R>
std::vector<int> AddReturns(int n) {
  MapHost<R> host;
  typename R::Head head{};
  std::vector<int> returned;
  for (int i = 0; i < n; ++i) {
    host.TopUp();
    returned.push_back(host.map.Add(host.caches, head, host.Slot(i)));
  }
  return returned;
}

// ---- D1 ----

TEST(ContractTest, D1RmapAddReturnsAnUndercountInLegacy) {
  EXPECT_EQ(AddReturns<Legacy>(20),
            (std::vector<int>{0, 0, 0, 0, 0, 4, 4, 4, 4, 8, 8, 8, 8, 12, 12, 12, 12, 16, 16, 16}));
  EXPECT_EQ(AddReturns<TinyLegacy>(8), (std::vector<int>{0, 0, 0, 2, 2, 4, 4, 6}));
}

TEST(ContractTest, D1RmapAddReturnsTheExactNumberInSibling) {
  const std::vector<int> exact = {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,
                                  10, 11, 12, 13, 14, 15, 16, 17, 18, 19};
  EXPECT_EQ(AddReturns<Sibling>(20), exact);
  EXPECT_EQ(AddReturns<TinySibling>(20), exact);
}

TEST(ContractTest, D1EachMapKnowsWhichReturnsItsRuleAllows) {
  for (int exact = 0; exact <= 9; ++exact) {
    for (int returned = -8; returned <= 12; ++returned) {
      SCOPED_TRACE(testing::Message() << returned << " for " << exact);
      const bool undercount = returned == 0 || (returned > 0 && returned < exact);
      EXPECT_EQ(Sibling::AddReturnAgrees(returned, exact), returned == exact);
      EXPECT_EQ(Legacy::AddReturnAgrees(returned, exact), undercount && returned % 4 == 0);
      EXPECT_EQ(TinyLegacy::AddReturnAgrees(returned, exact), undercount && returned % 2 == 0);
    }
  }
}

// ---- D2 ----

// The number of the add that recycles one frame's list, and empties it.
template <class R>
int RecyclePoint(RecyclePolicy policy) {
  GraphHost<R> host(kShadowMasks, policy);
  constexpr Gfn kGfn = 5;
  for (int added = 0; added < 2000;) {
    auto& page = host.New(1, false, 0);
    for (int i = 0; i < host.kEntries; ++i) {
      ++added;
      if (!host.Map(page, i, kGfn)) continue;
      EXPECT_TRUE(host.Entries(kGfn).empty());
      EXPECT_EQ(host.graph.stats().recycled, 1u);
      return added;
    }
  }
  return 0;
}

TEST(ContractTest, D2EachMmuRecyclesAtItsOwnPointByItself) {
  EXPECT_EQ(RecyclePoint<Sibling>(RecyclePolicy::kNative), 1002);
  EXPECT_EQ(RecyclePoint<Legacy>(RecyclePolicy::kNative), 1006);
  EXPECT_EQ(RecyclePoint<TinySibling>(RecyclePolicy::kNative), 8);
  EXPECT_EQ(RecyclePoint<TinyLegacy>(RecyclePolicy::kNative), 10);
}

TEST(ContractTest, D2BothRecycleAtTheSamePointByTheExactCount) {
  EXPECT_EQ(RecyclePoint<Sibling>(RecyclePolicy::kExact), 1002);
  EXPECT_EQ(RecyclePoint<Legacy>(RecyclePolicy::kExact), 1002);
  EXPECT_EQ(RecyclePoint<TinySibling>(RecyclePolicy::kExact), 8);
  EXPECT_EQ(RecyclePoint<TinyLegacy>(RecyclePolicy::kExact), 8);
}

// The number that the add after 1004 survivors returns, when the oldest of 1005 was removed.
template <class R>
int AddReturnBehindAHole() {
  MapHost<R> host;
  typename R::Head head{};
  const auto add = [&](int slot) {
    host.TopUp();
    return host.map.Add(host.caches, head, host.Slot(slot));
  };
  for (int i = 0; i < 1005; ++i) add(i);
  host.map.Remove(head, host.Slot(0));
  EXPECT_EQ(host.map.Count(head), 1004);
  return add(1005);
}

TEST(ContractTest, D2AHoleInTheFirstDescriptorHidesTheWholeLengthFromLegacy) {
  EXPECT_EQ(AddReturnBehindAHole<Legacy>(), 0);
  EXPECT_EQ(AddReturnBehindAHole<Sibling>(), 1004);
}

// ---- D3 to D5 ----

TEST(ContractTest, D3RmapOrderIsThatOfDescriptorsAndHolesInLegacy) {
  MapHost<Legacy> host;
  Letters<RmapList<Legacy>> list(host);
  list.Add("abcdefghij");
  EXPECT_EQ(list.Order(), "abcdefghij");
  list.Remove("b");
  EXPECT_EQ(list.Order(), "adcefghij");
  list.Add("K");
  EXPECT_EQ(list.Order(), "adcKefghij");
  list.Remove("af");
  EXPECT_EQ(list.Order(), "Kdcehgij");
  list.Add("LM");
  EXPECT_EQ(list.Order(), "KdcLehgMij");

  Letters<RmapList<Legacy>> unmapped(host);
  list.Unmap();
  unmapped.Add("abcdefghij");
  EXPECT_EQ(unmapped.Unmap(), "adcbehgfij");
}

TEST(ContractTest, D3RmapOrderIsNewestFirstInSibling) {
  MapHost<Sibling> host;
  Letters<RmapList<Sibling>> list(host);
  list.Add("abcdefghij");
  EXPECT_EQ(list.Order(), "jihgfedcba");
  list.Remove("b");
  EXPECT_EQ(list.Order(), "jihgfedca");
  list.Add("K");
  EXPECT_EQ(list.Order(), "Kjihgfedca");
  list.Remove("af");
  EXPECT_EQ(list.Order(), "Kjihgedc");
  list.Add("LM");
  EXPECT_EQ(list.Order(), "MLKjihgedc");
  EXPECT_EQ(list.Unmap(), "MLKjihgedc");
}

TEST(ContractTest, D3AnEmptyDescriptorIsCutOutOfTheChainInLegacy) {
  MapHost<Legacy> host;
  Letters<RmapList<Legacy>> list(host);
  list.Add("abcdefghijkl");
  list.Remove("efgh");
  EXPECT_EQ(list.Order(), "abcdijkl");
  list.Add("M");
  EXPECT_EQ(list.Order(), "abcdijklM");
  list.Remove("abcd");
  EXPECT_EQ(list.Order(), "ijklM");
  list.Remove("M");
  EXPECT_EQ(list.Order(), "ijkl");
}

TEST(ContractTest, D4ParentOrderIsNewestChainFirstInLegacy) {
  MapHost<Legacy> host;
  Letters<ParentList<Legacy>> list(host);
  list.Add("abcdefghijkl");
  EXPECT_EQ(list.Order(), "klfghijabcde");
  list.Remove("b");
  EXPECT_EQ(list.Order(), "klfghijacde");
  list.Add("MNO");
  EXPECT_EQ(list.Order(), "klMNOfghijacde");
  list.Add("P");
  EXPECT_EQ(list.Order(), "klMNOfghijacdeP");
  list.Add("Q");
  EXPECT_EQ(list.Order(), "QklMNOfghijacdeP");
  list.Remove("fghij");
  EXPECT_EQ(list.Order(), "QklMNOacdeP");
  list.Remove("Q");
  EXPECT_EQ(list.Order(), "klMNOacdeP");
}

TEST(ContractTest, D4ParentOrderIsNewestFirstInSibling) {
  MapHost<Sibling> host;
  Letters<ParentList<Sibling>> list(host);
  list.Add("abcdefghijkl");
  EXPECT_EQ(list.Order(), "lkjihgfedcba");
  list.Remove("b");
  list.Add("M");
  EXPECT_EQ(list.Order(), "Mlkjihgfedca");
}

// The frames that write-protecting gfn 1, mapped by two slots to these frames, dirties.
template <class R>
std::vector<Pfn> DirtiedByWriteProtection(Pfn oldest, Pfn newest) {
  GraphHost<R> host;
  auto& page = host.New(1, false, 0);
  host.MapTo(oldest, page, 0, 1);
  host.MapTo(newest, page, 1, 1);
  EXPECT_TRUE(host.graph.RmapWriteProtect(1));
  return host.graph.events().dirtied;
}

TEST(ContractTest, D5WriteProtectionDirtiesTheFrameOfTheHead) {
  EXPECT_EQ(DirtiedByWriteProtection<Legacy>(100, 200), std::vector<Pfn>{100});
  EXPECT_EQ(DirtiedByWriteProtection<Sibling>(100, 200), std::vector<Pfn>{200});
}

TEST(ContractTest, D5ListsOfOneFrameDirtyTheSame) {
  EXPECT_EQ(DirtiedByWriteProtection<Legacy>(100, 100), std::vector<Pfn>{100});
  EXPECT_EQ(DirtiedByWriteProtection<Sibling>(100, 100), std::vector<Pfn>{100});
}

// ---- D6: allocations under the lock ----

TEST(ContractTest, D6LegacyAllocatesADescriptorAtEachBlockOfAnRmap) {
  MapHost<Legacy> host;
  RmapList<Legacy> list(host);
  std::vector<uint64_t> taken;
  for (int i = 0; i < 14; ++i) {
    list.Add(host.Slot(i));
    taken.push_back(host.caches.descriptors.taken());
  }
  EXPECT_EQ(taken, (std::vector<uint64_t>{0, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4}));
  EXPECT_EQ(host.caches.chains.taken(), 0u);
}

TEST(ContractTest, D6LegacyAllocatesAChainAtEachBlockOfParents) {
  MapHost<Legacy> host;
  ParentList<Legacy> list(host);
  std::vector<uint64_t> taken;
  for (int i = 0; i < 12; ++i) {
    list.Add(host.Slot(i));
    taken.push_back(host.caches.chains.taken());
  }
  EXPECT_EQ(taken, (std::vector<uint64_t>{0, 1, 1, 1, 1, 2, 2, 2, 2, 2, 3, 3}));
  EXPECT_EQ(host.caches.descriptors.taken(), 0u);
}

TEST(ContractTest, D6SiblingHasNothingToAllocate) {
  static_assert(std::is_empty_v<Sibling::Caches>);
  MapHost<Sibling> host;
  const Sptes slots = host.Slots(60);
  Sibling::Page& page = host.NewPage();
  const uint64_t reservations = host.memory.reservations();
  Sibling::Head head{};
  for (size_t i = 0; i < 30; ++i) {
    host.map.Add(host.caches, head, slots[2 * i]);
    host.map.AddParent(host.caches, page, slots[2 * i + 1]);
  }
  EXPECT_EQ(host.memory.reservations(), reservations);
  int pools = 0;
  host.map.ForEachPool([&](const Pool&) { ++pools; });
  EXPECT_EQ(pools, 0);
}

// Both caches at the minimum, where a top-up does nothing.
void LeaveTheMinimum(MapHost<Legacy>& host) {
  host.TopUp();
  while (host.caches.descriptors.size() > Legacy::kDescriptorCacheMin) {
    host.caches.descriptors.Take(sizeof(Legacy::Descriptor), 0);
  }
  while (host.caches.chains.size() > Legacy::kChainCacheMin) {
    host.caches.chains.Take(sizeof(Legacy::Chain), 0);
  }
  host.TopUp();
}

TEST(ContractTest, D6LegacyRunsOutOfDescriptorsAtTheFifthOneAfterATopUp) {
  MapHost<Legacy> host;
  const Sptes slots = host.Slots(10);
  LeaveTheMinimum(host);
  for (size_t list = 0; list < 5; ++list) {
    Legacy::Head head{};
    host.map.Add(host.caches, head, slots[2 * list]);
    const Legacy::Head single = head;
    const auto second = [&] { host.map.Add(host.caches, head, slots[2 * list + 1]); };
    EXPECT_EQ(BugOf(second), list < 4 ? BugClass::kNone : BugClass::kCacheEmpty) << list;
    if (list == 4) {
      EXPECT_EQ(head, single);
    }
  }
}

TEST(ContractTest, D6LegacyRunsOutOfChainsAtTheFifthOneAfterATopUp) {
  MapHost<Legacy> host;
  const Sptes slots = host.Slots(10);
  std::vector<Legacy::Page*> pages;
  for (int i = 0; i < 5; ++i) pages.push_back(&host.NewPage());
  LeaveTheMinimum(host);
  for (size_t list = 0; list < 5; ++list) {
    host.map.InitParents(*pages[list], slots[2 * list]);
    const auto second = [&] { host.map.AddParent(host.caches, *pages[list], slots[2 * list + 1]); };
    EXPECT_EQ(BugOf(second), list < 4 ? BugClass::kNone : BugClass::kCacheEmpty) << list;
  }
}

TEST(ContractTest, D6AFullTopUpLastsForFortyDescriptors) {
  MapHost<Legacy> host;
  const Sptes slots = host.Slots(2 * 41);
  host.TopUp();
  for (size_t list = 0; list < 41; ++list) {
    Legacy::Head head{};
    host.map.Add(host.caches, head, slots[2 * list]);
    const auto second = [&] { host.map.Add(host.caches, head, slots[2 * list + 1]); };
    EXPECT_EQ(BugOf(second), list < 40 ? BugClass::kNone : BugClass::kCacheEmpty) << list;
  }
}

// ---- D7 and D8: memory ----

// Pages that one shadow page takes from the vcpu's cache.
template <class R>
uint64_t PagesTaken(bool direct) {
  GraphHost<R> host;
  host.New(1, direct, 0);
  return host.caches.pages.taken();
}

TEST(ContractTest, D7AShadowPageTakesOnePageMoreInSibling) {
  EXPECT_EQ(PagesTaken<Legacy>(true), 1u);
  EXPECT_EQ(PagesTaken<Legacy>(false), 2u);
  EXPECT_EQ(PagesTaken<Sibling>(true), 2u);
  EXPECT_EQ(PagesTaken<Sibling>(false), kLongGfn ? 2u : 3u);
}

TEST(ContractTest, D7TheTopUpMinimaAreThoseOfTheKernel) {
  EXPECT_EQ(Legacy::kPageCacheMin, 8);
  EXPECT_EQ(Legacy::kChainCacheMin, 4);
  EXPECT_EQ(Legacy::kDescriptorCacheMin, 4);
  EXPECT_EQ(Sibling::kPageCacheMin, 12);
  EXPECT_EQ(PageGraph<Legacy>::kHeaderCacheMin, 4);
  EXPECT_EQ(PageGraph<Sibling>::kHeaderCacheMin, 4);
}

// Pages left of the minimum once four indirect PAE roots are allocated.
template <class R>
int LeftAfterFourRoots() {
  GraphHost<R> host;
  EXPECT_TRUE(host.graph.TopUp(host.caches));
  while (host.caches.pages.size() > R::kPageCacheMin) host.caches.pages.Take(kPageBytes, 0);
  Role role;
  role.level = 2;
  for (PageId id = 0; id < 4; ++id) host.graph.AllocPage(host.caches, id, 0, role, nullptr);
  return host.caches.pages.size();
}

TEST(ContractTest, D7FourIndirectRootsTakeTheWholeMinimum) {
  EXPECT_EQ(LeftAfterFourRoots<Legacy>(), 0);
  EXPECT_EQ(LeftAfterFourRoots<Sibling>(), kLongGfn ? 4 : 0);
}

// gfn_t of 2.6.36 has 8 bytes on 32-bit hosts as well; before it was an unsigned long.
TEST(ContractTest, D7GfnsOfFourBytesLieInTheSecondHalfOfTheLinks) {
  static_assert(sizeof(Gfn) == (kLongGfn ? 4 : 8));
  static_assert(Sibling::kSharedGfns == kLongGfn);
  MapHost<Sibling> host;
  const Sibling::Page& page = host.NewPage(false);
  const bool second_half = static_cast<void*>(page.gfns) == page.sibling_pte + 512;
  EXPECT_EQ(second_half, kLongGfn);
  const auto links = reinterpret_cast<uintptr_t>(page.sibling_pte);
  const auto gfns = reinterpret_cast<uintptr_t>(page.gfns);
  EXPECT_EQ(links / kPageBytes == gfns / kPageBytes, kLongGfn) << "else each has a page";
}

TEST(ContractTest, D8DescriptorsAndChainsHaveTheSizesOfTheKernel) {
  EXPECT_EQ(sizeof(Legacy::Descriptor), k32Bit ? 20u : 40u);
  EXPECT_EQ(sizeof(Legacy::Chain), k32Bit ? 28u : 56u);
}

TEST(ContractTest, D8LegacyMayKeepOneDescriptorAnEntry) {
  MapHost<Legacy> host;
  RmapList<Legacy> list(host);
  AddAll(list, host.Slots(400));
  EXPECT_EQ(host.ObjectsInUse(), 100u);
  for (int i = 0; i < 400; ++i) {
    if (i % 4 != 0) list.Remove(host.Slot(i));
  }
  EXPECT_EQ(list.Count(), 100);
  EXPECT_EQ(host.ObjectsInUse(), 100u);
}

// ---- D10, D11: misuse that is reported at once ----

TEST(ContractTest, D10LegacySaysWhereARemovalFailed) {
  MapHost<Legacy> host;
  Spte* unlisted = host.Slot(9);
  RmapList<Legacy> rmap(host);
  const auto remove = [&] { rmap.Remove(unlisted); };
  EXPECT_EQ(WordingOf(remove), "rmap_remove: 0->BUG");
  rmap.Add(host.Slot(0));
  EXPECT_EQ(WordingOf(remove), "rmap_remove: 1->BUG");
  rmap.Add(host.Slot(1));
  EXPECT_EQ(WordingOf(remove), "rmap_remove: many->many");

  ParentList<Legacy> parents(host);
  const auto remove_parent = [&] { parents.Remove(unlisted); };
  EXPECT_EQ(WordingOf(remove_parent), "mmu_page_remove_parent_pte: parent_pte != parent_pte");
  parents.Add(host.Slot(2));
  EXPECT_EQ(WordingOf(remove_parent), "mmu_page_remove_parent_pte: parent_pte != parent_pte");
  parents.Add(host.Slot(3));
  EXPECT_EQ(WordingOf(remove_parent), "mmu_page_remove_parent_pte: BUG");
}

TEST(ContractTest, D10SiblingHasOneWordForAll) {
  MapHost<Sibling> host;
  Spte* unlisted = host.Slot(9);
  RmapList<Sibling> rmap(host);
  ParentList<Sibling> parents(host);
  for (int n = 0; n < 3; ++n) {
    EXPECT_EQ(WordingOf([&] { rmap.Remove(unlisted); }), "rmap_remove: BUG");
    EXPECT_EQ(WordingOf([&] { parents.Remove(unlisted); }), "mmu_page_remove_parent_pte: BUG");
    rmap.Add(host.Slot(2 * n));
    parents.Add(host.Slot(2 * n + 1));
  }
}

TEST(ContractTest, D11RemovingNoParentFromAParentlessPageIsSilentInLegacyOnly) {
  MapHost<Legacy> legacy_host;
  ParentList<Legacy> legacy(legacy_host);
  EXPECT_EQ(BugOf([&] { legacy.Remove(nullptr); }), BugClass::kNone);
  ExpectSet(legacy, {});
  MapHost<Sibling> sibling_host;
  ParentList<Sibling> sibling(sibling_host);
  EXPECT_EQ(BugOf([&] { sibling.Remove(nullptr); }), BugClass::kRemoveParent);
}

TEST(ContractTest, D11RemovingNoParentFromAPageWithParentsIsABugInBoth) {
  MapHost<Legacy> legacy_host;
  ParentList<Legacy> legacy(legacy_host);
  MapHost<Sibling> sibling_host;
  ParentList<Sibling> sibling(sibling_host);
  for (int n = 0; n < 7; ++n) {
    legacy.Add(legacy_host.Slot(n));
    sibling.Add(sibling_host.Slot(n));
    EXPECT_EQ(BugOf([&] { legacy.Remove(nullptr); }), BugClass::kRemoveParent);
    EXPECT_EQ(BugOf([&] { sibling.Remove(nullptr); }), BugClass::kRemoveParent);
  }
}

// ---- D12: adding twice ----

TEST(ContractTest, D12LegacyListsASpteTwiceAndRemovesOneOfThem) {
  MapHost<Legacy> host;
  RmapList<Legacy> list(host);
  AddAll(list, host.Slots(2));
  list.Add(host.Slot(1));
  EXPECT_EQ(list.Count(), 3);
  list.Remove(host.Slot(1));
  ExpectSet(list, host.Slots(2));
}

TEST(ContractTest, D12IterationNeverGetsPastASpteListedTwiceInLegacy) {
  MapHost<Legacy> host;
  RmapList<Legacy> list(host);
  AddAll(list, host.Slots(2));
  list.Add(host.Slot(1));
  list.Add(host.Slot(2));
  // rmap_next looks for the cursor from the head on and finds the first of the two.
  EXPECT_EQ(host.map.Next(list.head(), host.Slot(1)), host.Slot(1));
}

TEST(ContractTest, D12LegacyListsAParentTwice) {
  MapHost<Legacy> host;
  ParentList<Legacy> list(host);
  for (int i = 0; i < 3; ++i) list.Add(host.Slot(0));
  ExpectSet(list, {host.Slot(0), host.Slot(0), host.Slot(0)});
  list.Remove(host.Slot(0));
  ExpectSet(list, {host.Slot(0), host.Slot(0)});
}

TEST(ContractTest, D12AddingTheHeadAgainIsACycleInSibling) {
  MapHost<Sibling> host;
  RmapList<Sibling> list(host);
  AddAll(list, host.Slots(2));
  EXPECT_EQ(BugOf([&] { list.Add(host.Slot(1)); }), BugClass::kCycle);
  EXPECT_EQ(host.map.Next(list.head(), host.Slot(1)), host.Slot(1));
  EXPECT_EQ(BugOf([&] { list.Count(); }), BugClass::kCycle);
  EXPECT_EQ(BugOf([&] { list.Remove(host.Slot(0)); }), BugClass::kCycle);
}

TEST(ContractTest, D12AddingAnEntryOfTheTailAgainLosesWhatIsBehindItInSibling) {
  MapHost<Sibling> host;
  RmapList<Sibling> list(host);
  AddAll(list, host.Slots(3));
  EXPECT_EQ(BugOf([&] { list.Add(host.Slot(1)); }), BugClass::kCycle);
  // 1 -> 2 -> 1: the oldest is lost.
  EXPECT_EQ(host.map.Next(list.head(), nullptr), host.Slot(1));
  EXPECT_EQ(host.map.Next(list.head(), host.Slot(1)), host.Slot(2));
  EXPECT_EQ(host.map.Next(list.head(), host.Slot(2)), host.Slot(1));
}

TEST(ContractTest, D12AddingAParentTwiceIsACycleInSibling) {
  MapHost<Sibling> host;
  ParentList<Sibling> list(host);
  list.Add(host.Slot(0));
  list.Add(host.Slot(0));  // no count is taken of parents
  EXPECT_EQ(BugOf([&] { host.map.ForEachParent(list.page(), [](Spte*) {}); }), BugClass::kCycle);
  EXPECT_EQ(BugOf([&] { host.map.UnlinkParents(list.page(), [](Spte*) {}); }),
            Sibling::kPoisonLinks ? BugClass::kWild : BugClass::kCycle);
}

TEST(ContractTest, D12AddingToASecondListSplicesTheFirstOntoItInSibling) {
  MapHost<Sibling> host;
  RmapList<Sibling> first(host);
  RmapList<Sibling> second(host);
  AddAll(first, {host.Slot(0), host.Slot(1), host.Slot(2)});
  second.Add(host.Slot(5));
  second.Add(host.Slot(1));
  EXPECT_EQ(second.Entries(), (Sptes{host.Slot(1), host.Slot(5)}));
  EXPECT_EQ(first.Entries(), (Sptes{host.Slot(2), host.Slot(1), host.Slot(5)}));
}

TEST(ContractTest, D12AddingToASecondListLeavesTheFirstAloneInLegacy) {
  MapHost<Legacy> host;
  RmapList<Legacy> first(host);
  RmapList<Legacy> second(host);
  AddAll(first, {host.Slot(0), host.Slot(1), host.Slot(2)});
  second.Add(host.Slot(5));
  second.Add(host.Slot(1));
  EXPECT_EQ(second.Entries(), (Sptes{host.Slot(5), host.Slot(1)}));
  EXPECT_EQ(first.Entries(), (Sptes{host.Slot(0), host.Slot(1), host.Slot(2)}));
}

// ---- D13: a cursor that is not on the list ----

TEST(ContractTest, D13IterationStopsAtARemovedCursorInLegacy) {
  MapHost<Legacy> host;
  RmapList<Legacy> list(host);
  AddAll(list, host.Slots(7));
  list.Remove(host.Slot(1));
  EXPECT_EQ(host.map.Next(list.head(), host.Slot(1)), nullptr);
  EXPECT_EQ(host.map.Next(list.head(), host.Slot(9)), nullptr);
}

TEST(ContractTest, D13AnyCursorEndsTheIterationOfASingleEntryInLegacy) {
  MapHost<Legacy> host;
  RmapList<Legacy> list(host);
  list.Add(host.Slot(0));
  EXPECT_EQ(host.map.Next(list.head(), host.Slot(0)), nullptr);
  EXPECT_EQ(host.map.Next(list.head(), host.Slot(9)), nullptr);
}

TEST(ContractTest, D13IterationFollowsTheStaleLinkOfARemovedCursorInSibling) {
  MapHost<Sibling> host;
  RmapList<Sibling> list(host);
  AddAll(list, host.Slots(3));
  list.Remove(host.Slot(1));
  Spte* next = host.map.Next(list.head(), host.Slot(1));
  if (Sibling::kPoisonLinks) {
    EXPECT_EQ(BugOf([&] { host.map.Next(list.head(), next); }), BugClass::kWild);
  } else {
    EXPECT_EQ(next, host.Slot(0));
  }
}

TEST(ContractTest, D13ACursorThatWasNeverListedLeadsIntoGarbageInSibling) {
  MapHost<Sibling> host;
  RmapList<Sibling> list(host);
  AddAll(list, host.Slots(3));
  Spte* next = host.map.Next(list.head(), host.Slot(9));
  EXPECT_EQ(BugOf([&] { host.map.Next(list.head(), next); }), BugClass::kWild);
}

// ---- D14 to D16: the words themselves ----

TEST(ContractTest, D14AnRmapThatShrankToOneEntryKeepsItsDescriptorInLegacy) {
  MapHost<Legacy> host;
  RmapList<Legacy> list(host);
  list.Add(host.Slot(0));
  const Legacy::Head single = list.head();
  list.Add(host.Slot(1));
  EXPECT_EQ(list.head() & 1, 1u);
  list.Remove(host.Slot(1));
  ExpectSet(list, {host.Slot(0)});
  EXPECT_NE(list.head(), single);
  EXPECT_EQ(host.ObjectsInUse(), 1u);
  list.Remove(host.Slot(0));
  EXPECT_EQ(list.head(), 0u);
  EXPECT_EQ(host.ObjectsInUse(), 0u);
}

TEST(ContractTest, D14APageMayBeMultimappedWithOneParentInLegacy) {
  MapHost<Legacy> host;
  ParentList<Legacy> list(host);
  AddAll(list, host.Slots(2));
  list.Remove(host.Slot(0));
  EXPECT_TRUE(list.page().multimapped);
  ExpectSet(list, {host.Slot(1)});
  EXPECT_EQ(host.ObjectsInUse(), 1u);
  list.Remove(host.Slot(1));
  EXPECT_FALSE(list.page().multimapped);
  EXPECT_EQ(host.ObjectsInUse(), 0u);
}

TEST(ContractTest, D14TheHeadOfASiblingListIsThePlainPointer) {
  MapHost<Sibling> host;
  RmapList<Sibling> list(host);
  AddAll(list, host.Slots(3));
  EXPECT_EQ(list.head(), host.Slot(2));
  RemoveAll(list, host.Slots(3));
  EXPECT_EQ(list.head(), nullptr);
}

// The raw link of a slot of MapHost<Sibling>.
Spte* LinkOf(const Spte* sptep) {
  const auto* page = static_cast<const Sibling::Page*>(PageHeader(sptep));
  return page->sibling_pte[sptep - page->spt];
}

TEST(ContractTest, D15SiblingLeavesLinksOfUnlistedSlotsBehind) {
  static_assert(Sibling::kPoisonLinks == kAddressSanitizer);
  MapHost<Sibling> host;
  RmapList<Sibling> rmap(host);
  ParentList<Sibling> parents(host);
  AddAll(rmap, {host.Slot(0), host.Slot(1)});
  AddAll(parents, {host.Slot(2), host.Slot(3)});
  rmap.Remove(host.Slot(1));
  host.map.UnlinkParents(parents.page(), [](Spte*) {});
  Spte* poison = reinterpret_cast<Spte*>(uintptr_t{0x5bad5bad});
  EXPECT_EQ(LinkOf(host.Slot(1)), Sibling::kPoisonLinks ? poison : host.Slot(0));
  EXPECT_EQ(LinkOf(host.Slot(3)), Sibling::kPoisonLinks ? poison : host.Slot(2));
  EXPECT_EQ(LinkOf(host.Slot(2)), Sibling::kPoisonLinks ? poison : nullptr);
}

TEST(ContractTest, D15ALinkIsWrittenBeforeItsSlotIsPublished) {
  MapHost<Sibling> host;
  // Fresh links are garbage; the first entry of each kind of list must end there nevertheless.
  EXPECT_EQ(BugOf([&] { PageHeader(LinkOf(host.Slot(0))); }), BugClass::kWild);
  RmapList<Sibling> rmap(host);
  rmap.Add(host.Slot(0));
  EXPECT_EQ(LinkOf(host.Slot(0)), nullptr);
  ParentList<Sibling> parents(host);
  parents.Add(host.Slot(1));
  EXPECT_EQ(LinkOf(host.Slot(1)), nullptr);
  host.map.InitParents(parents.page(), host.Slot(2));
  EXPECT_EQ(LinkOf(host.Slot(2)), nullptr);
}

// A list of three whose middle entry lies in a page that was freed.
template <class R>
struct Leak {
  Leak() {
    for (typename R::Page* page : {&first, &middle, &last}) list.Add(&page->spt[1]);
    host.FreePage(middle);
  }
  MapHost<R> host;
  typename R::Page& first = host.NewPage();
  typename R::Page& middle = host.NewPage();
  typename R::Page& last = host.NewPage();
  Spte* gone = &middle.spt[1];
  RmapList<R> list{host};
};

TEST(ContractTest, D16ALeakedEntryIsTheOnlyDamageInLegacy) {
  Leak<Legacy> leak;
  EXPECT_EQ(leak.list.Entries(), (Sptes{&leak.first.spt[1], leak.gone, &leak.last.spt[1]}));
  leak.list.Remove(&leak.last.spt[1]);
  leak.list.Remove(&leak.first.spt[1]);
  ExpectSet(leak.list, {leak.gone});
}

TEST(ContractTest, D16ALeakedEntryTakesTheTailOfTheListWithItInSibling) {
  Leak<Sibling> leak;
  EXPECT_EQ(leak.host.map.Next(leak.list.head(), nullptr), &leak.last.spt[1]);
  EXPECT_EQ(leak.host.map.Next(leak.list.head(), &leak.last.spt[1]), leak.gone);
  EXPECT_EQ(BugOf([&] { leak.list.Entries(); }), BugClass::kDangling);
  EXPECT_EQ(BugOf([&] { leak.list.Count(); }), BugClass::kDangling);
  EXPECT_EQ(BugOf([&] { leak.list.Remove(&leak.first.spt[1]); }), BugClass::kDangling);
}

// ---- D17, D18, D20 ----

TEST(ContractTest, D17ASpteOutsideShadowPagesCanBeAParentInLegacyOnly) {
  Spte pae_root[4] = {};
  MapHost<Legacy> legacy_host;
  ParentList<Legacy> legacy(legacy_host);
  for (Spte& spte : pae_root) legacy.Add(&spte);
  ExpectSet(legacy, {&pae_root[0], &pae_root[1], &pae_root[2], &pae_root[3]});
  legacy.Remove(&pae_root[1]);
  EXPECT_EQ(legacy.Count(), 3);

  MapHost<Sibling> sibling_host;
  ParentList<Sibling> sibling(sibling_host);
  EXPECT_EQ(BugOf([&] { sibling.Add(&pae_root[0]); }), BugClass::kWild);
  EXPECT_EQ(BugOf([&] { sibling_host.map.InitParents(sibling.page(), &pae_root[0]); }),
            BugClass::kWild);
  ExpectSet(sibling, {});
}

// gfn 1 is mapped by slots 0 and 1, gfn 2 by slot 2; then slot 1 claims to map gfn 2.
template <class R>
struct WrongGfn {
  WrongGfn() {
    host.Map(page, 0, 1);
    host.Map(page, 1, 1);
    host.Map(page, 2, 2);
    host.graph.SetGfn(page, 1, 2);
  }
  GraphHost<R> host;
  typename R::Page& page = host.New(1, false, 0);
  Spte* spt = page.spt;
};

TEST(ContractTest, D18RemovalFromTheWrongListIsABugThatLeavesBothListsInBoth) {
  WrongGfn<Legacy> legacy;
  EXPECT_EQ(BugOf([&] { legacy.host.graph.RmapRemove(&legacy.spt[1]); }), BugClass::kRmapRemove);
  EXPECT_EQ(legacy.host.Entries(1), (Sptes{&legacy.spt[0], &legacy.spt[1]}));
  EXPECT_EQ(legacy.host.Entries(2), Sptes{&legacy.spt[2]});
  WrongGfn<Sibling> sibling;
  EXPECT_EQ(BugOf([&] { sibling.host.graph.RmapRemove(&sibling.spt[1]); }), BugClass::kRmapRemove);
  EXPECT_EQ(sibling.host.Entries(1), (Sptes{&sibling.spt[1], &sibling.spt[0]}));
  EXPECT_EQ(sibling.host.Entries(2), Sptes{&sibling.spt[2]});
}

TEST(ContractTest, D18AddingToTheWrongListBeforeSplicesThemInSiblingOnly) {
  WrongGfn<Legacy> legacy;
  legacy.host.graph.RmapAdd(legacy.host.caches, &legacy.spt[1], 2);
  EXPECT_EQ(legacy.host.Entries(1), (Sptes{&legacy.spt[0], &legacy.spt[1]}));
  EXPECT_EQ(legacy.host.Entries(2), (Sptes{&legacy.spt[2], &legacy.spt[1]}));
  WrongGfn<Sibling> sibling;
  sibling.host.graph.RmapAdd(sibling.host.caches, &sibling.spt[1], 2);
  EXPECT_EQ(sibling.host.Entries(1), (Sptes{&sibling.spt[1], &sibling.spt[2]}));
  EXPECT_EQ(sibling.host.Entries(2), (Sptes{&sibling.spt[1], &sibling.spt[2]}));
}

TEST(ContractTest, D20EachParentIsUnlistedBeforeItIsStoredToInLegacy) {
  MapHost<Legacy> host;
  ParentList<Legacy> list(host);
  AddAll(list, host.Slots(3));
  std::vector<Sptes> listed;
  host.map.UnlinkParents(list.page(), [&](Spte*) { listed.push_back(list.Entries()); });
  EXPECT_EQ(listed, (std::vector<Sptes>{{host.Slot(1), host.Slot(2)}, {host.Slot(2)}, {}}));
}

TEST(ContractTest, D20EachParentIsStillListedWhenItIsStoredToInSibling) {
  MapHost<Sibling> host;
  ParentList<Sibling> list(host);
  AddAll(list, host.Slots(3));
  Spte* head = host.Slot(2);
  Sptes heads;
  Sptes stored;
  host.map.UnlinkParents(list.page(), [&](Spte* sptep) {
    heads.push_back(list.page().parent_pte);
    stored.push_back(sptep);
    EXPECT_EQ(LinkOf(sptep), sptep == host.Slot(0) ? nullptr
                             : sptep == head       ? host.Slot(1)
                                                   : host.Slot(0));
  });
  EXPECT_EQ(stored, (Sptes{head, host.Slot(1), host.Slot(0)}));
  EXPECT_EQ(heads, (Sptes{head, head, head}));
}

}  // namespace
}  // namespace rmapdiff
