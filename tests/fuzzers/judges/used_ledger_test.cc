// The ledger of the accessed and dirty bits, with a test in the place of the MMU: it accepts what
// is right, and each of its rules fires.
#include "fuzzers/judges/used_ledger.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace rmapdiff {
namespace {

using Wrong = UsedLedger::Wrong;

testing::AssertionResult Fine(const Wrong& wrong) {
  if (!wrong) return testing::AssertionSuccess();
  return testing::AssertionFailure() << *wrong;
}
testing::AssertionResult Says(const Wrong& wrong, const std::string& what) {
  if (!wrong) return testing::AssertionFailure() << "nothing is said";
  if (wrong->find(what) != std::string::npos) return testing::AssertionSuccess();
  return testing::AssertionFailure() << *wrong;
}

constexpr char kLost[] = "no leaf says so any more, and the host does not know";
constexpr char kFromNowhere[] = "no access has led there";
constexpr char kToldOfNothing[] = "was accessed, and no access led there";
constexpr char kLostWrite[] = "does not know that it is dirty";
constexpr char kReadOnly[] = "which it has read-only";

// Large leaves have 8 frames.
class UsedLedgerTest : public testing::Test {
 protected:
  UsedLedgerTest() { host.SetBacking(64, 2); }

  Pfn Frame(Hva hva) const { return host.Frame(hva); }
  UsedLeaf Leaf(Hva hva, bool accessed, int level = 1) const {
    return {Frame(hva), level, accessed, /*writable=*/true};
  }
  Wrong Accessed(Pfn frame, bool certain = true) { return ledger.Told({{frame}}, {}, certain); }
  Wrong Dirtied(Pfn frame) { return ledger.Told({}, {{frame}}, true); }
  // A guest has accessed the page, and the processor used this leaf for it.
  void Use(const UsedLeaf& leaf) {
    ledger.Reached(leaf.pfn);
    ledger.Used(leaf);
  }

