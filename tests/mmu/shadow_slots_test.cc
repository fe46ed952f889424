// The shadow MMU, scenario by scenario: memslots and dirty logs of releases after 2.6.36.
//
// Every scenario runs on both reverse maps and with both sets of limits, and is audited at its end.
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "mmu/shadow/shadow_mmu_slots.h"
#include "tests/mmu/shadow_fixture.h"

namespace rmapdiff {
namespace {

constexpr auto kLong = PagingMode::kLong;

template <class R>
class ShadowSlotsTest : public testing::Test {
 protected:
  using Host = ShadowHost<R>;
  static constexpr Gfn kBits = R::Limits::kLogWordBits;
  static constexpr Gfn kRom = Host::kFrames;  // the first frame of slot 1

  static void ExpectSound(Host& host) {
    EXPECT_EQ(host.Audit(), "");
    EXPECT_EQ(host.Leaks(), "");
  }
  static void Log(Host& host) {
    ASSERT_EQ(host.mmu.SetMemslot({0, 0, Host::kFrames, 0, true}), MmuCode::kOk);
    host.mmu.SetManualProtect(true);
  }
  // A read-only slot of one large page behind host page `hva`.
  static void AddRom(Host& host, Hva hva) {
    constexpr Gfn kLarge = Gfn{1} << R::Limits::kLevelBits;
    ASSERT_EQ(host.mmu.SetMemslot({1, kRom, kLarge, hva, false, true}), MmuCode::kOk);
  }
  static std::vector<Gfn> Fetch(Host& host) {
    std::vector<Gfn> dirty;
    EXPECT_EQ(host.mmu.GetDirtyLog(0, &dirty), MmuCode::kOk);
    return dirty;
  }
  static bool IsDirty(Host& host, Gfn gfn) {
    const std::vector<Gfn> dirty = Fetch(host);
    return std::find(dirty.begin(), dirty.end(), gfn) != dirty.end();
  }
  static MmuCode Clear(Host& host, Gfn first, Gfn npages, uint64_t bits, size_t words) {
    return host.mmu.ClearDirtyLog({0, first, npages, std::vector<uint64_t>(words, bits)});
  }
};

using Maps = testing::Types<SiblingMap<TinyLimits>, DescriptorMap<TinyLimits>,
                            SiblingMap<ProductionLimits>, DescriptorMap<ProductionLimits>>;
TYPED_TEST_SUITE(ShadowSlotsTest, Maps);

#define USING_HOST                          \
  using Host = ShadowHost<TypeParam>;       \
  constexpr Gfn kBits = TestFixture::kBits; \
  constexpr Gfn kRom = TestFixture::kRom;   \
  static_cast<void>(kBits + kRom)

// ---- Manual protection ----

TYPED_TEST(ShadowSlotsTest, AFetchLeavesTheFramesDirtyUntilTheyAreCleared) {
  USING_HOST;
  Host host;
  const Gfn root = host.Boot(kLong);
  host.MapIn(kLong, root, Host::At(1), 3, kWriteUser | kUsed);
  TestFixture::Log(host);
  host.Write(Host::At(1), 1);
  EXPECT_TRUE(TestFixture::IsDirty(host, 3));
  EXPECT_TRUE(TestFixture::IsDirty(host, 3));
  EXPECT_TRUE(IsWritable(host.SpteOf(Host::At(1))));
  EXPECT_EQ(TestFixture::Clear(host, 0, kBits, 1 << 3, 1), MmuCode::kOk);
  EXPECT_FALSE(IsWritable(host.SpteOf(Host::At(1))));
  EXPECT_TRUE(host.mmu.vcpu(0).tlb.entries().empty());
  EXPECT_FALSE(TestFixture::IsDirty(host, 3));
  host.Write(Host::At(1), 2);
  EXPECT_TRUE(TestFixture::IsDirty(host, 3));
  TestFixture::ExpectSound(host);
}

TYPED_TEST(ShadowSlotsTest, AClearTouchesOnlyWhatUserspaceHasSet) {
  USING_HOST;
  Host host;
  const Gfn root = host.Boot(kLong);
  host.MapIn(kLong, root, Host::At(1), 1, kWriteUser | kUsed);
  host.MapIn(kLong, root, Host::At(2), kBits + 2, kWriteUser | kUsed);
  TestFixture::Log(host);
  host.Write(Host::At(1), 1);
  host.Write(Host::At(2), 1);
  EXPECT_EQ(TestFixture::Clear(host, 0, 2 * kBits, 1 << 2, 2), MmuCode::kOk);
  EXPECT_TRUE(IsWritable(host.SpteOf(Host::At(1))));
  EXPECT_FALSE(IsWritable(host.SpteOf(Host::At(2))));
  EXPECT_TRUE(TestFixture::IsDirty(host, 1));
  EXPECT_FALSE(TestFixture::IsDirty(host, kBits + 2));
  host.mmu.SetManualProtect(false);
  EXPECT_TRUE(TestFixture::IsDirty(host, 1));
  EXPECT_FALSE(TestFixture::IsDirty(host, 1));
  EXPECT_FALSE(IsWritable(host.SpteOf(Host::At(1))));
  TestFixture::ExpectSound(host);
}

TYPED_TEST(ShadowSlotsTest, ARangeConsistsOfWordsOfItsSlot) {
  USING_HOST;
  Host host;
  TestFixture::Log(host);
  constexpr Gfn kAll = Host::kFrames;
  const auto clear = [&](Gfn first, Gfn npages) {
    return TestFixture::Clear(host, first, npages, ~uint64_t{0}, npages / kBits + 1);
  };
  EXPECT_EQ(clear(0, kAll), MmuCode::kOk);
  EXPECT_EQ(clear(kBits, kAll - kBits), MmuCode::kOk);
  EXPECT_EQ(clear(kAll, 0), MmuCode::kOk);
  EXPECT_EQ(clear(0, 0), MmuCode::kOk);
  EXPECT_EQ(clear(1, kBits), MmuCode::kInvalid);
  EXPECT_EQ(clear(0, kBits + 1), MmuCode::kInvalid);
  EXPECT_EQ(clear(0, kAll + 1), MmuCode::kInvalid);
  EXPECT_EQ(clear(kAll, kBits), MmuCode::kInvalid);
  EXPECT_EQ(clear(kAll + kBits, 0), MmuCode::kInvalid);
  EXPECT_EQ(TestFixture::Clear(host, 0, 2 * kBits, 0, 1), MmuCode::kHostFault);
  EXPECT_EQ(host.mmu.ClearDirtyLog({1, 0, 0, {}}), MmuCode::kInvalid);
  // The last word of a slot may be a part of one, whatever userspace sets beyond it.
  ASSERT_EQ(host.mmu.SetMemslot({1, kRom, kBits + 2, kRom, true}), MmuCode::kOk);
  ASSERT_TRUE(host.mmu.WriteGuest(kRom + kBits + 1, 0, 1));
  EXPECT_EQ(host.mmu.ClearDirtyLog({1, kBits, 2, {~uint64_t{0}}}), MmuCode::kOk);
  EXPECT_EQ(host.mmu.ClearDirtyLog({1, kBits, 1, {~uint64_t{0}}}), MmuCode::kInvalid);
  std::vector<Gfn> dirty;
  EXPECT_EQ(host.mmu.GetDirtyLog(1, &dirty), MmuCode::kOk);
  EXPECT_TRUE(dirty.empty());
  TestFixture::ExpectSound(host);
}

// ---- Read-only slots ----

TYPED_TEST(ShadowSlotsTest, AReadOnlySlotIsReadAndItsStoresAreMmio) {
  USING_HOST;
  Host host;
  const Gfn root = host.Boot(kLong, 0, /*wp=*/false);
  TestFixture::AddRom(host, kRom);
  host.MapIn(kLong, root, Host::At(1), kRom + 1, kWriteUser | kUsed);
  ASSERT_TRUE(host.mmu.HostWrite(kRom + 1, 0, 7)) << "userspace may write it";
  EXPECT_EQ(host.Read(Host::At(1)).value, 7u);
  EXPECT_FALSE(IsWritable(host.SpteOf(Host::At(1))));
  EXPECT_EQ(host.Write(Host::At(1), 1).code, MmuCode::kMmio);
  EXPECT_EQ(host.Write(Host::At(1), 1, 0, /*user=*/false).code, MmuCode::kMmio);
  EXPECT_EQ(host.mmu.PvMmuWrite(0, Gva{kRom + 1} << kPageShift, 1, 8), MmuCode::kMmio);
  EXPECT_FALSE(host.mmu.WriteGuest(kRom + 1, 0, 1));
  EXPECT_EQ(host.Read(Host::At(1)).value, 7u);
  TestFixture::ExpectSound(host);
}

TYPED_TEST(ShadowSlotsTest, UnderEptAReadOnlySlotIsNotWritableEither) {
  USING_HOST;
  MmuConfig config;
  config.masks = kEptMasks;
  config.tdp = true;
  Host host(config);
  TestFixture::AddRom(host, kRom);
  EXPECT_EQ(host.Read(Host::At(kRom)).code, MmuCode::kOk);
  EXPECT_FALSE(IsWritable(host.SpteOf(Host::At(kRom))));
  EXPECT_EQ(host.Write(Host::At(kRom), 1).code, MmuCode::kMmio);
  TestFixture::ExpectSound(host);
}

TYPED_TEST(ShadowSlotsTest, AReadOnlySlotIsMappedLarge) {
  USING_HOST;
  Host host;
  const Gfn root = host.Boot(kLong);
  TestFixture::AddRom(host, kRom);
  host.mmu.SetBacking(kRom, kDirectoryLevel);
  host.MapIn(kLong, root, 0, kRom, kWriteUser | kUsed, kDirectoryLevel);
  EXPECT_EQ(host.Read(Host::At(0)).code, MmuCode::kOk);
  EXPECT_TRUE(IsHuge(host.SpteOf(Host::At(0), kDirectoryLevel)));
  EXPECT_FALSE(IsWritable(host.SpteOf(Host::At(0), kDirectoryLevel)));
  TestFixture::ExpectSound(host);
}

TYPED_TEST(ShadowSlotsTest, TablesInAReadOnlySlotKeepTheirUsedBits) {
  USING_HOST;
  Host host;
  const Gfn root = host.Boot(kLong);
  const auto place = host.PlaceOf(kLong, root, Host::At(1), kDirectoryLevel);
  TestFixture::AddRom(host, kRom);
  host.SetEntry(kLong, place.table, place.index, Host::Leaf(kRom, kWriteUser | kUsed));
  host.SetEntry(kLong, kRom, 1, Host::Leaf(3, kWriteUser));
  EXPECT_EQ(host.Read(Host::At(1)).code, MmuCode::kOk);
  EXPECT_FALSE(IsWritable(host.SpteOf(Host::At(1))));
  EXPECT_EQ(host.Write(Host::At(1), 5).code, MmuCode::kOk);
  EXPECT_EQ(host.Entry(kLong, kRom, 1), Host::Leaf(3, kWriteUser));
  EXPECT_EQ(host.mmu.ReadGuest(3, 0), 5u);
  TestFixture::ExpectSound(host);
}

TYPED_TEST(ShadowSlotsTest, TheFlagOfASlotCannotBeChanged) {
  USING_HOST;
  Host host;
  constexpr Gfn kSize = Gfn{1} << TypeParam::Limits::kLevelBits;
  TestFixture::AddRom(host, kRom);
  EXPECT_EQ(host.mmu.SetMemslot({1, kRom, kSize, kRom, false, false}), MmuCode::kInvalid);
  EXPECT_EQ(host.mmu.SetMemslot({0, 0, Host::kFrames, 0, false, true}), MmuCode::kInvalid);
  EXPECT_EQ(host.mmu.SetMemslot({1, kRom + kSize, kSize, kRom, false, true}), MmuCode::kOk);
  EXPECT_FALSE(host.mmu.WriteGuest(kRom + kSize, 0, 1)) << "it moves with the slot";
  TestFixture::ExpectSound(host);
}

}  // namespace
}  // namespace rmapdiff
