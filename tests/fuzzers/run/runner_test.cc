// The runner with voices that are the model itself, each with a fault on demand. It finds every
// fault at its operation, blames the right engine, and classifies the differences that the contract
// knows.
#include "fuzzers/run/runner.h"

#include <array>
#include <deque>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "fuzzers/judges/model.h"
#include "fuzzers/run/verdict_words.h"
#include "fuzzers/search/random_program.h"
#include "gtest/gtest.h"
#include "mmu/base/bug.h"

namespace rmapdiff {
namespace {

// The faults of one fake engine, and a record of the calls that it got. Each hook gets the index of
// the last operation.
struct Faults {
  std::function<void(size_t op, Outcome*)> outcome;
  std::function<void(size_t op, Observation*)> observation;  // of what was touched or of all
  std::function<void(size_t op, Observation*)> complete;     // of all only
  std::function<void(RawState*)> raw;
  size_t wrong_add_return_at = static_cast<size_t>(-1);
  std::function<std::string()> teardown;

  std::vector<size_t> complete_at;
  size_t applied = 0;
  size_t teardowns = 0;
};

std::array<Faults, 3> faults;

// The model behind the interface of a voice. Its raw words are made up from the model's
// observations. It has no unsync bitmaps, so the programs here leave pages in sync.
class FakeVoice final : public Voice {
 public:
  FakeVoice(const Header& header, Faults* my_faults)
      : header_(header), model_(header), faults_(*my_faults) {}

  Outcome Apply(const Op& op) override {
    EXPECT_FALSE(ended_) << "used after a BUG";
    op_index_ = faults_.applied++;
    outcome_ = model_.Apply(op);
    if (faults_.outcome) faults_.outcome(op_index_, &outcome_);
    ended_ = outcome_.code == OutcomeCode::kBug || model_.ended();
    return outcome_;
  }
  void ObserveTouched(const Touched& touched, Observation* out) override {
    EXPECT_FALSE(ended_) << "observed after its end";
    model_.ObserveTouched(touched, out);
    out->outcome = outcome_;
    if (faults_.observation) faults_.observation(op_index_, out);
  }
  void ObserveAll(Observation* out) override {
    EXPECT_FALSE(ended_) << "observed after its end";
    model_.ObserveAll(out);
    out->outcome = outcome_;
    faults_.complete_at.push_back(op_index_);
    if (faults_.observation) faults_.observation(op_index_, out);
    if (faults_.complete) faults_.complete(op_index_, out);
  }
  const RawState& Raw() override;
  bool add_returns_ok() const override { return op_index_ < faults_.wrong_add_return_at; }
  std::string Teardown() override {
    EXPECT_FALSE(ended_) << "torn down after its end";
    ++faults_.teardowns;
    return faults_.teardown ? faults_.teardown() : "";
  }

 private:
  uint64_t AddressOf(PageId id) const { return (uint64_t{id} + 1) << 12; }

