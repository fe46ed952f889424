// The reference's reverse map checks more than the contract: the fate of each slot.
// (reverse_map_test.cc tests the contract itself.)
#include "fuzzers/voices/plain_map.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/mmu/map_fixture.h"

namespace rmapdiff {
namespace {

using Plain = PlainMap<TinyLimits>;

class PlainMapTest : public testing::Test {
 protected:
  // The wording of the BUG of a misuse, or "" if there is none.
  template <class Call>
  std::string Misuse(Call&& call) {
    EXPECT_EQ(BugOf(call), BugClass::kMapMisused);
    return WordingOf(call);
  }

  MapHost<Plain> host;
};

TEST_F(PlainMapTest, ASlotIsNotListedTwice) {
  RmapList<Plain> one(host), other(host);
  one.Add(host.Slot(0));
  EXPECT_EQ(Misuse([&] { one.Add(host.Slot(0)); }), "listed already");
  EXPECT_EQ(Misuse([&] { other.Add(host.Slot(0)); }), "listed already");
  ExpectSet(other, {});
  one.Remove(host.Slot(0));
  other.Add(host.Slot(0));
  ExpectSet(other, {host.Slot(0)});
}

TEST_F(PlainMapTest, ASlotOfAnRmapIsNoParent) {
  RmapList<Plain> rmap(host);
  ParentList<Plain> parents(host);
  rmap.Add(host.Slot(0));
  EXPECT_EQ(Misuse([&] { parents.Add(host.Slot(0)); }), "listed already");
  EXPECT_EQ(Misuse([&] { host.map.InitParents(parents.page(), host.Slot(0)); }), "listed already");
  parents.Add(host.Slot(1));
  EXPECT_EQ(Misuse([&] { rmap.Add(host.Slot(1)); }), "listed already");
}

TEST_F(PlainMapTest, UnlinkedParentsCanBeListedAgain) {
  ParentList<Plain> parents(host);
  RmapList<Plain> rmap(host);
  AddAll(parents, host.Slots(3));
  host.map.UnlinkParents(parents.page(), [](Spte*) {});
  AddAll(rmap, host.Slots(3));
  ExpectSet(rmap, host.Slots(3));
}

TEST_F(PlainMapTest, AWalkDoesNotGoOnFromWhatIsNotListed) {
  RmapList<Plain> list(host);
  AddAll(list, host.Slots(2));
  list.Remove(host.Slot(0));
  const auto next = [&] { host.map.Next(list.head(), host.Slot(0)); };
  EXPECT_EQ(Misuse(next), "iterated on from what is not listed");
}

TEST_F(PlainMapTest, APageIsNotFreedWhileOneOfItsSlotsIsListed) {
  auto& page = host.NewPage();
  RmapList<Plain> list(host);
  for (const int index : {0, MapHost<Plain>::kEntries - 1}) {
    list.Add(&page.spt[index]);
    EXPECT_EQ(Misuse([&] { host.map.FreeStorage(host.page_pool, page, true); }),
              "a page is freed while an spte of it is listed");
    list.Remove(&page.spt[index]);
  }
  EXPECT_EQ(BugOf([&] { host.map.FreeStorage(host.page_pool, page, true); }), BugClass::kNone);
}

}  // namespace
}  // namespace rmapdiff
