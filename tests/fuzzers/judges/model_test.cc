// The model against the contract in ops.h: each operation and each of its guards in words. Over
// random programs its derived state is consistent, and its list of touched state is complete.
#include "fuzzers/judges/model.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "fuzzers/program/guest_layout.h"
#include "fuzzers/program/program.h"
#include "fuzzers/search/random_program.h"
#include "mmu/base/spte.h"

namespace rmapdiff {
namespace {

using Code = OutcomeCode;
using Kind = SlotValue::Kind;
using Refs = std::vector<SpteRef>;
using Pfns = std::vector<Pfn>;

constexpr Header kTiny{.limits = LimitsMode::kTiny};
constexpr Header kTinyBypass{.limits = LimitsMode::kTiny, .masks = MasksMode::kBypass};
constexpr Header kTinyEpt{.limits = LimitsMode::kTiny, .masks = MasksMode::kEpt};
constexpr Header kTinyMisuse{.limits = LimitsMode::kTiny, .misuse = true};

// Gfn indexes of the tiny layout: 0..31 are gfns 0x0..0x1f, 32.. are 0x20.., 64.. are 0x40.. and so
// on. Gfns 0x3c..0x43 (60..67) have no memslot.
constexpr uint8_t kNoSlotGfn = 64;

Outcome Ok(uint64_t value = 0) { return {Code::kOk, BugClass::kNone, value}; }
Outcome No(Code code) { return {code, BugClass::kNone, 0}; }
Outcome Bug(BugClass bug) { return {Code::kBug, bug, 0}; }

ops::AllocPage Alloc(uint8_t page, uint8_t level, bool direct, uint8_t gfn) {
  return {{page}, {level}, {direct}, {gfn}, {}, {}};
}
ops::AllocPage Indirect(uint8_t page, uint8_t level, uint8_t gfn = 0) {
  return Alloc(page, level, false, gfn);
}
ops::AllocPage Direct(uint8_t page, uint8_t level, uint8_t gfn = 0) {
  return Alloc(page, level, true, gfn);
}
ops::AllocPage Under(ops::AllocPage op, uint8_t parent, uint16_t index) {
  op.parent = {parent};
  op.index = {index};
  return op;
}
ops::Map Map(uint8_t page, uint16_t index, uint8_t gfn, bool write = true,
             bool speculative = false) {
  return {{page}, {index}, {gfn}, {write}, {speculative}};
}
ops::Link Link(uint8_t page, uint8_t parent, uint16_t index, bool keep = true) {
  return {{page}, {parent}, {index}, {keep}};
}

// A model and what it holds, in the words of the tests.
class World {
 public:
  explicit World(const Header& header) : model_(header) {}

  Outcome Do(const Op& op) {
    const Outcome outcome = model_.Apply(op);
    model_.ObserveAll(&all_);
    return outcome;
  }
  void Have(const std::vector<Op>& ops) {
    for (const Op& op : ops) ASSERT_EQ(Do(op).code, Code::kOk) << OpName(op);
  }

  const Observation& all() const { return all_; }
  const Stats& stats() const { return all_.stats; }
  const Events& events() const { return all_.events; }
  const Touched& touched() const { return model_.touched(); }
  Model& model() { return model_; }

  Refs Rmap(uint32_t slot, uint32_t level, uint32_t index) const {
    for (const RmapObservation& rmap : all_.rmaps) {
      if (rmap.id == RmapId{slot, level, index}) return rmap.entries;
    }
    return {};
  }
  PageObservation Page(PageId id) const {
    for (const PageObservation& page : all_.pages) {
      if (page.id == id) return page;
    }
    ADD_FAILURE() << "no page " << id;
    return {};
  }
  SlotValue Slot(PageId page, uint32_t index) const {
    for (const SlotObservation& slot : all_.slots) {
      if (slot.ref == SpteRef{page, index}) return slot.value;
    }
    return {};
  }
  int WriteCountOf(uint32_t slot, uint32_t level, uint32_t index) const {
    for (const WriteCount& count : all_.write_counts) {
      if (count.id == RmapId{slot, level, index}) return count.count;
    }
    ADD_FAILURE() << "no write count";
    return -1;
  }

