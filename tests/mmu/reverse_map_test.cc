// The contract of a reverse map (mmu/graph/reverse_map.h), for each map and each of its two lists.
//
// contract_test.cc tests the freedoms of a map (order, return values, allocations).
#include "mmu/graph/reverse_map.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

#include "fuzzers/voices/plain_map.h"
#include "tests/mmu/all_map_types.h"
#include "tests/mmu/behind_any_map.h"
#include "tests/mmu/map_fixture.h"

namespace rmapdiff {
namespace {

using Sibling = SiblingMap<ProductionLimits>;
using TinySibling = SiblingMap<TinyLimits>;
using Legacy = DescriptorMap<ProductionLimits>;
using TinyLegacy = DescriptorMap<TinyLimits>;
using Plain = PlainMap<ProductionLimits>;
using TinyPlain = PlainMap<TinyLimits>;
using AnySibling = Behind<SiblingMap, ProductionLimits>;
using AnyLegacy = Behind<DescriptorMap, TinyLimits>;

// ---- Both kinds of list ----

template <class List>
class ListTest : public testing::Test {
 protected:
  // Every shape that a structure of three blocks can have, and two entries more.
  static constexpr int kMaxLength = 3 * List::kBlock + 2;

  MapHost<typename List::Map> host;
};

using Lists = AllMapTypes::Lists<Plain, TinyPlain, AnySibling, AnyLegacy>;
TYPED_TEST_SUITE(ListTest, Lists);

TYPED_TEST(ListTest, ANewListIsEmpty) {
  TypeParam list(this->host);
  ExpectSet(list, {});
}

TYPED_TEST(ListTest, EachAddedSpteIsListedOnce) {
  TypeParam list(this->host);
  for (int n = 1; n <= this->kMaxLength; ++n) {
    list.Add(this->host.Slot(n - 1));
    ExpectSet(list, this->host.Slots(n));
  }
}

TYPED_TEST(ListTest, AnySpteOfAnyLengthCanBeRemovedAndAddedAgain) {
  for (int n = 1; n <= this->kMaxLength; ++n) {
    const Sptes slots = this->host.Slots(n);
    for (int at = 0; at < n; ++at) {
      SCOPED_TRACE(testing::Message() << at << " of " << n);
      TypeParam list(this->host);
      AddAll(list, slots);
      list.Remove(slots[static_cast<size_t>(at)]);
      Sptes others = slots;
      others.erase(others.begin() + at);
      ExpectSet(list, others);
      list.Add(slots[static_cast<size_t>(at)]);
      ExpectSet(list, slots);
      RemoveAll(list, slots);
      ExpectSet(list, {});
    }
  }
  this->host.ExpectNoLeak();
}

TYPED_TEST(ListTest, AnyTwoHolesCanBeMadeAndFilled) {
  const int n = this->kMaxLength;
  const Sptes slots = this->host.Slots(n + 2);
  for (int first = 0; first < n; ++first) {
    for (int second = 0; second < n; ++second) {
      if (first == second) continue;
      SCOPED_TRACE(testing::Message() << first << " and " << second);
      TypeParam list(this->host);
      std::set<Spte*> left(slots.begin(), slots.begin() + n);
      AddAll(list, Sptes(left.begin(), left.end()));
      for (const int at : {first, second}) {
        list.Remove(slots[static_cast<size_t>(at)]);
        left.erase(slots[static_cast<size_t>(at)]);
      }
      for (const int at : {n, n + 1}) {
        list.Add(slots[static_cast<size_t>(at)]);
        left.insert(slots[static_cast<size_t>(at)]);
      }
      const Sptes all(left.begin(), left.end());
      ExpectSet(list, all);
      RemoveAll(list, all);
      ExpectSet(list, {});
    }
  }
  this->host.ExpectNoLeak();
}

TYPED_TEST(ListTest, RemovingInAnyOrderEmptiesTheList) {
  for (int n = 0; n <= 6; ++n) {
    const Sptes slots = this->host.Slots(n);
    Sptes order = Sorted(slots);
    do {
      TypeParam list(this->host);
      AddAll(list, slots);
      for (size_t i = 0; i < order.size(); ++i) {
        list.Remove(order[i]);
        ASSERT_EQ(Sorted(list.Entries()), Sptes(Sorted({order.begin() + i + 1, order.end()})));
      }
    } while (std::next_permutation(order.begin(), order.end()));
  }
  this->host.ExpectNoLeak();
}

TYPED_TEST(ListTest, RemovingAnUnlistedSpteIsABugAndLeavesTheListIntact) {
  TypeParam other(this->host);
  const Sptes slots = this->host.Slots(this->kMaxLength + 3);
  Spte* never = slots[slots.size() - 1];
  Spte* removed = slots[slots.size() - 2];
  Spte* elsewhere = slots[slots.size() - 3];
  other.Add(elsewhere);
  for (int n = 0; n <= this->kMaxLength; ++n) {
    TypeParam list(this->host);
    AddAll(list, this->host.Slots(n));
    list.Add(removed);
    list.Remove(removed);
    const Sptes before = list.Entries();
    for (Spte* unlisted : {never, removed, elsewhere}) {
      EXPECT_EQ(BugOf([&] { list.Remove(unlisted); }), TypeParam::kMissing) << "length " << n;
      EXPECT_EQ(list.Entries(), before) << "length " << n;
    }
    ExpectSet(other, {elsewhere});
    RemoveAll(list, this->host.Slots(n));
  }
}

TYPED_TEST(ListTest, AListCanBeEmptiedAndFilledAgain) {
  TypeParam list(this->host);
  const Sptes slots = this->host.Slots(this->kMaxLength);
  for (int round = 0; round < 50; ++round) {
    AddAll(list, slots);
    ExpectSet(list, slots);
    RemoveAll(list, slots);
    ExpectSet(list, {});
  }
  this->host.ExpectNoLeak();
}

TYPED_TEST(ListTest, OneSpteAfterAnotherMovesBetweenTwoLists) {
  TypeParam from(this->host);
  TypeParam to(this->host);
  Sptes waiting = this->host.Slots(this->kMaxLength);
  Sptes moved;
  AddAll(from, waiting);
  while (!waiting.empty()) {
    // From the middle, so that the list has something on both sides.
    const auto middle = waiting.begin() + static_cast<int>(waiting.size() / 2);
    from.Remove(*middle);
    to.Add(*middle);
    moved.push_back(*middle);
    waiting.erase(middle);
    ExpectSet(from, waiting);
    ExpectSet(to, moved);
  }
  RemoveAll(to, moved);
  this->host.ExpectNoLeak();
}

// ---- Maps ----

template <class R>
class ReverseMapTest : public testing::Test {
 protected:
  // Enough for three blocks of either kind, and two more.
  static constexpr int kMaxLength = 3 * std::max(RmapBlockOf<R>(), ParentBlockOf<R>()) + 2;