  Host host{8, 3};
  UsedLedger ledger{host, 3, true};
};

TEST_F(UsedLedgerTest, AnAccessedLeafMayStayOrBeTold) {
  Use(Leaf(1, true));
  EXPECT_TRUE(Fine(ledger.Compare({Leaf(1, true)})));
  EXPECT_TRUE(Fine(ledger.Compare({Leaf(1, true), Leaf(2, false)})));
  EXPECT_TRUE(Fine(Accessed(Frame(1))));
  EXPECT_TRUE(Fine(ledger.Compare({Leaf(1, false)})));
}

TEST_F(UsedLedgerTest, AnAccessedBitIsNotLost) {
  Use(Leaf(1, true));
  EXPECT_TRUE(Says(ledger.Compare({}), kLost));
  EXPECT_TRUE(Fine(ledger.Compare({}))) << "it is reported once";
  Use(Leaf(1, true));
  EXPECT_TRUE(Fine(ledger.Compare({Leaf(1, true)})));
  EXPECT_TRUE(Says(ledger.Compare({Leaf(1, false)}), kLost));
  // The host hears of the first frame of a large leaf.
  Use(Leaf(64, true, 2));
  EXPECT_TRUE(Fine(Accessed(Frame(65), false)));
  EXPECT_TRUE(Says(ledger.Compare({}), kLost));
  Use(Leaf(64, true, 2));
  EXPECT_TRUE(Fine(Accessed(Frame(64))));
  EXPECT_TRUE(Fine(ledger.Compare({})));
}

TEST_F(UsedLedgerTest, WhatTheHostHeardBeforeDoesNotCount) {
  ledger.Reached(Frame(1));
  EXPECT_TRUE(Fine(Accessed(Frame(1))));
  ledger.Used(Leaf(1, true));
  EXPECT_TRUE(Says(ledger.Compare({}), kLost));
}

TEST_F(UsedLedgerTest, ALeafThatTheProcessorUsedThroughItsTlbPromisesNothing) {
  ledger.Used(Leaf(1, false));
  EXPECT_TRUE(Fine(ledger.Compare({})));
}

TEST_F(UsedLedgerTest, AnAccessedBitHasAnAccess) {
  EXPECT_TRUE(Says(ledger.Compare({Leaf(1, true)}), kFromNowhere));
  ledger.Reached(Frame(2));
  EXPECT_TRUE(Fine(ledger.Compare({Leaf(1, true), Leaf(2, true)}))) << "1 was reported";
  ledger.Reached(Frame(65));
  EXPECT_TRUE(Fine(ledger.Compare({Leaf(1, true), Leaf(2, true), Leaf(64, true, 2)})));
  EXPECT_TRUE(Fine(Accessed(Frame(2))));
  EXPECT_TRUE(Fine(ledger.Compare({Leaf(1, true), Leaf(64, true, 2)})));
  EXPECT_TRUE(Says(ledger.Compare({Leaf(1, true), Leaf(2, true), Leaf(64, true, 2)}), kFromNowhere))
      << "an access explains it only until it is gone";
  // A small leaf in a large one is another one.
  EXPECT_TRUE(
      Says(ledger.Compare({Leaf(1, true), Leaf(2, true), Leaf(64, true, 2), Leaf(66, true)}),
           kFromNowhere));
}

TEST_F(UsedLedgerTest, TheHostIsToldOfAccessesOnly) {
  EXPECT_TRUE(Says(Accessed(Frame(1)), kToldOfNothing));
  EXPECT_TRUE(Fine(Accessed(Frame(1), /*certain=*/false)));
  ledger.Reached(Frame(66));
  EXPECT_TRUE(Fine(Accessed(Frame(64)))) << "the first frame of the leaf";
  EXPECT_TRUE(Says(Accessed(Frame(65)), kToldOfNothing));
}

TEST_F(UsedLedgerTest, AnAccessToAnyFrameExplainsEverything) {
  ledger.Reached(std::nullopt);
  EXPECT_TRUE(Fine(Accessed(Frame(1))));
  EXPECT_TRUE(Fine(ledger.Compare({Leaf(2, true)})));
  EXPECT_TRUE(Says(Accessed(Frame(1)), kToldOfNothing));
}

TEST_F(UsedLedgerTest, AgeingTellsTheHostAndAsksForANewAccess) {
  Use(Leaf(1, true));
  Use(Leaf(64, true, 2));
  ledger.Aged(Frame(1), true);
  ledger.Aged(Frame(67), true);
  EXPECT_TRUE(Fine(ledger.Compare({Leaf(1, false), Leaf(64, false, 2)})));
  Use(Leaf(1, true));
  ledger.Aged(Frame(1), true);
  EXPECT_TRUE(Says(ledger.Compare({Leaf(1, true)}), kFromNowhere)) << "used before, not since";
  ledger.Aged(Frame(1), false);
  EXPECT_TRUE(Says(ledger.Compare({}), kLost)) << "the host heard that the page was old";
}

TEST_F(UsedLedgerTest, AgeingOnePageOnASharedFrameLeavesTheOther) {
  host.Merge(1);
  host.Merge(2);
  ASSERT_EQ(Frame(1), Frame(2));
  ledger.Reached(Frame(1));
  ledger.Aged(Frame(1), true);
  EXPECT_TRUE(Fine(ledger.Compare({Leaf(2, true)})));
}

TEST_F(UsedLedgerTest, AWriteIsNotLost) {
  ledger.Written(Frame(1));
  EXPECT_TRUE(Fine(ledger.Compare({Leaf(1, false)}))) << "the leaf is writable";
  ledger.Written(Frame(66));
  EXPECT_TRUE(Fine(ledger.Compare({Leaf(1, false), Leaf(64, false, 2)})));
  EXPECT_TRUE(Says(ledger.Compare({Leaf(1, false)}), kLostWrite));
  EXPECT_TRUE(Fine(Dirtied(Frame(64)))) << "of a large leaf the first frame";
  EXPECT_TRUE(Fine(ledger.Compare({Leaf(1, false)})));
  EXPECT_TRUE(Says(ledger.Compare({{Frame(1), 1, false, /*writable=*/false}}), kLostWrite));
  EXPECT_TRUE(Fine(Dirtied(Frame(1))));
  EXPECT_TRUE(Fine(ledger.Compare({})));
}

TEST_F(UsedLedgerTest, AReadOnlyFrameIsNeverDirty) {
  const Pfn before = Frame(1);
  host.Merge(1);
  EXPECT_TRUE(Fine(Dirtied(before)));
  EXPECT_TRUE(Says(Dirtied(Frame(1)), kReadOnly));
}

TEST_F(UsedLedgerTest, WithoutTheBitALeafCountsAsAccessedAsLongAsItIsThere) {
  UsedLedger ept{host, 3, false};
  EXPECT_TRUE(Fine(ept.Compare({Leaf(1, true)})));
  EXPECT_TRUE(Fine(ept.Told({{Frame(2)}}, {}, true)));
  EXPECT_TRUE(Says(ept.Compare({}), kLost));
}

}  // namespace
}  // namespace rmapdiff