 private:
  Model model_;
  Observation all_;
};

SlotValue Leaf(const Header& header, Gfn gfn, int level, bool write = true,
               bool speculative = false, uint32_t generation = 0) {
  const Spte word =
      MakeLeaf(header.spte_masks(), HostPfn(gfn, generation), level, write, speculative);
  return {Kind::kLeaf, word, 0};
}
SlotValue LinkTo(PageId child) { return {Kind::kLink, kLinkFlags, child}; }

template <typename T>
bool Contains(const std::vector<T>& values, const T& value) {
  return std::find(values.begin(), values.end(), value) != values.end();
}

// ---- The empty world ----

TEST(ModelTest, WriteCountsStartAtOneWhereALargePageSticksOutOfItsSlot) {
  World world(kTiny);
  world.Do(ops::Commit{});
  // Slot 0 is 0x0..0x3b: 8 pages of level 2, of which the last sticks out, and one of level 3.
  for (uint32_t i = 0; i < 7; ++i) EXPECT_EQ(world.WriteCountOf(0, 2, i), 0);
  EXPECT_EQ(world.WriteCountOf(0, 2, 7), 1);
  EXPECT_EQ(world.WriteCountOf(0, 3, 0), 1);
  // Slot 1 is 0x44..0x5f: it begins inside a page of level 2.
  EXPECT_EQ(world.WriteCountOf(1, 2, 0), 1);
  EXPECT_EQ(world.WriteCountOf(1, 2, 3), 0);
  // Unaligned at both ends within one page: set to one, not counted up to two.
  EXPECT_EQ(world.WriteCountOf(1, 3, 0), 1);
  EXPECT_EQ(world.all().write_counts.size(), 8u + 1 + 4 + 1 + 2 + 1);
}

TEST(ModelTest, WriteCountsOfTheProductionLayout) {
  World world(Header{});
  world.Do(ops::Commit{});
  const std::vector<WriteCount> expected = {{{0, 2, 0}, 0}, {{0, 2, 1}, 1}, {{0, 3, 0}, 1},
                                            {{1, 2, 0}, 1}, {{1, 3, 0}, 1}, {{2, 2, 0}, 1},
                                            {{2, 3, 0}, 1}};
  EXPECT_EQ(world.all().write_counts, expected);
}

// ---- Pages ----

TEST(ModelTest, AllocPageTestsItsGuardsInOrder) {
  World world(kTiny);
  world.Have({Indirect(0, 2), Under(Indirect(1, 1), 0, 0), Indirect(2, 3), ops::Zap{{2}}});
  // Each call breaks the guard it names and all later ones that it can.
  const auto bad = [](uint8_t page, uint8_t parent) {
    return Under(Indirect(page, 4, kNoSlotGfn), parent, 0);
  };
  EXPECT_EQ(world.Do(bad(0, 9)), No(Code::kPageExists));
  EXPECT_EQ(world.Do(bad(2, 9)), No(Code::kPageExists)) << "a zapped page still has its id";
  EXPECT_EQ(world.Do(bad(5, 9)), No(Code::kNoSuchPage));
  EXPECT_EQ(world.Do(bad(5, 2)), No(Code::kPageZapped));
  EXPECT_EQ(world.Do(bad(5, 0)), No(Code::kWrongLevel));
  EXPECT_EQ(world.Do(Under(Indirect(5, 1, kNoSlotGfn), 0, 0)), No(Code::kSlotBusy));
  EXPECT_EQ(world.Do(Under(Indirect(5, 1, kNoSlotGfn), 0, 1)), No(Code::kNoSlot));
  EXPECT_EQ(world.Do(Direct(5, 1, kNoSlotGfn)), Ok()) << "a direct page needs no memslot";
  EXPECT_EQ(world.stats().cache_miss, 4u);
}

TEST(ModelTest, AllocatingAnIndirectPageAccountsForItsGfn) {
  World world(kTiny);
  world.Have({Indirect(0, 2, 3), Under(Indirect(1, 1, 9), 0, 5)});
  EXPECT_EQ(world.Page(1).gfn, 0x9u) << "not aligned";
  EXPECT_EQ(world.Page(1).role, (Role{.level = 1, .access = kAccessAll}));
  EXPECT_EQ(world.Page(1).parents, (Refs{{0, 5}}));
  EXPECT_EQ(world.Slot(0, 5), LinkTo(1));
  EXPECT_EQ(world.WriteCountOf(0, 2, 0), 1);
  EXPECT_EQ(world.WriteCountOf(0, 2, 1), 1);
  EXPECT_EQ(world.WriteCountOf(0, 3, 0), 1 + 2);
  EXPECT_EQ(world.all().active, (std::vector<PageId>{1, 0})) << "new pages go to the head";
  EXPECT_EQ(world.stats().cache_miss, 2u);
  EXPECT_EQ(world.stats().live_pages, 2u);
}

TEST(ModelTest, ADirectPageIsAlignedToWhatAllOfItMapsAndNotAccountedFor) {
  World world(kTiny);
  world.Have({Direct(0, 1, 32 + 11), Direct(1, 2, 96 + 5), Direct(2, 4, 127)});
  EXPECT_EQ(world.Page(0).gfn, 0x28u);
  EXPECT_EQ(world.Page(1).gfn, 0x40u);
  EXPECT_EQ(world.Page(2).gfn, 0x0u);
  EXPECT_EQ(world.WriteCountOf(0, 2, 5), 0);
  EXPECT_EQ(world.Page(0).role.direct, 1u);
}

TEST(ModelTest, APageIsPinnedAtMostThreeTimes) {
  World world(kTiny);
  world.Have({Indirect(0, 4), Indirect(1, 3), ops::Zap{{1}}});
  EXPECT_EQ(world.Do(ops::Pin{{7}}), No(Code::kNoSuchPage));
  EXPECT_EQ(world.Do(ops::Pin{{1}}), No(Code::kPageZapped));
  EXPECT_EQ(world.Do(ops::Unpin{{0}}), No(Code::kNotPinned));
  EXPECT_EQ(world.Do(ops::Pin{{0}}), Ok(1));
  EXPECT_EQ(world.Do(ops::Pin{{0}}), Ok(2));
  EXPECT_EQ(world.Do(ops::Pin{{0}}), Ok(3));
  EXPECT_EQ(world.Do(ops::Zap{{0}}), Ok(0));
  EXPECT_EQ(world.Do(ops::Pin{{0}}), No(Code::kPinLimit)) << "before: the page is invalid";
  EXPECT_EQ(world.Do(ops::Unpin{{0}}), Ok(2));
  EXPECT_EQ(world.Do(ops::Pin{{0}}), No(Code::kPageZapped)) << "invalid";
  EXPECT_EQ(world.Page(0).root_count, 2u);
}

TEST(ModelTest, UnpinningAValidPageKeepsIt) {
  World world(kTiny);
  world.Have({Indirect(0, 4), ops::Pin{{0}}});
  EXPECT_EQ(world.Do(ops::Unpin{{0}}), Ok(0));
  EXPECT_EQ(world.stats().live_pages, 1u);
  EXPECT_EQ(world.events(), Events{});
}

TEST(ModelTest, TheLastUnpinOfAnInvalidPageZapsAndFreesIt) {
  World world(kTiny);
  world.Have({Indirect(0, 2), Indirect(1, 1), Indirect(2, 3), ops::Pin{{0}}, ops::Zap{{0}},
              ops::Zap{{2}}, Link(1, 0, 3), ops::Unsync{{1}}});
  EXPECT_EQ(world.Do(ops::Unpin{{0}}), Ok(0));
  // The unsync page below was zapped with it; page 2 is on the program's list and stays.
  EXPECT_EQ(world.stats().live_pages, 1u);
  EXPECT_TRUE(world.Page(2).zapped);
  EXPECT_EQ(world.stats().zapped, 4u);
  EXPECT_EQ(world.stats().unsync, 0u);
  EXPECT_EQ(world.events().remote_flushes, 1u);
  EXPECT_TRUE(world.all().active.empty());
}

// ---- Parents ----

TEST(ModelTest, LinkTestsItsGuardsInOrder) {
  World world(kTiny);
  world.Have({Indirect(0, 3), Indirect(1, 2), Indirect(2, 2), Indirect(3, 4), Link(2, 0, 0),
              ops::Pin{{1}}, ops::Zap{{1}}, ops::Zap{{3}}});
  EXPECT_EQ(world.Do(Link(9, 9, 0)), No(Code::kNoSuchPage));
  EXPECT_EQ(world.Do(Link(3, 9, 0)), No(Code::kPageZapped));
  EXPECT_EQ(world.Do(Link(1, 9, 0)), No(Code::kNoSuchPage));
  EXPECT_EQ(world.Do(Link(1, 3, 0)), No(Code::kPageZapped));
  EXPECT_EQ(world.Do(Link(1, 2, 0)), No(Code::kPageZapped)) << "an invalid child";
  EXPECT_EQ(world.Do(Link(2, 2, 0)), No(Code::kWrongLevel));
  EXPECT_EQ(world.Do(Link(2, 0, 0)), No(Code::kSlotBusy));
  EXPECT_EQ(world.Do(Link(2, 0, 1)), Ok());
  EXPECT_EQ(world.Page(2).parents, (Refs{{0, 0}, {0, 1}}));
}

TEST(ModelTest, ALeafMakesASlotBusyForALink) {
  World world(kTiny);
  world.Have({Indirect(0, 2), Indirect(1, 1), Map(0, 4, 0)});
  EXPECT_EQ(world.Do(Link(1, 0, 4)), No(Code::kSlotBusy));
}

TEST(ModelTest, AnInvalidRootStillTakesLinksAndLeaves) {
  World world(kTiny);
  world.Have({Indirect(0, 2), Indirect(1, 1), ops::Pin{{0}}, ops::Zap{{0}}});
  EXPECT_EQ(world.Do(Link(1, 0, 0)), Ok());
  EXPECT_EQ(world.Do(Map(0, 1, 0)), Ok());
}

TEST(ModelTest, ALinkGivenUpLeavesTrapAndNoParent) {
  World world(kTinyBypass);
  world.Have({Indirect(0, 2), Indirect(1, 1), Map(0, 2, 0), ops::Drop{{0}, {2}, {true}}});
  ASSERT_EQ(world.Slot(0, 2).kind, Kind::kNotrap);
  EXPECT_EQ(world.Do(Link(1, 0, 2, /*keep=*/false)), Ok());
  EXPECT_EQ(world.Slot(0, 2).kind, Kind::kTrap);
  EXPECT_TRUE(world.Page(1).parents.empty());
  EXPECT_TRUE(Contains(world.touched().pages, PageId{0}));
}

TEST(ModelTest, UnlinkRemovesOneParentAndRefusesLeaves) {
  World world(kTiny);
  world.Have({Indirect(0, 2), Under(Indirect(1, 1), 0, 0), Link(1, 0, 1), Map(0, 2, 0)});
  EXPECT_EQ(world.Do(ops::Unlink{{9}, {0}}), No(Code::kNoSuchPage));
  EXPECT_EQ(world.Do(ops::Unlink{{0}, {2}}), No(Code::kNotPresent));
  EXPECT_EQ(world.Do(ops::Unlink{{0}, {3}}), No(Code::kNotPresent));
  EXPECT_EQ(world.Do(ops::ParentWalk{{1}}), Ok(2));
  EXPECT_EQ(world.Do(ops::Unlink{{0}, {0}}), Ok());
  EXPECT_EQ(world.Page(1).parents, (Refs{{0, 1}}));
  EXPECT_EQ(world.Slot(0, 0).kind, Kind::kTrap);
  EXPECT_EQ(world.Do(ops::ParentWalk{{1}}), Ok(1));
  EXPECT_EQ(world.Do(ops::ParentWalk{{9}}), No(Code::kNoSuchPage));
}

TEST(ModelTest, UnlinkParentsEmptiesEveryParentSlot) {
  World world(kTiny);
  world.Have(
      {Indirect(0, 2), Indirect(2, 2), Under(Indirect(1, 1), 0, 0), Link(1, 0, 7), Link(1, 2, 3)});
  EXPECT_EQ(world.Do(ops::UnlinkParents{{9}}), No(Code::kNoSuchPage));
  EXPECT_EQ(world.Do(ops::UnlinkParents{{1}}), Ok(3));
  EXPECT_TRUE(world.Page(1).parents.empty());
  EXPECT_TRUE(world.all().slots.empty());
  EXPECT_EQ(world.touched().slots, (Refs{{0, 0}, {0, 7}, {2, 3}}));
  EXPECT_EQ(world.Do(ops::UnlinkParents{{1}}), Ok(0));
}

TEST(ModelTest, UnlinkChildrenDropsLeavesAndLinksAndTurnsNotrapIntoTrap) {
  World world(kTinyBypass);
  world.Have({Indirect(0, 2), Under(Indirect(1, 1), 0, 0), Map(0, 1, 8), Map(0, 2, 16, false, true),
              Map(0, 3, 8), ops::Drop{{0}, {3}, {true}}});
  EXPECT_EQ(world.stats().lpages, 2);
  EXPECT_EQ(world.Do(ops::UnlinkChildren{{9}}), No(Code::kNoSuchPage));
  EXPECT_EQ(world.Do(ops::UnlinkChildren{{0}}), Ok(3));
  EXPECT_TRUE(world.all().slots.empty());
  EXPECT_TRUE(world.all().rmaps.empty());
  EXPECT_TRUE(world.Page(1).parents.empty());
  EXPECT_EQ(world.stats().lpages, 0);
  // The speculative read-only leaf was neither accessed nor written.
  EXPECT_EQ(world.events().dirtied, (Pfns{HostPfn(0x8, 0)}));
  EXPECT_EQ(world.events().accessed, (Pfns{HostPfn(0x8, 0)}));
  EXPECT_EQ(world.touched().slots, (Refs{{0, 0}, {0, 1}, {0, 2}, {0, 3}}));
  EXPECT_EQ(world.touched().pages, (std::vector<PageId>{0, 1}));
}

// ---- Leaves ----

TEST(ModelTest, MapTestsItsGuardsInOrder) {
  World world(kTiny);
  world.Have({Indirect(0, 4), Indirect(1, 1), Map(1, 0, 0), Indirect(2, 2), Indirect(3, 3),
              ops::Zap{{3}}, Under(Indirect(4, 1), 2, 0)});
  EXPECT_EQ(world.Do(Map(9, 0, kNoSlotGfn)), No(Code::kNoSuchPage));
  EXPECT_EQ(world.Do(Map(3, 0, kNoSlotGfn)), No(Code::kPageZapped));
  EXPECT_EQ(world.Do(Map(0, 0, kNoSlotGfn)), No(Code::kWrongLevel));
  EXPECT_EQ(world.Do(Map(1, 0, kNoSlotGfn)), No(Code::kNoSlot));
  EXPECT_EQ(world.Do(Map(1, 0, 1)), No(Code::kSlotBusy));
  EXPECT_EQ(world.Do(Map(2, 0, 1)), No(Code::kSlotBusy)) << "a link";
}

TEST(ModelTest, AnIndirectPageMapsTheAlignedGfn) {
  World world(kTiny);
  world.Have({Indirect(0, 2), Map(0, 6, 13), Map(0, 7, 9, false, true)});
  EXPECT_EQ(world.Rmap(0, 2, 1), (Refs{{0, 6}, {0, 7}}));
  EXPECT_EQ(world.Slot(0, 6), Leaf(kTiny, 0x8, 2));
  EXPECT_EQ(world.Slot(0, 7), Leaf(kTiny, 0x8, 2, false, true));
  EXPECT_EQ(world.stats().lpages, 2);
  // 0x44 has a memslot, but its large page begins before it.
  EXPECT_EQ(world.Do(Map(0, 0, 68)), No(Code::kNoSlot));
}

TEST(ModelTest, ADirectPageIgnoresTheGfnArgument) {
  World world(kTiny);
  world.Have({Direct(0, 1, 8), Direct(1, 2, 32), Map(0, 3, kNoSlotGfn)});
  EXPECT_EQ(world.Rmap(0, 1, 0xb), (Refs{{0, 3}}));
  EXPECT_EQ(world.Slot(0, 3), Leaf(kTiny, 0xb, 1));
  // Page 1 covers 0x0..0x3f; its eighth large page begins at 0x38 and is in slot 0.
  EXPECT_EQ(world.Do(Map(1, 7, 0)), Ok());
  EXPECT_EQ(world.Rmap(0, 2, 7), (Refs{{1, 7}}));
}

TEST(ModelTest, TheRmapIndexCountsFromTheSlotsFirstPage) {
  World world(kTiny);
  world.Have({Indirect(0, 1), Map(0, 0, 64 + 6), Map(0, 1, 96), Indirect(1, 2), Map(1, 0, 64 + 9)});
  EXPECT_EQ(world.Rmap(1, 1, 2), (Refs{{0, 0}}));
  EXPECT_EQ(world.Rmap(2, 1, 0), (Refs{{0, 1}}));
  EXPECT_EQ(world.Rmap(1, 2, 1), (Refs{{1, 0}}));
}

TEST(ModelTest, AMapThatFindsMoreThanTheThresholdRecyclesTheList) {
  World world(kTiny);
  world.Have({Indirect(0, 1)});
  for (uint16_t i = 0; i < 7; ++i) ASSERT_EQ(world.Do(Map(0, i, 5)), Ok(0)) << i;
  EXPECT_EQ(world.Rmap(0, 1, 5).size(), 7u);
  EXPECT_EQ(world.Do(Map(0, 7, 5, false, true)), Ok(1));
  EXPECT_TRUE(world.all().rmaps.empty());
  EXPECT_TRUE(world.all().slots.empty());
  EXPECT_EQ(world.stats().recycled, 1u);
  EXPECT_EQ(world.events().remote_flushes, 1u);
  EXPECT_EQ(world.events().dirtied, (Pfns{HostPfn(5, 0)}));
  EXPECT_EQ(world.touched().slots.size(), 8u);
}

TEST(ModelTest, RecyclingLargeLeavesLeavesLpagesAsItIs) {
  World world(kTiny);
  world.Have({Indirect(0, 2)});
  EXPECT_EQ(world.Do(ops::MapMany{{0}, {0}, {8}, {8}, {true}}), Ok(8 | 1 << 16));
  EXPECT_EQ(world.stats().lpages, 8);
}

TEST(ModelTest, MapManyPassesOverBusySlotsAndStopsAtTheEndOfThePage) {
  World world(kTiny);
  world.Have({Indirect(0, 1), Map(0, 5, 1), Indirect(1, 4), Direct(2, 2, 32)});
  EXPECT_EQ(world.Do(ops::MapMany{{9}, {0}, {0}, {1}, {true}}), No(Code::kNoSuchPage));
  EXPECT_EQ(world.Do(ops::MapMany{{1}, {0}, {0}, {1}, {true}}), No(Code::kWrongLevel));
  EXPECT_EQ(world.Do(ops::MapMany{{0}, {0}, {kNoSlotGfn}, {1}, {true}}), No(Code::kNoSlot));
  EXPECT_EQ(world.Do(ops::MapMany{{0}, {4}, {0}, {64}, {true}}), Ok(3));
  EXPECT_EQ(world.Rmap(0, 1, 0), (Refs{{0, 4}, {0, 6}, {0, 7}}));
  // A direct page has no such guard; each of its slots has its own gfn.
  EXPECT_EQ(world.Do(ops::MapMany{{2}, {6}, {kNoSlotGfn}, {9}, {false}}), Ok(2));
}

TEST(ModelTest, ADirectPageMapsOnlyTheSlotsThatHaveAMemslot) {
  World world(kTiny);
  world.Have({Direct(0, 1, 56)});  // 0x38..0x3f, and slot 0 ends at 0x3c
  EXPECT_EQ(world.Do(ops::MapMany{{0}, {0}, {0}, {8}, {true}}), Ok(4));
  EXPECT_EQ(world.Do(Map(0, 4, 0)), No(Code::kNoSlot));
}

TEST(ModelTest, RemovingTheOnlyLeafEmptiesTheReverseMap) {
  World world(kTiny);
  world.Have({Indirect(0, 2), Map(0, 0, 0), Under(Indirect(1, 1), 0, 1)});
  EXPECT_EQ(world.Do(ops::Drop{{9}, {0}, {}}), No(Code::kNoSuchPage));
  EXPECT_EQ(world.Do(ops::Drop{{0}, {1}, {}}), No(Code::kNotPresent)) << "a link, not a leaf";
  EXPECT_EQ(world.Do(ops::Drop{{0}, {2}, {}}), No(Code::kNotPresent));
  EXPECT_EQ(world.Do(ops::Drop{{0}, {0}, {}}), Ok());
  EXPECT_TRUE(world.all().rmaps.empty());
  EXPECT_EQ(world.stats().lpages, 0);
  EXPECT_EQ(world.events().dirtied, (Pfns{HostPfn(0, 0)}));
  EXPECT_EQ(world.events().accessed, (Pfns{HostPfn(0, 0)}));
  EXPECT_EQ(world.events().remote_flushes, 0u);
}

TEST(ModelTest, DropLeavesNotrapOnlyWhereThatIsAWordOfItsOwn) {
  for (const Header& header : {kTiny, kTinyBypass, kTinyEpt}) {
    World world(header);
    world.Have({Indirect(0, 1), Map(0, 0, 0), ops::Drop{{0}, {0}, {true}}});
    const bool bypass = header.masks == MasksMode::kBypass;
    EXPECT_EQ(world.Slot(0, 0).kind, bypass ? Kind::kNotrap : Kind::kTrap);
    EXPECT_EQ(world.Do(Map(0, 0, 0)), Ok()) << "a non-present slot is not busy";
  }
}

TEST(ModelTest, WithoutAnAccessedMaskEveryDroppedLeafCountsAsAccessed) {
  World world(kTinyEpt);
  world.Have({Indirect(0, 1), Map(0, 0, 0, false, true), ops::Drop{{0}, {0}, {}}});
  EXPECT_EQ(world.events().accessed, (Pfns{HostPfn(0, 0)}));
  EXPECT_EQ(world.events().dirtied, (Pfns{HostPfn(0, 0)})) << "R and W come together in EPT";
}

TEST(ModelTest, TouchSetsAccessedAndDirtyBitsUnlessTheWriteFaults) {
  World world(kTiny);
  world.Have({Indirect(0, 1), Map(0, 0, 0, false, true), ops::Age{{0}, {1}}});
  EXPECT_EQ(world.Do(ops::Touch{{9}, {0}, {}}), No(Code::kNoSuchPage));
  EXPECT_EQ(world.Do(ops::Touch{{0}, {1}, {}}), No(Code::kNotPresent));
  EXPECT_EQ(world.Do(ops::Touch{{0}, {0}, {true}}), Ok(0)) << "read-only";
  EXPECT_EQ(world.Slot(0, 0).word & kSpteAccessed, 0u);
  EXPECT_EQ(world.Do(ops::Touch{{0}, {0}, {false}}), Ok(1));
  EXPECT_NE(world.Slot(0, 0).word & kSpteAccessed, 0u);
  EXPECT_EQ(world.events(), Events{});
}

TEST(ModelTest, TouchWritesThroughAWritableLeaf) {
  for (const Header& header : {kTiny, kTinyEpt}) {
    World world(header);
    world.Have({Indirect(0, 1), Map(0, 0, 0, true, true)});
    EXPECT_EQ(world.Do(ops::Touch{{0}, {0}, {true}}), Ok(1));
    const SpteMasks& masks = header.spte_masks();
    EXPECT_EQ(world.Slot(0, 0).word,
              Leaf(header, 0, 1, true, true).word | masks.accessed | masks.dirty);
  }
}

// ---- Reverse maps ----

TEST(ModelTest, OperationsOnReverseMapsNeedAMemslot) {
  World world(kTiny);
  EXPECT_EQ(world.Do(ops::WriteProtect{{kNoSlotGfn}}), No(Code::kNoSlot));
  EXPECT_EQ(world.Do(ops::Unmap{{kNoSlotGfn}, {1}}), No(Code::kNoSlot));
  EXPECT_EQ(world.Do(ops::SetPte{{kNoSlotGfn}, {1}, {1}, {}}), No(Code::kNoSlot));
  EXPECT_EQ(world.Do(ops::Age{{kNoSlotGfn}, {1}}), No(Code::kNoSlot));
  EXPECT_EQ(world.Do(ops::RmapCount{{kNoSlotGfn}, {1}}), No(Code::kNoSlot));
}

TEST(ModelTest, WriteProtectClearsLevelOneAndDropsWritableLargeLeaves) {
  World world(kTiny);
  world.Have({Indirect(0, 1), Map(0, 0, 9), Map(0, 1, 9, false), Indirect(1, 2), Map(1, 0, 9),
              Map(1, 1, 9, false), Indirect(2, 3), Map(2, 0, 9, true, true)});
  ASSERT_EQ(world.stats().lpages, 3);
  EXPECT_EQ(world.Do(ops::WriteProtect{{9}}), Ok(1));
  EXPECT_EQ(world.Slot(0, 0), Leaf(kTiny, 0x9, 1, false));
  EXPECT_EQ(world.Rmap(0, 1, 9), (Refs{{0, 0}, {0, 1}}));
  EXPECT_EQ(world.Rmap(0, 2, 1), (Refs{{1, 1}})) << "read-only large leaves survive";
  EXPECT_TRUE(world.Rmap(0, 3, 0).empty());
  EXPECT_EQ(world.stats().lpages, 1);
  EXPECT_EQ(world.events().dirtied, (Pfns{HostPfn(0, 0), HostPfn(8, 0), HostPfn(9, 0)}));
  EXPECT_EQ(world.events().accessed, (Pfns{HostPfn(8, 0)}))
      << "level 1 keeps its bit, the speculative leaf had none";
  EXPECT_EQ(world.events().remote_flushes, 0u);
  EXPECT_EQ(world.Do(ops::WriteProtect{{9}}), Ok(0));
  EXPECT_EQ(world.events(), Events{});
}

TEST(ModelTest, UnmapEmptiesOneLevelAndKeepsLpages) {
  World world(kTiny);
  world.Have({Indirect(0, 1), Map(0, 0, 8), Indirect(1, 2), Map(1, 0, 8), Map(1, 1, 8)});
  EXPECT_EQ(world.Do(ops::RmapCount{{9}, {2}}), Ok(2));
  EXPECT_EQ(world.Do(ops::Unmap{{9}, {2}}), Ok(1));
  EXPECT_EQ(world.stats().lpages, 2);
  EXPECT_EQ(world.events().remote_flushes, 0u);
  EXPECT_EQ(world.Do(ops::RmapCount{{9}, {2}}), Ok(0));
  EXPECT_EQ(world.Do(ops::Unmap{{9}, {2}}), Ok(0));
  EXPECT_EQ(world.Rmap(0, 1, 8), (Refs{{0, 0}}));
}

TEST(ModelTest, SetPteReadOnlyReplacesTheFrame) {
  World world(kTiny);
  world.Have({Indirect(0, 2), Map(0, 0, 9), Map(0, 1, 9, false, true)});
  EXPECT_EQ(world.Do(ops::SetPte{{15}, {2}, {3}, {false}}), Ok());
  const Spte expected = Leaf(kTiny, 0x8, 2, false, true, 3).word & ~kSpteHostWritable;
  EXPECT_EQ(world.Slot(0, 0).word, expected);
  EXPECT_EQ(world.Slot(0, 1).word, expected);
  EXPECT_EQ(world.events().dirtied, (Pfns{HostPfn(8, 0)}));
  EXPECT_EQ(world.events().accessed, (Pfns{HostPfn(8, 0)}));
  EXPECT_EQ(world.events().remote_flushes, 1u);
  world.Have({Map(0, 2, 9)});
  EXPECT_EQ(world.Slot(0, 2), Leaf(kTiny, 0x8, 2, true, false, 3)) << "the host frame has moved";
}

TEST(ModelTest, SetPteWritableDropsAllAndFlushesOnlyIfThereWasAny) {
  World world(kTiny);
  world.Have({Indirect(0, 1), Map(0, 0, 9), Map(0, 1, 9)});
  EXPECT_EQ(world.Do(ops::SetPte{{9}, {1}, {7}, {true}}), Ok());
  EXPECT_TRUE(world.all().slots.empty());
  EXPECT_EQ(world.events().remote_flushes, 1u);
  EXPECT_EQ(world.Do(ops::SetPte{{9}, {1}, {7}, {true}}), Ok());
  EXPECT_EQ(world.events().remote_flushes, 0u);
}

TEST(ModelTest, AgeClearsTheAccessedBitsAndSaysIfThereWereAny) {
  World world(kTiny);
  world.Have({Indirect(0, 1), Map(0, 0, 9, true, true), Map(0, 1, 9)});
  EXPECT_EQ(world.Do(ops::Age{{9}, {1}}), Ok(1));
  EXPECT_EQ(world.Slot(0, 1), Leaf(kTiny, 0x9, 1, true, true));
  EXPECT_EQ(world.events(), Events{});
  EXPECT_EQ(world.Do(ops::Age{{9}, {1}}), Ok(0));
}

TEST(ModelTest, WithoutAnAccessedMaskAgeUnmaps) {
  World world(kTinyEpt);
  world.Have({Indirect(0, 1), Map(0, 0, 9)});
  EXPECT_EQ(world.Do(ops::Age{{9}, {1}}), Ok(1));
  EXPECT_TRUE(world.all().rmaps.empty());
  EXPECT_EQ(world.events().accessed, (Pfns{HostPfn(9, 0)}));
  EXPECT_EQ(world.Do(ops::Age{{9}, {1}}), Ok(0));
}

TEST(ModelTest, RecycleUnmapsTheWholeListOfTheLeaf) {
  World world(kTiny);
  world.Have({Indirect(0, 1), Indirect(1, 1), Map(0, 0, 9), Map(1, 4, 9), Map(1, 5, 8)});
  EXPECT_EQ(world.Do(ops::Recycle{{9}, {0}}), No(Code::kNoSuchPage));
  EXPECT_EQ(world.Do(ops::Recycle{{0}, {1}}), No(Code::kNotPresent));
  EXPECT_EQ(world.Do(ops::Recycle{{0}, {0}}), Ok());
  EXPECT_EQ(world.all().rmaps.size(), 1u);
  EXPECT_EQ(world.stats().recycled, 1u);
  EXPECT_EQ(world.events().remote_flushes, 1u);
}

// ---- Unsync ----

TEST(ModelTest, OnlyValidIndirectLevelOnePagesGoOutOfSync) {
  World world(kTiny);
  world.Have(
      {Indirect(0, 2), Direct(1, 1), Indirect(2, 1), Indirect(3, 1), ops::Pin{{3}}, ops::Zap{{3}}});
  EXPECT_EQ(world.Do(ops::Unsync{{9}}), No(Code::kNoSuchPage));
  EXPECT_EQ(world.Do(ops::Unsync{{0}}), No(Code::kWrongLevel));
  EXPECT_EQ(world.Do(ops::Unsync{{1}}), No(Code::kWrongLevel));
  EXPECT_EQ(world.Do(ops::Unsync{{3}}), No(Code::kPageZapped));
  EXPECT_EQ(world.Do(ops::Sync{{2}}), No(Code::kNotUnsync));
  EXPECT_EQ(world.Do(ops::Unsync{{2}}), Ok());
  EXPECT_EQ(world.Do(ops::Unsync{{2}}), No(Code::kAlreadyUnsync));
  EXPECT_TRUE(world.Page(2).unsync);
  EXPECT_EQ(world.stats().unsync, 1u);
  EXPECT_EQ(world.Do(ops::Sync{{9}}), No(Code::kNoSuchPage));
  EXPECT_EQ(world.Do(ops::Sync{{2}}), Ok());
  EXPECT_FALSE(world.Page(2).unsync);
  EXPECT_EQ(world.stats().unsync, 0u);
}

TEST(ModelTest, UnsyncTurnsNotrapIntoTrapAndKeepsTheRest) {
  World world(kTinyBypass);
  world.Have(
      {Indirect(0, 1), Map(0, 0, 9), Map(0, 1, 9), ops::Drop{{0}, {1}, {true}}, ops::Unsync{{0}}});
  EXPECT_EQ(world.Slot(0, 0).kind, Kind::kLeaf);
  EXPECT_EQ(world.Slot(0, 1).kind, Kind::kTrap);
  EXPECT_TRUE(Contains(world.touched().slots, SpteRef{0, 1}));
}

TEST(ModelTest, UnsyncNamesEveryPageAboveAsTouched) {
  World world(kTiny);
  world.Have({Indirect(0, 3), Under(Indirect(1, 2), 0, 0), Indirect(2, 2),
              Under(Indirect(3, 1), 1, 0), Link(3, 2, 5), Indirect(4, 2), ops::Unsync{{3}}});
  EXPECT_EQ(world.touched().pages, (std::vector<PageId>{0, 1, 2, 3}));
}

TEST(ModelTest, LinkNamesEveryPageAboveAsTouched) {
  World world(kTiny);
  world.Have({Indirect(0, 3), Under(Indirect(1, 2), 0, 0), Indirect(2, 1)});
  for (const bool keep : {false, true}) {
    world.Have({Link(2, 1, 4, keep)});
    EXPECT_EQ(world.touched().pages, (std::vector<PageId>{0, 1, 2})) << keep;
  }
}

TEST(ModelTest, ZapNamesEveryPageBelowAsTouched) {
  World world(kTiny);
  world.Have(
      {Indirect(0, 3), Under(Indirect(1, 2), 0, 0), Under(Indirect(2, 1), 1, 0), ops::Zap{{0}}});
  EXPECT_EQ(world.touched().pages, (std::vector<PageId>{0, 1, 2}));
}

TEST(ModelTest, SyncChildrenSyncsWhatLinksLeadToAndNothingElse) {
  World world(kTiny);
  world.Have({Indirect(0, 3), Under(Indirect(1, 2), 0, 0), Under(Indirect(2, 1), 1, 0),
              Link(2, 1, 1), Under(Indirect(3, 1), 1, 2), Under(Indirect(4, 1), 1, 3),
              Indirect(5, 1), ops::Unsync{{2}}, ops::Unsync{{3}}, ops::Unsync{{5}}});
  EXPECT_EQ(world.Do(ops::SyncChildren{{9}}), No(Code::kNoSuchPage));
  EXPECT_EQ(world.Do(ops::SyncChildren{{2}}), Ok(0)) << "the page itself is not meant";
  EXPECT_EQ(world.Do(ops::SyncChildren{{0}}), Ok(2));
  EXPECT_TRUE(world.Page(5).unsync);
  EXPECT_EQ(world.stats().unsync, 1u);
  EXPECT_EQ(world.Do(ops::SyncChildren{{0}}), Ok(0));
}

// ---- Zap ----

TEST(ModelTest, ZapEmptiesThePageUnlinksItAndListsIt) {
  World world(kTiny);
  world.Have({Indirect(0, 3), Under(Indirect(1, 2), 0, 0), Under(Indirect(2, 1), 1, 0),
              Map(1, 1, 8), Map(2, 0, 9)});
  EXPECT_EQ(world.Do(ops::Zap{{9}}), No(Code::kNoSuchPage));
  EXPECT_EQ(world.WriteCountOf(0, 3, 0), 1 + 3);
  EXPECT_EQ(world.Do(ops::Zap{{1}}), Ok(1));
  EXPECT_EQ(world.Do(ops::Zap{{1}}), No(Code::kPageZapped));
  EXPECT_TRUE(world.Page(1).zapped);
  EXPECT_EQ(world.Page(1).role.invalid, 1u);
  EXPECT_TRUE(world.Page(1).parents.empty());
  EXPECT_TRUE(world.Page(2).parents.empty()) << "a child in sync stays";
  EXPECT_EQ(world.all().slots.size(), 1u);
  EXPECT_EQ(world.WriteCountOf(0, 3, 0), 1 + 2);
  EXPECT_EQ(world.all().active, (std::vector<PageId>{2, 0}));
  EXPECT_EQ(world.stats().lpages, 0);
  EXPECT_EQ(world.stats().zapped, 1u);
  EXPECT_EQ(world.stats().reloads, 0u);
  EXPECT_EQ(world.stats().live_pages, 3u) << "until commit";
  EXPECT_EQ(world.events().remote_flushes, 0u);
}

TEST(ModelTest, ZapTakesTheUnsyncPagesBelowWithIt) {
  World world(kTiny);
  world.Have({Indirect(0, 3), Under(Indirect(1, 2), 0, 0), Under(Indirect(2, 1), 1, 0),
              Under(Indirect(3, 1), 1, 1), Indirect(4, 2), Link(2, 4, 6), Map(2, 0, 9),
              ops::Unsync{{2}}});
  EXPECT_EQ(world.Do(ops::Zap{{0}}), Ok(2));
  EXPECT_TRUE(world.Page(0).zapped);
  EXPECT_TRUE(world.Page(2).zapped);
  EXPECT_FALSE(world.Page(2).unsync);
  EXPECT_FALSE(world.Page(1).zapped);
  EXPECT_EQ(world.Page(3).parents, (Refs{{1, 1}}));
  EXPECT_EQ(world.Slot(4, 6).kind, Kind::kTrap) << "its other parent, too";
  EXPECT_TRUE(world.all().rmaps.empty());
  EXPECT_EQ(world.stats().zapped, 2u);
  EXPECT_EQ(world.stats().unsync, 0u);
}

TEST(ModelTest, ZappingAnUnsyncPageItselfCountsOnce) {
  World world(kTiny);
  world.Have({Indirect(0, 1), ops::Unsync{{0}}});
  EXPECT_EQ(world.Do(ops::Zap{{0}}), Ok(1));
  EXPECT_EQ(world.stats().unsync, 0u);
}

TEST(ModelTest, APinnedPageIsZappedOnItsPlaceEachTimeAnew) {
  World world(kTiny);
  world.Have({Indirect(0, 2), Indirect(1, 2), Map(0, 0, 8), ops::Pin{{0}}});
  EXPECT_EQ(world.Do(ops::Zap{{0}}), Ok(0));
  EXPECT_FALSE(world.Page(0).zapped);
  EXPECT_EQ(world.Page(0).role.invalid, 1u);
  EXPECT_EQ(world.all().active, (std::vector<PageId>{0, 1}));
  EXPECT_EQ(world.WriteCountOf(0, 2, 0), 1) << "page 1 only";
  EXPECT_EQ(world.Do(ops::Zap{{0}}), Ok(0));
  EXPECT_EQ(world.WriteCountOf(0, 2, 0), 1) << "not taken back twice";
  EXPECT_EQ(world.stats().zapped, 2u);
  EXPECT_EQ(world.stats().reloads, 2u);
}

TEST(ModelTest, APinnedUnsyncChildIsCountedAndStaysActive) {
  World world(kTiny);
  world.Have({Indirect(0, 2), Under(Indirect(1, 1), 0, 6), Under(Indirect(2, 1), 0, 4),
              ops::Pin{{1}}, ops::Pin{{2}}, ops::Unsync{{1}}, ops::Unsync{{2}}});
  EXPECT_EQ(world.Do(ops::Zap{{0}}), Ok(3));
  // The walk goes by ascending index: page 2, then page 1, each to the head.
  EXPECT_EQ(world.all().active, (std::vector<PageId>{1, 2}));
  EXPECT_EQ(world.stats().reloads, 2u);
  EXPECT_EQ(world.stats().unsync, 0u);
}

TEST(ModelTest, CommitFreesTheZappedPagesWithOneFlush) {
  World world(kTiny);
  EXPECT_EQ(world.Do(ops::Commit{}), Ok(0));
  EXPECT_EQ(world.events().remote_flushes, 0u);
  world.Have({Indirect(0, 1), Indirect(1, 1), Indirect(2, 1), ops::Zap{{0}}, ops::Zap{{2}}});
  EXPECT_EQ(world.Do(ops::Commit{}), Ok(2));
  EXPECT_EQ(world.events().remote_flushes, 1u);
  EXPECT_EQ(world.stats().live_pages, 1u);
  EXPECT_EQ(world.Do(Indirect(0, 1)), Ok()) << "the id is free again";
  EXPECT_EQ(world.Do(ops::Commit{}), Ok(0));
}

TEST(ModelTest, ShrinkZapsFromTheTailAndFreesAtOnce) {
  World world(kTiny);
  EXPECT_EQ(world.Do(ops::Shrink{{4}}), Ok(0));
  EXPECT_EQ(world.events().remote_flushes, 0u);
  world.Have({Indirect(0, 1), Indirect(1, 1), Indirect(2, 1), Indirect(3, 1), ops::Zap{{2}}});
  EXPECT_EQ(world.Do(ops::Shrink{{2}}), Ok(2));
  EXPECT_EQ(world.all().active, (std::vector<PageId>{3}));
  EXPECT_TRUE(world.Page(2).zapped) << "on the program's list, not on shrink's";
  EXPECT_EQ(world.events().remote_flushes, 1u);
  EXPECT_EQ(world.Do(ops::Shrink{{64}}), Ok(1));
  EXPECT_TRUE(world.all().active.empty());
}

TEST(ModelTest, ShrinkZapsAPinnedTailAgainAndAgainAndNeverFreesIt) {
  World world(kTiny);
  world.Have({Indirect(0, 1), ops::Pin{{0}}});
  EXPECT_EQ(world.Do(ops::Shrink{{5}}), Ok(0));
  EXPECT_EQ(world.stats().zapped, 5u);
  EXPECT_EQ(world.stats().reloads, 5u);
  EXPECT_EQ(world.stats().live_pages, 1u);
  EXPECT_EQ(world.events().remote_flushes, 0u);
}

TEST(ModelTest, ShrinkTakesUnsyncChildrenOfTheTailWithIt) {
  World world(kTiny);
  world.Have({Indirect(0, 2), Under(Indirect(1, 1), 0, 0), Indirect(2, 1), ops::Unsync{{1}}});
  EXPECT_EQ(world.Do(ops::Shrink{{2}}), Ok(3)) << "0 with 1, then 2";
  EXPECT_TRUE(world.all().pages.empty());
}

// ---- Misuse ----

TEST(ModelTest, MisuseIsRefusedUnlessTheHeaderAllowsIt) {
  World world(kTiny);
  for (const Op& op : {Op(ops::MisuseRemove{{9}, {}, {}}), Op(ops::MisuseRemoveParent{{9}, {}, {}}),
                       Op(ops::MisuseAddTwice{{9}, {}}), Op(ops::MisuseWrongGfn{{9}, {}, {}}),
                       Op(ops::MisuseSetGfn{{9}, {}, {}})}) {
    EXPECT_EQ(world.Do(op), No(Code::kMisuseOff)) << OpName(op);
  }
  EXPECT_FALSE(world.model().ended());
}

TEST(ModelTest, MisuseRemoveIsABugAfterItsGuards) {
  World world(kTinyMisuse);
  world.Have({Indirect(0, 4), Indirect(1, 1), Map(1, 0, 3)});
  EXPECT_EQ(world.Do(ops::MisuseRemove{{9}, {0}, {kNoSlotGfn}}), No(Code::kNoSuchPage));
  EXPECT_EQ(world.Do(ops::MisuseRemove{{0}, {0}, {kNoSlotGfn}}), No(Code::kWrongLevel));
  EXPECT_EQ(world.Do(ops::MisuseRemove{{1}, {0}, {kNoSlotGfn}}), No(Code::kNoSlot));
  EXPECT_EQ(world.Do(ops::MisuseRemove{{1}, {0}, {3}}), No(Code::kSlotBusy));
  EXPECT_FALSE(world.model().ended());
  EXPECT_EQ(world.Do(ops::MisuseRemove{{1}, {1}, {3}}), Bug(BugClass::kRmapRemove));
  EXPECT_TRUE(world.model().ended());
}

TEST(ModelTest, MisuseRemoveParentIsABugUnlessNoneIsLookedForAndFound) {
  World world(kTinyMisuse);
  world.Have({Indirect(0, 2), Under(Indirect(1, 1), 0, 0), Indirect(2, 4), ops::Zap{{2}}});
  EXPECT_EQ(world.Do(ops::MisuseRemoveParent{{9}, {9}, {0}}), No(Code::kNoSuchPage));
  EXPECT_EQ(world.Do(ops::MisuseRemoveParent{{1}, {9}, {0}}), No(Code::kNoSuchPage));
  EXPECT_EQ(world.Do(ops::MisuseRemoveParent{{1}, {2}, {0}}), No(Code::kPageZapped));
  EXPECT_EQ(world.Do(ops::MisuseRemoveParent{{1}, {0}, {0}}), No(Code::kSlotBusy));
  EXPECT_FALSE(world.model().ended());
  EXPECT_EQ(world.Do(ops::MisuseRemoveParent{{0}, {}, {0}}), Ok()) << "D11";
  EXPECT_TRUE(world.model().ended());
  EXPECT_EQ(world.Do(ops::MisuseRemoveParent{{1}, {}, {0}}), Bug(BugClass::kRemoveParent));
  EXPECT_EQ(world.Do(ops::MisuseRemoveParent{{1}, {0}, {1}}), Bug(BugClass::kRemoveParent));
}

TEST(ModelTest, MisuseAddTwiceEndsTheProgramWithoutABug) {
  World world(kTinyMisuse);
  world.Have({Indirect(0, 1), Map(0, 0, 3)});
  EXPECT_EQ(world.Do(ops::MisuseAddTwice{{9}, {0}}), No(Code::kNoSuchPage));
  EXPECT_EQ(world.Do(ops::MisuseAddTwice{{0}, {1}}), No(Code::kNotPresent));
  EXPECT_FALSE(world.model().ended());
  EXPECT_EQ(world.Do(ops::MisuseAddTwice{{0}, {0}}), Ok()) << "D12";
  EXPECT_TRUE(world.model().ended());
}

TEST(ModelTest, MisuseWrongGfnIsABugAfterItsGuards) {
  World world(kTinyMisuse);
  world.Have({Direct(0, 1), Indirect(1, 2), Map(1, 0, 9), Under(Indirect(2, 1), 1, 1)});
  EXPECT_EQ(world.Do(ops::MisuseWrongGfn{{9}, {0}, {kNoSlotGfn}}), No(Code::kNoSuchPage));
  EXPECT_EQ(world.Do(ops::MisuseWrongGfn{{0}, {0}, {kNoSlotGfn}}), No(Code::kWrongLevel));
  EXPECT_EQ(world.Do(ops::MisuseWrongGfn{{1}, {1}, {kNoSlotGfn}}), No(Code::kNoSlot));
  EXPECT_EQ(world.Do(ops::MisuseWrongGfn{{1}, {1}, {9}}), No(Code::kNotPresent)) << "a link";
  EXPECT_EQ(world.Do(ops::MisuseWrongGfn{{1}, {0}, {15}}), No(Code::kSlotBusy))
      << "the same large page";
  EXPECT_FALSE(world.model().ended());
  EXPECT_EQ(world.Do(ops::MisuseWrongGfn{{1}, {0}, {16}}), Bug(BugClass::kRmapRemove));
  EXPECT_TRUE(world.model().ended());
}

TEST(ModelTest, MisuseSetGfnIsABugAfterItsGuards) {
  World world(kTinyMisuse);
  world.Have({Indirect(0, 1), Direct(1, 4), Direct(2, 2), Map(2, 0, 0)});
  EXPECT_EQ(world.Do(ops::MisuseSetGfn{{9}, {0}, {kNoSlotGfn}}), No(Code::kNoSuchPage));
  EXPECT_EQ(world.Do(ops::MisuseSetGfn{{0}, {0}, {kNoSlotGfn}}), No(Code::kWrongLevel));
  EXPECT_EQ(world.Do(ops::MisuseSetGfn{{1}, {0}, {kNoSlotGfn}}), No(Code::kWrongLevel));
  EXPECT_EQ(world.Do(ops::MisuseSetGfn{{2}, {0}, {kNoSlotGfn}}), No(Code::kNoSlot));
  EXPECT_EQ(world.Do(ops::MisuseSetGfn{{2}, {0}, {8}}), No(Code::kSlotBusy));
  EXPECT_EQ(world.Do(ops::MisuseSetGfn{{2}, {1}, {8}}), No(Code::kNotPresent));
  EXPECT_FALSE(world.model().ended());
  EXPECT_EQ(world.Do(ops::MisuseSetGfn{{2}, {1}, {9}}), Bug(BugClass::kSetGfn))
      << "the gfn is not aligned";
  EXPECT_TRUE(world.model().ended());
}

// ---- What was touched ----

TEST(ModelTest, ARefusedOperationNamesWhatItLookedAt) {
  World world(kTiny);
  world.Have({Indirect(0, 1), Map(0, 0, 3)});
  world.Do(Map(0, 0, 4));
  EXPECT_EQ(world.touched().pages, (std::vector<PageId>{0}));
  EXPECT_EQ(world.touched().slots, (Refs{{0, 0}}));
  EXPECT_EQ(world.touched().rmaps, (std::vector<RmapId>{{0, 1, 4}}));
  world.Do(ops::Pin{{9}});
  EXPECT_EQ(world.touched().pages, (std::vector<PageId>{9})) << "named even if it is not there";
}

TEST(ModelTest, ObservingWhatIsGoneLeavesItOut) {
  World world(kTiny);
  world.Have({Indirect(0, 1)});
  Observation seen;
  world.model().ObserveTouched({.rmaps = {{0, 1, 5}}, .pages = {0, 9}, .slots = {{0, 2}, {9, 0}}},
                               &seen);
  EXPECT_EQ(seen.pages.size(), 1u);
  EXPECT_EQ(seen.slots, (std::vector<SlotObservation>{{{0, 2}, {}}}));
  EXPECT_EQ(seen.rmaps, (Rows<RmapObservation>{{{0, 1, 5}, {}}})) << "empty, but named";
  EXPECT_TRUE(seen.write_counts.empty());
  EXPECT_TRUE(seen.active.empty());
}

// ---- Random programs ----

using Changes = std::set<std::string>;

// A complete observation as maps, where what is not mentioned is the default.
struct Contents {
  std::map<RmapId, Refs> rmaps;
  std::map<PageId, PageObservation> pages;
  std::map<SpteRef, SlotValue> slots;

