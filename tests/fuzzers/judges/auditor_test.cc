// The auditor on states made by hand. A sound state passes. For each invariant there are variants
// that break it alone, and the auditor finds them as that.
#include "fuzzers/judges/auditor.h"

#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "fuzzers/program/guest_layout.h"
#include "mmu/base/spte.h"

namespace rmapdiff {
namespace {

constexpr uint32_t kSptes = 8;  // a page, with tiny limits

struct Words {
  std::array<Spte, kSptes> spt{};
  std::array<Gfn, kSptes> gfns{};
};

// A sound state with something of everything, to be broken by one test each:
//
//   page 0  level 3 indirect, gfn 0x0     [0] -> page 1   [1] -> page 1
//   page 1  level 2 indirect, gfn 0x1     [0] -> page 2   [5] large leaf of gfn 0x8
//   page 2  level 1 indirect, gfn 0x2     [0] gfn 0x11  [1] gfn 0x11  [2] gfn 0x45; unsync
//   page 3  level 1 direct, gfn 0x10      [1] gfn 0x11
//   page 4  level 2 indirect, gfn 0x3     zapped
//   page 5  level 4 indirect, gfn 0x4     pinned, zapped once, so invalid; [7] -> page 0
class SoundState {
 public:
  explicit SoundState(MasksMode masks = MasksMode::kShadow) {
    state_.header = {.limits = LimitsMode::kTiny, .masks = masks};
    for (const uint32_t level : {3u, 2u, 1u, 1u, 2u, 4u}) AddPage(level);
    page(3).role.direct = 1;
    page(3).gfn = 0x10;
    page(3).gfns = nullptr;
    page(4).zapped = true;
    page(4).role.invalid = 1;
    page(5).role.invalid = 1;
    page(5).root_count = 1;
    SetLink({0, 0}, 1);
    SetLink({0, 1}, 1);
    SetLink({1, 0}, 2);
    SetLink({5, 7}, 0);
    SetLeaf({1, 5}, 0x8);
    SetLeaf({2, 0}, 0x11);
    SetLeaf({2, 1}, 0x11);
    SetLeaf({2, 2}, 0x45);
    SetLeaf({3, 1}, 0x11);
    page(0).parents = {{5, 7}};
    page(1).parents = {{0, 1}, {0, 0}};
    page(2).parents = {{1, 0}};
    page(1).slot_bitmap = page(3).slot_bitmap = 0b001;
    page(2).slot_bitmap = 0b011;
    page(2).unsync = true;
    SetUnsyncBits(1, {0, 3});  // a stale bit is sound
    SetUnsyncBits(0, {0, 1});
    SetUnsyncBits(5, {7});
    state_.rmaps = {
        {kFirst, {{3, 1}, {2, 1}, {2, 0}}, 3}, {kLarge, {{1, 5}}, 1}, {kSecondSlot, {{2, 2}}, 1}};
    // Pages 0, 1 and 2 are in the first large page of slot 0; pages 4 and 5 are invalid.
    state_.write_counts = {{{0, 2, 0}, 3}, {{0, 2, 1}, 0}, {{0, 2, 2}, 0}, {{0, 2, 3}, 0},
                           {{0, 2, 4}, 0}, {{0, 2, 5}, 0}, {{0, 2, 6}, 0}, {{0, 2, 7}, 1},
                           {{0, 3, 0}, 4}, {{1, 2, 0}, 1}, {{1, 2, 1}, 0}, {{1, 2, 2}, 0},
                           {{1, 2, 3}, 0}, {{1, 3, 0}, 1}, {{2, 2, 0}, 0}, {{2, 2, 1}, 0},
                           {{2, 3, 0}, 1}};
    state_.active = {5, 3, 2, 1, 0};
  }

  static constexpr RmapId kFirst{0, 1, 0x11};
  static constexpr RmapId kLarge{0, 2, 1};
  static constexpr RmapId kSecondSlot{1, 1, 1};  // gfn 0x45