  MapHost<R> host;
};

using Maps = AllMapTypes::Maps<Plain, TinyPlain>;
TYPED_TEST_SUITE(ReverseMapTest, Maps);

TYPED_TEST(ReverseMapTest, AValueInitialisedHeadIsEmpty) {
  typename TypeParam::Head head{};
  EXPECT_EQ(this->host.map.Count(head), 0);
  EXPECT_EQ(this->host.map.Next(head, nullptr), nullptr);
}

TYPED_TEST(ReverseMapTest, NextFollowsEachEntryByTheOneBehindIt) {
  for (int n = 1; n <= this->kMaxLength; ++n) {
    RmapList<TypeParam> list(this->host);
    AddAll(list, this->host.Slots(n));
    const Sptes entries = list.Entries();
    ASSERT_EQ(entries.size(), static_cast<size_t>(n));
    const auto next = [&](Spte* cur) { return this->host.map.Next(list.head(), cur); };
    EXPECT_EQ(next(nullptr), entries.front());
    // Asked out of turn, as Next keeps no state.
    for (size_t i = entries.size() - 1; i > 0; --i) EXPECT_EQ(next(entries[i - 1]), entries[i]);
    EXPECT_EQ(next(entries.back()), nullptr);
    RemoveAll(list, entries);
  }
}

TYPED_TEST(ReverseMapTest, TheFirstAddReturnsZero) {
  typename TypeParam::Head head{};
  EXPECT_EQ(this->host.map.Add(this->host.caches, head, this->host.Slot(0)), 0);
}

TYPED_TEST(ReverseMapTest, NoMapReturnsMoreThanTheExactNumberOrLessThanZero) {
  for (int exact = 0; exact < 20; ++exact) {
    EXPECT_FALSE(TypeParam::AddReturnAgrees(-1, exact));
    EXPECT_FALSE(TypeParam::AddReturnAgrees(-TypeParam::Limits::kDescriptorEntries, exact));
    for (int more = 1; more <= 8; ++more) {
      EXPECT_FALSE(TypeParam::AddReturnAgrees(exact + more, exact));
    }
  }
  EXPECT_TRUE(TypeParam::AddReturnAgrees(0, 0));
}

TYPED_TEST(ReverseMapTest, ANullParentIsNotAdded) {
  ParentList<TypeParam> list(this->host);
  for (int n = 0; n <= this->kMaxLength; ++n) {
    const size_t objects = this->host.ObjectsInUse();
    list.Add(nullptr);
    ExpectSet(list, this->host.Slots(n));
    EXPECT_EQ(this->host.ObjectsInUse(), objects);
    list.Add(this->host.Slot(n));
  }
}

TYPED_TEST(ReverseMapTest, InitParentsForgetsWhateverThePageHeld) {
  for (int n = 0; n <= 6; ++n) {
    for (const bool has_first : {false, true}) {
      MapHost<TypeParam> host;  // what was forgotten is not for use elsewhere
      Spte* const first = has_first ? host.Slot(8) : nullptr;
      ParentList<TypeParam> list(host);
      AddAll(list, host.Slots(n));
      host.map.InitParents(list.page(), first);
      ExpectSet(list, has_first ? Sptes{first} : Sptes{});
    }
  }
}

TYPED_TEST(ReverseMapTest, TheFirstParentMayHaveBeenOnALongListBefore) {
  const Sptes slots = this->host.Slots(6);
  for (Spte* parent : slots) {
    RmapList<TypeParam> rmap(this->host);
    AddAll(rmap, slots);
    rmap.Remove(parent);
    ParentList<TypeParam> list(this->host);
    this->host.map.InitParents(list.page(), parent);
    ExpectSet(list, {parent});
    EXPECT_EQ(rmap.Count(), 5);
    list.Remove(parent);
    ExpectSet(list, {});
    RemoveAll(rmap, rmap.Entries());
  }
}

TYPED_TEST(ReverseMapTest, TheFirstParentCanBeJoinedByOthers) {
  for (int n = 1; n <= this->kMaxLength; ++n) {
    const Sptes slots = this->host.Slots(n);
    ParentList<TypeParam> list(this->host);
    this->host.map.InitParents(list.page(), slots[0]);
    for (int i = 1; i < n; ++i) list.Add(slots[static_cast<size_t>(i)]);
    ExpectSet(list, slots);
    RemoveAll(list, slots);
    ExpectSet(list, {});
  }
  this->host.ExpectNoLeak();
}

TYPED_TEST(ReverseMapTest, UnlinkParentsStoresToEachOnceAndEmptiesTheList) {
  for (int n = 0; n <= this->kMaxLength; ++n) {
    ParentList<TypeParam> list(this->host);
    const Sptes slots = this->host.Slots(n);
    AddAll(list, slots);
    Sptes stored;
    this->host.map.UnlinkParents(list.page(), [&](Spte* sptep) { stored.push_back(sptep); });
    EXPECT_EQ(Sorted(stored), Sorted(slots));
    ExpectSet(list, {});
    // All of them are free to be listed again, there or elsewhere.
    RmapList<TypeParam> rmap(this->host);
    for (int i = 0; i < n; ++i) {
      if (i % 2 == 0) list.Add(slots[static_cast<size_t>(i)]);
      if (i % 2 == 1) rmap.Add(slots[static_cast<size_t>(i)]);
    }
    EXPECT_EQ(list.Count(), (n + 1) / 2);
    EXPECT_EQ(rmap.Count(), n / 2);
    this->host.map.UnlinkParents(list.page(), [](Spte*) {});
    RemoveAll(rmap, rmap.Entries());
  }
  this->host.ExpectNoLeak();
}

TYPED_TEST(ReverseMapTest, SlotsOfOnePageServeRmapsAndParentListsAtATime) {
  constexpr int kEntries = MapHost<TypeParam>::kEntries;
  typename TypeParam::Page& page = this->host.NewPage(false);
  RmapList<TypeParam> rmap(this->host);
  ParentList<TypeParam> parents(this->host);
  Sptes leaves;
  Sptes links;
  for (int i = 0; i < kEntries; ++i) {
    Spte* sptep = &page.spt[i];
    (i % 2 == 0 ? leaves : links).push_back(sptep);
    i % 2 == 0 ? rmap.Add(sptep) : parents.Add(sptep);
  }
  ExpectSet(rmap, leaves);
  ExpectSet(parents, links);
  // Every leaf becomes a link and every link a leaf.
  RemoveAll(rmap, leaves);
  RemoveAll(parents, links);
  AddAll(rmap, links);
  AddAll(parents, leaves);
  ExpectSet(rmap, links);
  ExpectSet(parents, leaves);
  RemoveAll(rmap, links);
  RemoveAll(parents, leaves);
  this->host.ExpectNoLeak();
}

TYPED_TEST(ReverseMapTest, GfnsAndListsOfAPageDoNotOverlap) {
  constexpr int kEntries = MapHost<TypeParam>::kEntries;
  for (int round = 0; round < 2; ++round) {
    typename TypeParam::Page& page = this->host.NewPage(false);
    ASSERT_NE(page.gfns, nullptr);
    RmapList<TypeParam> rmap(this->host);
    Sptes all;
    for (int i = 0; i < kEntries; ++i) {
      page.spt[i] = static_cast<Spte>(1000 + i);
      page.gfns[i] = static_cast<Gfn>(3000 + i);
      all.push_back(&page.spt[i]);
      rmap.Add(all.back());
    }
    ExpectSet(rmap, all);
    for (int i = 0; i < kEntries; ++i) {
      ASSERT_EQ(page.spt[i], static_cast<Spte>(1000 + i));
      ASSERT_EQ(page.gfns[i], static_cast<Gfn>(3000 + i));
      page.gfns[i] = ~Gfn{0};
    }
    ExpectSet(rmap, all);
    RemoveAll(rmap, all);
    ExpectSet(rmap, {});
  }
}

TYPED_TEST(ReverseMapTest, FreshGfnsAreNotZero) {
  const typename TypeParam::Page& page = this->host.NewPage(false);
  for (int i = 0; i < MapHost<TypeParam>::kEntries; ++i) {
    const Gfn gfn = page.gfns[i];
    for (unsigned shift = 0; shift < 8 * sizeof(Gfn); shift += 8) {
      ASSERT_NE(gfn >> shift & 0xff, 0u) << "entry " << i;
    }
  }
}

TYPED_TEST(ReverseMapTest, ADirectPageHasNoGfns) {
  EXPECT_EQ(this->host.NewPage(true).gfns, nullptr);
}

TYPED_TEST(ReverseMapTest, FreeStorageGivesBackWhatAllocStorageTook) {
  for (const bool direct : {true, false}) {
    this->host.TopUp();
    const size_t before = this->host.page_pool.live();
    const int cached = this->host.page_cache.size();
    typename TypeParam::Page page;
    this->host.map.AllocStorage(this->host.page_cache, page, direct);
    const auto taken = static_cast<size_t>(cached - this->host.page_cache.size());
    this->host.map.FreeStorage(this->host.page_pool, page, direct);
    EXPECT_EQ(this->host.page_pool.live(), before - taken) << "direct " << direct;
  }
}

TYPED_TEST(ReverseMapTest, AFailedTopUpLeavesTheCachesUsable) {
  for (uint64_t nth = 1; nth <= 90; ++nth) {
    MapHost<TypeParam> host;
    host.memory.FailNth(nth);
    host.map.TopUp(host.caches);
    host.memory.FailNth(0);
    ASSERT_TRUE(host.map.TopUp(host.caches));
    RmapList<TypeParam> rmap(host);
    AddAll(rmap, host.Slots(6));
    RemoveAll(rmap, host.Slots(6));
    host.ExpectNoLeak();
  }
}

// ---- Descriptors and chains that run in a circle, as only a corrupted list does ----

TEST(DescriptorMapTest, EveryWalkOverAnRmapIsBounded) {
  MapHost<Legacy> host;
  RmapList<Legacy> list(host);
  AddAll(list, host.Slots(8));
  auto* first = reinterpret_cast<Legacy::Descriptor*>(list.head() & ~uintptr_t{1});
  first->more->more = first;
  Spte* unlisted = host.Slot(20);
  EXPECT_EQ(BugOf([&] { list.Count(); }), BugClass::kCycle);
  EXPECT_EQ(BugOf([&] { list.Remove(unlisted); }), BugClass::kCycle);
  EXPECT_EQ(BugOf([&] { list.Add(unlisted); }), BugClass::kCycle);
  EXPECT_EQ(BugOf([&] { host.map.Next(list.head(), unlisted); }), BugClass::kCycle);
}

TEST(DescriptorMapTest, EveryWalkOverParentsIsBounded) {
  MapHost<Legacy> host;
  ParentList<Legacy> list(host);
  AddAll(list, host.Slots(10));
  Legacy::Chain* first = list.page().parent_ptes;
  first->next->next = first;
  Spte* unlisted = host.Slot(20);
  EXPECT_EQ(BugOf([&] { list.Entries(); }), BugClass::kCycle);
  EXPECT_EQ(BugOf([&] { list.Remove(unlisted); }), BugClass::kCycle);
  EXPECT_EQ(BugOf([&] { list.Add(unlisted); }), BugClass::kCycle);
}

TEST(SiblingMapTest, EveryWalkIsBounded) {
  MapHost<Sibling> host;
  RmapList<Sibling> rmap(host);
  ParentList<Sibling> parents(host);
  AddAll(rmap, {host.Slot(0), host.Slot(1)});
  AddAll(parents, {host.Slot(2), host.Slot(3)});
  const auto link_of = [](Spte* sptep) -> Spte*& {
    auto* page = static_cast<Sibling::Page*>(PageHeader(sptep));
    return page->sibling_pte[IndexOf(*page, sptep)];
  };
  link_of(host.Slot(0)) = host.Slot(1);
  link_of(host.Slot(2)) = host.Slot(3);
  Spte* unlisted = host.Slot(20);
  EXPECT_EQ(BugOf([&] { rmap.Count(); }), BugClass::kCycle);
  EXPECT_EQ(BugOf([&] { rmap.Remove(unlisted); }), BugClass::kCycle);
  EXPECT_EQ(BugOf([&] { rmap.Add(unlisted); }), BugClass::kCycle);
  EXPECT_EQ(BugOf([&] { parents.Remove(unlisted); }), BugClass::kCycle);
  EXPECT_EQ(BugOf([&] { host.map.ForEachParent(parents.page(), [](Spte*) {}); }), BugClass::kCycle);
  // Links are poisoned as the walk goes, so that it runs into the poison first.
  EXPECT_EQ(BugOf([&] { host.map.UnlinkParents(parents.page(), [](Spte*) {}); }),
            Sibling::kPoisonLinks ? BugClass::kWild : BugClass::kCycle);
}

// ---- What is opened of a page, which AddressSanitizer alone can see ----

#ifdef RMAPDIFF_TESTS_ASAN
// Reading the first byte behind an array of `count` entries dies.
template <class Entry>
void ExpectClosedBehind(const Entry* array, int count) {
  const auto* end = reinterpret_cast<const volatile uint8_t*>(array + count);
  EXPECT_DEATH((void)*end, "use-after-poison");
}

TEST(StorageDeathTest, NothingIsOpenBehindTheGfns) {
  MapHost<TinySibling> sibling;
  ExpectClosedBehind(sibling.NewPage(false).gfns, sibling.kEntries);
  MapHost<TinyLegacy> legacy;
  ExpectClosedBehind(legacy.NewPage(false).gfns, legacy.kEntries);
}

TEST(StorageDeathTest, NothingIsOpenBehindTheLinksOfADirectPage) {
  MapHost<TinySibling> host;
  ExpectClosedBehind(host.NewPage(true).sibling_pte, host.kEntries);
}
#endif  // RMAPDIFF_TESTS_ASAN

// ---- Everything at once, against std::multiset ----

// Two rmaps and two parent lists that share their slots.
template <class R>
class RandomLists {
 public:
  explicit RandomLists(HostMemory::Reuse reuse, uint32_t seed) : host_(reuse), random_(seed) {}

