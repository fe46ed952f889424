// The shadow MMU, scenario by scenario: each function of the engine, and the state that it leaves.
//
// Every scenario runs on both reverse maps and with both sets of limits, and is audited at its end.
#include "mmu/shadow/shadow_mmu.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "tests/mmu/shadow_fixture.h"

namespace rmapdiff {
namespace {

constexpr auto kLong = PagingMode::kLong;
constexpr auto k32Bit = PagingMode::k32Bit;
constexpr auto kPae = PagingMode::kPae;

MmuConfig WithVcpus(int vcpus) {
  MmuConfig config;
  config.vcpus = vcpus;
  return config;
}

MmuConfig Tdp(int level) {
  MmuConfig config;
  config.masks = kEptMasks;
  config.tdp = true;
  config.tdp_level = level;
  return config;
}

template <class R>
class ShadowMmuTest : public testing::Test {
 protected:
  using Host = ShadowHost<R>;
  static constexpr Gfn kLarge = Gfn{1} << R::Limits::kLevelBits;  // frames of a level 2 page

  static void ExpectSound(Host& host) {
    EXPECT_EQ(host.Audit(), "");
    EXPECT_EQ(host.Leaks(), "");
  }
  // Maps the table that an address is mapped by at `window`, so that vcpus can write to it.
  static void MapTable(Host& host, Gfn root, Gva window, Gfn table) {
    host.MapIn(kLong, root, window, table, kWriteUser | kUsed);
  }
};

using Maps = testing::Types<SiblingMap<TinyLimits>, DescriptorMap<TinyLimits>,
                            SiblingMap<ProductionLimits>, DescriptorMap<ProductionLimits>>;
TYPED_TEST_SUITE(ShadowMmuTest, Maps);

#define USING_HOST                            \
  using Host = ShadowHost<TypeParam>;         \
  constexpr Gfn kLarge = TestFixture::kLarge; \
  static_cast<void>(kLarge)

// ---- Counters ----

// Each of them is compared for equality alone, so it may wrap at any time.
TYPED_TEST(ShadowMmuTest, CountersMayBeginAnywhere) {
  USING_HOST;
  constexpr uint64_t kFirst[] = {0, (uint64_t{1} << 32) - 2, ~uint64_t{0} - 1};
  for (const uint64_t first : kFirst) {
    MmuConfig config;
    config.vcpus = 2;
    config.first_count = first;
    config.first_generation = uint64_t{1} << 17;
    Host host(config);
    EXPECT_EQ(host.mmu.notifier_seq(), first);
    const Gfn root = host.Boot(kLong);
    host.MapIn(kLong, root, Host::At(5), 3, kWriteUser | kUsed);
    for (int round = 0; round < 4; ++round) {
      const AccessResult read = host.Read(Host::At(5));
      EXPECT_EQ(read.code, MmuCode::kOk) << first;
      EXPECT_EQ(read.pfn, host.mmu.host().Frame(3)) << first;
      EXPECT_EQ(read.pfn >> 39, 1u) << "the highest bit of a frame";
      host.mmu.Interleave([&] { host.mmu.MovePage(3); });
      host.mmu.InvalidatePage(3);
      EXPECT_EQ(host.Read(Host::At(5)).code, MmuCode::kOk) << "a fault that the host overtakes";
      host.mmu.ZapAll();
    }
    EXPECT_EQ(host.mmu.notifier_seq(), first + 8) << "two notifiers a round";
    TestFixture::ExpectSound(host);
  }
}

// ---- Faults ----

TYPED_TEST(ShadowMmuTest, AFaultShadowsAllLevelsAndMapsThePage) {
  USING_HOST;
  Host host;
  const Gfn root = host.Boot(kLong);
  const auto place = host.MapIn(kLong, root, Host::At(5), 3, kWriteUser);
  ASSERT_TRUE(host.mmu.HostWrite(3, 2, 0x1234));
  const AccessResult read = host.Read(Host::At(5, 2));
  EXPECT_EQ(read.code, MmuCode::kOk);
  EXPECT_EQ(read.value, 0x1234u);
  EXPECT_EQ(read.exits, 1);
  EXPECT_EQ(host.Pages(), 4) << "one page a level";
  EXPECT_NE(host.ShadowOf(root, 4), nullptr);
  EXPECT_EQ(host.ShadowOf(root, 4)->root_count, 1);
  EXPECT_NE(host.ShadowOf(place.table, 1), nullptr);
  EXPECT_EQ(host.RmapLength(3), 1);
  EXPECT_EQ(host.Entry(kLong, place.table, place.index) & kUsed, kGpteAccessed);
  EXPECT_FALSE(IsWritable(host.SpteOf(Host::At(5)))) << "a write has to set the dirty bit first";
  EXPECT_EQ(host.Read(Host::At(5, 2)).exits, 0);
  TestFixture::ExpectSound(host);
}

TYPED_TEST(ShadowMmuTest, ALeafIsTheWordThatMakeLeafSays) {
  USING_HOST;
  for (const SpteMasks& masks : {kShadowMasks, kBypassMasks}) {
    for (const bool writable : {false, true}) {
      MmuConfig config;
      config.masks = masks;
      Host host(config);
      const Gfn root = host.Boot(kLong);
      host.MapIn(kLong, root, Host::At(5), 3, (writable ? kWriteUser : kReadUser) | kUsed);
      host.Read(Host::At(5));
      const Spte leaf = MakeLeaf(masks, host.mmu.host().Frame(3), 1, writable, false);
      EXPECT_EQ(host.SpteOf(Host::At(5)), leaf) << "writable " << writable;
    }
  }
  Host host(Tdp(4));
  host.Read(Host::At(3));
  for (const bool writable : {false, true}) {
    const Spte leaf = MakeLeaf(kEptMasks, host.mmu.host().Frame(3), 1, writable, false);
    EXPECT_EQ(host.SpteOf(Host::At(3)), leaf) << "EPT has nothing that is read-only";
  }
}

TYPED_TEST(ShadowMmuTest, AWriteSetsTheDirtyBitAndMakesTheSpteWritable) {
  USING_HOST;
  Host host;
  const Gfn root = host.Boot(kLong);
  const auto place = host.MapIn(kLong, root, Host::At(5), 3, kWriteUser);
  host.Read(Host::At(5));
  EXPECT_EQ(host.Write(Host::At(5, 1), 7).code, MmuCode::kOk);
  EXPECT_EQ(host.mmu.ReadGuest(3, 1), 7u);
  EXPECT_EQ(host.Entry(kLong, place.table, place.index) & kUsed, kUsed);
  EXPECT_TRUE(IsWritable(host.SpteOf(Host::At(5))));
  EXPECT_EQ(host.RmapLength(3), 1);
  TestFixture::ExpectSound(host);
}

TYPED_TEST(ShadowMmuTest, TheGuestGetsItsOwnFaultsWithTheirErrorCodes) {
  USING_HOST;
  Host host;
  const Gfn root = host.Boot(kLong, 0, true, /*nx=*/true);
  host.MapIn(kLong, root, Host::At(1), 3, kReadUser | kGpteNx);
  host.MapIn(kLong, root, Host::At(2), 3, kRead | kGpteWritable);
  host.MapIn(kLong, root, Host::At(3), 3, kWriteUser | 1ull << kMaxPhysicalBits);
  const auto error = [](const AccessResult& result) {
    EXPECT_EQ(result.code, MmuCode::kGuestFault);
    return result.error_code;
  };
  EXPECT_EQ(error(host.Read(Host::At(4))), kFaultUser);
  EXPECT_EQ(error(host.Write(Host::At(1), 0)), kFaultPresent | kFaultWrite | kFaultUser);
  EXPECT_EQ(error(host.Write(Host::At(1), 0, 0, false)), kFaultPresent | kFaultWrite);
  EXPECT_EQ(error(host.Fetch(Host::At(1))), kFaultPresent | kFaultUser | kFaultFetch);
  EXPECT_EQ(error(host.Read(Host::At(2))), kFaultPresent | kFaultUser);
  EXPECT_EQ(error(host.Read(Host::At(3))), kFaultPresent | kFaultUser | kFaultReserved);
  EXPECT_EQ(host.Read(Host::At(2), 0, false).code, MmuCode::kOk);
  EXPECT_EQ(host.Fetch(Host::At(2), 0, false).code, MmuCode::kOk);
  TestFixture::ExpectSound(host);
}

TYPED_TEST(ShadowMmuTest, AMissingRightDoesNotHideWhatIsAbsentBelow) {
  USING_HOST;
  Host host;
  const Gfn root = host.Boot(kLong);
  const auto leaf = host.MapIn(kLong, root, Host::At(1), 3, kReadUser);
  const auto above = host.PlaceOf(kLong, root, Host::At(1), 2);
  host.SetEntry(kLong, above.table, above.index, Host::Leaf(leaf.table, kWriteUser & ~kGpteUser));
  EXPECT_EQ(host.Read(Host::At(1)).error_code, kFaultPresent | kFaultUser);
  EXPECT_EQ(host.Read(Host::At(2)).error_code, kFaultUser);
  host.SetEntry(kLong, leaf.table, leaf.index, Host::Leaf(3, kReadUser | 1ull << 45));
  EXPECT_EQ(host.Read(Host::At(1)).error_code, kFaultPresent | kFaultReserved | kFaultUser);
  // No entry is marked accessed from the missing right on.
  EXPECT_EQ(host.Entry(kLong, above.table, above.index) & kGpteAccessed, 0u);
  EXPECT_EQ(host.Entry(kLong, leaf.table, leaf.index) & kGpteAccessed, 0u);
  TestFixture::ExpectSound(host);
}

TYPED_TEST(ShadowMmuTest, AFetchIsReportedWhereNxCanForbidIt) {
  USING_HOST;
  for (const bool nx : {true, false}) {
    for (const PagingMode mode : {kLong, kPae, k32Bit}) {
      Host host;
      host.Boot(mode, 0, true, nx);
      const uint32_t fetch = nx && mode != k32Bit ? kFaultFetch : 0;
      EXPECT_EQ(host.Fetch(Host::At(1)).error_code, kFaultUser | fetch);
    }
  }
}

TYPED_TEST(ShadowMmuTest, AddressesWithoutASlotAreMmioAndWithoutAHostPageFail) {
  USING_HOST;
  Host host;
  const Gfn root = host.Boot(kLong);
  host.MapIn(kLong, root, Host::At(1), Host::kFrames, kWriteUser | kUsed);
  host.MapIn(kLong, root, Host::At(2), 3, kWriteUser | kUsed);
  host.mmu.UnmapPage(3);
  EXPECT_EQ(host.Read(Host::At(1)).code, MmuCode::kMmio);
  EXPECT_EQ(host.Read(Host::At(2)).code, MmuCode::kHostFault);
  host.mmu.MapPage(3);
  EXPECT_EQ(host.Read(Host::At(2)).code, MmuCode::kOk);
  TestFixture::ExpectSound(host);
}

TYPED_TEST(ShadowMmuTest, AnEntryThatChangesDuringTheFaultIsNotUsed) {
  USING_HOST;
  Host host;
  const Gfn root = host.Boot(kLong);
  const auto place = host.MapIn(kLong, root, Host::At(1), 3, kWriteUser | kUsed);
  ASSERT_EQ(host.mmu.EnterGuest(0), MmuCode::kOk);
  host.mmu.Interleave(
      [&] { host.SetEntry(kLong, place.table, place.index, Host::Leaf(4, kWriteUser | kUsed)); });
  const AccessResult read = host.Read(Host::At(1));
  EXPECT_EQ(read.code, MmuCode::kOk);
  EXPECT_EQ(read.exits, 2);
  EXPECT_EQ(host.RmapLength(3), 0);
  EXPECT_EQ(host.RmapLength(4), 1);
  TestFixture::ExpectSound(host);
}

TYPED_TEST(ShadowMmuTest, WithoutWpASupervisorWritesReadOnlyPages) {
  USING_HOST;
  Host host;
  const Gfn root = host.Boot(kLong, 0, /*wp=*/false);
  host.MapIn(kLong, root, Host::At(1), 3, kReadUser);
  EXPECT_EQ(host.Write(Host::At(1), 9, 0, false).code, MmuCode::kOk);
  EXPECT_EQ(host.mmu.ReadGuest(3, 0), 9u);
  EXPECT_TRUE(IsWritable(host.SpteOf(Host::At(1))));
  EXPECT_EQ(host.SpteOf(Host::At(1)) & kSpteUser, 0u) << "or the user could write as well";
  EXPECT_EQ(host.Read(Host::At(1)).code, MmuCode::kOk);
  EXPECT_FALSE(IsWritable(host.SpteOf(Host::At(1))));
  EXPECT_EQ(host.Write(Host::At(1), 1).code, MmuCode::kGuestFault);
  TestFixture::ExpectSound(host);
}

TYPED_TEST(ShadowMmuTest, ALinkIsCutWhereTheGuestPutsALargePage) {
  USING_HOST;
  Host host;
  host.mmu.SetBacking(0, 2);
  const Gfn root = host.Boot(kLong);
  host.MapIn(kLong, root, Host::At(kLarge), 3, kWriteUser | kUsed);
  host.Read(Host::At(kLarge));
  EXPECT_EQ(host.Pages(), 4);
  host.MapIn(kLong, root, Host::At(kLarge), 0, kWriteUser | kUsed, 2);
  host.mmu.LoadCr3(0, root);
  EXPECT_EQ(host.Read(Host::At(kLarge)).code, MmuCode::kOk);
  host.mmu.ZapAll();
  EXPECT_EQ(host.Write(Host::At(kLarge), 1).code, MmuCode::kOk);
  EXPECT_TRUE(IsHuge(host.SpteOf(Host::At(kLarge), 2)));
  EXPECT_EQ(host.RmapLength(0, 2), 1);
  TestFixture::ExpectSound(host);
}

// ---- Large pages ----

TYPED_TEST(ShadowMmuTest, TwoDirectoryEntriesWithDifferentRightsGetTwoDirectPages) {
  USING_HOST;
  Host host;
  const Gfn root = host.Boot(kLong);
  host.MapIn(kLong, root, Host::At(0), kLarge, kWriteUser | kUsed, 2);
  host.MapIn(kLong, root, Host::At(kLarge), kLarge, kReadUser | kUsed, 2);
  EXPECT_EQ(host.Write(Host::At(1), 1).code, MmuCode::kOk);
  EXPECT_EQ(host.Read(Host::At(kLarge + 1)).code, MmuCode::kOk);
  EXPECT_EQ(host.ShadowsOf(kLarge, true), 2);
  EXPECT_EQ(host.RmapLength(kLarge + 1), 2);
  EXPECT_TRUE(IsWritable(host.SpteOf(Host::At(1))));
  EXPECT_FALSE(IsWritable(host.SpteOf(Host::At(kLarge + 1))));
  TestFixture::ExpectSound(host);
}

TYPED_TEST(ShadowMmuTest, ADirectoryEntryThatBecomesDirtyGetsAnotherDirectPage) {
  USING_HOST;
  Host host;
  const Gfn root = host.Boot(kLong);
  host.MapIn(kLong, root, Host::At(0), kLarge, kWriteUser, 2);
  host.Read(Host::At(1));
  const Spte clean = host.SpteOf(Host::At(1), 2);
  host.Write(Host::At(1), 1);
  EXPECT_NE(host.SpteOf(Host::At(1), 2), clean);
  EXPECT_EQ(host.ShadowsOf(kLarge, true), 2);
  EXPECT_TRUE(IsWritable(host.SpteOf(Host::At(1))));
  TestFixture::ExpectSound(host);
}

TYPED_TEST(ShadowMmuTest, ALargePageIsDroppedWhenATableIsShadowedInIt) {
  USING_HOST;
  Host host;
  host.mmu.SetBacking(0, 2);
  const Gfn root = host.Boot(kLong);
  host.MapIn(kLong, root, Host::At(0), 0, kWriteUser | kUsed, 2);
  host.Write(Host::At(3), 1);
  EXPECT_EQ(host.RmapLength(0, 2), 1);
  EXPECT_EQ(host.mmu.graph().stats().lpages, 1);
  // Frame 3, in that page, becomes the table of another address.
  const auto place = host.PlaceOf(kLong, root, Host::At(kLarge), 2);
  host.SetEntry(kLong, place.table, place.index, Host::Leaf(3, kWriteUser | kGpteAccessed));
  host.SetEntry(kLong, 3, 0, Host::Leaf(kLarge, kWriteUser | kUsed));
  EXPECT_EQ(host.Read(Host::At(kLarge)).code, MmuCode::kOk);
  EXPECT_EQ(host.RmapLength(0, 2), 0);
  EXPECT_EQ(host.WriteCount(3, 2), 1);
  EXPECT_FALSE(host.Mapped(Host::At(3), 2));
  EXPECT_EQ(host.Write(Host::At(4), 1).code, MmuCode::kOk);
  EXPECT_EQ(host.RmapLength(4), 1) << "mapped small around a table";
  TestFixture::ExpectSound(host);
}

TYPED_TEST(ShadowMmuTest, OnlyAlignedAndUnloggedSlotsAreMappedLarge) {
  USING_HOST;
  Host host;
  ASSERT_EQ(host.mmu.SetMemslot({1, Host::kFrames, 2 * kLarge, Host::kFrames + 1, false}),
            MmuCode::kOk);
  host.mmu.SetBacking(static_cast<Hva>(Host::kFrames), 2);
  host.mmu.SetBacking(0, 2);
  const Gfn root = host.Boot(kLong);
  host.MapIn(kLong, root, Host::At(0), 0, kWriteUser | kUsed, 2);
  host.MapIn(kLong, root, Host::At(kLarge), Host::kFrames, kWriteUser | kUsed, 2);
  host.Write(Host::At(1), 1);
  host.Write(Host::At(kLarge + 1), 1);
  EXPECT_EQ(host.RmapLength(0, 2), 1);
  EXPECT_EQ(host.RmapLength(Host::kFrames, 2), 0) << "not aligned to the host's block";
  ASSERT_EQ(host.mmu.SetMemslot({0, 0, Host::kFrames, 0, true}), MmuCode::kOk);
  host.Write(Host::At(1), 1);
  EXPECT_EQ(host.RmapLength(0, 2), 0);
  EXPECT_EQ(host.RmapLength(1), 1);
  TestFixture::ExpectSound(host);
}

// ---- Writes to tables ----

TYPED_TEST(ShadowMmuTest, AStoreToAShadowedDirectoryIsEmulatedAndZapsTheSpte) {
  USING_HOST;
  Host host;
  const Gfn root = host.Boot(kLong);
  host.MapIn(kLong, root, Host::At(1), 3, kWriteUser | kUsed);
  const auto place = host.PlaceOf(kLong, root, Host::At(1), 2);
  const Gva window = Host::At(kLarge);
  TestFixture::MapTable(host, root, window, place.table);
  host.Write(Host::At(1), 1);
  EXPECT_TRUE(host.Mapped(Host::At(1), 2));
  const AccessResult store = host.Write(window + 8 * place.index, 0);
  EXPECT_EQ(store.code, MmuCode::kEmulated);
  EXPECT_EQ(host.Entry(kLong, place.table, place.index), 0u);
  EXPECT_FALSE(host.Mapped(Host::At(1), 2));
  EXPECT_EQ(host.Read(Host::At(1)).code, MmuCode::kGuestFault);
  EXPECT_EQ(host.mmu.stats().emulated, 1u);
  TestFixture::ExpectSound(host);
}

TYPED_TEST(ShadowMmuTest, WithoutUnsyncAStoreToALeafTableUpdatesTheSpte) {
  USING_HOST;
  MmuConfig config;
  config.oos_shadow = false;
  Host host(config);
  const Gfn root = host.Boot(kLong);
  const auto place = host.MapIn(kLong, root, Host::At(1), 3, kWriteUser | kUsed);
  const Gva window = Host::At(kLarge);
  TestFixture::MapTable(host, root, window, place.table);
  host.Write(Host::At(1), 1);
  const Gpte gpte = Host::Leaf(4, kWriteUser | kUsed);
  EXPECT_EQ(host.Write(window + 8 * place.index, gpte).code, MmuCode::kEmulated);
  EXPECT_EQ(PfnOf(host.SpteOf(Host::At(1))), host.mmu.host().Frame(4)) << "without another fault";
  EXPECT_EQ(host.RmapLength(3), 0);
  EXPECT_EQ(host.RmapLength(4), 1);
  EXPECT_EQ(host.mmu.stats().pte_updated, 1u);
  EXPECT_EQ(host.mmu.vcpu(0).last_pte_updated, host.SpteAt(Host::At(1), 1));
  TestFixture::ExpectSound(host);
}

TYPED_TEST(ShadowMmuTest, AYoungerInvlpgMakesAWriteForgetItsValue) {
  USING_HOST;
  MmuConfig config = WithVcpus(2);
  config.oos_shadow = false;
  Host host(config);
  const Gfn root = host.Boot(kLong);
  ASSERT_EQ(host.mmu.SetMode(1, {kLong, true, false, true}, root), MmuCode::kOk);
  const auto place = host.MapIn(kLong, root, Host::At(1), 3, kWriteUser | kUsed);
  const Gva window = Host::At(kLarge);
  TestFixture::MapTable(host, root, window, place.table);
  host.Write(Host::At(1), 1);
  host.Read(Host::At(1), 1);
  host.Read(window);
  // The first window is that of the fault; the second that of the store.
  host.mmu.Interleave([&] { host.mmu.Interleave([&] { host.mmu.Invlpg(1, Host::At(2)); }); });
  const Gpte gpte = Host::Leaf(4, kWriteUser | kUsed);
  EXPECT_EQ(host.Write(window + 8 * place.index, gpte).code, MmuCode::kEmulated);
  EXPECT_FALSE(host.mmu.interleave_pending());
  EXPECT_FALSE(host.Mapped(Host::At(1)));
  EXPECT_EQ(host.mmu.stats().pte_updated, 0u);
  TestFixture::ExpectSound(host);
}

TYPED_TEST(ShadowMmuTest, TheThirdWriteToAnUnusedTableZapsIt) {
  USING_HOST;
  MmuConfig config;
  config.oos_shadow = false;
  Host host(config);
  const Gfn root = host.Boot(kLong);
  const auto place = host.MapIn(kLong, root, Host::At(1), 3, kWriteUser | kUsed);
  const Gva window = Host::At(kLarge);
  TestFixture::MapTable(host, root, window, place.table);
  host.Read(Host::At(1));
  host.Write(window, 0);
  host.Write(window, 0);
  EXPECT_NE(host.ShadowOf(place.table, 1), nullptr);
  host.Write(window, 0);
  EXPECT_EQ(host.ShadowOf(place.table, 1), nullptr);
  EXPECT_EQ(host.mmu.stats().flooded, 1u);
  EXPECT_EQ(host.Write(window, 0).code, MmuCode::kOk) << "no table any more";
  TestFixture::ExpectSound(host);
}

TYPED_TEST(ShadowMmuTest, AMisalignedStoreZapsTheTable) {
  USING_HOST;
  MmuConfig config;
  config.oos_shadow = false;
  Host host(config);
  const Gfn root = host.Boot(kLong);
  const auto place = host.MapIn(kLong, root, Host::At(1), 3, kWriteUser | kUsed);
  const Gva window = Host::At(kLarge);
  TestFixture::MapTable(host, root, window, place.table);
  host.Read(Host::At(1));
  EXPECT_EQ(host.Write(window + 2, 0xff, 0, true, 2).code, MmuCode::kEmulated);
  EXPECT_EQ(host.ShadowOf(place.table, 1), nullptr);
  EXPECT_EQ(host.mmu.ReadGuest(place.table, 0).value_or(0) >> 16 & 0xffff, 0xffu);
  TestFixture::ExpectSound(host);
}

TYPED_TEST(ShadowMmuTest, TheHypercallStoresIntoATableByItsPhysicalAddress) {
  USING_HOST;
  Host host;
  const Gfn root = host.Boot(kLong);
  const auto place = host.MapIn(kLong, root, Host::At(1), 3, kWriteUser | kUsed);
  host.Read(Host::At(1));
  const Gpte gpte = Host::Leaf(4, kWriteUser | kUsed);
  EXPECT_EQ(host.mmu.PvMmuWrite(0, Host::At(place.table, place.index), gpte, 8), MmuCode::kOk);
  EXPECT_EQ(host.Entry(kLong, place.table, place.index), gpte);
  EXPECT_EQ(host.RmapLength(3), 0);
  EXPECT_EQ(host.RmapLength(4), 1);
  EXPECT_EQ(host.mmu.PvMmuWrite(0, Host::At(Host::kFrames), 0, 8), MmuCode::kMmio);
  TestFixture::ExpectSound(host);
}

TYPED_TEST(ShadowMmuTest, ManyStoresOfOneInstructionAreEmulatedTogether) {
  USING_HOST;
  MmuConfig config;
  config.oos_shadow = false;
  Host host(config);
  const Gfn root = host.Boot(kLong);
  const auto place = host.MapIn(kLong, root, Host::At(1), 3, kWriteUser | kUsed);
  const Gva window = Host::At(kLarge);
  TestFixture::MapTable(host, root, window, place.table);
  host.Read(Host::At(1));
  const std::vector<uint64_t> values{0, Host::Leaf(4, kWriteUser | kUsed), 0};
  const AccessResult result =
      host.mmu.StoreMany(0, {window, AccessType::kWrite, true, 0, 8}, values);
  EXPECT_EQ(result.code, MmuCode::kEmulated);
  EXPECT_EQ(result.exits, 1);
  EXPECT_EQ(host.Entry(kLong, place.table, 1), values[1]);
  EXPECT_EQ(host.mmu.stats().pte_write, 3u);
  TestFixture::ExpectSound(host);
}

// ---- Unsync and sync ----

// A leaf table that is mapped at `window` and out of sync: its first write made it writable.
template <class Host>
Gva MakeUnsync(Host& host, Gfn root, Gfn table, Gva window) {
  host.MapIn(kLong, root, window, table, kWriteUser | kUsed);
  host.Read(Host::At(1));
  EXPECT_EQ(host.Write(window, 0).code, MmuCode::kOk);
  EXPECT_TRUE(host.ShadowOf(table, 1)->unsync);
  return window;
}

TYPED_TEST(ShadowMmuTest, InvlpgPicksUpWhatAnUnsyncTableSays) {
  USING_HOST;
  Host host;
  const Gfn root = host.Boot(kLong);
  const auto place = host.MapIn(kLong, root, Host::At(1), 3, kWriteUser | kUsed);
  const Gva window = MakeUnsync(host, root, place.table, Host::At(kLarge));
  EXPECT_EQ(host.Write(window + 8 * place.index, Host::Leaf(4, kWriteUser | kUsed)).code,
            MmuCode::kOk)
      << "not even an exit";
  EXPECT_EQ(host.RmapLength(3), 1) << "stale, as long as the guest does not flush";
  host.mmu.Invlpg(0, Host::At(1));
  EXPECT_EQ(host.RmapLength(3), 0);
  EXPECT_EQ(host.RmapLength(4), 1);
  EXPECT_EQ(host.Read(Host::At(1)).pfn, host.mmu.host().Frame(4));
  EXPECT_TRUE(host.ShadowOf(place.table, 1)->unsync);
  TestFixture::ExpectSound(host);
}

TYPED_TEST(ShadowMmuTest, LoadingCr3SynchronisesAllUnsyncTables) {
  USING_HOST;
  Host host;
  const Gfn root = host.Boot(kLong);
  const auto place = host.MapIn(kLong, root, Host::At(1), 3, kWriteUser | kUsed);
  const Gva window = MakeUnsync(host, root, place.table, Host::At(kLarge));
  host.MapIn(kLong, root, Host::At(2), 5, kWriteUser | kUsed);
  host.Read(Host::At(2));
  host.Write(window + 8 * place.index, Host::Leaf(4, kWriteUser | kUsed));
  EXPECT_EQ(host.mmu.LoadCr3(0, root), MmuCode::kOk);
  Gfn table = place.table;
  EXPECT_FALSE(host.ShadowOf(table, 1)->unsync);
  EXPECT_EQ(host.mmu.graph().stats().unsync, 0u);
  EXPECT_FALSE(host.Mapped(Host::At(1)));
  EXPECT_TRUE(host.Mapped(Host::At(2)));
  EXPECT_FALSE(IsWritable(host.SpteOf(window))) << "the table is write-protected again";
  EXPECT_EQ(host.Read(Host::At(1)).pfn, host.mmu.host().Frame(4));
  TestFixture::ExpectSound(host);
}

TYPED_TEST(ShadowMmuTest, ATableWithoutPresentEntriesIsZappedWhenItIsSynchronised) {
  USING_HOST;
  Host host;
  const Gfn root = host.Boot(kLong);
  const auto place = host.MapIn(kLong, root, Host::At(1), 3, kWriteUser | kUsed);
  const Gva window = MakeUnsync(host, root, place.table, Host::At(kLarge));
  host.Write(window + 8 * place.index, 0);
  host.mmu.LoadCr3(0, root);
  EXPECT_EQ(host.ShadowOf(place.table, 1), nullptr);
  EXPECT_EQ(host.Read(Host::At(1)).code, MmuCode::kGuestFault);
  TestFixture::ExpectSound(host);
}

TYPED_TEST(ShadowMmuTest, AnUnsyncTableIsSynchronisedBeforeItIsLinkedElsewhere) {
  USING_HOST;
  Host host;
  const Gfn root = host.Boot(kLong);
  const auto place = host.MapIn(kLong, root, Host::At(1), 3, kWriteUser | kUsed);
  host.MapIn(kLong, root, Host::At(2), 5, kWriteUser | kUsed);
  const Gva window = MakeUnsync(host, root, place.table, Host::At(kLarge));
  host.Read(Host::At(2));
  host.Write(window + 8 * place.index, Host::Leaf(4, kWriteUser | kUsed));
  // The same table at another address, which no vcpu has to flush.
  const auto above = host.PlaceOf(kLong, root, Host::At(2 * kLarge), 2);
  host.SetEntry(kLong, above.table, above.index,
                Host::Leaf(place.table, kWriteUser | kGpteAccessed));
  EXPECT_EQ(host.Read(Host::At(2 * kLarge + 1)).pfn, host.mmu.host().Frame(4));
  EXPECT_TRUE(host.ShadowOf(place.table, 1)->unsync) << "only transiently";
  TestFixture::ExpectSound(host);
}

TYPED_TEST(ShadowMmuTest, MoreUnsyncTablesThanABatchHoldsAreAllSynchronised) {
  USING_HOST;
  Host host;
  const Gfn root = host.Boot(kLong);
  const Gva count = TypeParam::Limits::kUnsyncBatch + 2;
  for (Gva i = 0; i < count; ++i) {
    const auto place = host.MapIn(kLong, root, Host::At(i * kLarge), 3, kWriteUser | kUsed);
    host.MapIn(kLong, root, Host::At(i * kLarge + 1), place.table, kWriteUser | kUsed);
  }
  for (Gva i = 0; i < count; ++i) {
    EXPECT_EQ(host.Read(Host::At(i * kLarge)).code, MmuCode::kOk);
    EXPECT_EQ(host.Write(Host::At(i * kLarge + 1, 2), 0).code, MmuCode::kOk);
  }
  EXPECT_EQ(host.mmu.graph().stats().unsync, count);
  EXPECT_EQ(host.Audit(), "");
  host.mmu.LoadCr3(0, root);
  EXPECT_EQ(host.mmu.graph().stats().unsync, 0u);
  TestFixture::ExpectSound(host);
}

// ---- Modes and roots ----

TYPED_TEST(ShadowMmuTest, PaeHasFourRootsAndSkipsAbsentPdptrs) {
  USING_HOST;
  Host host;
  const Gfn root = host.NewTable();
  for (uint32_t i = 0; i < 4; ++i) {
    host.SetEntry(kPae, root, i, i == 2 ? 0 : Host::Leaf(host.NewTable(), kGptePresent));
  }
  ASSERT_EQ(host.mmu.SetMode(0, {kPae, true, false, true}, root), MmuCode::kOk);
  const Gva far = Gva{3} << GfnShift<typename Host::Limits>(3);
  host.MapIn(kPae, root, Host::At(far + 1), 3, kWriteUser | kUsed);
  EXPECT_EQ(host.Write(Host::At(far + 1), 5).code, MmuCode::kOk);
  EXPECT_EQ(host.mmu.ReadGuest(3, 0), 5u);
  const auto& vcpu = host.mmu.vcpu(0);
  for (size_t i = 0; i < 4; ++i) EXPECT_EQ(vcpu.pae_root[i] == nullptr, i == 2);
  EXPECT_EQ(host.Pages(), 4) << "three roots and a table; the pdptrs are registers";
  const Gva absent = Gva{2} << GfnShift<typename Host::Limits>(3);
  EXPECT_EQ(host.Read(Host::At(absent)).code, MmuCode::kGuestFault);
  TestFixture::ExpectSound(host);
}

TYPED_TEST(ShadowMmuTest, A32BitTableIsShadowedByQuadrants) {
  USING_HOST;
  Host host;
  const Gfn root = host.Boot(k32Bit);
  const auto low = host.MapIn(k32Bit, root, Host::At(1), 3, kWriteUser | kUsed);
  const auto high = host.MapIn(k32Bit, root, Host::At(kLarge + 1), 4, kWriteUser | kUsed);
  EXPECT_EQ(low.table, high.table) << "a 32-bit table has twice the entries";
  EXPECT_EQ(host.Write(Host::At(1), 0x33, 0, true, 4).code, MmuCode::kOk);
  EXPECT_EQ(host.Write(Host::At(kLarge + 1), 0x44, 0, true, 4).code, MmuCode::kOk);
  EXPECT_EQ(host.mmu.ReadGuest(3, 0), 0x33u);
  EXPECT_EQ(host.mmu.ReadGuest(4, 0), 0x44u);
  EXPECT_EQ(host.ShadowsOf(low.table, false), 2);
  EXPECT_EQ(host.ShadowsOf(root, false), 4) << "and a directory four";
  TestFixture::ExpectSound(host);
}

TYPED_TEST(ShadowMmuTest, AStoreToA32BitDirectoryZapsBothHalvesInTheirQuadrant) {
  USING_HOST;
  Host host;
  const Gfn root = host.Boot(k32Bit);
  host.MapIn(k32Bit, root, Host::At(1), 3, kWriteUser | kUsed);
  host.MapIn(k32Bit, root, Host::At(kLarge + 1), 4, kWriteUser | kUsed);
  const Gva other = 2 * kLarge;
  host.MapIn(k32Bit, root, Host::At(other + 1), root, kWriteUser | kUsed);
  host.Read(Host::At(1));
  host.Read(Host::At(kLarge + 1));
  host.Read(Host::At(other + 1));
  const AccessResult store = host.Write(Host::At(other + 1), 0, 0, true, 4);
  EXPECT_EQ(store.code, MmuCode::kEmulated);
  EXPECT_FALSE(host.Mapped(Host::At(1), 2));
  EXPECT_FALSE(host.Mapped(Host::At(kLarge + 1), 2));
  EXPECT_TRUE(host.Mapped(Host::At(other + 1), 2));
  TestFixture::ExpectSound(host);
}

TYPED_TEST(ShadowMmuTest, A4MPageIsTwoShadowPages) {
  USING_HOST;
  Host host;
  host.mmu.SetBacking(2 * kLarge, 2);
  const Gfn root = host.Boot(k32Bit);
  host.MapIn(k32Bit, root, Host::At(0), 2 * kLarge, kWriteUser | kUsed, 2);
  EXPECT_EQ(host.Write(Host::At(1), 1).code, MmuCode::kOk);
  EXPECT_EQ(host.Write(Host::At(kLarge + 1), 2).code, MmuCode::kOk);
  EXPECT_EQ(host.RmapLength(2 * kLarge, 2), 1) << "the host has the first half in one block";
  EXPECT_EQ(host.RmapLength(3 * kLarge + 1), 1) << "and the second one not";
  EXPECT_EQ(host.mmu.ReadGuest(2 * kLarge + 1, 0), 1u);
  EXPECT_EQ(host.mmu.ReadGuest(3 * kLarge + 1, 0), 2u);
  TestFixture::ExpectSound(host);
}

TYPED_TEST(ShadowMmuTest, WithoutPagingAddressesAreFrames) {
  USING_HOST;
  Host host;
  EXPECT_EQ(host.Write(Host::At(3, 1), 8).code, MmuCode::kOk);
  EXPECT_EQ(host.mmu.ReadGuest(3, 1), 8u);
  EXPECT_EQ(host.Pages(), 5) << "four roots and a table";
  EXPECT_EQ(host.Write(Host::At(Host::kFrames), 8).code, MmuCode::kMmio);
  host.mmu.SetBacking(kLarge, 2);
  EXPECT_EQ(host.Write(Host::At(kLarge + 1), 8).code, MmuCode::kOk);
  EXPECT_EQ(host.RmapLength(kLarge, 2), 1);
  TestFixture::ExpectSound(host);
}

TYPED_TEST(ShadowMmuTest, WithTdpAddressesAreGuestPhysicalAtEitherDepth) {
  USING_HOST;
  for (const int level : {3, 4}) {
    Host host(Tdp(level));
    host.mmu.SetBacking(0, 2);
    EXPECT_EQ(host.Write(Host::At(3, 1), 8).code, MmuCode::kOk);
    EXPECT_EQ(host.mmu.ReadGuest(3, 1), 8u);
    EXPECT_EQ(host.Fetch(Host::At(kLarge)).code, MmuCode::kOk);
    EXPECT_EQ(host.RmapLength(0, 2), 1);
    EXPECT_TRUE(host.mmu.AgePage(3)) << "without an accessed bit: what is mapped is young";
    EXPECT_EQ(host.RmapLength(0, 2), 0);
    TestFixture::ExpectSound(host);
  }
}

TYPED_TEST(ShadowMmuTest, TdpMapsLevel3) {
  USING_HOST;
  Host host(Tdp(4));
  const Gfn frames = kLarge * kLarge;
  const Gfn base = std::max(frames, Host::kFrames);
  ASSERT_EQ(host.mmu.SetMemslot({1, base, frames, static_cast<Hva>(base), false}), MmuCode::kOk);
  host.mmu.SetBacking(static_cast<Hva>(base), 3);
  EXPECT_EQ(host.Write(Host::At(base + 5, 1), 8).code, MmuCode::kOk);
  EXPECT_EQ(host.mmu.ReadGuest(base + 5, 1), 8u);
  EXPECT_EQ(host.RmapLength(base, 3), 1);
  host.mmu.MovePage(static_cast<Hva>(base + 5));
  EXPECT_EQ(host.RmapLength(base, 3), 0);
  EXPECT_EQ(host.Write(Host::At(base + 5, 1), 9).code, MmuCode::kOk);
  EXPECT_EQ(host.RmapLength(base + 5), 1) << "the block was split";
  TestFixture::ExpectSound(host);
}

TYPED_TEST(ShadowMmuTest, AChangeOfModeKeepsThePagesOfTheOldOneApart) {
  USING_HOST;
  Host host;
  const Gfn root = host.Boot(kLong);
  host.MapIn(kLong, root, Host::At(1), 3, kReadUser | kUsed);
  host.Read(Host::At(1));
  ASSERT_EQ(host.mmu.SetMode(0, {kLong, /*wp=*/false, false, true}, root), MmuCode::kOk);
  host.Read(Host::At(1));
  EXPECT_EQ(host.ShadowsOf(root, false), 2) << "cr0.wp is in the role";
  EXPECT_EQ(host.RmapLength(3), 2);
  TestFixture::ExpectSound(host);
}

TYPED_TEST(ShadowMmuTest, RootsThatCannotBeLoadedAreRefused) {
  USING_HOST;
  Host host;
  const Gfn root = host.Boot(kLong);
  EXPECT_EQ(host.mmu.LoadCr3(0, Host::kFrames), MmuCode::kGeneralProtection);
  EXPECT_EQ(host.mmu.vcpu(0).cr3, root);
  const Gfn malformed = host.NewTable();
  host.SetEntry(kPae, malformed, 1, Host::Leaf(0, kGptePresent | 2));
  EXPECT_EQ(host.mmu.SetMode(0, {kPae, true, false, true}, malformed), MmuCode::kGeneralProtection);
  EXPECT_EQ(host.Read(Host::At(1)).code, MmuCode::kGuestFault) << "still in the old mode";
  const Gfn beyond = host.NewTable();
  host.SetEntry(kPae, beyond, 1, Host::Leaf(Host::kFrames, kGptePresent));
  ASSERT_EQ(host.mmu.SetMode(0, {kPae, true, false, true}, beyond), MmuCode::kOk);
  EXPECT_EQ(host.Read(Host::At(1)).code, MmuCode::kTripleFault);
  TestFixture::ExpectSound(host);
}

TYPED_TEST(ShadowMmuTest, ARootInUseSurvivesZapAllUntilItsVcpuReloads) {
  USING_HOST;
  Host host(WithVcpus(2));
  const Gfn root = host.Boot(kLong);
  host.MapIn(kLong, root, Host::At(1), 3, kWriteUser | kUsed);
  ASSERT_EQ(host.mmu.SetMode(1, {kLong, true, false, true}, root), MmuCode::kOk);
  host.Read(Host::At(1), 0);
  host.Read(Host::At(1), 1);
  EXPECT_EQ(host.ShadowOf(root, 4)->root_count, 2);
  host.mmu.ZapAll();
  EXPECT_EQ(host.Pages(), 1) << "the root, empty";
  EXPECT_TRUE(host.mmu.graph().active_pages().front()->role.invalid);
  EXPECT_EQ(host.RmapLength(3), 0);
  EXPECT_TRUE(host.mmu.vcpu(1).tlb.entries().empty());
  EXPECT_EQ(host.Audit(), "");
  EXPECT_EQ(host.Read(Host::At(1), 0).code, MmuCode::kOk);
  EXPECT_EQ(host.Pages(), 5) << "a new tree, and the root that vcpu 1 still holds";
  EXPECT_EQ(host.Read(Host::At(1), 1).code, MmuCode::kOk);
  EXPECT_EQ(host.Pages(), 4);
  TestFixture::ExpectSound(host);
}

TYPED_TEST(ShadowMmuTest, AFaultUnderARootThatWasZappedMeanwhileIsMadeGoodByTheReload) {
  USING_HOST;
  Host host;
  const Gfn root = host.Boot(kLong);
  host.MapIn(kLong, root, Host::At(1), 3, kWriteUser | kUsed);
  ASSERT_EQ(host.mmu.EnterGuest(0), MmuCode::kOk);
  host.mmu.Interleave([&] { host.mmu.ZapAll(); });
  const AccessResult read = host.Read(Host::At(1));
  EXPECT_EQ(read.code, MmuCode::kOk);
  EXPECT_EQ(read.exits, 2) << "the first one mapped it under the invalid root";
  EXPECT_EQ(host.Pages(), 4);
  EXPECT_EQ(host.RmapLength(3), 1);
  TestFixture::ExpectSound(host);
}

// ---- Two non-present words ----

TYPED_TEST(ShadowMmuTest, WithBypassAbsentEntriesFaultStraightIntoTheGuest) {
  USING_HOST;
  MmuConfig config;
  config.masks = kBypassMasks;
  Host host(config);
  const Gfn root = host.Boot(kLong);
  const auto place = host.MapIn(kLong, root, Host::At(1), 3, kWriteUser | kUsed);
  TestFixture::MapTable(host, root, Host::At(kLarge), place.table);
  host.Read(Host::At(1));
  const AccessResult read = host.Read(Host::At(2));
  EXPECT_EQ(read.code, MmuCode::kGuestFault);
  EXPECT_EQ(read.exits, 0) << "prefetch_page knew";
  EXPECT_EQ(host.SpteOf(Host::At(2)), kBypassMasks.notrap);
  // A write to the table takes it out of sync; from then on every fault has to come to the MMU.
  MakeUnsync(host, root, place.table, Host::At(kLarge));
  EXPECT_EQ(host.SpteOf(Host::At(2)), kBypassMasks.trap);
  EXPECT_EQ(host.Read(Host::At(2)).exits, 1);
  TestFixture::ExpectSound(host);
}

// ---- The host ----

TYPED_TEST(ShadowMmuTest, APageThatMovesIsUnmappedEverywhereItHasAnAlias) {
  USING_HOST;
  Host host;
  ASSERT_EQ(host.mmu.SetMemslot({1, Host::kFrames, kLarge, 0, false}), MmuCode::kOk);
  const Gfn root = host.Boot(kLong);
  host.MapIn(kLong, root, Host::At(1), 3, kWriteUser | kUsed);
  host.MapIn(kLong, root, Host::At(2), Host::kFrames + 3, kWriteUser | kUsed);
  host.Write(Host::At(1), 7);
  EXPECT_EQ(host.Read(Host::At(2)).value, 7u) << "one host page";
  const Pfn before = host.mmu.host().Frame(3);
  host.mmu.graph().events().Clear();
  host.mmu.MovePage(3);
  EXPECT_EQ(host.RmapLength(3), 0);
  EXPECT_EQ(host.RmapLength(Host::kFrames + 3), 0);
  EXPECT_EQ(host.mmu.graph().events().remote_flushes, 1u);
  const AccessResult read = host.Read(Host::At(1));
  EXPECT_EQ(read.value, 7u);
  EXPECT_NE(read.pfn, before);
  TestFixture::ExpectSound(host);
}

TYPED_TEST(ShadowMmuTest, AFrameThatMovesDuringAFaultIsLookedUpAgain) {
  USING_HOST;
  Host host;
  const Gfn root = host.Boot(kLong);
  host.MapIn(kLong, root, Host::At(1), 3, kWriteUser | kUsed);
  ASSERT_EQ(host.mmu.EnterGuest(0), MmuCode::kOk);
  host.mmu.Interleave([&] { host.mmu.MovePage(3); });
  const AccessResult read = host.Read(Host::At(1));
  EXPECT_EQ(read.code, MmuCode::kOk);
  EXPECT_EQ(read.exits, 2);
  EXPECT_EQ(read.pfn, host.mmu.host().Frame(3));
  TestFixture::ExpectSound(host);
}

TYPED_TEST(ShadowMmuTest, NothingIsMappedWhileARangeIsOpen) {
  USING_HOST;
  Host host;
  const Gfn root = host.Boot(kLong);
  host.MapIn(kLong, root, Host::At(1), 3, kWriteUser | kUsed);
  host.mmu.InvalidateRangeStart(100, 101);
  EXPECT_EQ(host.Read(Host::At(1)).code, MmuCode::kRetryExhausted);
  EXPECT_EQ(host.RmapLength(3), 0);
  host.mmu.InvalidateRangeEnd();
  EXPECT_EQ(host.Read(Host::At(1)).code, MmuCode::kOk);
  TestFixture::ExpectSound(host);
}

TYPED_TEST(ShadowMmuTest, AMergedPageIsMappedReadOnlyUntilAWriteBreaksIt) {
  USING_HOST;
  Host host;
  const Gfn root = host.Boot(kLong);
  host.MapIn(kLong, root, Host::At(1), 3, kWriteUser | kUsed);
  host.Write(Host::At(1), 7);
  host.mmu.MergePage(3);
  const Spte merged = host.SpteOf(Host::At(1));
  EXPECT_EQ(PfnOf(merged), host.mmu.host().Frame(3));
  EXPECT_EQ(merged & (kSpteWritable | kSpteHostWritable), 0u);
  EXPECT_EQ(host.Audit(), "");
  EXPECT_EQ(host.Read(Host::At(1)).exits, 0);
  const AccessResult write = host.Write(Host::At(1), 8);
  EXPECT_EQ(write.code, MmuCode::kOk);
  EXPECT_EQ(write.exits, 2) << "the first one broke the copy on write and had to retry";
  EXPECT_TRUE(host.mmu.host().Writable(3));
  TestFixture::ExpectSound(host);
}

TYPED_TEST(ShadowMmuTest, EqualPagesShareAFrameUntilEachIsWritten) {
  USING_HOST;
  Host host;
  const Gfn root = host.Boot(kLong);
  for (const Gfn gfn : {Gfn{3}, Gfn{4}}) {
    host.MapIn(kLong, root, Host::At(gfn), gfn, kWriteUser | kUsed);
    host.Write(Host::At(gfn), 7);
  }
  for (const Hva hva : {3u, 4u}) host.mmu.MergePage(hva);
  const Pfn shared = host.mmu.host().Frame(3);
  for (const Gfn gfn : {Gfn{3}, Gfn{4}}) {
    const Spte spte = host.SpteOf(Host::At(gfn));
    EXPECT_EQ(PfnOf(spte), shared);
    EXPECT_EQ(spte & (kSpteWritable | kSpteHostWritable), 0u);
    EXPECT_EQ(host.RmapLength(gfn), 1) << "each frame of the guest has a list of its own";
    const AccessResult read = host.Read(Host::At(gfn));
    EXPECT_EQ(read.value, 7u);
    EXPECT_EQ(read.exits, 0);
    EXPECT_TRUE(host.mmu.AgePage(static_cast<Hva>(gfn))) << "and is young by itself";
  }
  EXPECT_EQ(host.Audit(), "");
  EXPECT_EQ(host.Write(Host::At(3), 8).code, MmuCode::kOk);
  EXPECT_NE(PfnOf(host.SpteOf(Host::At(3))), shared);
  EXPECT_EQ(PfnOf(host.SpteOf(Host::At(4))), shared);
  EXPECT_EQ(host.Read(Host::At(4)).value, 7u);
  EXPECT_EQ(host.Read(Host::At(4)).exits, 0);
  EXPECT_EQ(host.Write(Host::At(4), 9).code, MmuCode::kOk);
  EXPECT_EQ(host.Read(Host::At(3)).value, 8u);
  EXPECT_FALSE(host.mmu.host().PageOn(shared));
  TestFixture::ExpectSound(host);
}

TYPED_TEST(ShadowMmuTest, SynchronisingKeepsAMergedPageReadOnly) {
  USING_HOST;
  Host host;
  const Gfn root = host.Boot(kLong);
  const auto place = host.MapIn(kLong, root, Host::At(1), 3, kWriteUser | kUsed);
  MakeUnsync(host, root, place.table, Host::At(kLarge));
  host.Write(Host::At(1), 7);
  host.mmu.MergePage(3);
  host.mmu.LoadCr3(0, root);
  EXPECT_TRUE(host.Mapped(Host::At(1)));
  EXPECT_FALSE(IsWritable(host.SpteOf(Host::At(1))));
  TestFixture::ExpectSound(host);
}

TYPED_TEST(ShadowMmuTest, APageIsYoungOnceAfterEachUse) {
  USING_HOST;
  Host host;
  const Gfn root = host.Boot(kLong);
  host.MapIn(kLong, root, Host::At(1), 3, kWriteUser | kUsed);
  host.Read(Host::At(1));
  EXPECT_TRUE(host.mmu.TestYoung(3));
  EXPECT_TRUE(host.mmu.AgePage(3));
  EXPECT_FALSE(host.mmu.TestYoung(3));
  EXPECT_FALSE(host.mmu.AgePage(3));
  EXPECT_EQ(host.Read(Host::At(1)).exits, 0) << "still mapped; the flush makes the walk set A";
  EXPECT_TRUE(host.mmu.AgePage(3));
  TestFixture::ExpectSound(host);
}

// ---- Memslots and the dirty log ----

TYPED_TEST(ShadowMmuTest, TheDirtyLogCatchesEveryWriteOncePerFetch) {
  USING_HOST;
  Host host;
  const Gfn root = host.Boot(kLong);
  host.MapIn(kLong, root, Host::At(1), 3, kWriteUser | kUsed);
  host.MapIn(kLong, root, Host::At(2), 4, kWriteUser | kUsed);
  host.Write(Host::At(1), 1);
  ASSERT_EQ(host.mmu.SetMemslot({0, 0, Host::kFrames, 0, true}), MmuCode::kOk);
  std::vector<Gfn> dirty;
  ASSERT_EQ(host.mmu.GetDirtyLog(0, &dirty), MmuCode::kOk);
  EXPECT_TRUE(dirty.empty());
  for (int round = 0; round < 3; ++round) {
    host.Write(Host::At(1), 2);
    host.Write(Host::At(1), 3);
    host.Read(Host::At(2));
    ASSERT_EQ(host.mmu.GetDirtyLog(0, &dirty), MmuCode::kOk);
    EXPECT_NE(std::find(dirty.begin(), dirty.end(), 3u), dirty.end());
    EXPECT_EQ(std::find(dirty.begin(), dirty.end(), 4u) != dirty.end(), round == 0)
        << "mapped writable by a read, as its entry is dirty";
    EXPECT_FALSE(IsWritable(host.SpteOf(Host::At(1))));
    EXPECT_EQ(host.Audit(), "");
  }
  ASSERT_EQ(host.mmu.SetMemslot({0, 0, Host::kFrames, 0, false}), MmuCode::kOk);
  EXPECT_EQ(host.mmu.GetDirtyLog(0, &dirty), MmuCode::kInvalid);
  TestFixture::ExpectSound(host);
}

TYPED_TEST(ShadowMmuTest, AccessedAndDirtyBitsOfTheGuestAreLoggedToo) {
  USING_HOST;
  Host host;
  const Gfn root = host.Boot(kLong);
  const auto place = host.MapIn(kLong, root, Host::At(1), 3, kWriteUser);
  ASSERT_EQ(host.mmu.SetMemslot({0, 0, Host::kFrames, 0, true}), MmuCode::kOk);
  host.Read(Host::At(1));
  std::vector<Gfn> dirty;
  ASSERT_EQ(host.mmu.GetDirtyLog(0, &dirty), MmuCode::kOk);
  EXPECT_EQ(dirty, std::vector<Gfn>{place.table});
  TestFixture::ExpectSound(host);
}

TYPED_TEST(ShadowMmuTest, ADeletedSlotLeavesNothingMapped) {
  USING_HOST;
  Host host;
  const Gfn base = Host::kFrames + 1;
  ASSERT_EQ(host.mmu.SetMemslot({1, base, 3, 100, false}), MmuCode::kOk);
  const Gfn root = host.Boot(kLong);
  host.MapIn(kLong, root, Host::At(1), base + 1, kWriteUser | kUsed);
  host.Write(Host::At(1), 1);
  EXPECT_EQ(host.RmapLength(base + 1), 1);
  ASSERT_EQ(host.mmu.SetMemslot({1, 0, 0, 0, false}), MmuCode::kOk);
  EXPECT_EQ(host.Audit(), "");
  EXPECT_EQ(host.Write(Host::At(1), 1).code, MmuCode::kMmio);
  EXPECT_EQ(host.mmu.SetMemslot({1, 0, 0, 0, false}), MmuCode::kInvalid) << "it is gone";
  ASSERT_EQ(host.mmu.SetMemslot({1, base, 2, 50, false}), MmuCode::kOk);
  EXPECT_EQ(host.Read(Host::At(1)).pfn, host.mmu.host().Frame(51));
  TestFixture::ExpectSound(host);
}

TYPED_TEST(ShadowMmuTest, ASlotThatMovesTakesItsMemoryAlong) {
  USING_HOST;
  Host host;
  const Gfn base = Host::kFrames;
  const Hva hva = static_cast<Hva>(4 * kLarge);
  ASSERT_EQ(host.mmu.SetMemslot({1, base, kLarge, hva, false}), MmuCode::kOk);
  const Gfn root = host.Boot(kLong);
  host.MapIn(kLong, root, Host::At(1), base + 1, kWriteUser | kUsed);
  host.MapIn(kLong, root, Host::At(2), base + kLarge + 1, kWriteUser | kUsed);
  host.Write(Host::At(1), 7);
  ASSERT_EQ(host.mmu.SetMemslot({1, base + kLarge, kLarge, hva, false}), MmuCode::kOk);
  EXPECT_EQ(host.Read(Host::At(1)).code, MmuCode::kMmio);
  EXPECT_EQ(host.Read(Host::At(2)).value, 7u);
  TestFixture::ExpectSound(host);
}

TYPED_TEST(ShadowMmuTest, SlotsThatMakeNoSenseAreRefused) {
  USING_HOST;
  Host host;
  EXPECT_EQ(host.mmu.SetMemslot({1, Host::kFrames - 1, 2, 0, false}), MmuCode::kInvalid)
      << "overlap";
  EXPECT_EQ(host.mmu.SetMemslot({32, Host::kFrames, 2, 0, false}), MmuCode::kInvalid);
  EXPECT_EQ(host.mmu.SetMemslot({0, 0, Host::kFrames - 1, 0, false}), MmuCode::kInvalid) << "size";
  EXPECT_EQ(host.mmu.SetMemslot({0, 0, Host::kFrames, 1, false}), MmuCode::kInvalid) << "hva";
  EXPECT_EQ(host.mmu.SetMemslot({2, 0, 0, 0, false}), MmuCode::kInvalid) << "nothing to delete";
  TestFixture::ExpectSound(host);
}

// ---- Reclaim ----

TYPED_TEST(ShadowMmuTest, TheQuotaIsKeptByZappingTheOldestPages) {
  USING_HOST;
  Host host;
  EXPECT_EQ(host.mmu.SetQuota(TypeParam::Limits::kMinAllocPages - 1), MmuCode::kInvalid);
  ASSERT_EQ(host.mmu.SetQuota(TypeParam::Limits::kMinAllocPages), MmuCode::kOk);
  const Gfn root = host.Boot(kLong);
  const Gfn table = host.NewTable();
  host.SetEntry(kLong, table, 0, Host::Leaf(3, kWriteUser | kUsed));
  // One table shadowed again and again, under as many directories as it takes.
  const Gva count = static_cast<Gva>(TypeParam::Limits::kMinAllocPages);
  for (Gva i = 0; i < count; ++i) {
    const Gva far = i * kLarge * kLarge;
    const auto pud = host.PlaceOf(kLong, root, Host::At(far), 3);
    const Gfn directory = host.NewTable();
    host.SetEntry(kLong, pud.table, pud.index, Host::Leaf(directory, kWriteUser | kGpteAccessed));
    host.SetEntry(kLong, directory, 0, Host::Leaf(table, kWriteUser | kGpteAccessed));
    EXPECT_EQ(host.Read(Host::At(far)).code, MmuCode::kOk);
    EXPECT_LE(host.Pages(), TypeParam::Limits::kMinAllocPages);
    EXPECT_EQ(host.Audit(), "");
  }
  EXPECT_EQ(host.mmu.free_pages(), host.mmu.allocated_pages() - host.Pages());
  TestFixture::ExpectSound(host);
}

TYPED_TEST(ShadowMmuTest, ASmallerQuotaEvictsAtOnceAndShrinkingTakesOne) {
  USING_HOST;
  Host host;
  const Gfn root = host.Boot(kLong);
  ASSERT_EQ(host.mmu.SetQuota(1000), MmuCode::kOk);
  for (Gva i = 0; i < 5; ++i) {
    host.MapIn(kLong, root, Host::At(i * kLarge), 3, kWriteUser | kUsed);
    host.Read(Host::At(i * kLarge));
  }
  EXPECT_EQ(host.Pages(), 8);
  EXPECT_EQ(host.mmu.Shrink(), 8);
  EXPECT_EQ(host.Pages(), 8) << "the oldest page was the root, which is pinned";
  EXPECT_EQ(host.mmu.Shrink(), 8);
  EXPECT_LT(host.Pages(), 8);
  EXPECT_EQ(host.Read(Host::At(0)).code, MmuCode::kOk);
  TestFixture::ExpectSound(host);
}

TYPED_TEST(ShadowMmuTest, UnprotectingATableUnshadowsIt) {
  USING_HOST;
  Host host;
  const Gfn root = host.Boot(kLong);
  const auto place = host.MapIn(kLong, root, Host::At(1), 3, kWriteUser | kUsed);
  TestFixture::MapTable(host, root, Host::At(kLarge), place.table);
  host.Read(Host::At(1));
  EXPECT_TRUE(host.mmu.UnprotectVirt(0, Host::At(kLarge)));
  EXPECT_EQ(host.ShadowOf(place.table, 1), nullptr);
  EXPECT_FALSE(host.mmu.UnprotectPage(place.table));
  EXPECT_EQ(host.RmapLength(3), 0);
  TestFixture::ExpectSound(host);
}

TYPED_TEST(ShadowMmuTest, AnAccessWithoutMemoryFailsAndSucceedsLater) {
  USING_HOST;
  for (uint64_t nth = 1; nth < 40; ++nth) {
    Host host;
    const Gfn root = host.Boot(kLong);
    host.MapIn(kLong, root, Host::At(1), 3, kWriteUser | kUsed);
    host.memory.FailNth(nth);
    const AccessResult first = host.Read(Host::At(1));
    if (first.code != MmuCode::kOk) {
      EXPECT_EQ(first.code, MmuCode::kNoMemory);
      EXPECT_EQ(host.RmapLength(3), 0);
    }
    host.memory.FailNth(0);
    EXPECT_EQ(host.Audit(), "");
    EXPECT_EQ(host.Read(Host::At(1)).code, MmuCode::kOk);
    TestFixture::ExpectSound(host);
  }
}

TYPED_TEST(ShadowMmuTest, AFrameOnTooManySptesIsRecycled) {
  USING_HOST;
  Host host;
  const Gfn root = host.Boot(kLong);
  const Gva full = TypeParam::Limits::kRecycleThreshold + 2;
  for (Gva i = 1; i <= full + 1; ++i) {
    host.MapIn(kLong, root, Host::At(i), 3, kWriteUser | kUsed);
    EXPECT_EQ(host.Read(Host::At(i)).code, MmuCode::kOk);
    if (i < full) EXPECT_EQ(host.mmu.graph().stats().recycled, 0u) << i;
  }
  // The spte that made it too many goes with the others; the access installs it again.
  EXPECT_EQ(host.mmu.graph().stats().recycled, 1u);
  EXPECT_EQ(host.RmapLength(3), 2);
  TestFixture::ExpectSound(host);
}

TYPED_TEST(ShadowMmuTest, ASelfMappedTableIsShadowedAtEveryLevel) {
  USING_HOST;
  Host host;
  const Gfn root = host.Boot(kLong);
  host.SetEntry(kLong, root, 1, Host::Leaf(root, kWriteUser));
  Gva self = 0;
  for (int level = 0; level < 4; ++level) self = self << TypeParam::Limits::kLevelBits | 1;
  EXPECT_EQ(host.Read(Host::At(self, 1)).code, MmuCode::kOk);
  for (int level = 1; level <= 4; ++level) EXPECT_NE(host.ShadowOf(root, level), nullptr) << level;
  EXPECT_EQ(host.Write(Host::At(self, 2), 0).code, MmuCode::kEmulated);
  EXPECT_EQ(host.Audit(), "");
  EXPECT_EQ(host.Write(Host::At(self, 1), 0).code, MmuCode::kEmulated);
  EXPECT_EQ(host.Read(Host::At(self, 1)).code, MmuCode::kGuestFault);
  TestFixture::ExpectSound(host);
}

}  // namespace
}  // namespace rmapdiff