  const Header header_;
  Model model_;
  Faults& faults_;
  size_t op_index_ = 0;
  Outcome outcome_;
  RawState raw_;
  bool ended_ = false;
  std::deque<std::vector<Spte>> spts_;
  std::deque<std::vector<Gfn>> gfns_;
};

const RawState& FakeVoice::Raw() {
  Observation all;
  model_.ObserveAll(&all);
  const GuestLayout& layout = header_.layout();
  raw_ = RawState{};
  raw_.header = header_;
  spts_.clear();
  gfns_.clear();
  for (const PageObservation& page : all.pages) {
    std::vector<Spte>& spt = spts_.emplace_back(layout.sptes_per_page(), header_.spte_masks().trap);
    for (const SlotObservation& slot : all.slots) {
      if (slot.ref.page != page.id) continue;
      const bool link = slot.value.kind == SlotValue::Kind::kLink;
      const bool notrap = slot.value.kind == SlotValue::Kind::kNotrap;
      spt[slot.ref.index] = notrap ? header_.spte_masks().notrap
                                   : slot.value.word | (link ? AddressOf(slot.value.child) : 0);
    }
    RawPage out;
    out.id = page.id;
    out.role = page.role;
    out.gfn = page.gfn;
    std::vector<Gfn>& gfns = gfns_.emplace_back(layout.sptes_per_page());
    for (const RmapObservation& rmap : all.rmaps) {
      const Gfn frames = layout.frames(static_cast<int>(rmap.id.level));
      for (const SpteRef& ref : rmap.entries) {
        if (ref.page != page.id) continue;
        gfns[ref.index] = (layout.slots[rmap.id.slot].base_gfn / frames + rmap.id.index) * frames;
        out.slot_bitmap |= uint64_t{1} << rmap.id.slot;
      }
    }
    out.spt_address = AddressOf(page.id);
    out.spt = spt.data();
    out.gfns = page.role.direct ? nullptr : gfns.data();
    out.root_count = page.root_count;
    out.zapped = page.zapped;
    out.parents = page.parents;
    raw_.pages.push_back(out);
  }
  for (const RmapObservation& rmap : all.rmaps) {
    raw_.rmaps.push_back({rmap.id, rmap.entries, static_cast<uint32_t>(rmap.entries.size())});
  }
  for (const WriteCount& count : all.write_counts) {
    raw_.write_counts.push_back({count.id, count.count});
  }
  raw_.active = all.active;
  if (faults_.raw) faults_.raw(&raw_);
  return raw_;
}

template <int kIndex>
std::unique_ptr<Voice> MakeFake(const Header& header) {
  Faults& mine = faults[kIndex];
  mine.applied = 0;
  return std::make_unique<FakeVoice>(header, &mine);
}

Program Parsed(const std::string& header, const std::string& ops) {
  const auto parsed =
      Parse("program version=2 limits=tiny reuse=quarantine masks=shadow " + header + "\n" + ops);
  if (const auto* error = std::get_if<ParseError>(&parsed)) {
    ADD_FAILURE() << error->line << ": " << error->what;
    return {};
  }
  return std::get<Program>(parsed);
}

// An indirect page table, its directory, and two mappings of frame 2.
Program SixOps() {
  return Parsed("recycle=exact misuse=no", R"(
alloc_page page=1 level=2 direct=no gfn=0x0 parent=none index=0
alloc_page page=0 level=1 direct=no gfn=0x0 parent=1 index=3
map page=0 index=1 gfn=0x2 write=yes speculative=no
map page=0 index=2 gfn=0x2 write=yes speculative=no
rmap_count gfn=0x2 level=1
write_protect gfn=0x2
)");
}
constexpr RmapId kFrame2{0, 1, 2};

std::vector<SpteRef>* EntriesOf(Observation* observation, const RmapId& id) {
  for (RmapObservation& rmap : observation->rmaps) {
    if (rmap.id == id) return &rmap.entries;
  }
  return nullptr;
}

// Loses the second mapping of frame 2, from operation `since` on.
std::function<void(size_t, Observation*)> LosesEntry(size_t since) {
  return [since](size_t op, Observation* observation) {
    std::vector<SpteRef>* entries = EntriesOf(observation, kFrame2);
    if (op >= since && entries != nullptr && entries->size() > 1) entries->pop_back();
  };
}

std::function<void(size_t, Outcome*)> BugAt(size_t at, BugClass bug) {
  return [=](size_t op, Outcome* outcome) {
    if (op == at) *outcome = {OutcomeCode::kBug, bug, 0};
  };
}

std::function<void(size_t, Outcome*)> ValueAt(size_t at, uint64_t value) {
  return [=](size_t op, Outcome* outcome) {
    if (op == at) outcome->value = value;
  };
}

std::string Rendered(const Verdict& verdict) {
  std::string text;
  for (const VoiceValue& one : VoiceValues(verdict)) text += one.name + ": " + one.value + "; ";
  return text;
}

class RunnerTest : public testing::Test {
 protected:
  void SetUp() override { faults = {}; }

  RunOptions options_ = [] {
    RunOptions options;
    options.engines = {{"legacy", "", MapRule::kOld, MakeFake<0>},
                       {"sibling", "", MapRule::kNew, MakeFake<1>}};
    return options;
  }();
  Faults& legacy_ = faults[0];
  Faults& sibling_ = faults[1];
  Faults& third_ = faults[2];

