// Each function of the page graph, on both reverse maps and with both sets of limits.
#include "mmu/graph/page_graph.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <type_traits>

#include "tests/mmu/behind_any_map.h"
#include "tests/mmu/graph_fixture.h"
#include "tests/mmu/map_test.h"

namespace rmapdiff {
namespace {

using Pfns = std::vector<Pfn>;
using Ids = std::vector<PageId>;

constexpr Spte kNotrap = kBypassMasks.notrap;

template <class L>
class PageGraphTest : public testing::Test {
 public:
  explicit PageGraphTest(const MapMaker& maker) : host(maker), maker_(maker) {}

 protected:
  using Host = GraphHost<AnyMap<L>>;
  using Page = AnyPage;
  static constexpr Gfn kLarge = Gfn{1} << L::kLevelBits;  // frames of a level 2 page

  Host NewHost(const SpteMasks& masks = kShadowMasks) const { return Host(maker_, masks); }

  Host host;

 private:
  const MapMaker& maker_;
};

// ---- Memory slots ----

MAP_TEST(PageGraphTest, AnAlignedSlotForbidsNoLargePage) {
  Memslots<AnyHead, L> slots;
  const Gfn huge = this->kLarge * this->kLarge;
  slots.Add(huge, huge, 2 * huge);
  const auto& slot = slots.all()[0];
  EXPECT_EQ(slot.heads(1), huge);
  ASSERT_EQ(slot.heads(2), this->kLarge);
  ASSERT_EQ(slot.heads(3), 1u);
  for (uint32_t i = 0; i < slot.heads(2); ++i) EXPECT_EQ(slot.write_count(i, 2), 0);
  EXPECT_EQ(slot.write_count(0, 3), 0);
}

MAP_TEST(PageGraphTest, LargePagesThatASlotCoversInPartAreForbidden) {
  Memslots<AnyHead, L> slots;
  const Gfn large = this->kLarge;
  slots.Add(3 * large - 1, 3 * large, 3 * large - 1);  // ends in the sixth, one frame short
  const auto& slot = slots.all()[0];
  ASSERT_EQ(slot.heads(2), 4u);
  EXPECT_EQ(slot.write_count(0, 2), 1);
  EXPECT_EQ(slot.write_count(1, 2), 0);
  EXPECT_EQ(slot.write_count(2, 2), 0);
  EXPECT_EQ(slot.write_count(3, 2), 1);
  EXPECT_EQ(slot.heads(3), 1u);
  EXPECT_EQ(slot.write_count(0, 3), 1);
}

MAP_TEST(PageGraphTest, OnlyTheUnalignedEndOfASlotIsForbidden) {
  Memslots<AnyHead, L> slots;
  const Gfn large = this->kLarge;
  slots.Add(2 * large, large + 1, 2 * large);
  slots.Add(7 * large - 1, large + 1, 7 * large - 1);
  EXPECT_EQ(slots.all()[0].write_count(0, 2), 0);
  EXPECT_EQ(slots.all()[0].write_count(1, 2), 1);
  EXPECT_EQ(slots.all()[1].write_count(0, 2), 1);
  EXPECT_EQ(slots.all()[1].write_count(1, 2), 0);
}

MAP_TEST(PageGraphTest, ASlotThatTheHostAlignsDifferentlyForbidsAllLargePages) {
  Memslots<AnyHead, L> slots;
  const Gfn large = this->kLarge;
  const Gfn huge = large * large;
  slots.Add(0, 2 * huge, 1);         // off by a frame
  slots.Add(4 * huge, huge, large);  // off by a level 2 page: only level 3 minds
  for (uint32_t i = 0; i < 2 * large; ++i) EXPECT_EQ(slots.all()[0].write_count(i, 2), 1);
  EXPECT_EQ(slots.all()[0].write_count(0, 3), 1);
  EXPECT_EQ(slots.all()[0].write_count(1, 3), 1);
  EXPECT_EQ(slots.all()[1].write_count(0, 2), 0);
  EXPECT_EQ(slots.all()[1].write_count(0, 3), 1);
}

MAP_TEST(PageGraphTest, SlotsAreFoundByTheirFrames) {
  Memslots<AnyHead, L> slots;
  slots.Add(8, 8, 8);
  slots.Add(32, 16, 32);
  const auto id = [&](Gfn gfn) { return slots.Find(gfn)->id(); };
  for (const Gfn gfn : {0, 7, 16, 31, 48}) {
    EXPECT_EQ(slots.Find(gfn), nullptr) << gfn;
    EXPECT_EQ(BugOf([&] { slots.Rmap(gfn, 1); }), BugClass::kNoSlot) << gfn;
    EXPECT_EQ(BugOf([&] { slots.AccountShadowed(gfn, 1); }), BugClass::kNoSlot) << gfn;
  }
  EXPECT_EQ(id(8), 0u);
  EXPECT_EQ(id(15), 0u);
  EXPECT_EQ(id(32), 1u);
  EXPECT_EQ(id(47), 1u);
  EXPECT_NE(&slots.Rmap(32, 1), &slots.Rmap(33, 1));
  EXPECT_EQ(&slots.Rmap(32, 2), &slots.Rmap(35, 2));
}

// ---- Pages ----

MAP_TEST(PageGraphTest, ANewPageIsEmptyAndFirstOnTheActiveList) {
  auto host = this->NewHost(kBypassMasks);
  host.New(1, true, 0);
  auto& page = host.New(2, false, 5);
  EXPECT_EQ(page.gfn, 5u);
  EXPECT_EQ(page.role.level, 2u);
  EXPECT_FALSE(page.role.direct);
  EXPECT_FALSE(page.role.invalid);
  for (int i = 0; i < host.kEntries; ++i) ASSERT_EQ(page.spt[i], kBypassMasks.trap) << i;
  EXPECT_EQ(host.Active(), (Ids{1, 0}));
  EXPECT_EQ(PageHeader(&page.spt[host.kEntries - 1]), &page);
  EXPECT_TRUE(host.Parents(page).empty());
  EXPECT_EQ(page.slot_bitmap, 0u);
  EXPECT_EQ(page.unsync_children, 0u);
  EXPECT_EQ(page.root_count, 0);
  EXPECT_EQ(host.graph.stats().cache_miss, 2u);
}

MAP_TEST(PageGraphTest, AnIndirectPageForbidsLargePagesOverItsGfn) {
  auto& host = this->host;
  EXPECT_EQ(host.WriteCount(this->kLarge, 3), 1);  // the slot covers a part of level 3
  host.New(1, false, this->kLarge + 1);
  EXPECT_EQ(host.WriteCount(this->kLarge, 2), 1);
  EXPECT_EQ(host.WriteCount(this->kLarge, 3), 2);
  EXPECT_EQ(host.WriteCount(0, 2), 0);
  host.New(1, true, this->kLarge + 1);
  EXPECT_EQ(host.WriteCount(this->kLarge, 2), 1);
}

MAP_TEST(PageGraphTest, ALinkedPageKnowsItsParent) {
  auto& root = this->host.New(2, false, 0);
  Spte* slot = &root.spt[3];
  auto& page = this->host.New(1, true, 0, slot);
  EXPECT_EQ(*slot, LinkAddress(page) | kLinkFlags);
  EXPECT_EQ(ChildOf(*slot), &page);
  EXPECT_EQ(this->host.Parents(page), Sptes{slot});
}

MAP_TEST(PageGraphTest, AddingAParentOfAPageInSyncMarksNothing) {
  auto& root = this->host.New(2, false, 0);
  auto& page = this->host.New(1, false, 0);
  this->host.Link(page, &root.spt[3]);
  EXPECT_EQ(this->host.Parents(page), Sptes{&root.spt[3]});
  EXPECT_EQ(root.unsync_children, 0u);
}

MAP_TEST(PageGraphTest, AddingAParentOfAnUnsyncPageMarksIt) {
  auto& root = this->host.New(2, false, 0);
  auto& page = this->host.New(1, false, 0);
  this->host.graph.UnsyncPage(page);
  this->host.Link(page, &root.spt[3]);
  EXPECT_EQ(root.unsync_children, 1u);
  EXPECT_TRUE(root.unsync_child_bitmap[3]);
}

MAP_TEST(PageGraphTest, AddingAParentOfAPageWithUnsyncChildrenMarksIt) {
  auto& root = this->host.New(3, false, 0);
  auto& middle = this->host.New(2, false, 0);
  auto& page = this->host.New(1, false, 0, &middle.spt[1]);
  this->host.graph.UnsyncPage(page);
  this->host.Link(middle, &root.spt[2]);
  EXPECT_EQ(root.unsync_children, 1u);
  EXPECT_TRUE(root.unsync_child_bitmap[2]);
}

MAP_TEST(PageGraphTest, PuttingAPageLeavesTheSlotAsItIs) {
  auto& host = this->host;
  auto& root = host.New(2, false, 0);
  auto& page = host.New(1, false, 0, &root.spt[0]);
  root.spt[1] = 0x1234;
  ASSERT_TRUE(host.graph.TopUp(host.caches));
  host.graph.AddParent(host.caches, page, &root.spt[1]);
  host.graph.PutPage(page, &root.spt[1]);
  EXPECT_EQ(root.spt[1], 0x1234u);
  EXPECT_EQ(host.Parents(page), Sptes{&root.spt[0]});
  EXPECT_EQ(BugOf([&] { host.graph.PutPage(page, &root.spt[1]); }), BugClass::kRemoveParent);
}

MAP_TEST(PageGraphTest, UnlinkingAChildClearsTheSlotAndTheParent) {
  auto host = this->NewHost(kBypassMasks);
  auto& root = host.New(2, false, 0);
  auto& page = host.New(1, false, 0, &root.spt[0]);
  host.Link(page, &root.spt[1]);
  host.graph.UnlinkChild(&root.spt[0]);
  EXPECT_EQ(root.spt[0], kBypassMasks.trap);
  EXPECT_EQ(host.Parents(page), Sptes{&root.spt[1]});
}

MAP_TEST(PageGraphTest, UnlinkingChildrenEmptiesThePageOfLeavesAndLinks) {
  auto host = this->NewHost(kBypassMasks);
  auto& page = host.New(2, false, 0);
  auto& child = host.New(1, false, 0, &page.spt[0]);
  host.Map(page, 1, 0);
  host.Map(page, 2, this->kLarge, false);
  page.spt[3] = kNotrap;
  EXPECT_EQ(host.graph.stats().lpages, 2);
  EXPECT_EQ(host.graph.UnlinkChildren(page), 3);
  for (int i = 0; i < host.kEntries; ++i) ASSERT_EQ(page.spt[i], kBypassMasks.trap) << i;
  EXPECT_EQ(host.graph.stats().lpages, 0);
  EXPECT_TRUE(host.Parents(child).empty());
  EXPECT_TRUE(host.Entries(0, 2).empty());
  EXPECT_TRUE(host.Entries(this->kLarge, 2).empty());
  EXPECT_EQ(host.graph.events().accessed, (Pfns{host.HostPfn(0), host.HostPfn(this->kLarge)}));
  EXPECT_EQ(host.graph.events().dirtied, Pfns{host.HostPfn(0)});
  EXPECT_EQ(host.graph.UnlinkChildren(page), 0);
}

MAP_TEST(PageGraphTest, UnlinkingParentsClearsTheirSlotsButNotTheirUnsyncBits) {
  auto host = this->NewHost(kBypassMasks);
  auto& one = host.New(2, false, 0);
  auto& two = host.New(2, false, 1);
  auto& page = host.New(1, false, 0, &one.spt[0]);
  host.Link(page, &one.spt[5]);
  host.Link(page, &two.spt[7]);
  host.graph.UnsyncPage(page);
  EXPECT_EQ(host.graph.UnlinkParents(page), 3);
  for (const Spte spte : {one.spt[0], one.spt[5], two.spt[7]}) {
    EXPECT_EQ(spte, kBypassMasks.trap);
  }
  EXPECT_TRUE(host.Parents(page).empty());
  EXPECT_EQ(one.unsync_children, 2u);
  EXPECT_EQ(two.unsync_children, 1u);
  EXPECT_EQ(host.graph.UnlinkParents(page), 0);
}

MAP_TEST(PageGraphTest, WithoutATopUpThereIsNoPage) {
  auto& host = this->host;
  const auto alloc = [&] { host.graph.AllocPage(host.caches, 0, 0, Role{}, nullptr); };
  EXPECT_EQ(BugOf(alloc), BugClass::kCacheEmpty);
}

// However much the caches still hold: which reverse map would have been lucky is of no interest.
MAP_TEST(PageGraphTest, AfterATopUpThatFailedNothingIsAllocated) {
  auto& host = this->host;
  auto& page = host.New(1, false, 0);
  ASSERT_TRUE(host.graph.TopUp(host.caches));
  host.graph.FailTopUp(1);
  ASSERT_FALSE(host.graph.TopUp(host.caches));
  const auto alloc = [&] { host.graph.AllocPage(host.caches, 1, 0, Role{}, nullptr); };
  const auto link = [&] { host.graph.AddParent(host.caches, page, &page.spt[0]); };
  const auto map = [&] {
    host.graph.MapLeaf(host.caches, &page.spt[0],
                       MakeLeaf(host.graph.masks(), host.HostPfn(1), 1, true, false), 1);
  };
  EXPECT_EQ(BugOf(alloc), BugClass::kCacheEmpty);
  EXPECT_EQ(BugOf(link), BugClass::kCacheEmpty);
  EXPECT_EQ(BugOf(map), BugClass::kCacheEmpty);
  ASSERT_TRUE(host.graph.TopUp(host.caches));
  EXPECT_EQ(BugOf(alloc), BugClass::kNone);
}

MAP_TEST(PageGraphTest, PagesAreFoundByTheirGfnTheNewestFirst) {
  auto& host = this->host;
  const auto found = [&](Gfn gfn) {
    Ids ids;
    for (const auto* page = host.graph.FirstPageOf(gfn); page != nullptr;
         page = host.graph.NextPageOf(*page)) {
      ids.push_back(page->id);
    }
    return ids;
  };
  // The last two fall into the bucket of gfn 0.
  host.graph.slots().Add(1024, 1025, 1024);
  for (const Gfn gfn : {0, 1, 0, 1024, 2048, 0}) host.New(1, false, gfn);
  EXPECT_EQ(found(0), (Ids{5, 2, 0}));
  EXPECT_EQ(found(1), Ids{1});
  EXPECT_EQ(found(2048), Ids{4});
  EXPECT_TRUE(found(2).empty());
  EXPECT_EQ(host.graph.pages(), 6);
  PageList zapped;
  host.graph.PrepareZap(*host.graph.NextPageOf(*host.graph.FirstPageOf(0)), zapped);
  EXPECT_EQ(found(0), (Ids{5, 2, 0}));  // until it is freed
  host.graph.CommitZap(zapped);
  EXPECT_EQ(found(0), (Ids{5, 0}));
  EXPECT_EQ(found(1024), Ids{3});
  EXPECT_EQ(host.graph.pages(), 5);
  host.ExpectNothingLeftAfterZappingAll();
  EXPECT_EQ(host.graph.pages(), 0);
  for (const Gfn gfn : {0, 1, 1024, 2048}) EXPECT_TRUE(found(gfn).empty());
}

// ---- Gfns ----

MAP_TEST(PageGraphTest, ADirectPageMapsFromItsGfnOn) {
  auto& host = this->host;
  auto& small = host.New(1, true, 2 * this->kLarge);
  EXPECT_EQ(host.graph.GetGfn(small, 0), 2 * this->kLarge);
  EXPECT_EQ(host.graph.GetGfn(small, 5), 2 * this->kLarge + 5);
  auto& large = host.New(2, true, 0);
  EXPECT_EQ(host.graph.GetGfn(large, 3), 3 * this->kLarge);
  auto& huge = host.New(3, true, 0);
  EXPECT_EQ(host.graph.GetGfn(huge, 2), 2 * this->kLarge * this->kLarge);
  host.graph.SetGfn(large, 3, 3 * this->kLarge);
  EXPECT_EQ(BugOf([&] { host.graph.SetGfn(large, 3, 3 * this->kLarge + 1); }), BugClass::kSetGfn);
}

MAP_TEST(PageGraphTest, AnIndirectPageMapsWhatItIsTold) {
  auto& host = this->host;
  auto& page = host.New(1, false, 0);
  host.graph.SetGfn(page, 2, 9);
  host.graph.SetGfn(page, 3, 7);
  EXPECT_EQ(host.graph.GetGfn(page, 2), 9u);
  EXPECT_EQ(host.graph.GetGfn(page, 3), 7u);
}

// ---- Mapping and dropping ----

MAP_TEST(PageGraphTest, AMappedLeafIsListedAndMarksTheMemslot) {
  auto& host = this->host;
  const Gfn far = Gfn{64} << L::kLevelBits;
  host.graph.slots().Add(far, 8, far);
  auto& page = host.New(1, false, 0);
  EXPECT_FALSE(host.Map(page, 4, 3));
  EXPECT_EQ(host.Entries(3), Sptes{&page.spt[4]});
  EXPECT_EQ(PfnOf(page.spt[4]), host.HostPfn(3));
  EXPECT_EQ(host.graph.GetGfn(page, 4), 3u);
  EXPECT_EQ(page.slot_bitmap, 1u);
  EXPECT_FALSE(host.Map(page, 5, far));
  EXPECT_EQ(page.slot_bitmap, 3u);
  EXPECT_EQ(host.graph.stats().lpages, 0);
}

MAP_TEST(PageGraphTest, LargeLeavesAreCountedAndListedByLevel) {
  auto& host = this->host;
  auto& page = host.New(2, true, 0);
  auto& huge = host.New(3, true, 0);
  host.Map(page, 1, this->kLarge);
  host.Map(huge, 0, 0);
  EXPECT_EQ(host.graph.stats().lpages, 2);
  EXPECT_EQ(host.Entries(this->kLarge + 3, 2), Sptes{&page.spt[1]});
  EXPECT_TRUE(host.Entries(this->kLarge, 1).empty());
  EXPECT_EQ(host.Entries(this->kLarge, 3), Sptes{&huge.spt[0]});
}

MAP_TEST(PageGraphTest, MappingAFrameWithoutMemoryIsABug) {
  auto& page = this->host.New(1, false, 0);
  EXPECT_EQ(BugOf([&] { this->host.Map(page, 0, this->host.kFrames); }), BugClass::kNoSlot);
}

MAP_TEST(PageGraphTest, ASpteThatIsNotPresentIsNotAdded) {
  auto host = this->NewHost(kBypassMasks);
  auto& page = host.New(1, false, 0);
  page.spt[1] = kNotrap;
  EXPECT_EQ(host.graph.RmapAdd(host.caches, &page.spt[0], 3), 0);
  EXPECT_EQ(host.graph.RmapAdd(host.caches, &page.spt[1], 3), 0);
  EXPECT_TRUE(host.Entries(3).empty());
}

MAP_TEST(PageGraphTest, DroppingALeafTellsTheHostWhatItWas) {
  auto& host = this->host;
  auto& page = host.New(1, false, 0);
  host.Map(page, 0, 1, true, false);
  host.Map(page, 1, 2, false, false);
  host.Map(page, 2, 3, true, true);
  host.Map(page, 3, 4, false, true);
  for (int i = 0; i < 4; ++i) host.graph.DropSpte(&page.spt[i], 0x70);
  for (int i = 0; i < 4; ++i) EXPECT_EQ(page.spt[i], 0x70u);
  EXPECT_EQ(host.graph.events().accessed, (Pfns{host.HostPfn(1), host.HostPfn(2)}));
  EXPECT_EQ(host.graph.events().dirtied, (Pfns{host.HostPfn(1), host.HostPfn(3)}));
  for (Gfn gfn = 1; gfn <= 4; ++gfn) EXPECT_TRUE(host.Entries(gfn).empty());
}

MAP_TEST(PageGraphTest, WithoutAnAccessedBitEveryDroppedLeafWasAccessed) {
  auto host = this->NewHost(kEptMasks);
  auto& page = host.New(1, true, 0);
  host.Map(page, 1, 1, false, true);
  host.graph.DropSpte(&page.spt[1], 0);
  EXPECT_EQ(host.graph.events().accessed, Pfns{host.HostPfn(1)});
  EXPECT_EQ(host.graph.events().dirtied, Pfns{host.HostPfn(1)}) << "R and W come together in EPT";
}

MAP_TEST(PageGraphTest, ALeafOfEptMayBeExecutedAndIsWritableUntilItIsProtected) {
  constexpr Spte kReadWriteExec = 7;
  auto host = this->NewHost(kEptMasks);
  auto& page = host.New(1, true, 0);
  host.Map(page, 3, 3, /*writable=*/false);
  EXPECT_EQ(page.spt[3] & kReadWriteExec, kReadWriteExec);
  EXPECT_TRUE(host.graph.RmapWriteProtect(3));
  EXPECT_EQ(page.spt[3] & kReadWriteExec, kReadWriteExec & ~kSpteWritable);
}

MAP_TEST(PageGraphTest, DroppingASlotThatMapsNothingIsABug) {
  auto& host = this->host;
  auto& page = host.New(1, true, 0);
  EXPECT_EQ(BugOf([&] { host.graph.DropSpte(&page.spt[1], 0); }), BugClass::kRmapRemove);
  EXPECT_TRUE(host.graph.events().accessed.empty());
}

MAP_TEST(PageGraphTest, OnlyLargeLeavesCountWhenTheyAreDropped) {
  auto& host = this->host;
  auto& small = host.New(1, true, 0);
  auto& large = host.New(2, true, 0);
  host.Map(small, 0, 0);
  host.Map(large, 1, this->kLarge);
  host.graph.DropLeaf(&small.spt[0], 0);
  EXPECT_EQ(host.graph.stats().lpages, 1);
  host.graph.DropLeaf(&large.spt[1], 0);
  EXPECT_EQ(host.graph.stats().lpages, 0);
}

// ---- Write protection ----

MAP_TEST(PageGraphTest, WriteProtectionTakesTheWritableBitOfEverySmallLeaf) {
  auto& host = this->host;
  auto& page = host.New(1, false, 0);
  for (int i = 0; i < 7; ++i) host.Map(page, i, 3, i % 2 == 0);
  host.Map(page, 7, 4);
  const Spte read_only = page.spt[1];
  EXPECT_TRUE(host.graph.RmapWriteProtect(3));
  for (int i = 0; i < 7; ++i) EXPECT_EQ(page.spt[i], read_only) << i;
  EXPECT_TRUE(IsWritable(page.spt[7]));
  EXPECT_EQ(host.Entries(3).size(), 7u);
  EXPECT_EQ(host.graph.events().dirtied, Pfns{host.HostPfn(3)});
  EXPECT_TRUE(host.graph.events().accessed.empty());
  EXPECT_EQ(host.graph.events().remote_flushes, 0u);
  EXPECT_FALSE(host.graph.RmapWriteProtect(3));
  EXPECT_EQ(host.graph.events().dirtied.size(), 1u);
}

MAP_TEST(PageGraphTest, WriteProtectionDropsWritableLargeLeavesAndStartsAgain) {
  auto& host = this->host;
  auto& page = host.New(2, false, 0);
  auto& huge = host.New(3, false, 0);
  for (int i = 0; i < 7; ++i) host.Map(page, i, this->kLarge, i % 3 != 0);
  host.Map(page, 7, 0);
  host.Map(huge, 0, 0);
  host.Map(huge, 1, 0, false);
  EXPECT_EQ(host.graph.stats().lpages, 10);
  EXPECT_TRUE(host.graph.RmapWriteProtect(this->kLarge + 1));
  for (int i = 0; i < 7; ++i) EXPECT_EQ(page.spt[i] == 0, i % 3 != 0) << i;
  EXPECT_EQ(Sorted(host.Entries(this->kLarge, 2)),
            (Sptes{&page.spt[0], &page.spt[3], &page.spt[6]}));
  EXPECT_EQ(host.Entries(0, 2), Sptes{&page.spt[7]});
  EXPECT_EQ(host.Entries(0, 3), Sptes{&huge.spt[1]});
  EXPECT_EQ(host.graph.stats().lpages, 5);
  EXPECT_EQ(host.graph.events().dirtied.size(), 5u);
  EXPECT_FALSE(host.graph.RmapWriteProtect(this->kLarge + 1));
}

MAP_TEST(PageGraphTest, WriteProtectionOfNothingDoesNothing) {
  EXPECT_FALSE(this->host.graph.RmapWriteProtect(3));
  EXPECT_TRUE(this->host.graph.events().dirtied.empty());
  EXPECT_EQ(BugOf([&] { this->host.graph.RmapWriteProtect(this->host.kFrames); }),
            BugClass::kNoSlot);
}

MAP_TEST(PageGraphTest, WriteProtectionOfAListedSpteThatIsNotPresentIsABug) {
  auto& page = this->host.New(1, false, 0);
  this->host.Map(page, 0, 3);
  page.spt[0] = 0;
  EXPECT_EQ(BugOf([&] { this->host.graph.RmapWriteProtect(3); }), BugClass::kWriteProtectAbsent);
}

// The first condition that fails decides: what is not present may be large or not.
MAP_TEST(PageGraphTest, WriteProtectionOfALargeSpteThatIsAbsentOrNotLargeIsABug) {
  struct {
    Spte lost;
    BugClass bug;
  } const kCases[] = {{kSpteHuge, BugClass::kWriteProtectNotHuge},
                      {kSptePresent, BugClass::kWriteProtectAbsent},
                      {kSptePresent | kSpteHuge, BugClass::kWriteProtectAbsent}};
  for (const auto& one : kCases) {
    auto host = this->NewHost();
    auto& page = host.New(2, false, 0);
    host.Map(page, 0, 0);
    page.spt[0] &= ~one.lost;
    EXPECT_EQ(BugOf([&] { host.graph.RmapWriteProtect(0); }), one.bug) << one.lost;
  }
}

// ---- What the host asks for ----

MAP_TEST(PageGraphTest, UnmappingDropsEveryLeafOfTheList) {
  auto host = this->NewHost(kBypassMasks);
  auto& page = host.New(1, false, 0);
  for (int i = 0; i < 7; ++i) host.Map(page, i, 3, i == 2, i == 4);
  host.Map(page, 7, 4);
  EXPECT_TRUE(host.graph.RmapUnmap(host.Rmap(3)));
  for (int i = 0; i < 7; ++i) EXPECT_EQ(page.spt[i], kBypassMasks.trap);
  EXPECT_TRUE(host.Entries(3).empty());
  EXPECT_EQ(host.Entries(4).size(), 1u);
  EXPECT_EQ(host.graph.events().dirtied, Pfns{host.HostPfn(3)});
  EXPECT_EQ(host.graph.events().accessed.size(), 6u);
  EXPECT_EQ(host.graph.events().remote_flushes, 0u);
  EXPECT_FALSE(host.graph.RmapUnmap(host.Rmap(3)));
}

MAP_TEST(PageGraphTest, UnmappingLargeLeavesDoesNotCountThem) {
  auto& page = this->host.New(2, false, 0);
  this->host.Map(page, 0, 0);
  EXPECT_TRUE(this->host.graph.RmapUnmap(this->host.Rmap(0, 2)));
  EXPECT_EQ(this->host.graph.stats().lpages, 1);
}

MAP_TEST(PageGraphTest, AListedSpteThatIsNotPresentIsABugForEveryNotifier) {
  auto& host = this->host;
  auto& page = host.New(1, false, 0);
  host.Map(page, 0, 3);
  page.spt[0] = 0;
  auto& head = host.Rmap(3);
  EXPECT_EQ(BugOf([&] { host.graph.RmapUnmap(head); }), BugClass::kUnmapAbsent);
  EXPECT_EQ(BugOf([&] { host.graph.RmapAge(head); }), BugClass::kUnmapAbsent);
  for (const bool writable : {true, false}) {
    EXPECT_EQ(BugOf([&] { host.graph.RmapSetPte(head, 1, writable); }), BugClass::kUnmapAbsent);
  }
}

MAP_TEST(PageGraphTest, TheTrapWordPassesForPresentWhereOnlyThePresentBitIsTested) {
  auto host = this->NewHost(kBypassMasks);
  auto& page = host.New(1, false, 0);
  host.Map(page, 0, 3);
  page.spt[0] = kBypassMasks.trap;
  EXPECT_EQ(BugOf([&] { host.graph.RmapSetPte(host.Rmap(3), 1, false); }), BugClass::kUnmapAbsent);
  EXPECT_EQ(BugOf([&] { host.graph.RmapWriteProtect(3); }), BugClass::kNone);
  EXPECT_EQ(BugOf([&] { host.graph.RmapUnmap(host.Rmap(3)); }), BugClass::kNone);
}

MAP_TEST(PageGraphTest, AReadOnlySetPteMovesEveryLeafAndKeepsItListed) {
  auto& host = this->host;
  auto& page = host.New(1, false, 0);
  for (int i = 0; i < 6; ++i) host.Map(page, i, 3, i % 2 == 0, i == 5);
  host.graph.RmapSetPte(host.Rmap(3), 0x777, false);
  const Spte moved = kSptePresent | kSpteUser | kSpteDirty | Spte{0x777} << 12;
  for (int i = 0; i < 6; ++i) EXPECT_EQ(page.spt[i], moved) << i;
  EXPECT_EQ(host.Entries(3).size(), 6u);
  EXPECT_EQ(host.graph.events().remote_flushes, 1u);
  EXPECT_EQ(host.graph.events().dirtied, Pfns(3, host.HostPfn(3)));
  EXPECT_EQ(host.graph.events().accessed, Pfns(5, host.HostPfn(3)));
}

MAP_TEST(PageGraphTest, AWritableSetPteDropsEveryLeaf) {
  auto host = this->NewHost(kBypassMasks);
  auto& page = host.New(1, false, 0);
  for (int i = 0; i < 6; ++i) host.Map(page, i, 3);
  host.graph.RmapSetPte(host.Rmap(3), 0x777, true);
  for (int i = 0; i < 6; ++i) EXPECT_EQ(page.spt[i], kBypassMasks.trap) << i;
  EXPECT_TRUE(host.Entries(3).empty());
  EXPECT_EQ(host.graph.events().remote_flushes, 1u);
  EXPECT_EQ(host.graph.events().dirtied, Pfns(6, host.HostPfn(3)));
}

MAP_TEST(PageGraphTest, ASetPteOnAnEmptyListDoesNotFlush) {
  for (const bool writable : {true, false}) {
    this->host.graph.RmapSetPte(this->host.Rmap(3), 0x777, writable);
  }
  EXPECT_EQ(this->host.graph.events().remote_flushes, 0u);
}

MAP_TEST(PageGraphTest, AgingClearsTheAccessedBitsAndSaysWhetherThereWasOne) {
  auto& host = this->host;
  auto& page = host.New(1, false, 0);
  for (int i = 0; i < 6; ++i) host.Map(page, i, 3, true, i % 2 == 0);
  const Spte old = page.spt[0];
  EXPECT_TRUE(host.graph.RmapAge(host.Rmap(3)));
  for (int i = 0; i < 6; ++i) EXPECT_EQ(page.spt[i], old) << i;
  EXPECT_FALSE(host.graph.RmapAge(host.Rmap(3)));
  EXPECT_FALSE(host.graph.RmapAge(host.Rmap(4)));
  EXPECT_EQ(host.Entries(3).size(), 6u);
  EXPECT_TRUE(host.graph.events().accessed.empty());
  EXPECT_TRUE(host.graph.events().dirtied.empty());
}

MAP_TEST(PageGraphTest, TestingTheAgeChangesNothing) {
  auto& host = this->host;
  auto& page = host.New(1, false, 0);
  EXPECT_FALSE(host.graph.RmapTestAge(host.Rmap(3)));
  for (int i = 0; i < 3; ++i) host.Map(page, i, 3, true, true);
  EXPECT_FALSE(host.graph.RmapTestAge(host.Rmap(3)));
  page.spt[1] |= kSpteAccessed;
  const Spte young = page.spt[1];
  EXPECT_TRUE(host.graph.RmapTestAge(host.Rmap(3)));
  EXPECT_TRUE(host.graph.RmapTestAge(host.Rmap(3)));
  EXPECT_EQ(page.spt[1], young);
  EXPECT_EQ(host.Entries(3).size(), 3u);
  page.spt[0] = page.spt[1] = page.spt[2] = 0;
  EXPECT_EQ(BugOf([&] { host.graph.RmapTestAge(host.Rmap(3)); }), BugClass::kUnmapAbsent);
}

MAP_TEST(PageGraphTest, WithoutAnAccessedBitNothingTestsAsYoung) {
  auto host = this->NewHost(kEptMasks);
  host.Map(host.New(1, true, 0), 3, 3);
  EXPECT_FALSE(host.graph.RmapTestAge(host.Rmap(3)));
  EXPECT_EQ(host.Entries(3).size(), 1u);
}

MAP_TEST(PageGraphTest, OverwritingALeafTellsTheHostIfItLosesTheAccessedBit) {
  auto& host = this->host;
  auto& page = host.New(1, false, 0);
  host.Map(page, 0, 3);
  const Spte leaf = page.spt[0];
  host.graph.UpdateSpte(&page.spt[0], leaf & ~kSpteWritable);
  EXPECT_TRUE(host.graph.events().accessed.empty());
  host.graph.UpdateSpte(&page.spt[0], leaf & ~kSpteAccessed);
  EXPECT_EQ(host.graph.events().accessed, Pfns{host.HostPfn(3)});
  host.graph.UpdateSpte(&page.spt[0], leaf & ~kSpteAccessed & ~kSpteWritable);
  host.graph.UpdateSpte(&page.spt[1], 0);
  EXPECT_EQ(host.graph.events().accessed.size(), 1u);
  EXPECT_TRUE(host.graph.events().dirtied.empty());
  EXPECT_EQ(page.spt[0], leaf & ~kSpteAccessed & ~kSpteWritable);
}

MAP_TEST(PageGraphTest, AgingWithoutAnAccessedBitUnmaps) {
  auto host = this->NewHost(kEptMasks);
  auto& page = host.New(1, true, 0);
  host.Map(page, 3, 3);
  EXPECT_TRUE(host.graph.RmapAge(host.Rmap(3)));
  EXPECT_TRUE(host.Entries(3).empty());
  EXPECT_EQ(page.spt[3], 0u);
  EXPECT_FALSE(host.graph.RmapAge(host.Rmap(3)));
}

MAP_TEST(PageGraphTest, RecyclingUnmapsTheListAndFlushes) {
  auto& host = this->host;
  auto& page = host.New(1, false, 0);
  for (int i = 0; i < 6; ++i) host.Map(page, i, 3);
  host.graph.RmapRecycle(host.Rmap(3));
  EXPECT_TRUE(host.Entries(3).empty());
  EXPECT_EQ(host.graph.stats().recycled, 1u);
  EXPECT_EQ(host.graph.events().remote_flushes, 1u);
  EXPECT_TRUE(host.graph.add_returns_ok());
}

// ---- Unsync pages ----

MAP_TEST(PageGraphTest, AnUnsyncPageIsMarkedUpToTheRootThroughAllParents) {
  auto& host = this->host;
  auto& root = host.New(3, false, 0);
  auto& one = host.New(2, false, 0, &root.spt[0]);
  auto& two = host.New(2, false, 1, &root.spt[1]);
  host.Link(two, &root.spt[4]);
  auto& page = host.New(1, false, 0, &one.spt[2]);
  host.Link(page, &two.spt[6]);
  host.graph.UnsyncPage(page);
  EXPECT_TRUE(page.unsync);
  EXPECT_EQ(host.graph.stats().unsync, 1u);
  EXPECT_EQ(one.unsync_child_bitmap, std::bitset<512>(1 << 2));
  EXPECT_EQ(two.unsync_child_bitmap, std::bitset<512>(1 << 6));
  EXPECT_EQ(root.unsync_child_bitmap, std::bitset<512>(1 << 0 | 1 << 1 | 1 << 4));
  EXPECT_EQ(one.unsync_children, 1u);
  EXPECT_EQ(two.unsync_children, 1u);
  EXPECT_EQ(root.unsync_children, 3u);
  host.graph.MarkSynced(page);
  EXPECT_FALSE(page.unsync);
  EXPECT_EQ(host.graph.stats().unsync, 0u);
}

MAP_TEST(PageGraphTest, ASecondUnsyncChildIsCountedButNotPassedOn) {
  auto& host = this->host;
  auto& root = host.New(3, false, 0);
  auto& middle = host.New(2, false, 0, &root.spt[0]);
  auto& one = host.New(1, false, 0, &middle.spt[0]);
  auto& two = host.New(1, false, 1, &middle.spt[1]);
  host.graph.UnsyncPage(one);
  host.graph.UnsyncPage(two);
  EXPECT_EQ(middle.unsync_children, 2u);
  EXPECT_EQ(root.unsync_children, 1u);
  host.graph.MarkParentsUnsync(two);
  EXPECT_EQ(middle.unsync_children, 2u);
}

MAP_TEST(PageGraphTest, GoingUnsyncTurnsNotrapIntoTrap) {
  auto host = this->NewHost(kBypassMasks);
  auto& page = host.New(1, false, 0);
  host.Map(page, 2, 3);
  const Spte leaf = page.spt[2];
  page.spt[0] = kNotrap;
  page.spt[host.kEntries - 1] = kNotrap;
  host.graph.UnsyncPage(page);
  EXPECT_EQ(page.spt[0], kBypassMasks.trap);
  EXPECT_EQ(page.spt[host.kEntries - 1], kBypassMasks.trap);
  EXPECT_EQ(page.spt[2], leaf);
}

// Syncs the unsync pages below `page`. Returns their ids in order; the count must agree.
template <class R>
Ids SyncBelow(GraphHost<R>& host, typename R::Page& page) {
  Ids synced;
  const int count = host.graph.ForEachUnsyncChild(page, [&](typename R::Page& child) {
    EXPECT_TRUE(child.unsync);
    host.graph.MarkSynced(child);
    synced.push_back(child.id);
  });
  EXPECT_EQ(count, static_cast<int>(synced.size()));
  return synced;
}

MAP_TEST(PageGraphTest, AnUnsyncPageIsFoundOnceAlthoughTwoPathsLeadToIt) {
  auto& host = this->host;
  auto& root = host.New(3, false, 0);
  auto& one = host.New(2, false, 0, &root.spt[0]);
  auto& two = host.New(2, false, 1, &root.spt[1]);
  auto& page = host.New(1, false, 0, &one.spt[2]);
  host.Link(page, &one.spt[3]);
  host.Link(page, &two.spt[6]);
  host.graph.UnsyncPage(page);
  EXPECT_EQ(SyncBelow(host, root), Ids{page.id});
  for (const auto* above : {&root, &one, &two}) {
    EXPECT_EQ(above->unsync_children, 0u) << above->id;
    EXPECT_TRUE(above->unsync_child_bitmap.none()) << above->id;
  }
}

MAP_TEST(PageGraphTest, PathsThatWereNotWalkedKeepStaleBitsUntilTheyAre) {
  auto& host = this->host;
  auto& one = host.New(2, false, 0);
  auto& two = host.New(2, false, 1);
  auto& page = host.New(1, false, 0, &one.spt[2]);
  host.Link(page, &two.spt[6]);
  host.graph.UnsyncPage(page);
  EXPECT_EQ(SyncBelow(host, one), Ids{page.id});
  EXPECT_EQ(one.unsync_children, 0u);
  EXPECT_EQ(two.unsync_children, 1u);
  EXPECT_TRUE(SyncBelow(host, two).empty());
  EXPECT_EQ(two.unsync_children, 0u);
  EXPECT_FALSE(two.unsync_child_bitmap[6]);
  // Marked once more, every parent has its bit again.
  host.graph.UnsyncPage(page);
  EXPECT_EQ(one.unsync_children, 1u);
  EXPECT_EQ(two.unsync_children, 1u);
}

MAP_TEST(PageGraphTest, BitsOverEmptyAndLargeSlotsAreRepaired) {
  auto& host = this->host;
  auto& root = host.New(2, false, 0);
  auto& one = host.New(1, false, 0, &root.spt[0]);
  auto& two = host.New(1, false, 1, &root.spt[1]);
  auto& three = host.New(1, false, 2, &root.spt[2]);
  for (auto* page : {&one, &two, &three}) host.graph.UnsyncPage(*page);
  host.graph.UnlinkChild(&root.spt[0]);
  host.graph.UnlinkChild(&root.spt[1]);
  host.Map(root, 1, this->kLarge);
  EXPECT_EQ(root.unsync_children, 3u);
  EXPECT_EQ(SyncBelow(host, root), Ids{three.id});
  EXPECT_EQ(root.unsync_children, 0u);
  EXPECT_TRUE(root.unsync_child_bitmap.none());
}

MAP_TEST(PageGraphTest, MoreUnsyncPagesThanABatchHoldsAreFoundOnceEach) {
  auto& host = this->host;
  constexpr int kBatch = L::kUnsyncBatch;
  constexpr int kEach = std::min(GraphHost<AnyMap<L>>::kEntries, kBatch + 3);
  auto& root = host.New(4, false, 0);
  auto& upper = host.New(3, false, 0, &root.spt[5]);
  Ids expected;
  for (int m = 0; m < 3; ++m) {
    auto& middle = host.New(2, false, static_cast<Gfn>(m), &upper.spt[m]);
    for (int i = 0; i < kEach; ++i) {
      auto& page = host.New(1, false, 0, &middle.spt[i]);
      host.graph.UnsyncPage(page);
      expected.push_back(page.id);
    }
  }
  EXPECT_EQ(SyncBelow(host, root), expected);
  EXPECT_EQ(root.unsync_children, 0u);
  EXPECT_EQ(upper.unsync_children, 0u);
  for (int m = 0; m < 3; ++m) EXPECT_EQ(ChildOf(upper.spt[m])->unsync_children, 0u);
}

MAP_TEST(PageGraphTest, EveryNumberOfUnsyncPagesAroundTheBatchIsFound) {
  constexpr int kMost = std::min(GraphHost<AnyMap<L>>::kEntries, L::kUnsyncBatch + 2);
  for (int n = 1; n <= kMost; ++n) {
    auto host = this->NewHost();
    auto& root = host.New(3, false, 0);
    auto& middle = host.New(2, false, 0, &root.spt[1]);
    for (int i = 0; i < n; ++i) host.graph.UnsyncPage(host.New(1, false, 0, &middle.spt[i]));
    EXPECT_EQ(SyncBelow(host, root).size(), static_cast<size_t>(n));
    EXPECT_EQ(root.unsync_children, 0u) << n;
    EXPECT_EQ(middle.unsync_children, 0u) << n;
  }
}

MAP_TEST(PageGraphTest, EachBatchIsProtectedThenSyncedThenCommitted) {
  auto& host = this->host;
  constexpr int kBatch = L::kUnsyncBatch;
  auto& root = host.New(2, false, 0);
  for (int i = 0; i < kBatch; ++i) host.graph.UnsyncPage(host.New(1, false, 0, &root.spt[i]));
  std::string steps;
  const int synced = host.graph.ForEachUnsyncBatch(
      root, [&](auto& child) { steps += child.role.level == 1 ? 'p' : '?'; },
      [&](auto& child) {
        steps += 's';
        host.graph.MarkSynced(child);
      },
      [&] { steps += 'c'; });
  EXPECT_EQ(synced, kBatch);
  // The root takes one place of the first batch.
  const std::string first(kBatch - 1, 'p');
  EXPECT_EQ(steps, first + std::string(kBatch - 1, 's') + "cpsc");
  EXPECT_EQ(root.unsync_children, 0u);
}

MAP_TEST(PageGraphTest, APageOfLevelOneHasNoUnsyncChildren) {
  auto& page = this->host.New(1, false, 0);
  this->host.graph.UnsyncPage(page);
  EXPECT_TRUE(SyncBelow(this->host, page).empty());
  EXPECT_TRUE(page.unsync);
}

// ---- Zapping ----

MAP_TEST(PageGraphTest, APreparedPageIsEmptyUnlinkedInvalidAndOnTheList) {
  auto& host = this->host;
  auto& root = host.New(2, false, 0);
  auto& page = host.New(1, false, this->kLarge, &root.spt[3]);
  host.Map(page, 0, 3);
  PageList zapped;
  EXPECT_EQ(host.graph.PrepareZap(page, zapped), 1);
  EXPECT_TRUE(page.role.invalid);
  EXPECT_EQ(page.spt[0], 0u);
  EXPECT_EQ(root.spt[3], 0u);
  EXPECT_TRUE(host.Entries(3).empty());
  EXPECT_EQ(host.WriteCount(this->kLarge, 2), 0);
  EXPECT_EQ(host.Active(), Ids{root.id});
  EXPECT_EQ(zapped, PageList{&page});
  EXPECT_EQ(host.graph.stats().zapped, 1u);
  EXPECT_EQ(host.graph.stats().reloads, 0u);
  EXPECT_EQ(host.graph.events().remote_flushes, 0u);
  EXPECT_EQ(host.graph.CommitZap(zapped), 1);
}

MAP_TEST(PageGraphTest, CommitFreesTheLastPreparedFirstAfterOneFlush) {
  auto& host = this->host;
  PageList zapped;
  for (int i = 0; i < 3; ++i) host.graph.PrepareZap(host.New(1, i == 1, 0), zapped);
  EXPECT_TRUE(host.graph.events().freed.empty());
  EXPECT_EQ(host.graph.CommitZap(zapped), 3);
  EXPECT_EQ(host.graph.events().freed, (Ids{2, 1, 0}));
  EXPECT_EQ(host.graph.events().remote_flushes, 1u);
  EXPECT_EQ(host.graph.flushes(), 1u);
  EXPECT_TRUE(zapped.empty());
  EXPECT_EQ(host.graph.CommitZap(zapped), 0);
  EXPECT_EQ(host.graph.events().remote_flushes, 1u);
  host.ExpectNothingLeftAfterZappingAll();
}

MAP_TEST(PageGraphTest, AFreedPageHasNoHeaderAnyMore) {
  auto& page = this->host.New(1, false, 0);
  const Spte* spt = page.spt;
  PageList zapped;
  this->host.graph.PrepareZap(page, zapped);
  EXPECT_EQ(PageHeader(spt), &page);
  this->host.graph.CommitZap(zapped);
  EXPECT_EQ(BugOf([&] { PageHeader(spt); }), BugClass::kDangling);
}

MAP_TEST(PageGraphTest, ZappingAPageZapsItsUnsyncChildrenToo) {
  auto& host = this->host;
  auto& root = host.New(3, false, 0);
  auto& middle = host.New(2, false, 0, &root.spt[0]);
  auto& one = host.New(1, false, 0, &middle.spt[0]);
  auto& two = host.New(1, false, 1, &middle.spt[1]);
  auto& in_sync = host.New(1, false, 2, &middle.spt[2]);
  host.graph.UnsyncPage(one);
  host.graph.UnsyncPage(two);
  PageList zapped;
  EXPECT_EQ(host.graph.PrepareZap(root, zapped), 3);
  EXPECT_EQ(host.graph.stats().zapped, 3u);
  EXPECT_EQ(host.graph.stats().unsync, 0u);
  EXPECT_EQ(zapped, (PageList{&root, &two, &one}));
  EXPECT_EQ(host.Active(), (Ids{in_sync.id, middle.id}));
  EXPECT_EQ(middle.unsync_children, 0u);
  EXPECT_EQ(host.Parents(in_sync), Sptes{&middle.spt[2]});
  EXPECT_TRUE(host.Parents(middle).empty());
  host.graph.CommitZap(zapped);
  host.ExpectNothingLeftAfterZappingAll();
}

MAP_TEST(PageGraphTest, AnUnsyncPageThatIsZappedIsNoLongerCounted) {
  auto& page = this->host.New(1, false, 0);
  this->host.graph.UnsyncPage(page);
  PageList zapped;
  EXPECT_EQ(this->host.graph.PrepareZap(page, zapped), 1);
  EXPECT_FALSE(page.unsync);
  EXPECT_EQ(this->host.graph.stats().unsync, 0u);
  this->host.graph.CommitZap(zapped);
}

MAP_TEST(PageGraphTest, APinnedRootStaysActiveAndInvalidUntilTheLastUnpin) {
  auto& host = this->host;
  auto& root = host.New(3, false, 0);
  host.New(1, false, 1);
  host.graph.Pin(root);
  host.graph.Pin(root);
  host.Map(root, 0, 0);
  PageList zapped;
  EXPECT_EQ(host.graph.PrepareZap(root, zapped), 0);
  EXPECT_TRUE(zapped.empty());
  EXPECT_TRUE(root.role.invalid);
  EXPECT_EQ(root.spt[0], 0u);
  EXPECT_EQ(host.Active(), (Ids{0, 1}));
  EXPECT_EQ(host.graph.stats().reloads, 1u);
  EXPECT_EQ(host.WriteCount(0, 2), 1);  // the other page's
  EXPECT_EQ(host.graph.PrepareZap(root, zapped), 0);
  EXPECT_EQ(host.WriteCount(0, 2), 1);
  host.graph.Unpin(root);
  EXPECT_EQ(host.Active(), (Ids{0, 1}));
  host.graph.Unpin(root);
  EXPECT_EQ(host.Active(), Ids{1});
  EXPECT_EQ(host.graph.events().freed, Ids{0});
  EXPECT_EQ(host.graph.events().remote_flushes, 1u);
  EXPECT_EQ(host.graph.stats().zapped, 3u);
  EXPECT_EQ(host.WriteCount(0, 2), 1);
}

MAP_TEST(PageGraphTest, UnpinningAValidRootKeepsIt) {
  auto& root = this->host.New(4, false, 0);
  this->host.graph.Pin(root);
  this->host.graph.Unpin(root);
  EXPECT_EQ(root.root_count, 0);
  EXPECT_FALSE(root.role.invalid);
  EXPECT_EQ(this->host.Active(), Ids{0});
}

MAP_TEST(PageGraphTest, ShrinkingZapsTheOldestPages) {
  auto& host = this->host;
  for (int i = 0; i < 4; ++i) host.New(1, false, 0);
  EXPECT_EQ(host.graph.Shrink(0), 0);
  EXPECT_EQ(host.graph.events().remote_flushes, 0u);
  EXPECT_EQ(host.graph.Shrink(2), 2);
  EXPECT_EQ(host.Active(), (Ids{3, 2}));
  EXPECT_EQ(host.graph.events().freed, (Ids{1, 0}));
  EXPECT_EQ(host.graph.events().remote_flushes, 1u);
  EXPECT_EQ(host.graph.Shrink(5), 2);
  EXPECT_TRUE(host.Active().empty());
}

MAP_TEST(PageGraphTest, ShrinkingMovesPinnedPagesOutOfItsWay) {
  auto& host = this->host;
  auto& root = host.New(4, false, 0);
  host.graph.Pin(root);
  host.New(1, false, 0);
  host.New(1, false, 0);
  EXPECT_EQ(host.graph.Shrink(2), 1);
  EXPECT_EQ(host.Active(), (Ids{0, 2}));
  EXPECT_TRUE(root.role.invalid);
  EXPECT_EQ(host.graph.Shrink(4), 1);
  EXPECT_EQ(host.Active(), Ids{0});
  EXPECT_EQ(host.graph.stats().reloads, 4u);
}

MAP_TEST(PageGraphTest, ZappingEverythingLeavesNothing) {
  auto& host = this->host;
  auto& root = host.New(3, false, 0);
  host.graph.Pin(root);
  for (int m = 0; m < 4; ++m) {
    auto& middle = host.New(2, m % 2 == 0, 0, &root.spt[m]);
    for (int i = 0; i < 4; ++i) {
      auto& page = host.New(1, false, static_cast<Gfn>(i), &middle.spt[i]);
      host.Link(page, &middle.spt[7 - i]);
      for (int k = 0; k < 6; ++k) host.Map(page, k, static_cast<Gfn>(k));
      if (i == m) host.graph.UnsyncPage(page);
    }
  }
  host.ExpectNothingLeftAfterZappingAll();
  for (Gfn gfn = 0; gfn < 6; ++gfn) EXPECT_TRUE(host.Entries(gfn).empty());
  EXPECT_EQ(host.WriteCount(0, 2), 0);
  EXPECT_EQ(host.WriteCount(0, 3), 1);
}

// ---- Out of memory ----

MAP_TEST(PageGraphTest, AFailedTopUpChangesNothingAndCanBeRetried) {
  uint64_t nth = 0;
  for (bool failed = true; failed;) {
    auto host = this->NewHost();
    auto& page = host.New(1, false, 0);
    host.Map(page, 0, 3);
    // Used up, so that every cache has to be filled.
    host.graph.Drain(host.caches);
    host.memory.FailNth(++nth);
    failed = !host.graph.TopUp(host.caches);
    EXPECT_EQ(host.Active(), Ids{0});
    EXPECT_EQ(host.Entries(3), Sptes{&page.spt[0]});
    EXPECT_EQ(host.graph.stats().cache_miss, 1u);
    EXPECT_TRUE(host.graph.events().freed.empty());
    host.memory.FailNth(0);
    ASSERT_TRUE(host.graph.TopUp(host.caches));
    EXPECT_GE(host.caches.pages.size(), host.graph.map().kPageCacheMin);
    EXPECT_GE(host.caches.headers.size(), host.graph.kHeaderCacheMin);
    host.Map(page, 1, 3);
    host.New(1, false, 0);
    host.ExpectNothingLeftAfterZappingAll();
  }
  // Each object that a top-up allocates has failed.
  auto host = this->NewHost();
  const auto live = [&host] {
    size_t objects = 0;
    host.graph.ForEachPool([&](const Pool& pool) { objects += pool.live(); });
    return objects;
  };
  const size_t before = live();
  ASSERT_TRUE(host.graph.TopUp(host.caches));
  EXPECT_EQ(nth, live() - before + 1);
}

// ---- Walks that remember their place ----

// Descriptors with a cursor. Counts the searches from the head on.
template <class L>
class CursoredMap : public DescriptorMap<L> {
  using Base = DescriptorMap<L>;

