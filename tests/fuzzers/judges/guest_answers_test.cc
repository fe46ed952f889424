// Refusals, with a test in the place of the MMU: each that is due is accepted, and each that is not
// is told. Tables have 8 words. Slot 0 has kFrames frames; frame n is host page n.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "fuzzers/judges/guest_truth.h"
#include "tests/fuzzers/judges/wrong.h"

namespace rmapdiff {
namespace {

using Kind = TruthResult::Kind;
using Type = TruthAccess::Type;
using Wrong = GuestTruth::Wrong;

constexpr Gfn kFrames = 64;
constexpr Gfn kRoot = 1;
constexpr Gfn kOutside = kFrames;
constexpr GuestMode kLong{PagingMode::kLong, true, true, true};
constexpr GuestMode kPae{PagingMode::kPae, true, true, true};
constexpr GuestMode kOff{PagingMode::kNonPaging, true, false, true};
constexpr char kDue[] = "which had to be loaded";

class GuestAnswersTest : public testing::Test {
 protected:
  GuestAnswersTest() { truth.SlotChanged(0, 0, kFrames, 0, false); }
  // Userspace's store.
  void Set(Gfn gfn, unsigned word, uint64_t value) {
    host.Write(static_cast<Hva>(gfn), word, value);
    EXPECT_TRUE(Fine(truth.UserspaceStored(gfn, word)));
  }
  static TruthAccess Store(Gfn gfn, unsigned word, uint64_t value, int bytes = 8) {
    return {Gva{gfn} << kPageShift | Gva{word} * 8, Type::kWrite, false, value, bytes};
  }