  Verdict Run(const Program& program = SixOps()) { return RunProgram(program, options_); }
  void AddThird(std::string_view name) {
    options_.engines.push_back({name, "", MapRule::kEither, MakeFake<2>});
  }
};

void ExpectDivergence(const Verdict& verdict, Check check, Finding finding, size_t op_index,
                      const std::string& guilty) {
  EXPECT_EQ(verdict.kind, VerdictKind::kDivergence);
  EXPECT_EQ(CheckName(verdict.check), CheckName(check));
  EXPECT_EQ(FindingName(verdict.difference.finding), FindingName(finding));
  EXPECT_EQ(verdict.op_index, op_index);
  EXPECT_EQ(GuiltyName(verdict), guilty);
}

// ---- Agreement ----

TEST_F(RunnerTest, VoicesThatDoTheSameAgree) {
  const Verdict verdict = Run();
  EXPECT_EQ(verdict.kind, VerdictKind::kAgree) << verdict.difference.detail;
  EXPECT_EQ(verdict.ops_run, 6u);
  EXPECT_EQ(verdict.op_index, 6u);
  EXPECT_NE(verdict.state_hash, 0u);
  EXPECT_EQ(legacy_.teardowns, 1u);
  EXPECT_EQ(sibling_.teardowns, 1u);
}

TEST_F(RunnerTest, TheSameProgramHasTheSameHashAndAnotherHasAnother) {
  Program longer = SixOps();
  longer.ops.push_back(ops::Drop{{0}, {1}, {false}});
  EXPECT_EQ(Run().state_hash, Run().state_hash);
  EXPECT_NE(Run().state_hash, Run(longer).state_hash);
}

TEST_F(RunnerTest, AnEmptyProgramAgrees) {
  EXPECT_EQ(Run(Program{}).kind, VerdictKind::kAgree);
  EXPECT_EQ(Run(Program{}).ops_run, 0u);
}

TEST_F(RunnerTest, OneEngineAloneIsComparedWithTheModel) {
  options_.engines.pop_back();
  EXPECT_EQ(Run().kind, VerdictKind::kAgree);
  legacy_.observation = LosesEntry(3);
  ExpectDivergence(Run(), Check::kModel, Finding::kRmapMissing, 3, "legacy");
}

// The MMUs themselves. Other tests check that they are right.
TEST_F(RunnerTest, AnyProgramOfTheRealEnginesHasTheSameVerdictTwice) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    Header header;
    header.limits = seed % 2 == 0 ? LimitsMode::kTiny : LimitsMode::kProduction;
    const Program program = RandomProgram(header, 100, seed);
    const Verdict first = RunProgram(program);
    const Verdict second = RunProgram(program);
    EXPECT_EQ(first.kind, second.kind);
    EXPECT_EQ(first.op_index, second.op_index);
    EXPECT_EQ(first.state_hash, second.state_hash);
  }
}

// ---- The guilty engine, and the finding ----

TEST_F(RunnerTest, TheOneEngineThatDiffersFromTheModelIsGuilty) {
  sibling_.observation = LosesEntry(3);
  const Verdict verdict = Run();
  ExpectDivergence(verdict, Check::kModel, Finding::kRmapMissing, 3, "sibling");
  EXPECT_EQ(verdict.difference.detail, "missing: page 0 [2]");
  EXPECT_EQ(Rendered(verdict),
            "model: { page 0 [1], page 0 [2] }; legacy: { page 0 [1], page 0 [2] }; "
            "sibling: { page 0 [1] }; ");
  EXPECT_EQ(sibling_.applied, 4u);
}

TEST_F(RunnerTest, IfAllEnginesDifferBothAreGuilty) {
  legacy_.observation = LosesEntry(3);
  sibling_.observation = LosesEntry(3);
  const Verdict verdict = Run();
  ExpectDivergence(verdict, Check::kModel, Finding::kRmapMissing, 3, "both");
  EXPECT_EQ(Rendered(verdict),
            "model: { page 0 [1], page 0 [2] }; legacy: { page 0 [1] }; sibling: { page 0 [1] }; ");
}

TEST_F(RunnerTest, EnginesThatDifferElsewhereSaySo) {
  legacy_.observation = LosesEntry(3);
  sibling_.observation = [](size_t op, Observation* o) {
    if (op >= 3) o->stats.zapped = 9;
  };
  const Verdict verdict = Run();
  ExpectDivergence(verdict, Check::kModel, Finding::kRmapMissing, 3, "both");
  EXPECT_EQ(VoiceValues(verdict)[2].value, "(differs in stats: zapped)");
}