  RawState& state() { return state_; }
  RawPage& page(PageId id) { return state_.pages[id]; }
  Spte& word(SpteRef ref) { return words_[ref.page]->spt[ref.index]; }
  Gfn& gfn(SpteRef ref) { return words_[ref.page]->gfns[ref.index]; }
  std::vector<SpteRef>& entries(size_t rmap) { return state_.rmaps[rmap].entries; }
  int32_t& write_count(size_t i) { return state_.write_counts[i].count; }

  void SetLink(SpteRef ref, PageId child) { word(ref) = kLinkFlags | page(child).spt_address; }
  void SetLeaf(SpteRef ref, Gfn of) {
    const int level = int(page(ref.page).role.level);
    gfn(ref) = of;
    word(ref) = MakeLeaf(state_.header.spte_masks(), HostPfn(of, 2), level, true, false);
  }
  void SetUnsyncBits(PageId id, const std::vector<uint16_t>& bits) {
    page(id).unsync_bits = bits;
    page(id).unsync_children = uint32_t(bits.size());
  }

  // The finding of the audit; Finding::kNone for a sound state.
  Difference Audit() const { return rmapdiff::Audit(state_).value_or(Difference{}); }
  // The same as text: "rmap-missing: rmap(gfn 0x11, level 1): missing: page 2 [0]", or "".
  std::string Found() const {
    const Difference difference = Audit();
    if (difference.finding == Finding::kNone) return "";
    std::string text(FindingName(difference.finding));
    text += ": " + difference.subject;
    if (!difference.detail.empty()) text += ": " + difference.detail;
    return text;
  }

 private:
  void AddPage(uint32_t level) {
    words_.push_back(std::make_unique<Words>());
    Words& words = *words_.back();
    words.spt.fill(state_.header.spte_masks().trap);
    words.gfns.fill(0xbad);  // the kernel does not clear them
    RawPage page;
    page.id = PageId(state_.pages.size());
    page.role.level = level;
    page.role.access = kAccessAll;
    page.gfn = page.id;
    page.spt_address = 0x7000'0000 + 0x1000 * (7 - page.id);
    page.spt = words.spt.data();
    page.gfns = words.gfns.data();
    state_.pages.push_back(std::move(page));
  }

