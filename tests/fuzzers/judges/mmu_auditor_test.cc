// The audit of a whole MMU on states made by hand. A sound state passes. For each rule there are
// variants that break it alone, and the audit finds them as that.
#include "fuzzers/judges/mmu_auditor.h"

#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "fuzzers/judges/auditor.h"
#include "fuzzers/program/guest_layout.h"
#include "mmu/base/spte.h"

namespace rmapdiff {
namespace {

constexpr uint32_t kSptes = 8;  // a page, with tiny limits

struct Words {
  std::array<Spte, kSptes> spt{};
  std::array<Gfn, kSptes> gfns{};
};

// A sound state, to be broken by one test each. Host page n is behind gfn n, except in slot 3,
// which has gfns 0x70 .. 0x73 on the host pages of gfns 0x20 .. 0x23 once more.
//
//   page 0  root, level 4, gfn 0x0      [0] -> page 1; vcpus 0 and 1 run on it
//   page 1  level 3, gfn 0x1            [0] -> page 2
//   page 2  level 2, gfn 0x2            [0] -> page 3   [1] -> page 4   [2] large leaf of gfn 0x10
//   page 3  level 1, gfn 0x3            [0] gfn 0x11, writable  [1] gfn 0x9, read-only
//   page 4  level 1, gfn 0x20, unsync   [0] gfn 0x20, writable: its own table
//   page 5  direct, level 1, gfn 0x40   [2] gfn 0x42, writable; slot 1 is logged
//   page 6  level 1, gfn 0x9            nothing
class SoundState {
 public:
  SoundState() {
    state_.header = {.mode = MmuMode::kLong, .limits = LimitsMode::kTiny};
    for (const uint32_t level : {4u, 3u, 2u, 1u, 1u, 1u, 1u}) AddPage(level);
    page(4).gfn = 0x20;
    page(4).unsync = true;
    page(5).role.direct = 1;
    page(5).gfn = 0x40;
    page(5).gfns = nullptr;
    page(6).gfn = 0x9;
    page(0).root_count = 2;
    SetLink({0, 0}, 1);
    SetLink({1, 0}, 2);
    SetLink({2, 0}, 3);
    SetLink({2, 1}, 4);
    SetLeaf({2, 2}, 0x10, true);
    SetLeaf({3, 0}, 0x11, true);
    SetLeaf({3, 1}, 0x9, false);
    SetLeaf({4, 0}, 0x20, true);
    SetLeaf({5, 2}, 0x42, true);
    dirty_.assign(16, false);
    dirty_[2] = true;
    state_.slots = {
        {0, 0x0, 0x38, 0x0, nullptr}, {1, 0x40, 16, 0x40, &dirty_}, {3, 0x70, 4, 0x20, nullptr}};
    state_.roots = {0, 0};
    state_.hashed = {0, 1, 2, 3, 4, 5, 6};
    state_.tlb = {{0, 1, 0x0, 0x100011, 0x11, true},
                  {1, 2, 0x10, 0x100010, 0x10, true},
                  {1, 1, 0x9, 0x100009, 0x9, false}};
  }

  RawState& state() { return state_; }
  RawPage& page(PageId id) { return state_.pages[id]; }
  Spte& word(SpteRef ref) { return words_[ref.page]->spt[ref.index]; }
  std::vector<bool>& dirty() { return dirty_; }

  void SetLink(SpteRef ref, PageId child) { word(ref) = kLinkFlags | page(child).spt_address; }
  void SetLeaf(SpteRef ref, Gfn of, bool writable) {
    words_[ref.page]->gfns[ref.index] = of;
    word(ref) = MakeLeaf(state_.header.spte_masks(), HostPfn(of, 2), int(page(ref.page).role.level),
                         writable, false);
  }

  Difference Audit() const { return AuditMmu(state_).value_or(Difference{}); }
  // "page: root_count of page 0: 2, 1: the vcpus that use it as a root", or "".
  std::string Found() const {
    const Difference difference = Audit();
    if (difference.finding == Finding::kNone) return "";
    return std::string(FindingName(difference.finding)) + ": " + difference.subject + ": " +
           difference.detail;
  }