TEST_F(RunnerTest, OfThreeEnginesSomeOrAllCanBeGuilty) {
  AddThird("canary");
  sibling_.observation = third_.observation = LosesEntry(3);
  ExpectDivergence(Run(), Check::kModel, Finding::kRmapMissing, 3, "sibling+canary");
  legacy_.observation = LosesEntry(3);
  ExpectDivergence(Run(), Check::kModel, Finding::kRmapMissing, 3, "all");
}

TEST_F(RunnerTest, EveryComparedFieldIsAttributed) {
  const std::pair<Finding, std::function<void(Observation*)>> cases[] = {
      {Finding::kRmapExtra, [](Observation* o) { EntriesOf(o, kFrame2)->push_back({5, 5}); }},
      {Finding::kRmapDuplicate, [](Observation* o) { EntriesOf(o, kFrame2)->push_back({0, 2}); }},
      {Finding::kParentMissing, [](Observation* o) { o->pages[0].parents.clear(); }},
      {Finding::kParentExtra, [](Observation* o) { o->pages[0].parents.push_back({5, 5}); }},
      {Finding::kParentDuplicate, [](Observation* o) { o->pages[0].parents.push_back({1, 3}); }},
      {Finding::kPage, [](Observation* o) { o->pages[0].root_count = 2; }},
      {Finding::kUnsync, [](Observation* o) { o->stats.unsync = 2; }},
      {Finding::kDirty, [](Observation* o) { o->events.dirtied = {7}; }},
      {Finding::kAccessed, [](Observation* o) { o->events.accessed = {7}; }},
      {Finding::kFlush, [](Observation* o) { o->events.remote_flushes = 7; }},
      {Finding::kStats, [](Observation* o) { o->stats.lpages = -7; }},
      {Finding::kSlot, [](Observation* o) { o->slots[0].value = {}; }},
      {Finding::kWriteCount, [](Observation* o) { o->write_counts[0].count = 7; }},
      {Finding::kActiveList, [](Observation* o) { o->active.clear(); }},
  };
  for (const auto& [finding, fault] : cases) {
    SCOPED_TRACE(FindingName(finding));
    faults = {};
    sibling_.complete = [&, change = fault](size_t op, Observation* o) {
      if (op >= 4) change(o);
    };
    ExpectDivergence(Run(), Check::kModel, finding, 4, "sibling");
  }
}

TEST_F(RunnerTest, AnotherOutcomeIsADivergence) {
  legacy_.outcome = [](size_t op, Outcome* outcome) {
    if (op == 4) outcome->value = 1;
  };
  const Verdict verdict = Run();
  ExpectDivergence(verdict, Check::kModel, Finding::kOutcome, 4, "legacy");
  EXPECT_EQ(Rendered(verdict), "model: ok, value 2; legacy: ok, value 1; sibling: ok, value 2; ");
}

TEST_F(RunnerTest, ABugThatTheModelDoesNotPromiseIsADivergenceOfItsClass) {
  const std::pair<BugClass, Finding> cases[] = {{BugClass::kCycle, Finding::kCycle},
                                                {BugClass::kDangling, Finding::kDangling},
                                                {BugClass::kWild, Finding::kWild},
                                                {BugClass::kUnmapAbsent, Finding::kBugClass}};
  for (const auto& [bug, finding] : cases) {
    faults = {};
    sibling_.outcome = BugAt(2, bug);
    ExpectDivergence(Run(), Check::kModel, finding, 2, "sibling");
    EXPECT_EQ(legacy_.teardowns, 0u);
  }
}

TEST_F(RunnerTest, ABrokenListThatShowsWhenObservedIsADivergence) {
  sibling_.observation = [](size_t op, Observation* o) {
    if (op == 3) o->outcome = {OutcomeCode::kBug, BugClass::kCycle, 0};
  };
  ExpectDivergence(Run(), Check::kModel, Finding::kCycle, 3, "sibling");
  sibling_.observation = [](size_t op, Observation*) {
    if (op == 3) RaiseBug(BugClass::kDangling, "the entry's page was freed");
  };
  const Verdict verdict = Run();
  ExpectDivergence(verdict, Check::kModel, Finding::kDangling, 3, "sibling");
  EXPECT_EQ(verdict.difference.actual, "bug dangling");
  EXPECT_EQ(verdict.difference.detail, "the entry's page was freed");
}

// ---- Audits, what the model does not restate, rmap_add, teardown ----