  RawState state_;
  std::vector<std::unique_ptr<Words>> words_;
};

TEST(AuditorTest, AnEmptyStateWithItsWriteCountsIsSound) {
  SoundState full;
  RawState empty;
  empty.header = full.state().header;
  empty.write_counts = full.state().write_counts;
  ASSERT_TRUE(Audit(empty)) << "there are no pages to count";
  EXPECT_EQ(Audit(empty)->finding, Finding::kWriteCount);
  empty.write_counts[0].count = 0;
  empty.write_counts[8].count = 1;
  EXPECT_FALSE(Audit(empty));
}

TEST(AuditorTest, TheStateByHandIsSoundWithAllMasks) {
  for (const MasksMode masks : {MasksMode::kShadow, MasksMode::kBypass, MasksMode::kEpt}) {
    SoundState sound(masks);
    sound.word({2, 6}) = sound.state().header.spte_masks().notrap;
    EXPECT_EQ(sound.Found(), "") << static_cast<int>(masks);
  }
}

// ---- 1: reverse maps ----

TEST(AuditorTest, ALeafThatIsNotListedIsMissing) {
  SoundState broken;
  broken.entries(0) = {{3, 1}, {2, 1}};
  broken.state().rmaps[0].count = 2;
  EXPECT_EQ(broken.Found(), "rmap-missing: rmap(gfn 0x11, level 1): missing: page 2 [0]");
  const Difference difference = broken.Audit();
  EXPECT_EQ(difference.expected, "{ page 2 [0], page 2 [1], page 3 [1] }");
  EXPECT_EQ(difference.actual, "{ page 2 [1], page 3 [1] }");
}

TEST(AuditorTest, AListThatIsGoneAltogetherIsMissing) {
  SoundState broken;
  broken.state().rmaps.pop_back();
  EXPECT_EQ(broken.Found(), "rmap-missing: rmap(gfn 0x45, level 1): missing: page 2 [2]");
}

TEST(AuditorTest, AnEntryThatIsNoLeafIsExtra) {
  SoundState broken;
  broken.entries(0).push_back({2, 7});
  EXPECT_EQ(broken.Found(), "rmap-extra: rmap(gfn 0x11, level 1): extra: page 2 [7]");
}

TEST(AuditorTest, ALinkOnAReverseMapIsExtra) {
  SoundState broken;
  broken.entries(1).push_back({1, 0});
  EXPECT_EQ(broken.Found(), "rmap-extra: rmap(gfn 0x8, level 2): extra: page 1 [0]");
}

TEST(AuditorTest, AnEntryOfAPageThatIsNotThereIsExtra) {
  SoundState broken;
  broken.entries(1).push_back({17, 0});
  EXPECT_EQ(broken.Found(), "rmap-extra: rmap(gfn 0x8, level 2): extra: page 17 [0]");
}

TEST(AuditorTest, ALeafListedTwiceIsADuplicate) {
  SoundState broken;
  broken.entries(0).push_back({3, 1});
  EXPECT_EQ(broken.Found(), "rmap-duplicate: rmap(gfn 0x11, level 1): duplicate: page 3 [1]");
}

TEST(AuditorTest, AnEntryThatMovedToAnotherListIsASplice) {
  SoundState broken;
  broken.entries(0) = {{3, 1}, {2, 1}};
  broken.entries(2) = {{2, 2}, {2, 0}};
  EXPECT_EQ(broken.Found(),
            "rmap-splice: rmap(gfn 0x45, level 1): extra: page 2 [0]; page 2 [0] belongs to "
            "rmap(gfn 0x11, level 1)");
}

TEST(AuditorTest, AListAtTheWrongLevelIsASplice) {
  SoundState broken;
  broken.state().rmaps[1].id = {0, 1, 8};
  EXPECT_EQ(broken.Found(),
            "rmap-splice: rmap(gfn 0x8, level 1): extra: page 1 [5]; page 1 [5] belongs to "
            "rmap(gfn 0x8, level 2)");
}

// ---- 2: parents ----

TEST(AuditorTest, ALinkThatIsNoParentIsMissing) {
  SoundState broken;
  broken.page(1).parents = {{0, 1}};
  EXPECT_EQ(broken.Found(), "parent-missing: parents of page 1: missing: page 0 [0]");
}

TEST(AuditorTest, AParentThatIsNoLinkIsExtra) {
  SoundState broken;
  broken.page(2).parents.push_back({1, 2});
  EXPECT_EQ(broken.Found(), "parent-extra: parents of page 2: extra: page 1 [2]");
}

TEST(AuditorTest, AParentOfAnotherPageIsExtra) {
  SoundState broken;
  broken.page(3).parents.push_back({1, 0});
  EXPECT_EQ(broken.Found(),
            "parent-extra: parents of page 3: extra: page 1 [0]; page 1 [0] belongs to "
            "parents of page 2");
}

TEST(AuditorTest, AParentListedTwiceIsADuplicate) {
  SoundState broken;
  broken.page(1).parents.push_back({0, 0});
  EXPECT_EQ(broken.Found(), "parent-duplicate: parents of page 1: duplicate: page 0 [0]");
}

TEST(AuditorTest, ALinkToNothingDangles) {
  SoundState broken;
  broken.word({1, 3}) = kLinkFlags | 0x1234000;
  EXPECT_EQ(broken.Found(), "dangling: page 1 [3]: no page at 0x1234000");
}

TEST(AuditorTest, ALinkToAZappedPageDangles) {
  SoundState broken;
  broken.SetLink({0, 3}, 4);
  broken.page(4).parents = {{0, 3}};
  EXPECT_EQ(broken.Found(), "dangling: page 0 [3]: page 4 is zapped");
}

TEST(AuditorTest, ALinkOverALevelIsWrong) {
  SoundState broken;
  broken.SetLink({0, 3}, 3);
  broken.page(3).parents = {{0, 3}};
  EXPECT_EQ(broken.Found(), "spte: page 0 [3]: page 3 is of level 1");
}

// ---- 3: counts ----

TEST(AuditorTest, ACountThatIsNotTheLengthIsFound) {
  SoundState broken;
  broken.state().rmaps[0].count = 4;
  EXPECT_EQ(broken.Found(),
            "outcome: count of rmap(gfn 0x11, level 1): the MMU's own count is not the length of "
            "the list");
  EXPECT_EQ(broken.Audit().expected, "3");
  EXPECT_EQ(broken.Audit().actual, "4");
}

// ---- 4: unsync ----

TEST(AuditorTest, UnsyncChildrenIsTheNumberOfBits) {
  SoundState broken;
  broken.page(1).unsync_children = 1;
  EXPECT_EQ(broken.Found(), "unsync: unsync_children of page 1: 2 bits are set");
}

TEST(AuditorTest, AnUnsyncChildNeedsItsBit) {
  SoundState broken;
  broken.SetUnsyncBits(1, {3});
  EXPECT_EQ(broken.Found(), "unsync: unsync bit of page 1 [0]: page 2 is unsync");
}

TEST(AuditorTest, AChildWithUnsyncChildrenNeedsItsBitInEveryParent) {
  SoundState broken;
  broken.SetUnsyncBits(0, {0});
  EXPECT_EQ(broken.Found(), "unsync: unsync bit of page 0 [1]: page 1 has unsync children");
}

TEST(AuditorTest, OnlyIndirectPagesOfLevelOneAreUnsync) {
  for (const PageId page : {PageId{3}, PageId{1}}) {
    SoundState broken;
    broken.page(page).unsync = true;
    EXPECT_EQ(broken.Audit().subject, "unsync of page " + std::to_string(page));
    EXPECT_EQ(broken.Audit().finding, Finding::kUnsync);
  }
}

// ---- 5: write counts ----

TEST(AuditorTest, AWriteCountIsItsBiasAndThePagesInIt) {
  for (const size_t i : {0, 1, 7, 9, 13}) {
    SoundState broken;
    ++broken.write_count(i);
    EXPECT_EQ(broken.Audit().finding, Finding::kWriteCount) << i;
  }
  SoundState broken;
  broken.write_count(7) = 0;
  EXPECT_EQ(broken.Found(), "write-count: write_count(gfn 0x38, level 2)");
  EXPECT_EQ(broken.Audit().expected, "1");
  EXPECT_EQ(broken.Audit().actual, "0");
}

TEST(AuditorTest, APageThatBecameInvalidNoLongerCounts) {
  SoundState broken;
  broken.page(5).role.invalid = 0;
  EXPECT_EQ(broken.Found(), "write-count: write_count(gfn 0x0, level 2)");
  EXPECT_EQ(broken.Audit().expected, "4");
}

TEST(AuditorTest, AWriteCountTooFewOrTooManyIsFound) {
  SoundState fewer;
  fewer.state().write_counts.erase(fewer.state().write_counts.begin() + 3);
  EXPECT_EQ(fewer.Audit().subject, "write_count(gfn 0x18, level 2)");
  EXPECT_EQ(fewer.Audit().actual, "none");
  SoundState last;
  last.state().write_counts.pop_back();
  EXPECT_EQ(last.Audit().actual, "none");
  SoundState more;
  more.state().write_counts.push_back({{2, 3, 1}, 0});
  EXPECT_EQ(more.Audit().expected, "none");
}

TEST(AuditorTest, TheOrderOfWriteCountsIsFree) {
  SoundState sound;
  std::swap(sound.state().write_counts[0], sound.state().write_counts[16]);
  EXPECT_EQ(sound.Found(), "");
}

// ---- 6: zapped pages and the active list ----

TEST(AuditorTest, AZappedPageMapsNothing) {
  SoundState broken;
  broken.SetLeaf({4, 2}, 0x8);
  broken.page(4).slot_bitmap = 1;
  broken.entries(1).push_back({4, 2});
  broken.state().rmaps[1].count = 2;
  EXPECT_EQ(broken.Found(), "page: page 4: a zapped page maps something");
}

TEST(AuditorTest, AZappedPageIsInvalidAndNotPinned) {
  SoundState pinned;
  pinned.page(4).root_count = 1;
  EXPECT_EQ(pinned.Found(), "page: page 4: a zapped page is not pinned");
  SoundState valid;
  valid.page(4).role.invalid = 0;
  ++valid.write_count(0);
  ++valid.write_count(8);
  EXPECT_EQ(valid.Found(), "page: page 4: a zapped page is invalid");
}

TEST(AuditorTest, AZappedPageHasNoParents) {
  SoundState broken;
  broken.page(4).parents = {{0, 6}};
  EXPECT_EQ(broken.Found(), "parent-extra: parents of page 4: extra: page 0 [6]");
}

TEST(AuditorTest, AnInvalidPageIsZappedOrPinned) {
  SoundState broken;
  broken.page(5).root_count = 0;
  EXPECT_EQ(broken.Found(), "page: page 5: an invalid page that is not zapped is pinned");
}

TEST(AuditorTest, TheActiveListHasEachPageThatIsNotZappedOnce) {
  for (const std::vector<PageId>& active : std::vector<std::vector<PageId>>{
           {5, 3, 2, 1}, {5, 3, 2, 1, 0, 4}, {5, 3, 3, 2, 1, 0}, {5, 3, 2, 1, 1}}) {
    SoundState broken;
    broken.state().active = active;
    EXPECT_EQ(broken.Audit().finding, Finding::kActiveList);
    EXPECT_EQ(broken.Audit().expected, "{ 0, 1, 2, 3, 5 }");
  }
}

// ---- 7: slot bits and leaves ----

TEST(AuditorTest, TheSlotBitOfEveryLeafIsSet) {
  SoundState broken;
  broken.page(2).slot_bitmap = 0b101;
  EXPECT_EQ(broken.Found(),
            "page: slot_bitmap of page 2: page 2 [2] is on rmap(gfn 0x45, level 1)");
  SoundState stale;
  stale.page(3).slot_bitmap = 0b111;
  EXPECT_EQ(stale.Found(), "") << "a bit may be left over";
}

TEST(AuditorTest, NoLeafIsAtLevelFour) {
  SoundState broken;
  broken.SetLeaf({5, 0}, 0x0);
  EXPECT_EQ(broken.Found(), "spte: page 5 [0]: a leaf at level 4");
}

TEST(AuditorTest, ALeafAboveLevelOneThatIsNotHugeIsReadAsALink) {
  SoundState broken;
  broken.word({1, 5}) &= ~kSpteHuge;
  EXPECT_EQ(broken.Audit().finding, Finding::kDangling);
  EXPECT_EQ(broken.Audit().subject, "page 1 [5]");
}

TEST(AuditorTest, ALeafMapsTheFrameOfItsGfn) {
  SoundState broken;
  broken.word({3, 1}) += uint64_t{1} << 12;
  EXPECT_EQ(broken.Found(), "spte: page 3 [1]: gfn 0x11 never had pfn 0x2100012");
  SoundState below;
  below.word({3, 1}) &= ~kSpteAddress;
  EXPECT_EQ(below.Found(), "spte: page 3 [1]: gfn 0x11 never had pfn 0x0");
  SoundState moved_too_often;
  moved_too_often.word({3, 1}) += uint64_t{254} << (24 + 12);
  EXPECT_EQ(moved_too_often.Audit().finding, Finding::kSlot);
}

TEST(AuditorTest, ADirectPageMapsWhatItsGfnSays) {
  SoundState broken;
  broken.page(3).gfn = 0x18;
  EXPECT_EQ(broken.Found(), "spte: page 3 [1]: gfn 0x19 never had pfn 0x2100011");
}

TEST(AuditorTest, ALeafNeedsAMemslot) {
  SoundState broken;
  broken.SetLeaf({2, 5}, 0x3c);
  EXPECT_EQ(broken.Found(), "spte: page 2 [5]: gfn 0x3c has no memslot");
}

}  // namespace
}  // namespace rmapdiff