  Host host{8, 3};
  GuestTruth truth{host, {3, 1, false, 4}};
};

TEST_F(GuestAnswersTest, AModeNeedsARootInMemory) {
  EXPECT_TRUE(Fine(truth.ModeAnswered(0, kLong, kRoot, true)));
  EXPECT_TRUE(Says(truth.ModeAnswered(0, kLong, kRoot, false), kDue));
  EXPECT_TRUE(Fine(truth.ModeAnswered(0, kLong, kOutside, false)));
  EXPECT_TRUE(Says(truth.ModeAnswered(0, kLong, kOutside, true), "no memslot has it"));
  EXPECT_TRUE(Fine(truth.ModeAnswered(0, kOff, kOutside, true))) << "without paging none";
}

TEST_F(GuestAnswersTest, PdptrsAreInMemoryAndWellFormed) {
  EXPECT_TRUE(Fine(truth.ModeAnswered(0, kPae, kRoot, true)));
  for (unsigned bit = 1; bit < 64; ++bit) {
    Set(kRoot, 3, 1ull << bit);
    EXPECT_TRUE(Says(truth.ModeAnswered(0, kPae, kRoot, false), kDue)) << "not present";
    Set(kRoot, 3, kGptePresent | 1ull << bit);
    const bool ignored = bit == 3 || bit == 4 || (bit >= 9 && bit < kMaxPhysicalBits);
    EXPECT_TRUE(ignored ? Fine(truth.ModeAnswered(0, kPae, kRoot, true))
                        : Says(truth.ModeAnswered(0, kPae, kRoot, true), "malformed"))
        << bit;
    EXPECT_TRUE(ignored ? Says(truth.ModeAnswered(0, kPae, kRoot, false), kDue)
                        : Fine(truth.ModeAnswered(0, kPae, kRoot, false)))
        << bit;
  }
  Set(kRoot, 3, kGptePresent);
  host.Unmap(kRoot);
  EXPECT_TRUE(Says(truth.ModeAnswered(0, kPae, kRoot, true), "not in memory"));
}

TEST_F(GuestAnswersTest, TheSameCr3NeedsNoMemoryAgain) {
  truth.SetMode(0, kLong, kRoot);
  truth.SlotChanged(0, 0, 0, 0, false);
  EXPECT_TRUE(Fine(truth.Cr3Answered(0, kRoot, true)));
  EXPECT_TRUE(Says(truth.Cr3Answered(0, kRoot, false), kDue));
  EXPECT_TRUE(Fine(truth.Cr3Answered(0, kRoot + 1, false)));
  EXPECT_TRUE(Says(truth.Cr3Answered(0, kRoot + 1, true), "no memslot has it"));
}

TEST_F(GuestAnswersTest, AGuestIsShutDownForARootWithoutMemoryAlone) {
  truth.SetMode(0, kLong, kRoot);
  EXPECT_TRUE(Says(truth.ShutDown(0), "its root table is in memory"));
  Set(kRoot, 2, Gpte{kOutside} << kPageShift);
  truth.SetMode(0, kPae, kRoot);
  EXPECT_TRUE(Says(truth.ShutDown(0), "its root table is in memory")) << "no root is there";
  Set(kRoot, 2, Gpte{kOutside} << kPageShift | kGptePresent);
  truth.SetMode(0, kPae, kRoot);
  EXPECT_TRUE(Fine(truth.ShutDown(0)));
  truth.SetMode(0, kLong, kRoot);
  truth.SlotChanged(0, 0, 0, 0, false);
  EXPECT_TRUE(Fine(truth.ShutDown(0)));
  truth.SetMode(0, kOff, 0);
  EXPECT_TRUE(Says(truth.ShutDown(0), "its root table is in memory"));
}

TEST_F(GuestAnswersTest, AStoreIsRefusedOnlyWhereThereIsNoPage) {
  EXPECT_TRUE(Fine(truth.StoreAnswered(Store(kOutside, 0, 1), Kind::kMmio)));
  EXPECT_TRUE(Fine(truth.StoreAnswered(Store(kOutside, 0, 1), Kind::kOther)));
  EXPECT_TRUE(Says(truth.StoreAnswered(Store(kOutside, 0, 1), Kind::kDone), "no memslot"));
  EXPECT_TRUE(Says(truth.StoreAnswered(Store(kOutside, 0, 1), Kind::kHostFault), "no memslot"));
  EXPECT_TRUE(Says(truth.StoreAnswered(Store(3, 0, 1), Kind::kOther), "it is in memory"));
  host.Unmap(3);
  EXPECT_TRUE(Fine(truth.StoreAnswered(Store(3, 0, 1), Kind::kHostFault)));
  EXPECT_TRUE(Fine(truth.StoreAnswered(Store(3, 0, 1), Kind::kOther)));
  EXPECT_TRUE(Says(truth.StoreAnswered(Store(3, 0, 1), Kind::kMmio), "nothing mapped there"));
}

TEST_F(GuestAnswersTest, AStoreThatWasDoneIsInMemory) {
  Set(3, 2, 0x1122334455667788);
  EXPECT_TRUE(Fine(truth.StoreAnswered(Store(3, 2, 0x1122334455667788), Kind::kDone)));
  EXPECT_TRUE(Says(truth.StoreAnswered(Store(3, 2, 0), Kind::kDone), "which is 0x11223344"));
  EXPECT_TRUE(Fine(truth.StoreAnswered(Store(3, 2, 0x55667788, 4), Kind::kDone)));
}

TEST_F(GuestAnswersTest, AnAccessFailsInTheHostOnlyWhereThePageIsGone) {
  const TruthAccess read{Gva{3} << kPageShift};
  EXPECT_TRUE(Says(truth.Accessed(0, read, {Kind::kHostFault}), "the host has not mapped"));
  host.Unmap(3);
  EXPECT_TRUE(Fine(truth.Accessed(0, read, {Kind::kHostFault})));
}

TEST_F(GuestAnswersTest, OperationsThatStoreNothingStoreNothing) {
  EXPECT_TRUE(Fine(truth.StoredNothing(true)));
  host.Write(3, 1, 7);
  EXPECT_TRUE(Says(truth.StoredNothing(true), "has changed word 1 of host page 0x3"));
  host.Write(3, 1, 8);
  EXPECT_TRUE(Fine(truth.UserspaceStored(3, 1)));
  host.Write(3, 1, 9);
  EXPECT_TRUE(Says(truth.UserspaceStored(3, 2), "has changed word 1"));
}

TEST_F(GuestAnswersTest, ALookUpSetsAccessedAndKnowsItsFrame) {
  constexpr Gpte kLink = kGptePresent | kGpteWritable | kGpteAccessed;
  for (const Gfn table : {1, 2, 3}) Set(table, 0, Gpte{table + 1} << kPageShift | kLink);
  Set(4, 0, Gpte{9} << kPageShift | kGptePresent);
  truth.SetMode(0, kLong, kRoot);
  host.Write(4, 0, Gpte{9} << kPageShift | kGptePresent | kGpteAccessed);
  EXPECT_TRUE(Fine(truth.LookedUp(0, 0)));
  EXPECT_TRUE(truth.MustHaveMet(9));
  EXPECT_FALSE(truth.MayHaveMet(8));
  host.Write(4, 0, Gpte{9} << kPageShift | kGptePresent | kGpteAccessed | kGpteDirty);
  EXPECT_TRUE(Says(truth.LookedUp(0, 0), "nothing asked for the store"));
  EXPECT_TRUE(Fine(truth.LookedUp(0, Gva{1} << kPageShift)));
  EXPECT_FALSE(truth.MustHaveMet(9)) << "the walk faults";
}

TEST_F(GuestAnswersTest, ABlockIsMetAsAWhole) {
  host.SetBacking(16, 2);
  EXPECT_TRUE(Fine(truth.LookedUp(0, Gva{17} << kPageShift)));
  EXPECT_TRUE(truth.MayHaveMetBlockOf(22));
  EXPECT_FALSE(truth.MayHaveMetBlockOf(24));
  EXPECT_FALSE(truth.MayHaveMet(22));
}

}  // namespace
}  // namespace rmapdiff