TEST_F(RunnerTest, AFailedAuditIsTheEnginesOwnFault) {
  sibling_.raw = [](RawState* raw) {
    if (!raw->rmaps.empty()) ++raw->rmaps[0].count;
  };
  const Verdict verdict = Run();
  EXPECT_EQ(verdict.kind, VerdictKind::kDivergence);
  EXPECT_EQ(verdict.check, Check::kAudit);
  EXPECT_EQ(verdict.guilty, std::set<size_t>{1});
  EXPECT_EQ(verdict.op_index, 2u) << "the first map";
  EXPECT_EQ(JudgeOf(verdict), Judge::kAudit);
  EXPECT_EQ(Rendered(verdict).substr(0, 44), "audit: 1; legacy: (passes its audit); siblin");
}

TEST_F(RunnerTest, IfAllAuditsFailBothAreGuilty) {
  legacy_.raw = sibling_.raw = [](RawState* raw) { raw->rmaps.clear(); };
  ExpectDivergence(Run(), Check::kAudit, Finding::kRmapMissing, 2, "both");
}

TEST_F(RunnerTest, ARawStateThatCannotBeWalkedIsAFinding) {
  legacy_.raw = [](RawState*) { RaiseBug(BugClass::kWild, "no spte at that address"); };
  const Verdict verdict = Run();
  ExpectDivergence(verdict, Check::kAudit, Finding::kWild, 0, "legacy");
  EXPECT_EQ(verdict.difference.detail, "no spte at that address");
}

TEST_F(RunnerTest, WhatTheModelDoesNotRestateIsComparedBetweenTheMmus) {
  sibling_.observation = [](size_t op, Observation* o) {
    if (op >= 1) o->pages.back().unsync_children = {3};
  };
  const Verdict verdict = Run();
  ExpectDivergence(verdict, Check::kMmus, Finding::kUnsync, 1, "undecided");
  EXPECT_EQ(Rendered(verdict), "model: (does not say); legacy: { }; sibling: { 3 }; ");
}

TEST_F(RunnerTest, AnAuditDecidesBetweenTheMmus) {
  legacy_.observation = [](size_t op, Observation* o) {
    if (op >= 1) o->pages.back().unsync_children = {3};
  };
  legacy_.raw = [](RawState* raw) {
    if (raw->pages.size() > 1) raw->pages[0].unsync_children = 7;  // from operation 1 on
  };
  const Verdict verdict = Run();
  ExpectDivergence(verdict, Check::kMmus, Finding::kUnsync, 1, "legacy");
  EXPECT_EQ(verdict.difference.expected, "{ }");
  EXPECT_EQ(verdict.difference.detail, "extra: 3");
}

TEST_F(RunnerTest, AWrongReturnValueOfRmapAddIsAFinding) {
  sibling_.wrong_add_return_at = 3;
  const Verdict verdict = Run();
  ExpectDivergence(verdict, Check::kAddReturn, Finding::kAddReturn, 3, "sibling");
  EXPECT_EQ(Rendered(verdict),
            "legacy: as its own rule allows; sibling: not as its own rule allows; ");
  legacy_.wrong_add_return_at = 3;
  ExpectDivergence(Run(), Check::kAddReturn, Finding::kAddReturn, 3, "both");
}

TEST_F(RunnerTest, WhatIsLeftAfterTeardownIsALeak) {
  sibling_.teardown = [] { return "2 descriptors"; };
  const Verdict verdict = Run();
  ExpectDivergence(verdict, Check::kTeardown, Finding::kLeak, 6, "sibling");
  EXPECT_EQ(Rendered(verdict), "legacy: nothing; sibling: 2 descriptors; ");
  legacy_.teardown = [] { return "3 pages"; };
  EXPECT_EQ(Rendered(Run()), "legacy: 3 pages; sibling: 2 descriptors; ");
  ExpectDivergence(Run(), Check::kTeardown, Finding::kLeak, 6, "both");
}

TEST_F(RunnerTest, ATeardownThatCannotWalkItsListsIsAFinding) {
  sibling_.teardown = []() -> std::string { RaiseBug(BugClass::kCycle, "round and round"); };
  ExpectDivergence(Run(), Check::kTeardown, Finding::kCycle, 6, "sibling");
}

// ---- When everything is observed ----

