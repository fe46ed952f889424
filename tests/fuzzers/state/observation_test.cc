// The comparison of states. Equal states are equal; each difference is found, named and ranked, and
// its words are right.
#include "fuzzers/state/observation.h"

#include <cstddef>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "fuzzers/program/guest_layout.h"
#include "fuzzers/state/facts.h"
#include "gtest/gtest.h"
#include "mmu/base/spte.h"

namespace rmapdiff {
namespace {

constexpr RmapId kFirst{0, 1, 2};
constexpr RmapId kSecond{0, 1, 3};

// Two lists, a directory page 5 with a link to page 3, a leaf.
Observation SomeState() {
  Observation state;
  state.rmaps = {{kFirst, {{3, 17}, {5, 0}}}, {kSecond, {{3, 2}}}};
  PageObservation child;
  child.id = 3;
  child.role.level = 1;
  child.parents = {{5, 1}, {5, 4}};
  PageObservation parent;
  parent.id = 5;
  parent.role.level = 2;
  parent.unsync_children = {1};
  state.pages = {child, parent};
  state.slots = {
      {{3, 17}, {SlotValue::Kind::kLeaf, MakeLeaf(kShadowMasks, 0x42, 1, true, false), 0}},
      {{5, 1}, {SlotValue::Kind::kLink, kLinkFlags, 3}}};
  state.events.dirtied = {0x10, 0x11};
  state.stats.live_pages = 2;
  state.write_counts = {{{1, 2, 0}, 1}};
  state.active = {5, 3};
  return state;
}

// The finding of Compare after `change` was made to the actual state.
std::optional<Difference> After(const std::function<void(Observation*)>& change,
                                Comparison comparison = Comparison::kModel) {
  Observation actual = SomeState();
  change(&actual);
  return Compare(SomeState(), actual, comparison, kTinyLayout);
}

void ExpectDifference(const std::optional<Difference>& difference, Finding finding,
                      const std::string& subject, const std::string& expected,
                      const std::string& actual, const std::string& detail) {
  ASSERT_TRUE(difference.has_value());
  EXPECT_EQ(FindingName(difference->finding), FindingName(finding));
  EXPECT_EQ(difference->subject, subject);
  EXPECT_EQ(difference->expected, expected);
  EXPECT_EQ(difference->actual, actual);
  EXPECT_EQ(difference->detail, detail);
}

TEST(CompareTest, EqualStatesHaveNoDifference) {
  EXPECT_FALSE(After([](Observation*) {}).has_value());
  EXPECT_FALSE(After([](Observation*) {}, Comparison::kMmu).has_value());
}

TEST(CompareTest, AReverseMapThatIsNotMentionedIsEmpty) {
  const auto change = [](Observation* o) { o->rmaps.push_back({{0, 1, 9}, {}}); };
  EXPECT_FALSE(After(change).has_value());
}

TEST(CompareTest, AnotherValueIsAnOutcomeDifference) {
  ExpectDifference(After([](Observation* o) { o->outcome.value = 3; }), Finding::kOutcome,
                   "outcome", "ok", "ok, value 3", "");
}

TEST(CompareTest, AnEntryThatIsNotListedIsMissing) {
  ExpectDifference(After([](Observation* o) { o->rmaps[0].entries.pop_back(); }),
                   Finding::kRmapMissing, "rmap(gfn 0x2, level 1)", "{ page 3 [17], page 5 [0] }",
                   "{ page 3 [17] }", "missing: page 5 [0]");
}

TEST(CompareTest, AListThatIsGoneMissesAllItsEntries) {
  ExpectDifference(After([](Observation* o) { o->rmaps.pop_back(); }), Finding::kRmapMissing,
                   "rmap(gfn 0x3, level 1)", "{ page 3 [2] }", "{ }", "missing: page 3 [2]");
}

TEST(CompareTest, AnEntryOfNoListIsExtra) {
  ExpectDifference(After([](Observation* o) { o->rmaps[0].entries.push_back({7, 1}); }),
                   Finding::kRmapExtra, "rmap(gfn 0x2, level 1)", "{ page 3 [17], page 5 [0] }",
                   "{ page 3 [17], page 5 [0], page 7 [1] }", "extra: page 7 [1]");
}

TEST(CompareTest, AnEntryListedTwiceIsADuplicate) {
  ExpectDifference(After([](Observation* o) { o->rmaps[1].entries = {{3, 2}, {3, 2}}; }),
                   Finding::kRmapDuplicate, "rmap(gfn 0x3, level 1)", "{ page 3 [2] }",
                   "{ page 3 [2], page 3 [2] }", "duplicate: page 3 [2]");
}

TEST(CompareTest, AnEntryOfAnotherListIsASplice) {
  ExpectDifference(After([](Observation* o) { o->rmaps[0].entries = {{3, 2}, {5, 0}}; }),
                   Finding::kRmapSplice, "rmap(gfn 0x2, level 1)", "{ page 3 [17], page 5 [0] }",
                   "{ page 3 [2], page 5 [0] }",
                   "missing: page 3 [17]; extra: page 3 [2]; page 3 [2] belongs to rmap(gfn 0x3, "
                   "level 1)");
}

TEST(CompareTest, ASpliceComesBeforeWhatIsMissingElsewhere) {
  const auto difference = After([](Observation* o) {
    o->rmaps[0].entries = {{5, 0}};
    o->rmaps[1].entries = {{3, 2}, {3, 17}};
  });
  ASSERT_TRUE(difference.has_value());
  EXPECT_EQ(difference->finding, Finding::kRmapSplice);
  EXPECT_EQ(difference->subject, "rmap(gfn 0x3, level 1)");
}

TEST(CompareTest, MissingAndExtraEntriesAreBothTold) {
  const auto difference = After([](Observation* o) { o->rmaps[0].entries = {{3, 17}, {6, 6}}; });
  ASSERT_TRUE(difference.has_value());
  EXPECT_EQ(difference->finding, Finding::kRmapMissing);
  EXPECT_EQ(difference->detail, "missing: page 5 [0]; extra: page 6 [6]");
}

TEST(CompareTest, ParentsAreListsOfTheirOwn) {
  ExpectDifference(After([](Observation* o) { o->pages[0].parents.pop_back(); }),
                   Finding::kParentMissing, "parents of page 3", "{ page 5 [1], page 5 [4] }",
                   "{ page 5 [1] }", "missing: page 5 [4]");
  EXPECT_EQ(After([](Observation* o) { o->pages[1].parents = {{9, 9}}; })->finding,
            Finding::kParentExtra);
  EXPECT_EQ(After([](Observation* o) { o->pages[0].parents.push_back({5, 4}); })->finding,
            Finding::kParentDuplicate);
}

TEST(CompareTest, AMissingPageIsOnePageDifferenceWhateverItHeld) {
  ExpectDifference(After([](Observation* o) {
                     o->pages = {o->pages[1]};
                     o->slots.erase(o->slots.begin());
                   }),
                   Finding::kPage, "page 3", "level 1 indirect access 0, gfn 0x0", "no such page",
                   "");
}

TEST(CompareTest, ALeafDifferenceNamesTheBits) {
  ExpectDifference(After([](Observation* o) { o->slots[0].value.word &= ~kSpteWritable; }),
                   Finding::kSlot, "page 3 [17]", "leaf 0x42267 (pfn 0x42 W A D)",
                   "leaf 0x42265 (pfn 0x42 A D)", "W cleared");
  EXPECT_EQ(After([](Observation* o) { o->slots[0].value.word ^= 0x1000 | kSpteAccessed; })->detail,
            "A cleared, pfn 0x43 instead of 0x42");
}

TEST(CompareTest, ASlotThatIsNotMentionedIsTrap) {
  ExpectDifference(After([](Observation* o) { o->slots.pop_back(); }), Finding::kSlot, "page 5 [1]",
                   "link to page 3 (flags 0x27)", "trap", "");
}

TEST(CompareTest, EachFieldOfAPageIsCompared) {
  ExpectDifference(After([](Observation* o) { o->pages[0].role.invalid = 1; }), Finding::kPage,
                   "role of page 3", "level 1 indirect access 0",
                   "level 1 indirect access 0 invalid", "");
  EXPECT_EQ(After([](Observation* o) { o->pages[0].gfn = 8; })->subject, "gfn of page 3");
  EXPECT_EQ(After([](Observation* o) { o->pages[0].root_count = 1; })->subject,
            "root_count of page 3");
  EXPECT_EQ(After([](Observation* o) { o->pages[0].zapped = true; })->subject, "zapped of page 3");
}

TEST(CompareTest, TheUnsyncFlagIsComparedAlways) {
  ExpectDifference(After([](Observation* o) { o->pages[0].unsync = true; }), Finding::kUnsync,
                   "unsync of page 3", "no", "yes", "");
}

TEST(CompareTest, UnsyncChildrenAreComparedBetweenMmusOnly) {
  const auto change = [](Observation* o) { o->pages[1].unsync_children = {4}; };
  EXPECT_FALSE(After(change, Comparison::kModel).has_value());
  ExpectDifference(After(change, Comparison::kMmu), Finding::kUnsync, "unsync children of page 5",
                   "{ 1 }", "{ 4 }", "missing: 1; extra: 4");
}

TEST(CompareTest, EventsAreCompared) {
  ExpectDifference(After([](Observation* o) { o->events.dirtied = {0x11, 0x12}; }), Finding::kDirty,
                   "host frames set dirty", "{ 0x10, 0x11 }", "{ 0x11, 0x12 }",
                   "missing: 0x10; extra: 0x12");
  ExpectDifference(After([](Observation* o) { o->events.accessed = {0x5}; }), Finding::kAccessed,
                   "host frames marked accessed", "{ }", "{ 0x5 }", "extra: 0x5");
  ExpectDifference(After([](Observation* o) { o->events.remote_flushes = 2; }), Finding::kFlush,
                   "remote flushes", "0", "2", "");
}

TEST(CompareTest, EachCounterIsCompared) {
  uint32_t Stats::* const counters[] = {&Stats::cache_miss, &Stats::zapped, &Stats::recycled,
                                        &Stats::reloads, &Stats::live_pages};
  std::set<std::string> subjects;
  for (uint32_t Stats::* counter : counters) {
    const auto difference = After([&](Observation* o) { ++(o->stats.*counter); });
    ASSERT_TRUE(difference.has_value());
    EXPECT_EQ(difference->finding, Finding::kStats);
    subjects.insert(difference->subject);
  }
  EXPECT_EQ(subjects.size(), std::size(counters));
  EXPECT_EQ(After([](Observation* o) { --o->stats.lpages; })->actual, "-1");
  EXPECT_EQ(After([](Observation* o) { ++o->stats.unsync; })->finding, Finding::kUnsync);
}

TEST(CompareTest, WriteCountsAndTheActiveListAreCompared) {
  ExpectDifference(After([](Observation* o) { o->write_counts[0].count = 2; }),
                   Finding::kWriteCount, "write_count(gfn 0x44, level 2)", "1", "2", "");
  ExpectDifference(After([](Observation* o) { std::swap(o->active[0], o->active[1]); }),
                   Finding::kActiveList, "active list, head first", "{ 5, 3 }", "{ 3, 5 }", "");
}

TEST(CompareTest, TheFirstDifferenceIsTheMostImportant) {
  // From the least important on, each change hides the ones before.
  const std::pair<Finding, std::function<void(Observation*)>> ranking[] = {
      {Finding::kActiveList, [](Observation* o) { o->active.clear(); }},
      {Finding::kWriteCount, [](Observation* o) { o->write_counts[0].count = 9; }},
      {Finding::kStats, [](Observation* o) { o->stats.zapped = 9; }},
      {Finding::kFlush, [](Observation* o) { o->events.remote_flushes = 9; }},
      {Finding::kAccessed, [](Observation* o) { o->events.accessed = {9}; }},
      {Finding::kDirty, [](Observation* o) { o->events.dirtied = {9}; }},
      {Finding::kUnsync, [](Observation* o) { o->pages[0].unsync = true; }},
      {Finding::kPage, [](Observation* o) { o->pages[1].root_count = 9; }},
      {Finding::kSlot, [](Observation* o) { o->slots[1].value.child = 9; }},
      {Finding::kParentExtra, [](Observation* o) { o->pages[1].parents = {{9, 9}}; }},
      {Finding::kRmapExtra, [](Observation* o) { o->rmaps[1].entries.push_back({9, 9}); }},
      {Finding::kOutcome, [](Observation* o) { o->outcome.value = 9; }},
  };
  Observation actual = SomeState();
  for (const auto& [finding, change] : ranking) {
    change(&actual);
    const auto difference = Compare(SomeState(), actual, Comparison::kModel, kTinyLayout);
    ASSERT_TRUE(difference.has_value());
    EXPECT_EQ(FindingName(difference->finding), FindingName(finding));
  }
}

TEST(CompareAllTest, NamesEveryFieldAndTheListsAmongThem) {
  Observation expected;
  expected.pages.resize(2);
  expected.pages[0].id = 1;
  expected.pages[1].id = 2;
  expected.slots = {{{1, 0}, {SlotValue::Kind::kLeaf, 0x5001, 0}}};
  expected.rmaps = {{RmapId{0, 1, 2}, {{1, 0}}}};
  Observation actual = expected;
  actual.rmaps = {};
  actual.pages[0].unsync = true;
  actual.pages[1].parents = {{1, 3}};
  actual.slots[0].value.word = 0x5003;
  actual.stats.zapped = 7;
  std::vector<std::string> subjects;
  for (const FieldDifference& one :
       CompareAll(expected, actual, Comparison::kModel, kTinyLayout, 20)) {
    subjects.push_back(one.difference.subject + (one.list ? " (list)" : ""));
  }
  EXPECT_EQ(subjects,
            (std::vector<std::string>{"rmap(gfn 0x2, level 1) (list)", "parents of page 2 (list)",
                                      "page 1 [0]", "unsync of page 1", "stats: zapped"}));
  EXPECT_EQ(CompareAll(expected, actual, Comparison::kModel, kTinyLayout, 2).size(), 2u);
}

TEST(CompareAllTest, APageThatOnlyOneSideHasIsOneDifference) {
  Observation actual = SomeState();
  actual.pages.pop_back();  // page 5, with a slot
  actual.slots.pop_back();
  const auto found = CompareAll(SomeState(), actual, Comparison::kModel, kTinyLayout, 20);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].difference.subject, "page 5");
}