  explicit Contents(const Observation& all) {
    for (const RmapObservation& rmap : all.rmaps) rmaps[rmap.id] = rmap.entries;
    for (const PageObservation& page : all.pages) pages[page.id] = page;
    for (const SlotObservation& slot : all.slots) slots[slot.ref] = slot.value;
  }
};

template <typename Key, typename T, typename Name>
void AddUnnamed(const std::map<Key, T>& before, const std::map<Key, T>& after,
                const std::vector<Key>& named, Name name, Changes* changes) {
  std::set<Key> keys;
  for (const auto& [key, value] : before) keys.insert(key);
  for (const auto& [key, value] : after) keys.insert(key);
  for (const Key& key : keys) {
    const auto b = before.find(key);
    const auto a = after.find(key);
    const bool in_both = b != before.end() && a != after.end();
    if (in_both && b->second == a->second) continue;
    if (!Contains(named, key)) changes->insert(name(key));
  }
}

// The changes that `touched` does not name. The slots of a page that is gone went with it.
Changes Unnamed(const Observation& all_before, const Observation& all_after, const Touched& touched,
                const GuestLayout& layout) {
  Changes changes;
  const Contents before(all_before);
  const Contents after(all_after);
  const auto rmap_name = [&](const RmapId& id) { return ToString(id, layout); };
  const auto page_name = [](PageId id) { return "page " + std::to_string(id); };
  const auto slot_name = [](const SpteRef& ref) { return ToString(ref); };
  AddUnnamed(before.rmaps, after.rmaps, touched.rmaps, rmap_name, &changes);
  AddUnnamed(before.pages, after.pages, touched.pages, page_name, &changes);
  AddUnnamed(before.slots, after.slots, touched.slots, slot_name, &changes);
  return changes;
}

TEST(ModelTest, TheCheckOfWhatWasTouchedMissesNothing) {
  World world(kTiny);
  world.Have({Indirect(0, 2)});
  const Observation before = world.all();
  world.Have({Under(Indirect(1, 1), 0, 3), Map(1, 5, 0x11)});
  const Touched all{.rmaps = {{0, 1, 0x11}}, .pages = {1}, .slots = {{0, 3}, {1, 5}}};
  EXPECT_EQ(Unnamed(before, world.all(), all, kTinyLayout), Changes{});
  EXPECT_EQ(Unnamed(before, world.all(), {}, kTinyLayout),
            (Changes{"page 0 [3]", "page 1", "page 1 [5]", "rmap(gfn 0x11, level 1)"}));
  EXPECT_EQ(Unnamed(world.all(), before, {}, kTinyLayout),
            (Changes{"page 0 [3]", "page 1", "page 1 [5]", "rmap(gfn 0x11, level 1)"}));
}

// The reverse map that a leaf's host frame belongs to: another way round than the model's.
RmapId RmapOfPfn(const GuestLayout& layout, Pfn pfn, uint32_t level) {
  const uint64_t gfn = (pfn - HostPfn(0, 0)) & 0xffffff;
  uint32_t slot = 0;
  while (slot + 1 < GuestLayout::kSlots && layout.slots[slot + 1].base_gfn <= gfn) ++slot;
  const uint64_t frames = layout.frames(int(level));
  return {slot, level, uint32_t(gfn / frames - layout.slots[slot].base_gfn / frames)};
}

// Lists from slots, write counts from pages, the active list from the pages that are not zapped.
void ExpectConsistent(const Observation& all, const GuestLayout& layout) {
  std::map<RmapId, Refs> rmaps;
  std::map<PageId, Refs> parents;
  std::map<PageId, PageObservation> pages;
  for (const PageObservation& page : all.pages) pages[page.id] = page;
  for (const SlotObservation& slot : all.slots) {
    ASSERT_EQ(pages.count(slot.ref.page), 1u);
    ASSERT_LT(slot.ref.index, layout.sptes_per_page());
    ASSERT_NE(slot.value.kind, Kind::kTrap);
    const uint32_t level = pages[slot.ref.page].role.level;
    if (slot.value.kind == Kind::kLeaf) {
      ASSERT_LT(level, 4u);
      rmaps[RmapOfPfn(layout, PfnOf(slot.value.word), level)].push_back(slot.ref);
    } else if (slot.value.kind == Kind::kLink) {
      ASSERT_EQ(pages.count(slot.value.child), 1u);
      ASSERT_EQ(pages[slot.value.child].role.level + 1, level);
      parents[slot.value.child].push_back(slot.ref);
    }
  }
  Rows<RmapObservation> lists;
  for (const auto& [id, entries] : rmaps) lists.push_back({id, entries});
  EXPECT_EQ(all.rmaps, lists);
  std::vector<PageId> active = all.active;
  std::sort(active.begin(), active.end());
  uint32_t unsync = 0;
  for (const PageObservation& page : all.pages) {
    EXPECT_EQ(page.parents, parents[page.id]) << "page " << page.id;
    EXPECT_EQ(std::count(active.begin(), active.end(), page.id), page.zapped ? 0 : 1);
    EXPECT_EQ(page.role.invalid != 0, page.zapped || (page.role.invalid && page.root_count > 0));
    if (page.unsync) ++unsync;
  }
  EXPECT_EQ(all.stats.unsync, unsync);
  EXPECT_EQ(all.stats.live_pages, all.pages.size());
}

int WriteCountSum(const Observation& all) {
  int sum = 0;
  for (const WriteCount& each : all.write_counts) sum += each.count;
  return sum;
}

// Applies a random program; after each operation everything is derived anew.
void RunRandom(const Header& header, uint64_t seed, size_t* changed) {
  const GuestLayout& layout = header.layout();
  const Program program = RandomProgram(header, 200, seed);
  Model model(header);
  Observation before, after, seen;
  model.ObserveAll(&before);
  const int bias = WriteCountSum(before);
  for (const Op& op : program.ops) {
    SCOPED_TRACE(PrintOp(header, op));
    const Outcome outcome = model.Apply(op);
    model.ObserveAll(&after);
    EXPECT_EQ(after.outcome, outcome);
    if (model.ended()) {
      EXPECT_TRUE(Unnamed(before, after, {}, layout).empty()) << "misuse changes no model";
      return;
    }
    ExpectConsistent(after, layout);
    const auto accounted = std::count_if(
        after.pages.begin(), after.pages.end(),
        [](const PageObservation& page) { return !page.role.direct && !page.role.invalid; });
    EXPECT_EQ(WriteCountSum(after), bias + 2 * accounted);
    EXPECT_EQ(Unnamed(before, after, model.touched(), layout), Changes{});
    *changed += Unnamed(before, after, {}, layout).size();
    model.ObserveTouched(model.touched(), &seen);
    const Contents all(after);
    for (const PageObservation& page : seen.pages) EXPECT_EQ(page, all.pages.at(page.id));
    for (const RmapObservation& rmap : seen.rmaps) {
      const auto found = all.rmaps.find(rmap.id);
      EXPECT_EQ(rmap.entries, found == all.rmaps.end() ? Refs{} : found->second);
    }
    for (const SlotObservation& slot : seen.slots) {
      const auto found = all.slots.find(slot.ref);
      EXPECT_EQ(slot.value, found == all.slots.end() ? SlotValue{} : found->second);
    }
    if (::testing::Test::HasFailure()) return;
    std::swap(before, after);
  }
}

TEST(ModelTest, OverRandomProgramsTheStateIsConsistentAndEveryChangeIsNamed) {
  size_t changed = 0;
  for (uint64_t seed = 0; seed < 96 && !HasFailure(); ++seed) {
    Header header;
    header.limits = seed % 4 == 0 ? LimitsMode::kProduction : LimitsMode::kTiny;
    header.masks = static_cast<MasksMode>(seed % 3);
    header.misuse = seed % 5 == 0;
    SCOPED_TRACE("seed " + std::to_string(seed));
    RunRandom(header, seed, &changed);
  }
  EXPECT_GT(changed, 10000u) << "the programs do something";
}

TEST(ModelTest, TheSameProgramLeadsToTheSameState) {
  const Program program = RandomProgram(kTiny, 300, 7);
  Observation states[2];
  for (Observation& state : states) {
    Model model(program.header);
    for (const Op& op : program.ops) model.Apply(op);
    model.ObserveAll(&state);
  }
  EXPECT_EQ(Hash(states[0]), Hash(states[1]));
  EXPECT_FALSE(states[0].pages.empty());
}

}  // namespace
}  // namespace rmapdiff