 private:
  void AddPage(uint32_t level) {
    words_.push_back(std::make_unique<Words>());
    Words& words = *words_.back();
    words.spt.fill(state_.header.spte_masks().trap);
    words.gfns.fill(0x11);
    RawPage page;
    page.id = PageId(state_.pages.size());
    page.role.level = level;
    page.role.access = kAccessAll;
    page.gfn = page.id;
    page.spt_address = 0x7000'0000 + 0x1000 * (9 - page.id);
    page.spt = words.spt.data();
    page.gfns = words.gfns.data();
    state_.pages.push_back(std::move(page));
  }

  RawState state_;
  std::vector<bool> dirty_;
  std::vector<std::unique_ptr<Words>> words_;
};

TEST(MmuAuditorTest, TheStateByHandIsSound) {
  EXPECT_EQ(SoundState().Found(), "");
  RawState nothing;
  nothing.header.mode = MmuMode::kLong;
  EXPECT_FALSE(AuditMmu(nothing));
}

TEST(MmuAuditorTest, ReservedNonPresentEntriesAreNoLeaves) {
  SoundState sound;
  sound.word({3, 5}) = sound.state().header.spte_masks().notrap;
  EXPECT_EQ(sound.Found(), "");
}

// ---- Roots ----

TEST(MmuAuditorTest, ARootCountIsTheNumberOfVcpusOnTheRoot) {
  for (const uint32_t count : {0u, 1u, 3u}) {
    SoundState broken;
    broken.page(0).root_count = count;
    EXPECT_EQ(broken.Found(), "page: root_count of page 0: the vcpus that use it as a root");
    EXPECT_EQ(broken.Audit().expected, "2");
    EXPECT_EQ(broken.Audit().actual, std::to_string(count));
  }
}

TEST(MmuAuditorTest, ARootThatNobodyUsesIsNotPinned) {
  SoundState broken;
  broken.page(3).root_count = 1;
  EXPECT_EQ(broken.Found(), "page: root_count of page 3: the vcpus that use it as a root");
  EXPECT_EQ(broken.Audit().expected, "0");
}

TEST(MmuAuditorTest, ARootThatIsUsedIsPinned) {
  SoundState broken;
  broken.state().roots = {0, 0, 5};
  EXPECT_EQ(broken.Audit().subject, "root_count of page 5");
  EXPECT_EQ(broken.Audit().expected, "1");
}

// ---- The hash table ----

TEST(MmuAuditorTest, EveryPageIsHashedOnce) {
  for (const std::vector<PageId>& hashed :
       std::vector<std::vector<PageId>>{{0, 1, 2, 3, 4, 5}, {0, 1, 3, 4, 5, 6}, {}}) {
    SoundState broken;
    broken.state().hashed = hashed;
    EXPECT_EQ(broken.Audit().finding, Finding::kPage);
    EXPECT_EQ(broken.Audit().expected, "hashed once");
  }
  SoundState twice;
  twice.state().hashed = {0, 1, 2, 2, 3, 4, 5, 6};
  EXPECT_EQ(twice.Found(), "page: page 3: the hash table finds each page once under its gfn");
}

TEST(MmuAuditorTest, TheLastPageIsHashedOnceAsWell) {
  SoundState broken;
  broken.state().hashed.push_back(6);
  EXPECT_EQ(broken.Audit().expected, "hashed once");
}

TEST(MmuAuditorTest, NoOperationLeavesAPageZapped) {
  SoundState broken;
  broken.page(6).zapped = true;
  broken.page(6).role.invalid = 1;
  EXPECT_EQ(broken.Found(), "page: page 6: an operation has left it prepared and not committed");
}

// ---- Tables are write-protected ----

TEST(MmuAuditorTest, AFrameWithASynchronisedTableIsNotWritable) {
  SoundState broken;
  broken.SetLeaf({3, 1}, 0x9, true);
  EXPECT_EQ(broken.Found(), "spte: page 3 [1]: gfn 0x9 is shadowed in sync by page 6");
  EXPECT_EQ(broken.Audit().expected, "not writable");
}

TEST(MmuAuditorTest, ATableThatComesIntoSyncIsProtected) {
  SoundState broken;
  broken.page(4).unsync = false;
  EXPECT_EQ(broken.Found(), "spte: page 4 [0]: gfn 0x20 is shadowed in sync by page 4");
}

TEST(MmuAuditorTest, NeitherInvalidNorDirectPagesAreTables) {
  SoundState invalid;
  invalid.page(6).role.invalid = 1;
  invalid.SetLeaf({3, 1}, 0x9, true);
  EXPECT_EQ(invalid.Found(), "");
  SoundState direct;
  direct.page(5).gfn = 0x11;
  direct.word({5, 2}) = direct.state().header.spte_masks().trap;
  EXPECT_EQ(direct.Found(), "");
}

TEST(MmuAuditorTest, ATableInTheMidstOfALargePageIsProtected) {
  SoundState broken;
  broken.page(6).gfn = 0x17;
  EXPECT_EQ(broken.Found(), "spte: page 2 [2]: gfn 0x17 is shadowed in sync by page 6");
  broken.page(6).gfn = 0x18;
  EXPECT_EQ(broken.Found(), "") << "the large page ends before it";
}

TEST(MmuAuditorTest, ADirectPageIsJudgedByItsGfn) {
  SoundState broken;
  broken.page(6).gfn = 0x42;
  EXPECT_EQ(broken.Found(), "spte: page 5 [2]: gfn 0x42 is shadowed in sync by page 6");
}

// ---- TLBs ----

TEST(MmuAuditorTest, ATableOfAHigherLevelHasNoUnsyncPage) {
  SoundState state;
  state.SetLeaf({4, 0}, 0x20, false);
  RawPage& upper = state.page(6);
  upper.gfn = 0x20;
  EXPECT_EQ(state.Found(), "") << "both are of level 1";
  upper.role.level = 2;
  EXPECT_EQ(state.Found(), "unsync: page 4: page 6 shadows its frame as a table of level 2");
  upper.role.invalid = 1;
  EXPECT_EQ(state.Found(), "");
}

TEST(MmuAuditorTest, ATlbDoesNotLetATableBeWritten) {
  SoundState broken;
  broken.state().tlb[2].writable = true;
  EXPECT_EQ(
      broken.Found(),
      "tlb: tlb of vcpu 1, page 0x9, level 1: host page 0x9 holds a table that is shadowed in "
      "sync by page 6");
  EXPECT_EQ(broken.Audit().actual, "writable, pfn 0x100009");
}

TEST(MmuAuditorTest, ALargeTranslationReachesAllItsFrames) {
  SoundState broken;
  broken.page(6).gfn = 0x17;
  broken.SetLeaf({2, 2}, 0x10, false);
  EXPECT_EQ(broken.Found(),
            "tlb: tlb of vcpu 1, page 0x10, level 2: host page 0x17 holds a table that is shadowed "
            "in sync by page 6");
}

TEST(MmuAuditorTest, OfATlbTheHostPageCounts) {
  SoundState broken;
  broken.state().slots[0].user_gfn = 0x100;
  EXPECT_EQ(broken.Found(), "");
  broken.state().tlb[0].host_page = 0x109;
  EXPECT_EQ(broken.Audit().subject, "tlb of vcpu 0, page 0x0, level 1");
}

TEST(MmuAuditorTest, NoTlbHasAnAddressInTwoSizes) {
  SoundState broken;
  broken.state().tlb.push_back({1, 1, 0x17, 0x100017, 0x17, false});
  EXPECT_EQ(broken.Found(), "tlb: tlb of vcpu 1, page 0x17: ");
  EXPECT_EQ(broken.Audit().actual, "of levels 1 and 2");
}

TEST(MmuAuditorTest, TheTlbsOfTwoVcpusMayHaveAnAddressInTwoSizes) {
  SoundState state;
  state.state().tlb.push_back({0, 1, 0x17, 0x100017, 0x17, false});
  state.state().tlb.push_back({1, 1, 0x18, 0x100018, 0x18, false});
  EXPECT_EQ(state.Found(), "");
}

// A write through the other gfn of a host page hits a table, which no page shadows under that gfn.
TEST(MmuAuditorTest, AHostPageWithTwoGfnsMayBeWritableInATlb) {
  SoundState sound;
  sound.page(6).gfn = 0x21;
  sound.state().tlb[0].host_page = 0x21;
  EXPECT_EQ(sound.Found(), "");
  sound.state().slots.pop_back();
  EXPECT_EQ(sound.Audit().finding, Finding::kTlb);
}

// ---- The dirty log ----

TEST(MmuAuditorTest, WhatIsWritableInALoggedSlotIsDirty) {
  SoundState broken;
  broken.dirty()[2] = false;
  EXPECT_EQ(broken.Found(), "dirty-log: page 5 [2]: gfn 0x42 is clean in the dirty log");
  broken.SetLeaf({5, 2}, 0x42, false);
  EXPECT_EQ(broken.Found(), "") << "what is read-only may be clean";
}

TEST(MmuAuditorTest, NothingIsLargeInALoggedSlot) {
  for (const bool writable : {true, false}) {
    SoundState broken;
    broken.SetLeaf({2, 2}, 0x40, writable);
    broken.dirty().assign(16, true);
    EXPECT_EQ(broken.Found(), "dirty-log: page 2 [2]: memslot 1 is logged");
    EXPECT_EQ(broken.Audit().expected, "not large");
    broken.state().slots[1].dirty_bitmap = nullptr;
    EXPECT_EQ(broken.Found(), "");
  }
}

TEST(MmuAuditorTest, WithoutALogNothingHasToBeDirty) {
  SoundState sound;
  sound.dirty()[2] = false;
  sound.state().slots[1].dirty_bitmap = nullptr;
  EXPECT_EQ(sound.Found(), "");
}

// ---- Ranges that are being invalidated ----

TEST(MmuAuditorTest, NothingMapsAPageOfAnOpenRange) {
  SoundState broken;
  broken.state().open_range = {0x42, 1};
  EXPECT_EQ(broken.Found(), "spte: page 5 [2]: host pages 0x42 to 0x42 are being invalidated");
  EXPECT_EQ(broken.Audit().expected, "not present");
  broken.state().open_range = {0xa, 5};
  EXPECT_EQ(broken.Found(), "") << "0xa to 0xe: between what page 3 maps and the large page";
  broken.state().open_range = {0x9, 1};
  EXPECT_EQ(broken.Audit().subject, "page 3 [1]") << "what is read-only is mapped as well";
}

TEST(MmuAuditorTest, ALargePageIsOfAnOpenRangeIfOneOfItsPagesIs) {
  for (const Gfn begin : {Gfn{0xe}, Gfn{0x10}, Gfn{0x17}}) {
    SoundState broken;
    broken.word({3, 0}) = broken.state().header.spte_masks().trap;
    broken.state().open_range = {begin, 3};
    EXPECT_EQ(broken.Audit().subject, "page 2 [2]");
  }
  SoundState sound;
  sound.state().open_range = {0x18, 2};
  EXPECT_EQ(sound.Found(), "");
}

TEST(MmuAuditorTest, AnOpenRangeIsOfHostPagesNotOfGfns) {
  SoundState moved;
  moved.state().slots[1].user_gfn = 0x80;
  moved.state().open_range = {0x42, 1};
  EXPECT_EQ(moved.Found(), "");
  moved.state().open_range = {0x82, 1};
  EXPECT_EQ(moved.Audit().subject, "page 5 [2]");
}

// ---- The audit of the page graph, where memslots are what the state says ----

// One leaf, and write counts as they are in slot 0 with its first gfn at `base_gfn` and its pages
// at `user_gfn`.
class SlotState {
 public:
  SlotState(Gfn base_gfn, Gfn npages, Gfn user_gfn) {
    state_.header = {.mode = MmuMode::kTdp, .limits = LimitsMode::kTiny};
    state_.slots = {{0, base_gfn, npages, user_gfn, nullptr}};
  }