TEST(CompareOutcomesTest, ABugIsAFindingOfItsClass) {
  const auto finding = [](BugClass bug) {
    return CompareOutcomes({}, {OutcomeCode::kBug, bug, 0})->finding;
  };
  EXPECT_EQ(finding(BugClass::kCycle), Finding::kCycle);
  EXPECT_EQ(finding(BugClass::kDangling), Finding::kDangling);
  EXPECT_EQ(finding(BugClass::kWild), Finding::kWild);
  EXPECT_EQ(finding(BugClass::kRmapRemove), Finding::kBugClass);
}

TEST(CompareOutcomesTest, ABugThatDoesNotComeIsABugClassFinding) {
  ExpectDifference(CompareOutcomes({OutcomeCode::kBug, BugClass::kRmapRemove, 0}, {}),
                   Finding::kBugClass, "outcome", "bug rmap_remove", "ok", "");
}

TEST(CompareOutcomesTest, TheSameBugIsNoDifference) {
  const Outcome bug{OutcomeCode::kBug, BugClass::kRmapRemove, 0};
  EXPECT_FALSE(CompareOutcomes(bug, bug).has_value());
}

TEST(ToStringTest, AListShowsItsFirstEntriesAndCountsTheRest) {
  std::vector<SpteRef> refs;
  for (uint32_t i = 0; i < 40; ++i) refs.push_back({1, i});
  const std::string text = ToString(refs);
  EXPECT_EQ(text.substr(0, 25), "{ page 1 [0], page 1 [1],");
  EXPECT_EQ(text.substr(text.size() - 29), ", page 1 [31], ... (8 more) }");
}

