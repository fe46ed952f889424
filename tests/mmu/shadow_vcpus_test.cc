// The shadow MMU, scenario by scenario: vcpus that go and come, and pages that they wait for.
//
// Every scenario runs on both reverse maps and with both sets of limits, and is audited at its end.
#include <gtest/gtest.h>

#include <algorithm>

#include "mmu/shadow/shadow_mmu_async.h"
#include "tests/mmu/shadow_fixture.h"

namespace rmapdiff {
namespace {

constexpr auto kLong = PagingMode::kLong;

template <class R>
class ShadowVcpusTest : public testing::Test {
 protected:
  using Host = ShadowHost<R>;
  static MmuConfig TwoVcpus() {
    MmuConfig config;
    config.vcpus = 2;
    return config;
  }
  static void ExpectSound(Host& host) {
    EXPECT_EQ(host.Audit(), "");
    EXPECT_EQ(host.Leaks(), "");
  }
};

using Maps = testing::Types<SiblingMap<TinyLimits>, DescriptorMap<TinyLimits>,
                            SiblingMap<ProductionLimits>, DescriptorMap<ProductionLimits>>;
TYPED_TEST_SUITE(ShadowVcpusTest, Maps);

TYPED_TEST(ShadowVcpusTest, AVcpuThatGoesLeavesPagesAndQuota) {
  using Host = ShadowHost<TypeParam>;
  Host host(TestFixture::TwoVcpus());
  const Gfn root = host.Boot(kLong);
  ASSERT_EQ(host.mmu.SetMode(1, {kLong, true, false, true}, root), MmuCode::kOk);
  host.MapIn(kLong, root, Host::At(1), 3, kWriteUser | kUsed);
  host.Read(Host::At(1), 0);
  host.Read(Host::At(1), 1);
  const int pages = host.Pages();
  const int allocated = host.mmu.allocated_pages();
  EXPECT_EQ(host.ShadowOf(root, 4)->root_count, 2);
  host.mmu.ReplaceVcpu(1);
  EXPECT_EQ(host.ShadowOf(root, 4)->root_count, 1);
  EXPECT_EQ(host.Pages(), pages);
  EXPECT_EQ(host.mmu.allocated_pages(), allocated);
  EXPECT_FALSE(host.mmu.vcpu(1).root_valid);
  EXPECT_EQ(host.mmu.vcpu(1).mode.paging, PagingMode::kNonPaging);
  EXPECT_TRUE(host.mmu.vcpu(1).tlb.entries().empty());
  EXPECT_EQ(host.Read(Host::At(3), 1).code, MmuCode::kOk) << "an address is a frame";
  EXPECT_TRUE(host.Mapped(Host::At(1)));
  TestFixture::ExpectSound(host);
}

TYPED_TEST(ShadowVcpusTest, TheQuotaFollowsTheMemslots) {
  using Host = ShadowHost<TypeParam>;
  using Limits = typename TypeParam::Limits;
  Host host;
  const auto due = [](Gfn frames) {
    const int pages = static_cast<int>(frames * Limits::kPermilleMmuPages / 1000);
    return std::max(pages, Limits::kMinAllocPages);
  };
  constexpr Gfn kMore = Gfn{1} << 14;
  EXPECT_EQ(host.mmu.allocated_pages(), due(Host::kFrames));
  for (int round = 0; round < 2; ++round) {
    ASSERT_EQ(host.mmu.SetMemslot({1, Host::kFrames, kMore, 0, false}), MmuCode::kOk);
    EXPECT_EQ(host.mmu.allocated_pages(), due(Host::kFrames + kMore));
    ASSERT_EQ(host.mmu.SetMemslot({1, 0, 0, 0, false}), MmuCode::kOk);
    EXPECT_EQ(host.mmu.allocated_pages(), due(Host::kFrames));
  }
  ASSERT_EQ(host.mmu.SetQuota(Limits::kMinAllocPages + 1), MmuCode::kOk);
  ASSERT_EQ(host.mmu.SetMemslot({1, Host::kFrames, kMore, 0, false}), MmuCode::kOk);
  EXPECT_EQ(host.mmu.allocated_pages(), Limits::kMinAllocPages + 1) << "userspace has set it";
  TestFixture::ExpectSound(host);
}

// ---- Async page faults ----

TYPED_TEST(ShadowVcpusTest, APageThatIsBackIsMappedForTheVcpuThatWaits) {
  using Host = ShadowHost<TypeParam>;
  Host host;
  const Gfn root = host.Boot(kLong);
  host.MapIn(kLong, root, Host::At(1), 3, kWriteUser | kUsed);
  EXPECT_FALSE(host.mmu.AsyncPageReady(0)) << "it waits for nothing";
  host.mmu.UnmapPage(3);
  EXPECT_EQ(host.Write(Host::At(1), 1).code, MmuCode::kHostFault);
  EXPECT_EQ(host.mmu.vcpu(0).async_fault.gfn, 3u);
  host.mmu.MapPage(3);
  EXPECT_TRUE(host.mmu.AsyncPageReady(0));
  ASSERT_TRUE(host.Mapped(Host::At(1)));
  EXPECT_EQ(host.SpteOf(Host::At(1)) & kShadowMasks.accessed, 0u) << "nothing has used it yet";
  EXPECT_EQ(host.Read(Host::At(1)).exits, 0);
  EXPECT_FALSE(host.mmu.AsyncPageReady(0)) << "once";
  TestFixture::ExpectSound(host);
}

TYPED_TEST(ShadowVcpusTest, AVcpuThatIsElsewhereGetsNothing) {
  using Host = ShadowHost<TypeParam>;
  Host host;
  const Gfn root = host.Boot(kLong);
  const Gfn other = host.NewTable();
  host.MapIn(kLong, root, Host::At(1), 3, kWriteUser | kUsed);
  const auto place = host.MapIn(kLong, other, Host::At(1), 4, kWriteUser);
  const auto wait = [&] {
    ASSERT_EQ(host.mmu.LoadCr3(0, root), MmuCode::kOk);
    host.mmu.UnmapPage(3);
    ASSERT_EQ(host.Read(Host::At(1)).code, MmuCode::kHostFault);
    host.mmu.MapPage(3);
  };
  wait();
  ASSERT_EQ(host.mmu.LoadCr3(0, other), MmuCode::kOk);
  EXPECT_FALSE(host.mmu.AsyncPageReady(0));
  EXPECT_FALSE(host.Mapped(Host::At(1)));
  EXPECT_EQ(host.Entry(kLong, place.table, place.index) & kGpteAccessed, 0u);
  wait();
  ASSERT_EQ(host.mmu.SetMode(0, {}, root), MmuCode::kOk);
  EXPECT_FALSE(host.mmu.AsyncPageReady(0));
  EXPECT_FALSE(host.Mapped(Host::At(1)));
  TestFixture::ExpectSound(host);
}

}  // namespace
}  // namespace rmapdiff
