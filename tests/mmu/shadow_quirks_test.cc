// The latent bugs of 2.6.36, one by one: the fault with the switch on, and the right behaviour
// without it.
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "mmu/shadow/quirks.h"
#include "tests/mmu/shadow_fixture.h"

namespace rmapdiff {
namespace {

constexpr auto kLong = PagingMode::kLong;
constexpr auto kPae = PagingMode::kPae;

template <class R>
class ShadowQuirksTest : public testing::Test {
 protected:
  using Host = ShadowHost<R>;
  static constexpr Gfn kLarge = Gfn{1} << R::Limits::kLevelBits;

  static MmuConfig With(bool Quirks::* quirk, bool on, int vcpus = 1) {
    MmuConfig config;
    config.vcpus = vcpus;
    config.quirks.*quirk = on;
    return config;
  }
  // Vcpu 1 on the same tables as vcpu 0.
  static void Join(Host& host, Gfn root) {
    ASSERT_EQ(host.mmu.SetMode(1, {kLong, true, false, true}, root), MmuCode::kOk);
  }
  // Makes `table` the table of the addresses from `page` on.
  static void LinkTable(Host& host, Gfn root, Gva page, Gfn table) {
    const auto place = host.PlaceOf(kLong, root, Host::At(page), 2);
    host.SetEntry(kLong, place.table, place.index, Host::Leaf(table, kWriteUser | kGpteAccessed));
  }
  static void ExpectSound(Host& host) {
    EXPECT_EQ(host.Audit(), "");
    EXPECT_EQ(host.Leaks(), "");
  }
};

using Maps = testing::Types<SiblingMap<TinyLimits>, DescriptorMap<TinyLimits>,
                            SiblingMap<ProductionLimits>, DescriptorMap<ProductionLimits>>;
TYPED_TEST_SUITE(ShadowQuirksTest, Maps);

#define USING_HOST                            \
  using Fixture = TestFixture;                \
  using Host = ShadowHost<TypeParam>;         \
  constexpr Gfn kLarge = TestFixture::kLarge; \
  static_cast<void>(kLarge)

TEST(QuirksTest, FixedIsTheDefaultAndTheOldKernelHasThemAll) {
  EXPECT_EQ(MmuConfig{}.quirks, Quirks::Fixed());
  const Quirks old = Quirks::AsIn2_6_36();
  const bool* switches = reinterpret_cast<const bool*>(&old);
  EXPECT_TRUE(std::all_of(switches, switches + sizeof(Quirks), [](bool on) { return on; }));
}

// B1: a table is shadowed in a large page after mapping_level found none there.
TYPED_TEST(ShadowQuirksTest, DropAbsentSpteSearchesAListForASpteThatNeverWasThere) {
  USING_HOST;
  for (const bool old : {true, false}) {
    Host host(Fixture::With(&Quirks::drop_absent_spte, old, 2));
    host.mmu.SetBacking(0, 2);
    const Gfn root = host.Boot(kLong);
    Fixture::Join(host, root);
    host.MapIn(kLong, root, Host::At(0), 0, kWriteUser | kUsed, 2);
    Fixture::LinkTable(host, root, kLarge, 3);
    ASSERT_TRUE(host.mmu.HostWrite(3, 0, Host::Leaf(kLarge, kWriteUser | kUsed)));
    ASSERT_EQ(host.mmu.EnterGuest(0), MmuCode::kOk);
    host.mmu.Interleave([&] { host.Read(Host::At(kLarge), 1); });
    AccessResult write;
    const BugClass bug = BugOf([&] { write = host.Write(Host::At(1), 5); });
    if (old) {
      EXPECT_EQ(bug, BugClass::kNoSlot) << "gfns[] still holds what the page held before";
      continue;
    }
    EXPECT_EQ(bug, BugClass::kNone);
    EXPECT_EQ(write.code, MmuCode::kEmulated)
        << "for want of a better answer to a write-protected page";
    EXPECT_EQ(host.Write(Host::At(1), 6).code, MmuCode::kOk);
    EXPECT_EQ(host.RmapLength(1), 1) << "mapped small";
    Fixture::ExpectSound(host);
  }
}

// B2, CVE-2026-46113: the host rewrites a directory entry under a direct page.
TYPED_TEST(ShadowQuirksTest, KeepStaleChildMapsAFrameThroughADirectPageOfAnother) {
  USING_HOST;
  for (const bool old : {true, false}) {
    Host host(Fixture::With(&Quirks::keep_stale_child, old));
    const Gfn root = host.Boot(kLong);
    host.MapIn(kLong, root, Host::At(0), kLarge, kWriteUser | kUsed, 2);
    host.Read(Host::At(1));
    host.MapIn(kLong, root, Host::At(0), 2 * kLarge, kWriteUser | kUsed, 2);
    AccessResult read;
    const BugClass bug = BugOf([&] { read = host.Read(Host::At(2)); });
    EXPECT_EQ(bug, old ? BugClass::kSetGfn : BugClass::kNone);
    if (old) continue;
    EXPECT_EQ(read.pfn, host.mmu.host().Frame(static_cast<Hva>(2 * kLarge + 2)));
    EXPECT_EQ(host.RmapLength(2 * kLarge + 2), 1);
    Fixture::ExpectSound(host);
  }
}

// B2, CVE-2026-53359: ... or puts a table where the large page was.
TYPED_TEST(ShadowQuirksTest, KeepStaleChildUsesADirectPageAsATable) {
  USING_HOST;
  for (const bool old : {true, false}) {
    Host host(Fixture::With(&Quirks::keep_stale_child, old));
    const Gfn root = host.Boot(kLong);
    host.MapIn(kLong, root, Host::At(0), kLarge, kWriteUser | kUsed, 2);
    host.Read(Host::At(1));
    ASSERT_TRUE(host.mmu.HostWrite(kLarge, 2, Host::Leaf(5, kWriteUser | kUsed)));
    Fixture::LinkTable(host, root, 0, kLarge);
    AccessResult read;
    const BugClass bug = BugOf([&] { read = host.Read(Host::At(2)); });
    EXPECT_EQ(bug, old ? BugClass::kSetGfn : BugClass::kNone);
    if (old) continue;
    EXPECT_EQ(read.pfn, host.mmu.host().Frame(5));
    EXPECT_EQ(host.ShadowsOf(kLarge, false), 1);
    Fixture::ExpectSound(host);
  }
}

// B3: an entry of an unsync table moves between two frames on one host page.
TYPED_TEST(ShadowQuirksTest, RmappedByPfnLeavesTheSpteOnTheListOfTheOldFrame) {
  USING_HOST;
  for (const bool old : {true, false}) {
    Host host(Fixture::With(&Quirks::rmapped_by_pfn, old));
    const Gfn alias = Host::kFrames + 3;
    ASSERT_EQ(host.mmu.SetMemslot({1, Host::kFrames, kLarge, 0, false}), MmuCode::kOk);
    const Gfn root = host.Boot(kLong);
    const auto place = host.MapIn(kLong, root, Host::At(1), 3, kWriteUser);
    const Gva window = Host::At(kLarge);
    host.MapIn(kLong, root, window, place.table, kWriteUser | kUsed);
    host.Read(Host::At(1));
    ASSERT_EQ(host.Write(window + 8 * place.index, Host::Leaf(alias, kWriteUser | kUsed)).code,
              MmuCode::kOk);
    EXPECT_EQ(host.Write(Host::At(1), 0).code, MmuCode::kOk);
    EXPECT_EQ(host.RmapLength(3), old ? 1 : 0);
    EXPECT_EQ(host.RmapLength(alias), old ? 0 : 1);
    // The alias becomes a table: its mapping has to lose W.
    ASSERT_TRUE(host.mmu.HostWrite(alias, 0, Host::Leaf(5, kWriteUser | kUsed)));
    Fixture::LinkTable(host, root, 2 * kLarge, alias);
    host.Read(Host::At(2 * kLarge));
    EXPECT_EQ(IsWritable(host.SpteOf(Host::At(1))), old);
    if (!old) Fixture::ExpectSound(host);
  }
}

// B4: a read-only large spte stands above the level that is wanted now.
TYPED_TEST(ShadowQuirksTest, DirectMapThroughLargeFaultsForEver) {
  USING_HOST;
  for (const bool old : {true, false}) {
    Host host(Fixture::With(&Quirks::direct_map_through_large, old, 2));
    host.mmu.SetBacking(0, 2);
    EXPECT_EQ(host.Write(Host::At(1), 5).code, MmuCode::kOk) << "vcpu 0 does not page";
    EXPECT_EQ(host.RmapLength(0, 2), 1);
    host.mmu.SlotRemoveWriteAccess(0);
    const Gfn root = host.Boot(kLong, 1);
    Fixture::LinkTable(host, root, kLarge, 3);
    ASSERT_TRUE(host.mmu.HostWrite(3, 0, Host::Leaf(kLarge, kWriteUser | kUsed)));
    EXPECT_EQ(host.Read(Host::At(kLarge), 1).code, MmuCode::kOk);
    const AccessResult write = host.Write(Host::At(1), 6);
    EXPECT_EQ(write.code, old ? MmuCode::kRetryExhausted : MmuCode::kOk);
    EXPECT_EQ(host.RmapLength(1), old ? 0 : 1);
    Fixture::ExpectSound(host);
  }
}

// B5: a page that maps a large page and links to a table.
TYPED_TEST(ShadowQuirksTest, ProtectLinksMakesWritesBelowFaultForEver) {
  USING_HOST;
  for (const bool old : {true, false}) {
    Host host(Fixture::With(&Quirks::protect_links, old));
    host.mmu.SetBacking(0, 2);
    const Gfn root = host.Boot(kLong);
    host.MapIn(kLong, root, Host::At(0), 0, kWriteUser | kUsed, 2);
    host.MapIn(kLong, root, Host::At(kLarge), 2 * kLarge, kWriteUser | kUsed);
    host.Write(Host::At(1), 1);
    host.Write(Host::At(kLarge), 1);
    host.mmu.SlotRemoveWriteAccess(0);
    EXPECT_EQ(host.Write(Host::At(kLarge), 2).code, old ? MmuCode::kRetryExhausted : MmuCode::kOk);
    EXPECT_EQ(host.Write(Host::At(1), 2).code, MmuCode::kOk) << "leaves recover";
    Fixture::ExpectSound(host);
  }
}

// B6: change_pte for a small page inside a large mapping.
TYPED_TEST(ShadowQuirksTest, ChangePteInLargePutsASmallFrameIntoALargeSpte) {
  USING_HOST;
  for (const bool old : {true, false}) {
    Host host(Fixture::With(&Quirks::change_pte_in_large, old));
    host.mmu.SetBacking(0, 2);
    const Gfn root = host.Boot(kLong);
    host.MapIn(kLong, root, Host::At(0), 0, kWriteUser | kUsed, 2);
    host.Write(Host::At(0), 1);
    host.mmu.host().Protect(5);
    host.mmu.ChangePte(5, host.mmu.host().Frame(5), false);
    EXPECT_EQ(host.RmapLength(0, 2), old ? 1 : 0);
    if (old) {
      EXPECT_EQ(PfnOf(host.SpteOf(Host::At(0), 2)), host.mmu.host().Frame(5));
      EXPECT_NE(host.Read(Host::At(0)).value, 1u) << "the first page is somewhere else now";
      continue;
    }
    EXPECT_EQ(host.Read(Host::At(0)).value, 1u);
    Fixture::ExpectSound(host);
  }
}

// B7: nothing but pinned roots is left, here those of the leak below.
TYPED_TEST(ShadowQuirksTest, ReclaimPinnedForeverNeverReachesASmallerQuota) {
  USING_HOST;
  for (const bool old : {true, false}) {
    MmuConfig config = Fixture::With(&Quirks::reclaim_pinned_forever, old);
    config.quirks.leak_partial_roots = true;
    Host host(config);
    ASSERT_EQ(host.mmu.SetQuota(1000), MmuCode::kOk);
    const Gfn root = host.NewTable();
    host.SetEntry(kPae, root, 3, Host::Leaf(Host::kFrames, kGptePresent));
    for (Gfn gfn = 0; host.Pages() <= TypeParam::Limits::kMinAllocPages; gfn += 3) {
      for (uint32_t i = 0; i < 3; ++i) {
        host.SetEntry(kPae, root, i, Host::Leaf(gfn + i, kGptePresent));
      }
      ASSERT_EQ(host.mmu.SetMode(0, {kPae, true, false, true}, root), MmuCode::kOk);
      ASSERT_EQ(host.Read(Host::At(1)).code, MmuCode::kTripleFault);
    }
    const int pinned = host.Pages();
    const BugClass bug = BugOf([&] { host.mmu.SetQuota(TypeParam::Limits::kMinAllocPages); });
    EXPECT_EQ(bug, old ? BugClass::kLivelock : BugClass::kNone);
    if (!old) EXPECT_EQ(host.mmu.allocated_pages(), pinned) << "as few as can be";
  }
}

// B9: a large page above the first root, without paging and with TDP.
TYPED_TEST(ShadowQuirksTest, WrongDirectRootGfnCannotMapLargePagesAboveTheFirstRoot) {
  USING_HOST;
  for (const bool tdp : {false, true}) {
    for (const bool old : {true, false}) {
      MmuConfig config = Fixture::With(&Quirks::wrong_direct_root_gfn, old);
      config.tdp = tdp;
      config.tdp_level = 3;
      if (tdp) config.masks = kEptMasks;
      Host host(config);
      const Gfn base = Gfn{2} << GfnShift<typename Host::Limits>(3);
      ASSERT_EQ(host.mmu.SetMemslot({1, base, kLarge, 0, false}), MmuCode::kOk);
      host.mmu.SetBacking(0, 2);
      const BugClass bug = BugOf([&] { host.Write(Host::At(base + 1), 5); });
      EXPECT_EQ(bug, old ? BugClass::kSetGfn : BugClass::kNone);
      if (old) continue;
      EXPECT_EQ(host.mmu.ReadGuest(base + 1, 0), 5u);
      EXPECT_EQ(host.RmapLength(base, 2), 1);
      Fixture::ExpectSound(host);
    }
  }
}

// CVE-2021-38198: one directory under two entries with different rights.
TYPED_TEST(ShadowQuirksTest, InheritWalkAccessLetsTheUserWriteThroughAReadOnlyPath) {
  USING_HOST;
  for (const bool old : {true, false}) {
    Host host(Fixture::With(&Quirks::inherit_walk_access, old));
    const Gfn root = host.Boot(kLong);
    const Gva other = kLarge * kLarge;  // the next entry of level 3
    host.MapIn(kLong, root, Host::At(0), 3, kWriteUser | kUsed);
    host.MapIn(kLong, root, Host::At(1), 5, kWriteUser | kUsed);
    host.MapIn(kLong, root, Host::At(kLarge), 4, kReadUser | kUsed);
    const auto second = host.PlaceOf(kLong, root, Host::At(kLarge), 2);
    const Gpte entry = host.Entry(kLong, second.table, second.index);
    host.SetEntry(kLong, second.table, second.index, entry & ~kGpteWritable);
    const auto above = host.PlaceOf(kLong, root, Host::At(other), 3);
    host.SetEntry(kLong, above.table, above.index,
                  Host::Leaf(second.table, kReadUser | kGpteAccessed));
    EXPECT_EQ(host.Read(Host::At(kLarge)).code, MmuCode::kOk);
    EXPECT_EQ(host.Write(Host::At(0), 1).code, MmuCode::kOk);
    EXPECT_EQ(host.Read(Host::At(other + 1)).code, MmuCode::kOk);
    EXPECT_EQ(host.Write(Host::At(other), 2).code, old ? MmuCode::kOk : MmuCode::kGuestFault);
    Fixture::ExpectSound(host);
  }
}

// c22885050e65: two clean entries on one large page, and a supervisor that ignores W.
TYPED_TEST(ShadowQuirksTest, Wp0AfterChoosingPageMissesADirtyBit) {
  USING_HOST;
  for (const bool old : {true, false}) {
    Host host(Fixture::With(&Quirks::wp0_after_choosing_page, old));
    const Gfn root = host.Boot(kLong, 0, /*wp=*/false);
    host.MapIn(kLong, root, Host::At(0), kLarge, kReadUser, 2);
    const auto second = host.MapIn(kLong, root, Host::At(kLarge), kLarge, kReadUser, 2);
    EXPECT_EQ(host.Read(Host::At(kLarge + 2)).code, MmuCode::kOk);
    EXPECT_EQ(host.Write(Host::At(1), 1, 0, false).code, MmuCode::kOk);
    EXPECT_EQ(host.Write(Host::At(kLarge + 1), 1, 0, false).code, MmuCode::kOk);
    const bool dirty = (host.Entry(kLong, second.table, second.index) & kGpteDirty) != 0;
    EXPECT_EQ(dirty, !old);
    Fixture::ExpectSound(host);
  }
}

// 6dbf79e7164e, f81602958c11: another vcpu's TLB outlives the spte that it came from.
TYPED_TEST(ShadowQuirksTest, FlushOnlyThisVcpuLetsAnotherOneWriteATable) {
  USING_HOST;
  for (const bool drop : {false, true}) {
    for (const bool old : {true, false}) {
      Host host(Fixture::With(&Quirks::flush_only_this_vcpu, old, 2));
      const Gfn root = host.Boot(kLong);
      Fixture::Join(host, root);
      const auto place = host.MapIn(kLong, root, Host::At(1), 3, kWriteUser | kUsed);
      host.MapIn(kLong, root, Host::At(2), 4, kWriteUser | kUsed);
      const Gva window = Host::At(kLarge);
      host.MapIn(kLong, root, window, place.table, kWriteUser | kUsed);
      host.Read(Host::At(2));
      const Gpte after = drop ? 0 : Host::Leaf(3, kReadUser | kUsed);
      host.Write(Host::At(1), 1, 0);
      ASSERT_EQ(host.Write(window, 0).code, MmuCode::kOk);
      ASSERT_EQ(host.Write(Host::At(1), 1, 1).code, MmuCode::kOk);
      ASSERT_EQ(host.Write(window + 8 * place.index, after).code, MmuCode::kOk);
      // A link at a new place synchronises the table; then frame 3 becomes a table itself.
      Fixture::LinkTable(host, root, 2 * kLarge, place.table);
      ASSERT_EQ(host.Read(Host::At(2 * kLarge + 2)).code, MmuCode::kOk);
      ASSERT_TRUE(host.mmu.HostWrite(3, 0, Host::Leaf(5, kWriteUser | kUsed)));
      Fixture::LinkTable(host, root, 3 * kLarge, 3);
      host.Read(Host::At(3 * kLarge));
      EXPECT_NE(host.ShadowOf(3, 1), nullptr);
      EXPECT_EQ(host.Audit(), old ? "a TLB lets a table be written" : "");
      const AccessResult write = host.Write(Host::At(1), 0, 1);
      EXPECT_EQ(write.code, old ? MmuCode::kOk : MmuCode::kGuestFault);
      if (!old) Fixture::ExpectSound(host);
    }
  }
}

// edde99ce0529: a write between the two halves of GetDirtyLog.
TYPED_TEST(ShadowQuirksTest, ProtectBeforeSwapLosesTheNextWrite) {
  USING_HOST;
  for (const bool old : {true, false}) {
    Host host(Fixture::With(&Quirks::protect_before_swap, old, 2));
    const Gfn root = host.Boot(kLong);
    Fixture::Join(host, root);
    host.MapIn(kLong, root, Host::At(1), 3, kWriteUser | kUsed);
    ASSERT_EQ(host.mmu.SetMemslot({0, 0, Host::kFrames, 0, true}), MmuCode::kOk);
    host.Write(Host::At(1), 1);
    ASSERT_EQ(host.mmu.EnterGuest(1), MmuCode::kOk);
    host.mmu.Interleave([&] { host.Write(Host::At(1), 2, 1); });
    std::vector<Gfn> dirty;
    ASSERT_EQ(host.mmu.GetDirtyLog(0, &dirty), MmuCode::kOk);
    EXPECT_NE(std::find(dirty.begin(), dirty.end(), 3u), dirty.end());
    EXPECT_EQ(host.Audit().empty(), !old);
    host.Write(Host::At(1), 3);
    ASSERT_EQ(host.mmu.GetDirtyLog(0, &dirty), MmuCode::kOk);
    EXPECT_EQ(std::find(dirty.begin(), dirty.end(), 3u) != dirty.end(), !old);
    if (!old) Fixture::ExpectSound(host);
  }
}

// 12d6e7538e2d: the rmaps of the old place are searched at the new one.
TYPED_TEST(ShadowQuirksTest, MoveSlotInPlaceLosesItsMappings) {
  USING_HOST;
  for (const bool old : {true, false}) {
    Host host(Fixture::With(&Quirks::move_slot_in_place, old));
    const Gfn base = Host::kFrames;
    ASSERT_EQ(host.mmu.SetMemslot({1, base, kLarge, 0, false}), MmuCode::kOk);
    const Gfn root = host.Boot(kLong);
    host.MapIn(kLong, root, Host::At(1), base + 1, kWriteUser | kUsed);
    host.Write(Host::At(1), 5);
    ASSERT_EQ(host.mmu.SetMemslot({1, base + kLarge, kLarge, 0, false}), MmuCode::kOk);
    EXPECT_EQ(host.Audit().empty(), !old);
    const BugClass bug = BugOf([&] { host.mmu.ZapAll(); });
    EXPECT_EQ(bug, old ? BugClass::kNoSlot : BugClass::kNone);
    if (!old) Fixture::ExpectSound(host);
  }
}

// One of the four roots is not in memory.
TYPED_TEST(ShadowQuirksTest, LeakPartialRootsPinsTheOthersForEver) {
  USING_HOST;
  for (const bool old : {true, false}) {
    Host host(Fixture::With(&Quirks::leak_partial_roots, old));
    const Gfn root = host.NewTable();
    host.SetEntry(kPae, root, 0, Host::Leaf(3, kGptePresent));
    host.SetEntry(kPae, root, 1, Host::Leaf(Host::kFrames, kGptePresent));
    ASSERT_EQ(host.mmu.SetMode(0, {kPae, true, false, true}, root), MmuCode::kOk);
    EXPECT_EQ(host.Read(Host::At(1)).code, MmuCode::kTripleFault);
    EXPECT_EQ(host.Audit(), old ? "a root count is wrong" : "");
    EXPECT_EQ(host.Leaks().empty(), !old);
  }
}

// A table in a 32-bit guest's large page: with CR4.PSE off, the same entry points at it.
TYPED_TEST(ShadowQuirksTest, ShareAcrossPseFollowsALargePageWhereThereIsATableNow) {
  USING_HOST;
  constexpr auto k32Bit = PagingMode::k32Bit;
  for (const bool old : {true, false}) {
    Host host(Fixture::With(&Quirks::share_across_pse, old));
    const Gfn root = host.Boot(k32Bit);
    host.SetEntry(k32Bit, root, 0, Host::Leaf(4 * kLarge, kWriteUser | kUsed | kGpteHuge));
    host.SetEntry(k32Bit, 4 * kLarge, 1, Host::Leaf(7, kWriteUser | kUsed));
    ASSERT_EQ(host.Read(Host::At(1)).pfn, host.mmu.host().Frame(static_cast<Hva>(4 * kLarge + 1)));
    ASSERT_EQ(host.mmu.SetMode(0, {k32Bit, true, false, false}, root), MmuCode::kOk);
    const Pfn wanted = host.mmu.host().Frame(old ? static_cast<Hva>(4 * kLarge + 1) : Hva{7});
    EXPECT_EQ(host.Read(Host::At(1)).pfn, wanted);
    Fixture::ExpectSound(host);
  }
}

// The frame was written through a leaf; W goes, and with it the last trace of the write.
TYPED_TEST(ShadowQuirksTest, LogForgetsDirtyFramesLosesAWriteForTheHost) {
  USING_HOST;
  for (const bool old : {true, false}) {
    Host host(Fixture::With(&Quirks::log_forgets_dirty_frames, old));
    const Gfn root = host.Boot(kLong);
    host.MapIn(kLong, root, Host::At(0), 5, kWriteUser | kUsed);
    ASSERT_EQ(host.Write(Host::At(0), 1).code, MmuCode::kOk);
    host.mmu.graph().events().Clear();
    host.mmu.SlotRemoveWriteAccess(0);
    host.mmu.ZapAll();
    const auto& dirtied = host.mmu.graph().events().dirtied;
    const auto found = std::count(dirtied.begin(), dirtied.end(), host.mmu.host().Frame(5));
    EXPECT_EQ(found > 0, !old);
    Fixture::ExpectSound(host);
  }
}

// Both stores are emulated; the second happens while the first is on its way to the MMU lock.
TYPED_TEST(ShadowQuirksTest, ApplyOvertakenStoreMapsWhatTheTableDoesNotSay) {
  USING_HOST;
  for (const bool old : {true, false}) {
    MmuConfig config = Fixture::With(&Quirks::apply_overtaken_store, old);
    config.vcpus = 2;
    config.oos_shadow = false;
    Host host(config);
    const Gfn root = host.Boot(kLong);
    host.Boot(kLong, 1);
    const auto place = host.MapIn(kLong, root, Host::At(0), 5, kWriteUser | kUsed);
    ASSERT_EQ(host.Read(Host::At(0)).pfn, host.mmu.host().Frame(5));
    const Gva entry = Gva{place.table} << kPageShift | 8 * place.index;
    host.mmu.Interleave([&] { host.mmu.PvMmuWrite(1, entry, 0, 8); });
    ASSERT_EQ(host.mmu.PvMmuWrite(0, entry, Host::Leaf(6, kWriteUser | kUsed), 8), MmuCode::kOk);
    ASSERT_EQ(host.Entry(kLong, place.table, place.index), Gpte{0});
    EXPECT_EQ(host.RmapLength(6, 1), old ? 1 : 0);
  }
}

// Vcpu 1 links at the new root what vcpu 0 has changed, and does not enter the guest after that:
// its store is emulated.
TYPED_TEST(ShadowQuirksTest, LinkBeforeSyncShowsAnotherVcpuWhatIsStale) {
  USING_HOST;
  for (const bool old : {true, false}) {
    Host host(Fixture::With(&Quirks::link_before_sync, old, 2));
    const Gfn root = host.Boot(kLong);
    Fixture::Join(host, root);
    const Gfn next_root = host.NewTable();
    const auto place = host.MapIn(kLong, root, Host::At(0), 5, kWriteUser | kUsed);
    host.MapIn(kLong, root, Host::At(1), place.table, kWriteUser | kUsed);
    host.MapIn(kLong, root, Host::At(2), next_root, kWriteUser | kUsed);
    ASSERT_EQ(host.Read(Host::At(0)).pfn, host.mmu.host().Frame(5));
    host.Write(Host::At(1, place.index), Host::Leaf(6, kWriteUser | kUsed));
    ASSERT_TRUE(host.ShadowOf(place.table, 1)->unsync);
    host.SetEntry(kLong, next_root, 0, host.Entry(kLong, root, 0));
    for (const int vcpu : {0, 1}) {
      ASSERT_EQ(host.mmu.LoadCr3(vcpu, next_root), MmuCode::kOk);
      ASSERT_EQ(host.mmu.EnterGuest(vcpu), MmuCode::kOk);
    }
    host.Write(Host::At(2, 5), 0, /*vcpu=*/1);
    EXPECT_EQ(host.Mapped(Host::At(0), 1, /*vcpu=*/0), old);
    EXPECT_EQ(host.Read(Host::At(0)).pfn, host.mmu.host().Frame(old ? 5 : 6));
    Fixture::ExpectSound(host);
  }
}

TYPED_TEST(ShadowQuirksTest, FetchBitWithoutPaeIsReportedTo32BitGuests) {
  USING_HOST;
  for (const bool old : {true, false}) {
    Host host(Fixture::With(&Quirks::fetch_bit_without_pae, old));
    host.Boot(PagingMode::k32Bit, 0, true, /*nx=*/true);
    EXPECT_EQ(host.Fetch(Host::At(1)).error_code, kFaultUser | (old ? kFaultFetch : 0));
    Fixture::ExpectSound(host);
  }
}

TYPED_TEST(ShadowQuirksTest, BypassReportsFetchToGuestsWithoutNx) {
  USING_HOST;
  for (const bool old : {true, false}) {
    MmuConfig config = Fixture::With(&Quirks::bypass_reports_fetch, old);
    config.masks = kBypassMasks;
    Host host(config);
    const Gfn root = host.Boot(kLong);
    host.MapIn(kLong, root, Host::At(1), 3, kWriteUser | kUsed);
    host.Read(Host::At(1));
    const AccessResult fetch = host.Fetch(Host::At(2));
    ASSERT_EQ(fetch.exits, 0);
    EXPECT_EQ(fetch.error_code, kFaultUser | (old ? kFaultFetch : 0));
    Fixture::ExpectSound(host);
  }
}

// The slot that a store to a table has filled maps another frame when the guest uses the first one
// as a table.
TYPED_TEST(ShadowQuirksTest, GuessMarksStrangerMakesAFrameYoungThatNoGuestHasAccessed) {
  USING_HOST;
  constexpr Hva kGuessed = 5;
  constexpr Hva kStranger = 6;
  for (const bool old : {true, false}) {
    MmuConfig config = Fixture::With(&Quirks::guess_marks_stranger, old);
    config.oos_shadow = false;
    Host host(config);
    const Gfn root = host.Boot(kLong);
    const auto place = host.MapIn(kLong, root, Host::At(0), 4, kWriteUser | kUsed);
    host.Read(Host::At(0));
    const auto store = [&](Gfn gfn, uint32_t word, uint64_t value) {
      EXPECT_EQ(host.mmu.PvMmuWrite(0, (Gva{gfn} << kPageShift) + 8 * word, value, 8),
                MmuCode::kOk);
    };
    store(place.table, place.index, Host::Leaf(kGuessed, kWriteUser | kUsed));
    ASSERT_EQ(host.RmapLength(kGuessed), 1);
    host.mmu.InvalidatePage(kGuessed);
    host.SetEntry(kLong, place.table, place.index, Host::Leaf(kStranger, kWriteUser | kUsed));
    host.Read(Host::At(0));
    ASSERT_TRUE(host.mmu.AgePage(kStranger));
    store(kGuessed, 0, 1);
    EXPECT_EQ(host.mmu.TestYoung(kStranger), old);
    Fixture::ExpectSound(host);
  }
}

TYPED_TEST(ShadowQuirksTest, OldReservedBitsAreThoseOf2014) {
  USING_HOST;
  for (const bool old : {true, false}) {
    Host host(Fixture::With(&Quirks::old_reserved_bits, old));
    const Gfn pae = host.NewTable();
    host.SetEntry(kPae, pae, 0, Host::Leaf(host.NewTable(), kGptePresent | kGpteAccessed));
    EXPECT_EQ(host.mmu.SetMode(0, {kPae, true, false, true}, pae),
              old ? MmuCode::kOk : MmuCode::kGeneralProtection);
    const Gfn root = host.Boot(kLong);
    host.MapIn(kLong, root, Host::At(0), 5, kWriteUser | kUsed);
    host.SetEntry(kLong, root, 0, host.Entry(kLong, root, 0) | kGpteGlobal);
    EXPECT_EQ(host.Read(Host::At(0)).code, old ? MmuCode::kGuestFault : MmuCode::kOk);
    Fixture::ExpectSound(host);
  }
}

TYPED_TEST(ShadowQuirksTest, Wp0PageLosesSmapOpensAUserPageToAllOfTheKernel) {
  USING_HOST;
  for (const bool old : {true, false}) {
    Host host(Fixture::With(&Quirks::wp0_page_loses_smap, old));
    const Gfn root = host.Boot(kLong);
    host.MapIn(kLong, root, Host::At(1), 3, kReadUser | kUsed);
    ASSERT_EQ(host.mmu.SetMode(0, {.paging = kLong, .wp = false, .smap = true}, root),
              MmuCode::kOk);
    const auto access = [&](AccessType type, AccessKind kind) {
      return host.mmu.Access(0, {Host::At(1), type, /*user=*/false, 7, 8, kind}).code;
    };
    EXPECT_EQ(access(AccessType::kWrite, AccessKind::kAc), old ? MmuCode::kOk : MmuCode::kEmulated);
    EXPECT_EQ(access(AccessType::kRead, AccessKind::kPlain),
              old ? MmuCode::kOk : MmuCode::kGuestFault);
    Fixture::ExpectSound(host);
  }
}

// L1, no switch: it is the legacy map's own. One instruction updates more entries than the caches
// were topped up for, each of a frame that is mapped once already and needs a descriptor now.
template <class R>
BugClass ManyUpdatesInOneInstruction() {
  using Host = ShadowHost<R>;
  constexpr Gva kTables = 24;
  MmuConfig config;
  config.oos_shadow = false;
  Host host(config);
  EXPECT_EQ(host.mmu.SetQuota(1000), MmuCode::kOk);
  const Gfn root = host.Boot(kLong);
  const Gva window = 512;
  std::vector<uint64_t> values;
  for (Gva i = 0; i < kTables; ++i) {
    const Gva far = 1024 + i * Host::kEntries;
    const auto place = host.MapIn(kLong, root, Host::At(far + 7), 60, kWriteUser | kUsed);
    host.MapIn(kLong, root, Host::At(window + i), place.table, kWriteUser | kUsed);
    host.MapIn(kLong, root, Host::At(2 * i), 2 * i, kWriteUser | kUsed);
    host.MapIn(kLong, root, Host::At(2 * i + 1), 2 * i + 1, kWriteUser | kUsed);
    host.Read(Host::At(far + 7));
    host.Read(Host::At(2 * i));
    host.Read(Host::At(2 * i + 1));
    values.push_back(Host::Leaf(2 * i, kWriteUser | kUsed));
    values.push_back(Host::Leaf(2 * i + 1, kWriteUser | kUsed));
    for (uint32_t rest = 2; rest < Host::kEntries; ++rest) values.push_back(0);
  }
  return BugOf([&] {
    const AccessRequest first{Host::At(window), AccessType::kWrite, true, 0, 8};
    EXPECT_EQ(host.mmu.StoreMany(0, first, values).code, MmuCode::kEmulated);
    EXPECT_EQ(host.mmu.stats().pte_updated, 2 * kTables);
  });
}

TEST(CacheTest, OnlyTheLegacyMapRunsOutOfDescriptorsInOneInstruction) {
  EXPECT_EQ(ManyUpdatesInOneInstruction<SiblingMap<TinyLimits>>(), BugClass::kNone);
  EXPECT_EQ(ManyUpdatesInOneInstruction<DescriptorMap<TinyLimits>>(), BugClass::kCacheEmpty);
}

}  // namespace
}  // namespace rmapdiff