TEST(ToStringTest, ALargePageIsNamedByItsFirstGfnInTheSlot) {
  EXPECT_EQ(ToString(RmapId{1, 2, 1}, kTinyLayout), "rmap(gfn 0x48, level 2)");
  // Slots 1 and 2 share the 64 frames from 0x40 on.
  EXPECT_EQ(ToString(RmapId{1, 3, 0}, kTinyLayout), "rmap(gfn 0x44, level 3)");
  EXPECT_EQ(ToString(RmapId{2, 3, 0}, kTinyLayout), "rmap(gfn 0x60, level 3)");
  EXPECT_EQ(ToString(RmapId{7, 1, 4}, kTinyLayout), "rmap(slot 7, level 1, index 4)");
}

// A name that goes by where a slot is would mean another list after every move.
TEST(ToStringTest, WhereSlotsChangeAListIsNamedByItsPlaceInTheSlot) {
  EXPECT_EQ(ToString(RmapId{1, 2, 1}, kMmuTinyLayout), "rmap(slot 1, level 2, index 1)");
  EXPECT_EQ(ToString(RmapId{0, 1, 0x42}, kMmuProductionLayout), "rmap(slot 0, level 1, index 66)");
}

TEST(ToStringTest, EachFactSaysWhatItIsAbout) {
  EXPECT_EQ(ToString(FactId{FactKind::kCounter, 0, 0}), "counter pf_fixed");
  EXPECT_EQ(ToString(FactId{FactKind::kCounter, 0, 12}), "counter quota");
  EXPECT_EQ(ToString(FactId{FactKind::kVcpu, 2, 1}), "cr3 of vcpu 2");
  EXPECT_EQ(ToString(FactId{FactKind::kVcpu, 0, 5}), "pdptr 3 of vcpu 0");
  EXPECT_EQ(ToString(FactId{FactKind::kRoot, 3, 2}), "root 2 of vcpu 3");
  EXPECT_EQ(ToString(FactId{FactKind::kTlb, 1, 0x203 << 2 | 1}),
            "tlb of vcpu 1, page 0x203, level 1");
  EXPECT_EQ(ToString(FactId{FactKind::kTlbRights, 0, 0x200 << 2 | 3}),
            "tlb rights of vcpu 0, page 0x200, level 3");
  EXPECT_EQ(ToString(FactId{FactKind::kDirtyBit, 1, 0x41}), "dirty log of memslot 1, gfn 0x41");
  EXPECT_EQ(ToString(FactId{FactKind::kMemory, 0, 0x10}), "contents of host page 0x10");
}