  // The audit of these counts: those of level 2, then that of level 3.
  std::string Found(const std::vector<int32_t>& counts, int32_t level3) {
    state_.write_counts.clear();
    for (size_t i = 0; i < counts.size(); ++i) {
      state_.write_counts.push_back({{0, 2, uint32_t(i)}, counts[i]});
    }
    state_.write_counts.push_back({{0, 3, 0}, level3});
    const auto difference = Audit(state_);
    if (!difference) return "";
    EXPECT_EQ(difference->finding, Finding::kWriteCount);
    return difference->subject + ": " + difference->expected + ", " + difference->actual;
  }

 private:
  RawState state_;
};

TEST(AuditorOfAWholeMmuTest, ALargePageThatTheSlotHasInPartHasAWriteCount) {
  SlotState state(0x42, 20, 0x42);  // 0x42 .. 0x55: the second of three is complete
  EXPECT_EQ(state.Found({1, 0, 1}, 1), "");
  EXPECT_EQ(state.Found({0, 0, 1}, 1), "write_count(slot 0, level 2, index 0): 1, 0");
  EXPECT_EQ(state.Found({1, 1, 1}, 1), "write_count(slot 0, level 2, index 1): 0, 1");
  EXPECT_EQ(state.Found({1, 0, 1}, 0), "write_count(slot 0, level 3, index 0): 1, 0");
}

TEST(AuditorOfAWholeMmuTest, WhereTheHostHasALargePageInTwoHalvesItHasAWriteCount) {
  SlotState skewed(0x40, 64, 0x4);
  EXPECT_EQ(skewed.Found({1, 1, 1, 1, 1, 1, 1, 1}, 1), "");
  EXPECT_EQ(skewed.Found({0, 0, 0, 0, 0, 0, 0, 0}, 0),
            "write_count(slot 0, level 2, index 0): 1, 0");
  // Of eight pages of level 2 in a row each is in one piece, the page of level 3 is not.
  SlotState shifted(0x40, 64, 0x8);
  EXPECT_EQ(shifted.Found({0, 0, 0, 0, 0, 0, 0, 0}, 1), "");
  EXPECT_EQ(shifted.Found({0, 0, 0, 0, 0, 0, 0, 0}, 0),
            "write_count(slot 0, level 3, index 0): 1, 0");
  SlotState aligned(0x40, 64, 0x80);
  EXPECT_EQ(aligned.Found({0, 0, 0, 0, 0, 0, 0, 0}, 0), "");
}

// A gfn without a slot in the layout has one here, and the other way round.
TEST(AuditorOfAWholeMmuTest, ALeafBelongsToTheSlotThatIsThereNow) {
  std::array<Spte, kSptes> words;
  std::array<Gfn, kSptes> gfns{};
  RawState state;
  state.header = {.mode = MmuMode::kLong, .limits = LimitsMode::kTiny};
  words.fill(state.header.spte_masks().trap);
  words[3] = MakeLeaf(state.header.spte_masks(), 0x12345, 1, false, false);
  gfns[3] = 0x62;
  RawPage page;
  page.role.level = 1;
  page.role.access = kAccessAll;
  page.gfn = 0x60;
  page.spt = words.data();
  page.gfns = gfns.data();
  page.slot_bitmap = 0b100;
  state.pages.push_back(page);
  state.active = {0};
  state.hashed = {0};
  state.slots = {{2, 0x60, 8, 0x60, nullptr}};
  state.write_counts = {{{2, 2, 0}, 1}, {{2, 3, 0}, 2}};
  state.rmaps = {{{2, 1, 2}, {{0, 3}}, 1}};
  EXPECT_FALSE(Audit(state)) << Audit(state)->subject;

  state.slots = {{2, 0x40, 8, 0x40, nullptr}};
  const auto moved = Audit(state);
  ASSERT_TRUE(moved);
  EXPECT_EQ(moved->subject + ": " + moved->detail, "page 0 [3]: gfn 0x62 has no memslot");
}

TEST(AuditorOfAWholeMmuTest, IsFollowedByTheAuditOfTheWholeMmu) {
  RawState state;
  state.header = {.mode = MmuMode::kLong, .limits = LimitsMode::kTiny};
  std::array<Spte, kSptes> words;
  words.fill(state.header.spte_masks().trap);
  RawPage page;
  page.role.level = 1;
  page.role.direct = 1;
  page.spt = words.data();
  page.root_count = 1;
  state.pages.push_back(page);
  state.active = {0};
  state.hashed = {0};
  ASSERT_TRUE(Audit(state));
  EXPECT_EQ(Audit(state)->subject, "root_count of page 0");
  state.roots = {0};
  EXPECT_FALSE(Audit(state));
}

}  // namespace
}  // namespace rmapdiff