Program ManyOps(size_t count) {
  Program program = SixOps();
  while (program.ops.size() < count) program.ops.push_back(ops::RmapCount{{2}, {1}});
  return program;
}

TEST_F(RunnerTest, EverythingIsObservedEveryIntervalAndAtTheEnd) {
  Run(ManyOps(150));
  EXPECT_EQ(sibling_.complete_at, (std::vector<size_t>{63, 127, 149}));
  sibling_.complete_at.clear();
  Run(ManyOps(128));
  EXPECT_EQ(sibling_.complete_at, (std::vector<size_t>{63, 127}));
}

TEST_F(RunnerTest, FullChecksObserveEverythingAfterEachOperation) {
  options_.check = CheckLevel::kFull;
  Run();
  EXPECT_EQ(sibling_.complete_at, (std::vector<size_t>{0, 1, 2, 3, 4, 5}));
}

TEST_F(RunnerTest, ADifferenceThatOnlyTheCompleteCheckSeesIsTracedToItsOperation) {
  std::vector<size_t> traced;
  options_.trace = [&](const TraceStep& step) { traced.push_back(step.op_index); };
  sibling_.complete = LosesEntry(100);
  const Verdict verdict = Run(ManyOps(150));
  ExpectDivergence(verdict, Check::kModel, Finding::kRmapMissing, 100, "sibling");
  EXPECT_EQ(traced.size(), 128u) << "the second run is silent";
  EXPECT_EQ(sibling_.complete_at.front(), 63u);
  EXPECT_EQ(sibling_.complete_at[2], 0u) << "the second run looks at everything from the start";
}

TEST_F(RunnerTest, ADifferenceIsTracedToItsOperationThoughALaterOneShowsItByItself) {
  sibling_.complete = LosesEntry(100);
  sibling_.outcome = ValueAt(110, 1);
  const Verdict verdict = Run(ManyOps(150));
  ExpectDivergence(verdict, Check::kModel, Finding::kRmapMissing, 100, "sibling");
}

TEST_F(RunnerTest, ADifferenceIsTracedToItsOperationAcrossAnEqualState) {
  sibling_.complete = [](size_t op, Observation* observation) {
    if (op < 60) LosesEntry(20)(op, observation);
  };
  sibling_.outcome = ValueAt(110, 1);
  const Verdict verdict = Run(ManyOps(150));
  ExpectDivergence(verdict, Check::kModel, Finding::kRmapMissing, 20, "sibling");
}

// ---- How programs end ----

TEST_F(RunnerTest, TheSameBugOfAllVoicesEndsTheProgram) {
  Program program = Parsed("recycle=exact misuse=yes", R"(
alloc_page page=0 level=1 direct=no gfn=0x0 parent=none index=0
misuse_remove page=0 index=1 gfn=0x2
commit
)");
  const Verdict verdict = Run(program);
  EXPECT_EQ(verdict.kind, VerdictKind::kBug);
  EXPECT_EQ(verdict.op_index, 1u);
  EXPECT_EQ(verdict.ops_run, 2u);
  EXPECT_EQ(Rendered(verdict),
            "model: bug rmap_remove; legacy: bug rmap_remove; sibling: bug rmap_remove; ");
  EXPECT_EQ(legacy_.teardowns + sibling_.teardowns, 0u);
}

TEST_F(RunnerTest, ABugThatOneEngineDoesNotRaiseIsADivergence) {
  Program program = Parsed("recycle=exact misuse=yes", R"(
alloc_page page=0 level=1 direct=no gfn=0x0 parent=none index=0
misuse_remove page=0 index=1 gfn=0x2
)");
  sibling_.outcome = [](size_t op, Outcome* outcome) {
    if (op == 1) *outcome = {};
  };
  ExpectDivergence(Run(program), Check::kModel, Finding::kBugClass, 1, "sibling");
}

Program RemovesNoParent() {
  return Parsed("recycle=exact misuse=yes", R"(
alloc_page page=0 level=1 direct=no gfn=0x0 parent=none index=0
misuse_remove_parent page=0 parent=none index=0
)");
}

TEST_F(RunnerTest, RemovingNoParentIsD11) {
  sibling_.outcome = BugAt(1, BugClass::kRemoveParent);
  const Verdict verdict = Run(RemovesNoParent());
  EXPECT_EQ(verdict.kind, VerdictKind::kClassified);
  EXPECT_EQ(verdict.classified, "D11");
  EXPECT_EQ(verdict.op_index, 1u);
  EXPECT_EQ(Rendered(verdict), "model: ok; legacy: ok; sibling: bug remove_parent; ");
}