// ---- Facts ----

// One of each kind, sorted.
std::vector<Fact> SomeFacts() {
  return {{{FactKind::kCounter, 0, 6}, 5},       {{FactKind::kVcpu, 0, 1}, 0x7},
          {{FactKind::kVcpu, 1, 6}, 0},          {{FactKind::kRoot, 1, 0}, 4},
          {{FactKind::kTlb, 1, 0x41}, 0x100063}, {{FactKind::kTlbRights, 1, 0x41}, 7},
          {{FactKind::kDirtyBit, 1, 0x42}, 1},   {{FactKind::kMemory, 0, 0x10}, 0xabc}};
}

// "finding: subject: expected, actual" of the first difference between two lists, "" if none.
std::string FactDifference(const std::vector<Fact>& expected, const std::vector<Fact>& actual) {
  Observation left = SomeState();
  Observation right = SomeState();
  left.facts = expected;
  right.facts = actual;
  const auto difference = Compare(left, right, Comparison::kModel, kMmuTinyLayout);
  EXPECT_EQ(difference.has_value(), !Equal(left, right, Comparison::kModel));
  if (!difference) return "";
  return std::string(FindingName(difference->finding)) + ": " + difference->subject + ": " +
         difference->expected + ", " + difference->actual;
}

TEST(FactsTest, EqualListsDoNotDiffer) { EXPECT_EQ(FactDifference(SomeFacts(), SomeFacts()), ""); }