 public:
  using Base::Base;
  struct Cursor {
    Spte* at = nullptr;
    const typename Base::Descriptor* in = nullptr;  // holds it
    int index = 0;
  };
  static inline int searches = 0;

  Spte* Next(const typename Base::Head& head, Spte* cur) const {
    ++searches;
    return Base::Next(head, cur);
  }
  Spte* Next(const typename Base::Head& head, Spte* cur, Cursor& cursor) const {
    if (!Base::IsMany(head) || (cur != nullptr && cursor.at != cur)) return Next(head, cur);
    const typename Base::Descriptor* in = cur == nullptr ? Base::DescriptorOf(head) : cursor.in;
    int index = cur == nullptr ? 0 : cursor.index + 1;
    if (index == L::kDescriptorEntries || in->sptes[index] == nullptr) {
      in = in->more;
      index = 0;
    }
    cursor = in == nullptr ? Cursor{} : Cursor{in->sptes[index], in, index};
    return cursor.at;
  }
};

template <class R>
void ExpectWalksThatNeedNoSearch() {
  constexpr int kEntries = 40;
  int& searches = CursoredMap<ProductionLimits>::searches;
  GraphHost<R> host;
  auto& page = host.New(1, false, 0);
  for (int i = 0; i < kEntries; ++i) host.Map(page, i, 3);
  searches = 0;
  const Sptes entries = host.Entries(3);
  EXPECT_EQ(entries.size(), static_cast<size_t>(kEntries));
  EXPECT_EQ(searches, 0);
  // An rmap changes in the midst of a walk: the cursor is forgotten.
  Spte* sptep = nullptr;
  for (int i = 0; i <= 10; ++i) sptep = host.graph.RmapNext(host.Rmap(3), sptep);
  ASSERT_EQ(sptep, entries[10]);
  host.graph.DropLeaf(entries[30], kShadowMasks.trap);
  EXPECT_EQ(searches, 0);
  EXPECT_EQ(host.graph.RmapNext(host.Rmap(3), sptep), entries[11]);
  EXPECT_EQ(searches, 1);
}

TEST(CursorTest, AWalkOfTheGraphUsesTheCursorOfItsMap) {
  ExpectWalksThatNeedNoSearch<CursoredMap<ProductionLimits>>();
}

TEST(CursorTest, ItDoesSoBehindAnyMap) {
  ExpectWalksThatNeedNoSearch<Behind<CursoredMap, ProductionLimits>>();
}

// ---- The watch on rmap_add's return values ----

struct LyingMap : SiblingMap<TinyLimits> {
  using SiblingMap::SiblingMap;
  int Add(Caches& caches, Head& head, Spte* sptep) {
    return SiblingMap::Add(caches, head, sptep) + 1;
  }
};

TEST(AddReturnTest, AMapThatBreaksItsOwnRuleIsNoticedUnderTheExactPolicy) {
  GraphHost<LyingMap> host;
  EXPECT_TRUE(host.graph.add_returns_ok());
  host.Map(host.New(1, true, 0), 0, 0);
  EXPECT_FALSE(host.graph.add_returns_ok());
}

TEST(AddReturnTest, TheNativePolicyRecyclesByWhatTheMapReturned) {
  GraphHost<LyingMap> host(kShadowMasks, RecyclePolicy::kNative);
  auto& page = host.New(1, false, 0);
  for (int i = 0; i < 6; ++i) EXPECT_FALSE(host.Map(page, i, 0));
  EXPECT_TRUE(host.Map(page, 6, 0));  // one early
}

}  // namespace
}  // namespace rmapdiff