TEST_F(RunnerTest, AnythingElseThanD11IsADivergence) {
  ExpectDivergence(Run(RemovesNoParent()), Check::kModel, Finding::kBugClass, 1, "sibling");
  sibling_.outcome = BugAt(1, BugClass::kCycle);
  ExpectDivergence(Run(RemovesNoParent()), Check::kModel, Finding::kCycle, 1, "sibling");
  sibling_.outcome = legacy_.outcome = BugAt(1, BugClass::kRemoveParent);
  ExpectDivergence(Run(RemovesNoParent()), Check::kModel, Finding::kBugClass, 1, "legacy");
}

TEST_F(RunnerTest, AThirdEngineIsHeldToTheRuleOfTheNewReverseMap) {
  AddThird("canary");
  sibling_.outcome = BugAt(1, BugClass::kRemoveParent);
  ExpectDivergence(Run(RemovesNoParent()), Check::kModel, Finding::kBugClass, 1, "canary");
  third_.outcome = sibling_.outcome;
  EXPECT_EQ(Run(RemovesNoParent()).classified, "D11");
}

Program AddsTwice() {
  return Parsed("recycle=exact misuse=yes", R"(
alloc_page page=0 level=1 direct=no gfn=0x0 parent=none index=0
map page=0 index=1 gfn=0x2 write=yes speculative=no
misuse_add_twice page=0 index=1
)");
}

TEST_F(RunnerTest, AddingTwiceIsD12WithACycle) {
  sibling_.outcome = BugAt(2, BugClass::kCycle);
  const Verdict verdict = Run(AddsTwice());
  EXPECT_EQ(verdict.kind, VerdictKind::kClassified);
  EXPECT_EQ(verdict.classified, "D12");
}

TEST_F(RunnerTest, AnythingElseThanD12IsADivergence) {
  ExpectDivergence(Run(AddsTwice()), Check::kModel, Finding::kBugClass, 2, "sibling");
  sibling_.outcome = BugAt(2, BugClass::kRmapRemove);
  ExpectDivergence(Run(AddsTwice()), Check::kModel, Finding::kBugClass, 2, "sibling");
  sibling_.outcome = legacy_.outcome = BugAt(2, BugClass::kCycle);
  ExpectDivergence(Run(AddsTwice()), Check::kModel, Finding::kCycle, 2, "legacy");
}

TEST_F(RunnerTest, AThirdEngineMayAddTwiceWithACycleOrWithout) {
  AddThird("canary");
  sibling_.outcome = BugAt(2, BugClass::kCycle);
  EXPECT_EQ(Run(AddsTwice()).classified, "D12");
  third_.outcome = sibling_.outcome;
  EXPECT_EQ(Run(AddsTwice()).classified, "D12");
  third_.outcome = BugAt(2, BugClass::kRmapRemove);
  ExpectDivergence(Run(AddsTwice()), Check::kModel, Finding::kBugClass, 2, "canary");
}

TEST_F(RunnerTest, AMisuseThatIsOffOrDoesNotApplyIsAnOrdinaryOperation) {
  Program program = AddsTwice();
  program.header.misuse = false;
  EXPECT_EQ(Run(program).kind, VerdictKind::kAgree);
  program.header.misuse = true;
  program.ops.erase(program.ops.begin() + 1);
  EXPECT_EQ(Run(program).kind, VerdictKind::kAgree);
}

// ---- Recycling by each MMU's own rule ----

Program MapsMany(const char* recycle, unsigned count) {
  return Parsed(std::string("misuse=no recycle=") + recycle,
                "alloc_page page=0 level=1 direct=no gfn=0x0 parent=none index=0\n"
                "alloc_page page=1 level=1 direct=no gfn=0x8 parent=none index=0\n"
                "map_many page=0 index=0 gfn=0x2 count=7 write=yes\n"
                "map_many page=1 index=0 gfn=0x2 count=" +
                    std::to_string(count) + " write=yes\n");
}