TEST(FactsTest, AnotherValueOfEachKindIsFoundAndNamed) {
  const char* const expected[] = {
      "stats: counter tlb_flush: 0x5, 0x6",
      "vcpu: cr3 of vcpu 0: 0x7, 0x8",
      "vcpu: requests of vcpu 1: 0x0, 0x1",
      "vcpu: root 0 of vcpu 1: 0x4, 0x5",
      "tlb: tlb of vcpu 1, page 0x10, level 1: 0x100063, 0x100064",
      "tlb: tlb rights of vcpu 1, page 0x10, level 1: 0x7, 0x8",
      "dirty-log: dirty log of memslot 1, gfn 0x42: 0x1, 0x2",
      "memory: contents of host page 0x10: 0xabc, 0xabd",
  };
  for (size_t i = 0; i < std::size(expected); ++i) {
    std::vector<Fact> other = SomeFacts();
    ++other[i].value;
    EXPECT_EQ(FactDifference(SomeFacts(), other), expected[i]);
  }
}

TEST(FactsTest, AFactThatIsNotThereDiffers) {
  for (size_t i = 0; i < SomeFacts().size(); ++i) {
    std::vector<Fact> fewer = SomeFacts();
    const std::string name = ToString(fewer[i].id);
    fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(i));
    const std::string missing = FactDifference(SomeFacts(), fewer);
    const std::string extra = FactDifference(fewer, SomeFacts());
    EXPECT_NE(missing.find(": " + name + ": "), missing.npos) << missing;
    EXPECT_EQ(missing.substr(missing.size() - 6), ", none");
    EXPECT_NE(extra.find(": " + name + ": none, "), extra.npos) << extra;
  }
}

