// The judge of notifiers, on words that the test writes by hand: tables of 8 entries. Slot 0 has
// frames 0 .. 0x3f on host pages 0x40 on; slot 1 has host pages 0x48 .. 0x4b once more.
#include "fuzzers/judges/notifier_truth.h"

#include <gtest/gtest.h>

#include <array>
#include <deque>
#include <string>

#include "tests/fuzzers/judges/wrong.h"

namespace rmapdiff {
namespace {

using Leaves = NotifierTruth::Leaves;

constexpr Hva kBase = 0x40;
constexpr Gfn kGfn = 8;
constexpr Hva kHva = kBase + kGfn;
constexpr Gfn kAlias = 0x100;
constexpr HostRange kPage{kHva, kHva + 1};

class NotifierTruthTest : public testing::Test {
 protected:
  static constexpr unsigned kEntries = 8;

  struct Page {
    std::array<Spte, kEntries> spt{};
    std::array<Gfn, kEntries> gfns{};
  };

  NotifierTruthTest() {
    EXPECT_EQ(slots.Answered({.id = 0, .base = 0, .npages = 0x40, .hva = kBase}, true),
              std::nullopt);
    EXPECT_EQ(slots.Answered({.id = 1, .base = kAlias, .npages = 4, .hva = kHva}, true),
              std::nullopt);
    direct = Add(1, true, kGfn);
    indirect = Add(1, false, 0x30);
    alias = Add(1, true, kAlias);
    large = Add(2, true, 0);
  }
  // A page of the level; returns its index.
  size_t Add(int level, bool is_direct, Gfn gfn) {
    memory.emplace_back();
    PageWords page;
    page.id = static_cast<PageId>(words.pages.size());
    page.role.level = static_cast<uint32_t>(level) & 0xf;
    page.role.direct = is_direct;
    page.gfn = gfn;
    page.spt = memory.back().spt.data();
    if (!is_direct) page.gfns = memory.back().gfns.data();
    words.pages.push_back(page);
    return words.pages.size() - 1;
  }
  static constexpr Spte kUsed = kSpteAccessed;
  void Map(size_t page, unsigned index, Hva hva, Spte bits = 0, Gfn gfn = kGfn) {
    memory[page].spt[index] = host.Frame(hva) << 12 | kSptePresent | bits;
    memory[page].gfns[index] = gfn;
  }
  Leaves Before() { return truth.LeavesOf(words, kPage); }
  void Cache(Hva hva) { words.tlb.push_back({0, 1, 0x5, host.Frame(hva), Gfn{hva}, false}); }

