// SMEP and SMAP, and the registers that select tables: on both reverse maps and with both sets of
// limits.
#include <gtest/gtest.h>

#include "mmu/shadow/shadow_mmu.h"
#include "tests/mmu/shadow_fixture.h"

namespace rmapdiff {
namespace {

constexpr auto kLong = PagingMode::kLong;
constexpr auto kPae = PagingMode::kPae;
constexpr auto k32Bit = PagingMode::k32Bit;

constexpr Gva kUserPage = 1;
constexpr Gva kKernelPage = 2;
constexpr Gva kReadOnlyUserPage = 3;
constexpr Gfn kFrame = 3;  // of the first page

template <class R>
class ShadowRightsTest : public testing::Test {
 protected:
  using Host = ShadowHost<R>;

  // A guest with one page of each kind. NX is off.
  static Gfn Boot(Host& host, GuestMode mode) {
    mode.nx = false;
    const Gfn root = host.Boot(mode.paging);
    host.MapIn(mode.paging, root, Host::At(kUserPage), kFrame, kWriteUser | kUsed);
    host.MapIn(mode.paging, root, Host::At(kKernelPage), kFrame + 1,
               kGptePresent | kGpteWritable | kUsed);
    host.MapIn(mode.paging, root, Host::At(kReadOnlyUserPage), kFrame + 2, kReadUser | kUsed);
    EXPECT_EQ(host.mmu.SetMode(0, mode, root), MmuCode::kOk);
    return root;
  }
  static AccessResult Supervisor(Host& host, AccessType type, Gva page,
                                 AccessKind kind = AccessKind::kPlain) {
    return host.mmu.Access(0, {Host::At(page), type, /*user=*/false, 7, 8, kind});
  }
  static void ExpectFault(const AccessResult& result, uint32_t error_code) {
    EXPECT_EQ(result.code, MmuCode::kGuestFault);
    EXPECT_EQ(result.error_code, error_code);
  }
  static void ExpectSound(Host& host) {
    EXPECT_EQ(host.Audit(), "");
    EXPECT_EQ(host.Leaks(), "");
  }
};

using Maps = testing::Types<SiblingMap<TinyLimits>, DescriptorMap<TinyLimits>,
                            SiblingMap<ProductionLimits>, DescriptorMap<ProductionLimits>>;
TYPED_TEST_SUITE(ShadowRightsTest, Maps);

#define USING_HOST             \
  using Fixture = TestFixture; \
  using Host = ShadowHost<TypeParam>

TYPED_TEST(ShadowRightsTest, SmepForbidsFetchesFromUserPages) {
  USING_HOST;
  for (const PagingMode paging : {kLong, kPae, k32Bit}) {
    Host host;
    Fixture::Boot(host, {.paging = paging, .smep = true});
    // Not even if the page is mapped already.
    EXPECT_EQ(host.Fetch(Host::At(kUserPage)).code, MmuCode::kOk);
    Fixture::ExpectFault(Fixture::Supervisor(host, AccessType::kFetch, kUserPage),
                         kFaultPresent | kFaultFetch);
    EXPECT_EQ(Fixture::Supervisor(host, AccessType::kRead, kUserPage).code, MmuCode::kOk);
    EXPECT_EQ(Fixture::Supervisor(host, AccessType::kWrite, kUserPage).code, MmuCode::kOk);
    EXPECT_EQ(Fixture::Supervisor(host, AccessType::kFetch, kKernelPage).code, MmuCode::kOk);
    EXPECT_EQ(host.Fetch(Host::At(kUserPage)).code, MmuCode::kOk);
    // A fetch is reported where SMEP can forbid it, though NX is off.
    Fixture::ExpectFault(host.Fetch(Host::At(kKernelPage)),
                         kFaultPresent | kFaultUser | kFaultFetch);
    Fixture::ExpectSound(host);
  }
}

TYPED_TEST(ShadowRightsTest, SmapForbidsDataAccessesToUserPages) {
  USING_HOST;
  for (const PagingMode paging : {kLong, kPae, k32Bit}) {
    Host host;
    Fixture::Boot(host, {.paging = paging, .smap = true});
    EXPECT_EQ(host.Write(Host::At(kUserPage), 1).code, MmuCode::kOk);
    Fixture::ExpectFault(Fixture::Supervisor(host, AccessType::kRead, kUserPage), kFaultPresent);
    Fixture::ExpectFault(Fixture::Supervisor(host, AccessType::kWrite, kUserPage),
                         kFaultPresent | kFaultWrite);
    for (const AccessType type : {AccessType::kRead, AccessType::kWrite}) {
      EXPECT_EQ(Fixture::Supervisor(host, type, kUserPage, AccessKind::kAc).code, MmuCode::kOk);
      EXPECT_EQ(Fixture::Supervisor(host, type, kKernelPage).code, MmuCode::kOk);
    }
    EXPECT_EQ(Fixture::Supervisor(host, AccessType::kFetch, kUserPage).code, MmuCode::kOk);
    Fixture::ExpectSound(host);
  }
}

TYPED_TEST(ShadowRightsTest, AnImplicitAccessIsTheSupervisorsAndAcDoesNotHelpIt) {
  USING_HOST;
  for (const bool smap : {true, false}) {
    Host host;
    Fixture::Boot(host, {.paging = kLong, .smap = smap});
    for (const bool user : {true, false}) {
      const AccessRequest read{Host::At(kUserPage),  AccessType::kRead, user, 0, 8,
                               AccessKind::kImplicit};
      const AccessResult result = host.mmu.Access(0, read);
      EXPECT_EQ(result.code, smap ? MmuCode::kGuestFault : MmuCode::kOk);
      EXPECT_EQ(result.error_code, smap ? kFaultPresent : 0);
      AccessRequest other = read;
      other.gva = Host::At(kKernelPage);
      EXPECT_EQ(host.mmu.Access(0, other).code, MmuCode::kOk);
    }
    Fixture::ExpectSound(host);
  }
}

TYPED_TEST(ShadowRightsTest, APageBelowAnEntryOfTheKernelIsNotTheUsers) {
  USING_HOST;
  Host host;
  const Gfn root = Fixture::Boot(host, {.paging = kLong, .smep = true, .smap = true});
  const auto above = host.PlaceOf(kLong, root, Host::At(kUserPage), 2);
  const Gpte entry = host.Entry(kLong, above.table, above.index);
  host.SetEntry(kLong, above.table, above.index, entry & ~kGpteUser);
  for (const AccessType type : {AccessType::kRead, AccessType::kWrite, AccessType::kFetch}) {
    EXPECT_EQ(Fixture::Supervisor(host, type, kUserPage).code, MmuCode::kOk);
  }
  Fixture::ExpectSound(host);
}

TYPED_TEST(ShadowRightsTest, NoAccessedBitComesFromAFaultOfSmepOrSmap) {
  USING_HOST;
  Host host;
  const Gfn root = Fixture::Boot(host, {.paging = kLong, .smep = true, .smap = true});
  const auto leaf = host.MapIn(kLong, root, Host::At(kUserPage), kFrame, kWriteUser);
  Fixture::ExpectFault(Fixture::Supervisor(host, AccessType::kRead, kUserPage), kFaultPresent);
  Fixture::ExpectFault(Fixture::Supervisor(host, AccessType::kFetch, kUserPage),
                       kFaultPresent | kFaultFetch);
  EXPECT_EQ(host.Entry(kLong, leaf.table, leaf.index) & kUsed, 0u);
  Fixture::ExpectSound(host);
}

// Without WP the kernel's store makes the page its own. NX is off, but the shadow has it.
TYPED_TEST(ShadowRightsTest, APageThatTheKernelStoresIntoWithoutWpIsNotExecutableUnderSmep) {
  USING_HOST;
  for (const bool late : {true, false}) {
    MmuConfig config;
    config.quirks.wp0_after_choosing_page = late;
    Host host(config);
    Fixture::Boot(host, {.paging = kLong, .wp = false, .smep = true});
    for (int i = 0; i < 2; ++i) {
      EXPECT_EQ(Fixture::Supervisor(host, AccessType::kWrite, kReadOnlyUserPage).code,
                MmuCode::kOk);
      Fixture::ExpectFault(Fixture::Supervisor(host, AccessType::kFetch, kReadOnlyUserPage),
                           kFaultPresent | kFaultFetch);
      EXPECT_EQ(host.Fetch(Host::At(kReadOnlyUserPage)).code, MmuCode::kOk);
    }
    Fixture::ExpectSound(host);
  }
}

TYPED_TEST(ShadowRightsTest, PagesThatWereMadeTheKernelsBeforeDoNotServeUnderSmepOrSmap) {
  USING_HOST;
  for (const bool smep : {true, false}) {
    Host host;
    Fixture::Boot(host, {.paging = kLong, .wp = false});
    EXPECT_EQ(Fixture::Supervisor(host, AccessType::kWrite, kReadOnlyUserPage).code, MmuCode::kOk);
    const AccessType type = smep ? AccessType::kFetch : AccessType::kRead;
    EXPECT_EQ(Fixture::Supervisor(host, type, kReadOnlyUserPage).code, MmuCode::kOk);
    EXPECT_EQ(host.mmu.WriteCr4(0, smep, !smep), MmuCode::kOk);
    Fixture::ExpectFault(Fixture::Supervisor(host, type, kReadOnlyUserPage),
                         kFaultPresent | (smep ? kFaultFetch : 0));
    Fixture::ExpectSound(host);
  }
}

TYPED_TEST(ShadowRightsTest, AStoreWithAcAndWithoutWpDoesNotOpenThePageForOthers) {
  USING_HOST;
  Host host;
  Fixture::Boot(host, {.paging = kLong, .wp = false, .smap = true});
  const AccessResult store =
      Fixture::Supervisor(host, AccessType::kWrite, kReadOnlyUserPage, AccessKind::kAc);
  EXPECT_EQ(store.code, MmuCode::kEmulated);
  EXPECT_EQ(store.value, 7u);
  Fixture::ExpectFault(Fixture::Supervisor(host, AccessType::kRead, kReadOnlyUserPage),
                       kFaultPresent);
  Fixture::ExpectFault(Fixture::Supervisor(host, AccessType::kWrite, kReadOnlyUserPage),
                       kFaultPresent | kFaultWrite);
  EXPECT_EQ(host.Read(Host::At(kReadOnlyUserPage)).value, 7u);
  Fixture::ExpectSound(host);
}

TYPED_TEST(ShadowRightsTest, WithoutPagingBothDoNothing) {
  USING_HOST;
  Host host;
  const GuestMode mode{.paging = PagingMode::kNonPaging, .smep = true, .smap = true};
  EXPECT_EQ(host.mmu.SetMode(0, mode, 0), MmuCode::kOk);
  for (const AccessType type : {AccessType::kRead, AccessType::kWrite, AccessType::kFetch}) {
    EXPECT_EQ(Fixture::Supervisor(host, type, kUserPage).code, MmuCode::kOk);
  }
  Fixture::ExpectSound(host);
}

TYPED_TEST(ShadowRightsTest, PdptrsAreLoadedAgainWhenSmepChangesAndNotWhenSmapDoes) {
  USING_HOST;
  for (const bool malformed : {false, true}) {
    Host host;
    const Gfn root = Fixture::Boot(host, {.paging = kPae});
    host.SetEntry(kPae, root, 0, malformed ? kGptePresent | kGpteUser : 0);
    EXPECT_EQ(host.mmu.WriteCr4(0, false, true), MmuCode::kOk);
    EXPECT_EQ(host.Read(Host::At(kUserPage)).code, MmuCode::kOk);
    EXPECT_EQ(host.mmu.WriteCr4(0, true, true),
              malformed ? MmuCode::kGeneralProtection : MmuCode::kOk);
    EXPECT_EQ(host.mmu.vcpu(0).mode.smep, !malformed);
    EXPECT_EQ(host.Read(Host::At(kUserPage)).code, malformed ? MmuCode::kOk : MmuCode::kGuestFault);
    Fixture::ExpectSound(host);
  }
}

TYPED_TEST(ShadowRightsTest, OnlyLongModeHasReservedBitsInCr3) {
  USING_HOST;
  constexpr uint64_t kIgnored = 7 | 3 << 3;
  constexpr uint64_t kUpper = 1ull << 33;  // below the physical width, but not of 32 bits
  constexpr uint64_t kHigh[] = {1ull << kMaxPhysicalBits, 1ull << 62, 1ull << 63};
  for (const PagingMode paging : {kLong, kPae, k32Bit}) {
    Host host;
    const Gfn root = Fixture::Boot(host, {.paging = paging});
    const bool is_long = paging == kLong;
    const MmuCode refused = is_long ? MmuCode::kGeneralProtection : MmuCode::kOk;
    const Gfn empty = host.NewTable();
    EXPECT_EQ(host.mmu.LoadCr3(0, empty, kIgnored), MmuCode::kOk);
    EXPECT_EQ(host.mmu.vcpu(0).cr3, empty);
    EXPECT_EQ(host.Read(Host::At(kUserPage)).code, MmuCode::kGuestFault);
    for (const uint64_t bit : kHigh) EXPECT_EQ(host.mmu.LoadCr3(0, root, bit), refused);
    EXPECT_EQ(host.mmu.vcpu(0).cr3, is_long ? empty : root);
    // In long mode the bit is one of the address, where this guest has no memory.
    EXPECT_EQ(host.mmu.LoadCr3(0, root, kUpper), refused);
    EXPECT_EQ(host.mmu.LoadCr3(0, root, 0), MmuCode::kOk);
    EXPECT_EQ(host.Read(Host::At(kUserPage)).code, MmuCode::kOk);
    Fixture::ExpectSound(host);
  }
}

}  // namespace
}  // namespace rmapdiff