TEST(FactsTest, TheFirstOfSeveralDifferencesIsReported) {
  std::vector<Fact> other = SomeFacts();
  ++other[7].value;
  ++other[3].value;
  EXPECT_EQ(FactDifference(SomeFacts(), other).substr(0, 5), "vcpu:");
}

TEST(TouchedTest, IsSortedAndWithoutDuplicates) {
  Touched touched;
  touched.pages = {3, 1, 3};
  touched.rmaps = {kSecond, kFirst, kSecond};
  touched.slots = {{3, 1}, {1, 3}, {3, 1}};
  touched.SortAndDedupe();
  EXPECT_EQ(touched.pages, (std::vector<PageId>{1, 3}));
  EXPECT_EQ(touched.rmaps, (std::vector<RmapId>{kFirst, kSecond}));
  EXPECT_EQ(touched.slots, (std::vector<SpteRef>{{1, 3}, {3, 1}}));
}

TEST(FindingNameTest, NamesAreDistinct) {
  std::set<std::string_view> names;
  for (int i = 0; i <= static_cast<int>(Finding::kTruth); ++i) {
    names.insert(FindingName(static_cast<Finding>(i)));
  }
  EXPECT_EQ(names.size(), static_cast<size_t>(Finding::kTruth) + 1);
  EXPECT_EQ(names.count("?"), 0u);
}

TEST(HashTest, IsTheSameOnEveryPlatform) {
  EXPECT_EQ(Hash(Observation{}), 5228815951340493121u);
  EXPECT_EQ(Hash(SomeState()), 8918672040667489355u);
}

TEST(HashTest, EachFieldCounts) {
  const std::function<void(Observation*)> changes[] = {
      [](Observation*) {},
      [](Observation* o) { o->outcome.value = 1; },
      [](Observation* o) { o->events.remote_flushes = 1; },
      [](Observation* o) { o->stats.lpages = -1; },
      [](Observation* o) { o->rmaps[0].entries.pop_back(); },
      [](Observation* o) { o->rmaps[0].id.index = 0; },
      [](Observation* o) { o->pages[0].role.access = 7; },
      [](Observation* o) { o->pages[0].role.cr4_pse = 1; },
      [](Observation* o) { o->pages[0].role.smep_andnot_wp = 1; },
      [](Observation* o) { o->pages[0].role.smap_andnot_wp = 1; },
      [](Observation* o) { o->pages[0].unsync = true; },
      [](Observation* o) { o->pages[0].zapped = true; },
      [](Observation* o) { o->pages[1].unsync_children.clear(); },
      [](Observation* o) { o->slots[0].value.word ^= kSpteDirty; },
      [](Observation* o) { o->write_counts[0].count = 0; },
      [](Observation* o) { o->active.pop_back(); },
      [](Observation* o) { o->facts = {{{FactKind::kTlb, 1, 2}, 3}}; },
      [](Observation* o) { o->facts = {{{FactKind::kTlbRights, 1, 2}, 3}}; },
      [](Observation* o) { o->facts = {{{FactKind::kTlb, 2, 2}, 3}}; },
      [](Observation* o) { o->facts = {{{FactKind::kTlb, 1, 1}, 3}}; },
      [](Observation* o) { o->facts = {{{FactKind::kTlb, 1, 2}, 4}}; },
  };
  std::set<uint64_t> hashes;
  for (const auto& change : changes) {
    Observation state = SomeState();
    change(&state);
    hashes.insert(Hash(state));
  }
  EXPECT_EQ(hashes.size(), std::size(changes));
}

TEST(OutcomeTest, AnAccessSaysItsErrorItsExitsAndItsWord) {
  const auto text = [](OutcomeCode code, uint64_t value) {
    return ToString(Outcome{.code = code, .value = value, .of_access = true});
  };
  EXPECT_EQ(text(OutcomeCode::kOk, 0), "ok");
  EXPECT_EQ(text(OutcomeCode::kOk, 1 | uint64_t{0x3027} << 32), "ok, 1 exit, word 0x3027");
  EXPECT_EQ(text(OutcomeCode::kEmulated, 12), "emulated, 12 exits");
  EXPECT_EQ(text(OutcomeCode::kGuestFault, 7 << 8 | 2), "guest_fault, error 0x7, 2 exits");
}

}  // namespace
}  // namespace rmapdiff