TEST_F(RunnerTest, AnotherRecyclePointOfTheOldReverseMapIsD1AndD2) {
  Program program = SixOps();
  program.header.recycle = RecycleMode::kNative;
  legacy_.outcome = ValueAt(3, 1);
  const Verdict verdict = Run(program);
  EXPECT_EQ(verdict.kind, VerdictKind::kClassified);
  EXPECT_EQ(verdict.classified, "D1/D2");
  EXPECT_EQ(verdict.op_index, 3u);

  legacy_.outcome = ValueAt(3, 2);
  EXPECT_EQ(Run(program).kind, VerdictKind::kDivergence) << "map has no such value";
}

TEST_F(RunnerTest, RecyclingByAnExactCountIsNeverADifference) {
  legacy_.outcome = ValueAt(3, 1);
  ExpectDivergence(Run(), Check::kModel, Finding::kOutcome, 3, "legacy");
}

TEST_F(RunnerTest, TheNewReverseMapCountsExactlyAndMustRecycleLikeTheModel) {
  Program program = SixOps();
  program.header.recycle = RecycleMode::kNative;
  sibling_.outcome = ValueAt(3, 1);
  ExpectDivergence(Run(program), Check::kModel, Finding::kOutcome, 3, "sibling");
}

TEST_F(RunnerTest, MapManyMayDifferInRecyclesAndWhatFollows) {
  // The list has 7 entries, one more than the threshold: the next add recycles.
  ASSERT_EQ(Run(MapsMany("native", 2)).kind, VerdictKind::kAgree);
  legacy_.outcome = ValueAt(3, 2);
  EXPECT_EQ(Run(MapsMany("native", 2)).classified, "D1/D2");

  legacy_.outcome = nullptr;
  legacy_.observation = [](size_t op, Observation* o) {
    if (op == 3) EntriesOf(o, kFrame2)->clear();
  };
  EXPECT_EQ(Run(MapsMany("native", 2)).classified, "D1/D2") << "as often, but elsewhere";
  ExpectDivergence(Run(MapsMany("exact", 2)), Check::kModel, Finding::kRmapMissing, 3, "legacy");
  std::swap(legacy_.observation, sibling_.observation);
  ExpectDivergence(Run(MapsMany("native", 2)), Check::kModel, Finding::kRmapMissing, 3, "sibling");
}

TEST_F(RunnerTest, MapManyWithoutAnyRecycleMustBeEqual) {
  legacy_.outcome = ValueAt(2, 6);
  ExpectDivergence(Run(MapsMany("native", 2)), Check::kModel, Finding::kOutcome, 2, "legacy");
}

// ---- Options ----

TEST_F(RunnerTest, TheTraceHasEveryOutcomeModelFirst) {
  std::vector<std::string> lines;
  options_.trace = [&](const TraceStep& step) {
    std::string line = std::to_string(step.op_index) + " " + ToString(step.outcomes.expected);
    for (const Outcome& one : step.outcomes.actual) line += "; " + ToString(one);
    lines.push_back(std::move(line));
  };
  Run();
  ASSERT_EQ(lines.size(), 6u);
  EXPECT_EQ(lines[4], "4 ok, value 2; ok, value 2; ok, value 2");
}

TEST_F(RunnerTest, WithoutChecksNothingIsComparedButEverythingIsRun) {
  options_.check = CheckLevel::kOff;
  sibling_.outcome = ValueAt(3, 77);
  sibling_.teardown = [] { return "a leak"; };
  const Verdict verdict = Run();
  EXPECT_EQ(verdict.kind, VerdictKind::kAgree);
  EXPECT_FALSE(verdict.outcomes);
  EXPECT_TRUE(VoiceValues(verdict).empty());
  EXPECT_EQ(verdict.ops_run, 6u);
  EXPECT_EQ(legacy_.applied, 6u);
  EXPECT_EQ(sibling_.teardowns, 1u);
  EXPECT_TRUE(sibling_.complete_at.empty());
}

TEST_F(RunnerTest, WithoutChecksTheFirstBugOfAnyEngineEndsTheProgram) {
  options_.check = CheckLevel::kOff;
  sibling_.outcome = BugAt(3, BugClass::kCycle);
  const Verdict verdict = Run();
  EXPECT_EQ(verdict.kind, VerdictKind::kBug);
  EXPECT_EQ(verdict.op_index, 3u);
  EXPECT_EQ(verdict.ops_run, 4u);
  EXPECT_EQ(sibling_.teardowns, 0u);
}

}  // namespace
}  // namespace rmapdiff