  Host host{kEntries, 3};
  GuestSlots slots;
  std::deque<Page> memory;
  MmuWords words;
  NotifierTruth truth{host, slots, kShadowMasks, kMmuTinyLayout};
  NotifierTruth without_accessed{host, slots, kEptMasks, kMmuTinyLayout};
  size_t direct, indirect, alias, large;
};

TEST_F(NotifierTruthTest, LeavesAreFoundAtEveryLevelAndThroughEverySlot) {
  host.SetBacking(kHva, 2);
  Map(direct, 0, kHva);
  Map(direct, 1, kHva + 1);  // another page
  Map(indirect, 3, kHva, 0, kGfn);
  Map(indirect, 4, kHva + 1, 0, kGfn + 1);  // another page
  Map(alias, 0, kHva);
  Map(large, 1, kHva, kSpteHuge);  // the block of kGfn
  Map(large, 2, kHva);             // a link
  const Leaves leaves = Before();
  ASSERT_EQ(leaves.size(), 4u);
  EXPECT_EQ(leaves[0].ref, (SpteRef{static_cast<PageId>(direct), 0}));
  EXPECT_EQ(leaves[1].ref, (SpteRef{static_cast<PageId>(indirect), 3}));
  EXPECT_EQ(leaves[2].ref, (SpteRef{static_cast<PageId>(alias), 0}));
  EXPECT_EQ(leaves[3].ref, (SpteRef{static_cast<PageId>(large), 1}));
  EXPECT_EQ(truth.LeavesOf(words, {kHva, kHva + 2}).size(), 6u);
  EXPECT_TRUE(truth.LeavesOf(words, {kHva + 8, kHva + 9}).empty());
}

TEST_F(NotifierTruthTest, AgeSaysWhetherALeafWasYoungAndMakesAllOld) {
  Map(direct, 0, kHva);
  Map(alias, 0, kHva, kUsed);
  Leaves before = Before();
  EXPECT_TRUE(Says(truth.Aged(kHva, before, words, true), "leaves were to be old"));
  Map(alias, 0, kHva);
  EXPECT_TRUE(Fine(truth.Aged(kHva, before, words, true)));
  EXPECT_TRUE(Says(truth.Aged(kHva, before, words, false), "age_page says that it was old"));
  Cache(kHva);
  EXPECT_TRUE(Says(truth.Aged(kHva, before, words, true), "still has frame"));
  before = Before();
  EXPECT_TRUE(Fine(truth.Aged(kHva, before, words, false))) << "an old page needs no flush";
  EXPECT_TRUE(Says(truth.Aged(kHva, before, words, true), "age_page says that it was young"));
  Map(direct, 0, kHva, kSpteWritable);
  EXPECT_TRUE(Says(truth.Aged(kHva, before, words, false), "leaves were to be old"));
}

TEST_F(NotifierTruthTest, WithoutAccessedBitsAgeUnmaps) {
  Map(direct, 0, kHva);
  const Leaves before = Before();
  EXPECT_TRUE(Says(without_accessed.Aged(kHva, before, words, false), "was old"));
  EXPECT_TRUE(Says(without_accessed.Aged(kHva, before, words, true), "1 leaves are left"));
  memory[direct].spt[0] = 0;
  EXPECT_TRUE(Fine(without_accessed.Aged(kHva, before, words, true)));
  EXPECT_TRUE(Fine(without_accessed.Aged(kHva, {}, words, false)));
}

TEST_F(NotifierTruthTest, TestYoungChangesNothing) {
  Map(direct, 0, kHva, kUsed);
  const Leaves before = Before();
  EXPECT_TRUE(Fine(truth.Tested(kHva, before, words, true)));
  EXPECT_TRUE(Says(truth.Tested(kHva, before, words, false), "test_young says that it is old"));
  EXPECT_TRUE(Says(truth.Tested(kHva, {}, words, true), "test_young says that it is young"));
  Map(direct, 0, kHva);
  EXPECT_TRUE(Says(truth.Tested(kHva, before, words, true), "has changed a leaf"));
  EXPECT_TRUE(Fine(without_accessed.Tested(kHva, Before(), words, false)));
}

TEST_F(NotifierTruthTest, NothingMapsOrCachesAPageThatWasUnmapped) {
  Map(alias, 0, kHva);
  const Leaves before = Before();
  EXPECT_TRUE(Says(truth.Unmapped(kPage, before, words), "still maps one"));
  memory[alias].spt[0] = 0;
  EXPECT_TRUE(Fine(truth.Unmapped(kPage, before, words)));
  Cache(kHva + 1);
  EXPECT_TRUE(Fine(truth.Unmapped(kPage, before, words)));
  Cache(kHva);
  EXPECT_TRUE(Says(truth.Unmapped(kPage, before, words), "still has frame"));
}

TEST_F(NotifierTruthTest, APageThatWasMergedIsMappedReadOnlyWhereItIsNow) {
  Map(direct, 0, kHva, kSpteWritable);
  const Leaves before = Before();
  host.Merge(kHva);
  EXPECT_TRUE(Says(truth.Changed(kHva, before, words), "the host has another frame there"));
  Map(direct, 0, kHva, kSpteWritable);
  EXPECT_TRUE(Says(truth.Changed(kHva, before, words), "it is writable, and the host's page is"));
  Map(direct, 0, kHva, kSpteHostWritable);
  EXPECT_TRUE(Says(truth.Changed(kHva, before, words), "it may become writable"));
  Map(direct, 0, kHva);
  EXPECT_TRUE(Fine(truth.Changed(kHva, before, words)));
  words.tlb.push_back({0, 1, 0x5, PfnOf(before[0].spte), Gfn{kHva}, false});
  EXPECT_TRUE(Says(truth.Changed(kHva, before, words), "still has frame"));
}

TEST_F(NotifierTruthTest, EveryLeafHasTheFrameAndTheSizeOfTheHostsBlock) {
  EXPECT_TRUE(Fine(truth.Settled(words)));
  Map(large, 1, kHva, kSpteHuge);
  EXPECT_TRUE(Says(truth.Settled(words), "larger than the host's block"));
  host.SetBacking(kHva, 2);
  Map(large, 1, kHva, kSpteHuge);
  EXPECT_TRUE(Fine(truth.Settled(words)));
  host.Move(kHva + 3);
  EXPECT_TRUE(Says(truth.Settled(words), "larger than the host's block"));
  host.Unmap(kHva);
  EXPECT_TRUE(Says(truth.Settled(words), "the host has nothing mapped there"));
  memory[large].spt[1] = 0;
  Map(indirect, 0, kHva + 2, 0, 0x200);
  EXPECT_TRUE(Says(truth.Settled(words), "no memory"));
}

}  // namespace
}  // namespace rmapdiff