  void Run(int steps) {
    for (int i = 0; i < steps; ++i) {
      Step();
      if (testing::Test::HasFailure()) return;
    }
    for (size_t list = 0; list < kLists; ++list) {
      while (!truth_[list].empty()) Remove(list, *truth_[list].begin());
      Check(list);
    }
    host_.ExpectNoLeak();
  }

 private:
  static constexpr size_t kLists = 4;
  static constexpr int kSlots = 40;

  uint32_t Random(uint32_t bound) { return static_cast<uint32_t>(random_() % bound); }

  void Step() {
    const int slot = static_cast<int>(Random(kSlots));
    Spte* sptep = host_.Slot(slot);
    const auto on = where_.find(slot);
    size_t list = Random(kLists);
    if (on == where_.end()) {
      Add(list, slot);
    } else if (Random(16) == 0) {
      list = list == on->second ? (list + 1) % kLists : list;
      EXPECT_NE(BugOf([&] { Apply(list, [&](auto& at) { at.Remove(sptep); }); }), BugClass::kNone);
    } else if (Random(32) == 0 && on->second >= 2) {
      list = on->second;
      Unlink(list);
    } else {
      list = on->second;
      Remove(list, slot);
    }
    Check(list);
  }

  template <class Do>
  void Apply(size_t list, Do&& run) {
    if (list < 2) return run(rmaps_[list]);
    return run(parents_[list - 2]);
  }
  void Add(size_t list, int slot) {
    Apply(list, [&](auto& at) { at.Add(host_.Slot(slot)); });
    truth_[list].insert(slot);
    where_[slot] = list;
  }
  void Remove(size_t list, int slot) {
    Apply(list, [&](auto& at) { at.Remove(host_.Slot(slot)); });
    truth_[list].erase(slot);
    where_.erase(slot);
  }
  void Unlink(size_t list) {
    host_.map.UnlinkParents(parents_[list - 2].page(), [](Spte*) {});
    for (const int slot : truth_[list]) where_.erase(slot);
    truth_[list].clear();
  }
  void Check(size_t list) {
    Sptes expected;
    for (const int slot : truth_[list]) expected.push_back(host_.Slot(slot));
    Apply(list, [&](auto& at) { ExpectSet(at, expected); });
  }

  MapHost<R> host_;
  RmapList<R> rmaps_[2] = {RmapList<R>(host_), RmapList<R>(host_)};
  ParentList<R> parents_[2] = {ParentList<R>(host_), ParentList<R>(host_)};
  std::multiset<int> truth_[kLists];
  std::map<int, size_t> where_;  // the list that a slot is on
  std::mt19937 random_;
};

TYPED_TEST(ReverseMapTest, RandomOperationsOnFourListsAgreeWithMultisets) {
  for (uint32_t seed = 0; seed < 20; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    const auto reuse = seed % 2 == 0 ? HostMemory::Reuse::kQuarantine : HostMemory::Reuse::kLifo;
    RandomLists<TypeParam>(reuse, seed).Run(600);
    if (this->HasFailure()) return;
  }
}

}  // namespace
}  // namespace rmapdiff
