// The story of a finding beyond its verdict: every field that differs, the history of its lists,
// and the cause that a dying process names. All of it survives the way through a pipe.
#include "fuzzers/finding/story.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <variant>
#include <vector>

#include "fuzzers/finding/crash_log.h"
#include "fuzzers/finding/report_story.h"
#include "fuzzers/finding/test_draft.h"
#include "fuzzers/finding/trial.h"
#include "fuzzers/run/report.h"
#include "fuzzers/search/random_program.h"
#include "tests/power/canaries.h"
#include "tools/cli/programs/verdict_json.h"

namespace rmapdiff {
namespace {

Program LostTailProgram() {
  return std::get<Program>(
      Parse("program version=2 limits=tiny reuse=quarantine masks=shadow recycle=exact misuse=no\n"
            "alloc_page page=3 level=1 direct=no gfn=0x0 parent=none index=0\n"
            "alloc_page page=5 level=1 direct=no gfn=0x0 parent=none index=0\n"
            "map page=5 index=0 gfn=0x12 write=no speculative=no\n"
            "map page=3 index=7 gfn=0x12 write=no speculative=no\n"
            "map page=3 index=6 gfn=0x12 write=no speculative=no\n"
            "drop page=3 index=7 notrap=no\n"
            "write_protect gfn=0x12\n"));
}

RunOptions With(const char* canary) {
  RunOptions options;
  options.engines = {
      AllEngines()[0],
      {"sibling", "tests/power/faulty_maps.h", MapRule::kNew, FindCanary(canary).engine.make}};
  return options;
}

Trial LostTail() {
  Trial trial;
  const RunOptions options = With("lost_tail");
  trial.verdict = RunProgram(LostTailProgram(), options);
  trial.story = TellStory(LostTailProgram(), trial.verdict, options);
  return trial;
}

TEST(StoryTest, FollowsTheListThatDiffersInTheGuiltyEnginesOrder) {
  const Trial trial = LostTail();
  EXPECT_EQ(StoryText(LostTailProgram(), trial.verdict, trial.story),
            R"(history of rmap(gfn 0x12, level 1), as sibling has it:
    3  map page=5 index=0 gfn=0x12 write=no speculative=no
         page 5 [0]
    4  map page=3 index=7 gfn=0x12 write=no speculative=no
         page 3 [7], page 5 [0]
    5  map page=3 index=6 gfn=0x12 write=no speculative=no
         page 3 [6], page 3 [7], page 5 [0]
  > 6  drop page=3 index=7 notrap=no
         page 3 [6]
         expected { page 3 [6], page 5 [0] }
)");
}

// The first verdict of a canary that observing, and no operation, has found a broken list.
Verdict BrokenWhenObserved(const char* canary) {
  const RunOptions options = With(canary);
  for (uint64_t seed = 1; seed <= 2000; ++seed) {
    const Header header{.limits = LimitsMode::kTiny};
    Verdict verdict = RunProgram(RandomProgram(header, 32, seed), options);
    const bool in_state = verdict.kind == VerdictKind::kDivergence && !verdict.outcomes;
    if (in_state && verdict.difference.subject == "outcome") return verdict;
  }
  return {};
}

TEST(StoryTest, AListThatCannotBeWalkedIsToldInTheWordsOfItsBug) {
  const Verdict verdict = BrokenWhenObserved("uncleared_first_parent");
  ASSERT_EQ(verdict.guilty, std::set<size_t>{1}) << "no list is found broken by observing it";
  EXPECT_EQ(verdict.difference.detail, "not an address of host memory");
}

TEST(StoryTest, AProgramOnWhichAllAgreeHasNone) {
  const Verdict verdict = RunProgram(LostTailProgram());
  EXPECT_TRUE(TellStory(LostTailProgram(), verdict).engine.empty());
}

TEST(StoryTest, ATeardownTellsOfTheListsThatItFinds) {
  Program program = LostTailProgram();
  program.ops.resize(5);
  const RunOptions options = With("lost_tail");
  const Verdict verdict = RunProgram(program, options);
  ASSERT_EQ(verdict.check, Check::kTeardown);
  const Story story = TellStory(program, verdict, options);
  ASSERT_EQ(story.lists.size(), 1u);
  EXPECT_EQ(story.lists[0].steps.back().entries, "page 3 [6], page 3 [7], page 5 [0]");
}

TEST(StoryTest, SurvivesThePipe) {
  const Trial trial = LostTail();
  Trial back;
  EXPECT_TRUE(Unpack(Packed(trial.verdict), &back.verdict));
  EXPECT_TRUE(Unpack(Packed(trial.story), &back.story));
  EXPECT_EQ(TrialText(LostTailProgram(), back, {}), TrialText(LostTailProgram(), trial, {}));
}

// The outcomes instead of differences, one of them without, and an undecided one.
TEST(StoryTest, EveryKindOfVerdictSurvivesThePipe) {
  const Program program = LostTailProgram();
  Verdict agreed = RunProgram(program);
  ASSERT_TRUE(agreed.outcomes);
  agreed.outcomes->actual[1] = {OutcomeCode::kBug, BugClass::kWild, 0};
  Verdict undecided = LostTail().verdict;
  undecided.check = Check::kMmus;
  undecided.guilty.clear();
  undecided.undecided = true;
  Verdict known = agreed;
  known.kind = VerdictKind::kClassified;
  known.classified = "D11";
  for (const Verdict& verdict : {agreed, undecided, known, LostTail().verdict, Verdict{}}) {
    Verdict back;
    EXPECT_TRUE(Unpack(Packed(verdict), &back));
    EXPECT_TRUE(MakesSense(back));
    EXPECT_EQ(VerdictJson(program, back, ""), VerdictJson(program, verdict, ""));
    EXPECT_EQ(back.guilty, verdict.guilty);
    EXPECT_EQ(back.undecided, verdict.undecided);
    EXPECT_EQ(back.outcomes, verdict.outcomes);
    EXPECT_EQ(back.differences, verdict.differences);
  }
}

TEST(StoryTest, AVerdictThatBlamesAnEngineThatThereIsNotMakesNoSense) {
  for (const size_t engines : {size_t{1}, size_t{2}}) {
    Verdict verdict = LostTail().verdict;
    verdict.engines.resize(engines);
    verdict.differences.resize(engines);
    EXPECT_EQ(MakesSense(verdict), engines == 2) << engines;
  }
}

TEST(StoryTest, ATruncatedMessageIsReadToItsEndAndRefused) {
  const std::string bytes = Packed(LostTail().story);
  for (size_t size = 0; size < bytes.size(); ++size) {
    Story story;
    EXPECT_FALSE(Unpack(std::string_view(bytes).substr(0, size), &story)) << size;
  }
}

// ---- The last words of dying processes ----

constexpr const char* kAsanLog = R"(noise
==12==ERROR: AddressSanitizer: use-after-poison on address 0x52 at pc 0x55 bp 0x7f sp 0x7f
READ of size 8 at 0x52 thread T0
    #0 0x55d1 in operator() mmu/graph/page_graph_pages.h:112:5
    #1 0x55d4 in rmapdiff::FunctionRef<void (int)>::operator()(int) const mmu/base/function_ref.h:3
    #2 0x55d2 in bool rmapdiff::SiblingMap<Tiny>::Unlink(unsigned*&) o/mmu/sibling_map.h:163:9
    #3 0x55d5 in rmapdiff::ErasedMapOf<A>::Unlink(int) mmu/graph/erased_map_of.h:7:1
    #4 0x55d3 in rmapdiff::(anonymous namespace)::Run(int) fuzzers/run/runner.cc:7:1

0x52 is located 8 bytes inside of
    #0 0x99 in malloc (/x+0x1)
)";

TEST(CrashLogTest, AReportOfAddressSanitizer) {
  const CrashCause cause = ReadCrashLog(kAsanLog);
  EXPECT_EQ(cause.kind, "asan-use-after-poison");
  EXPECT_EQ(cause.said, "AddressSanitizer: use-after-poison");
  ASSERT_EQ(cause.frames.size(), 3u) << "not those of the second stack, nor that pass calls on";
  ASSERT_NE(OwnFrame(cause.frames), nullptr);
  EXPECT_EQ(OwnFrame(cause.frames)->function, "SiblingMap::Unlink") << "a lambda has no name";
  EXPECT_EQ(OwnFrame(cause.frames)->file, "mmu/sibling_map.h");
  EXPECT_EQ(OwnFrame(cause.frames)->line, 163);
  EXPECT_EQ(cause.frames[2].function, "Run");
}

TEST(CrashLogTest, WhoFreedTheMemoryIsTheSecondStack) {
  const CrashCause cause = ReadCrashLog(R"(
==12==ERROR: AddressSanitizer: heap-use-after-free on address 0x52 at pc 0x55 bp 0x7f sp 0x7f
READ of size 8 at 0x52 thread T0
    #0 0x55d1 in rmapdiff::SiblingMap<Tiny>::Next(unsigned*) mmu/sibling_map.h:112:5

0x52 is located 8 bytes inside of 16-byte region [0x4a,0x5a)
freed by thread T0 here:
    #0 0x99 in free (/x+0x1)
    #1 0x55d2 in rmapdiff::SiblingMap<Tiny>::Remove(unsigned*) mmu/sibling_map.h:163:9

previously allocated by thread T0 here:
    #0 0x98 in malloc (/x+0x2)
    #1 0x55d3 in rmapdiff::SiblingMap<Tiny>::Add(unsigned*) mmu/sibling_map.h:90:9

==13==ERROR: AddressSanitizer: another report
freed by thread T0 here:
    #0 0x55d4 in Other mmu/sibling_map.h:1:1
)");
  EXPECT_EQ(cause.kind, "asan-heap-use-after-free");
  ASSERT_EQ(cause.frames.size(), 1u);
  ASSERT_EQ(cause.freed.size(), 2u) << "neither the allocation nor another report";
  EXPECT_EQ(cause.freed[1].function, "SiblingMap::Remove");
  EXPECT_EQ(cause.freed[1].line, 163);

  Trial trial;
  trial.ending = Ending::kSanitizer;
  trial.engine = "sibling";
  trial.op_index = 5;
  trial.cause = cause;
  const std::string text = TrialText(LostTailProgram(), trial, {});
  const size_t reader = text.find("SiblingMap::Next ");
  const size_t freed = text.find("  memory that was freed by\n");
  EXPECT_LT(reader, freed);
  EXPECT_LT(freed, text.find("SiblingMap::Remove "));
}

TEST(CrashLogTest, AReportOfUndefinedBehaviorSanitizer) {
  const CrashCause cause = ReadCrashLog(
      "mmu/base/spte.h:12:5: runtime error: shift exponent 64 is too large for 32-bit type\n");
  EXPECT_EQ(cause.kind, "ubsan-shift-exponent");
}

TEST(CrashLogTest, FramesWithoutNamesHaveAnOffset) {
  const CrashCause cause = ReadCrashLog(
      "==1==ERROR: AddressSanitizer: SEGV on unknown address 0x0 (pc 0x5)\n"
      "    #0 0x55fb  (/a b/probe+0x1f2a) (BuildId: 12)\n");
  EXPECT_EQ(cause.said, "AddressSanitizer: SEGV on unknown address 0x0");
  ASSERT_EQ(cause.frames.size(), 1u);
  EXPECT_EQ(cause.frames[0].offset, 0x1f2au);
}

TEST(CrashLogTest, AFrameWithoutALineHasItsFile) {
  const CrashCause cause = ReadCrashLog(
      "==1==ERROR: AddressSanitizer: SEGV on unknown address 0x0 (pc 0x5)\n"
      "    #0 0x55d1 in rmapdiff::PageGraph<Tiny>::Zap(int) mmu/graph/page_graph_zap.h\n"
      "    #1 0x55d2 in Start(int, char*) (/a b/probe+0x1f2a)\n"
      "    #2 0x55d3 in Main(int, char*) (/b/probe+0x1f2b) (BuildId: 12)\n");
  ASSERT_EQ(cause.frames.size(), 3u);
  ASSERT_NE(OwnFrame(cause.frames), nullptr);
  EXPECT_EQ(OwnFrame(cause.frames)->function, "PageGraph::Zap");
  EXPECT_EQ(OwnFrame(cause.frames)->file, "mmu/graph/page_graph_zap.h");
  EXPECT_EQ(OwnFrame(cause.frames)->line, 0);
  EXPECT_EQ(cause.frames[1].file + cause.frames[2].file, "");
  EXPECT_EQ(cause.frames[2].function, "Main");
}

TEST(CrashLogTest, NamesAreShort) {
  EXPECT_EQ(PlainFunctionName("decltype(auto) std::visit<(lambda at a.h:1), std::variant<A, B>&>("
                              "(lambda at a.h:1)&&, std::variant<A, B>&)"),
            "std::visit");
  EXPECT_EQ(WithoutAlternatives("#1 in Run(std::variant<A<int>, B> const&, std::variant<C>) a.h:1\n"
                                "#2 in std::variant<cut off\n#3 in X<Y>\n"),
            "#1 in Run(std::variant<...> const&, std::variant<...>) a.h:1\n"
            "#2 in std::variant<...\n#3 in X<Y>\n");
  EXPECT_EQ(WithoutAlternatives("no such thing"), "no such thing");
}

TEST(CrashLogTest, WhoSaysNothingHasNoCause) {
  EXPECT_EQ(ReadCrashLog("").kind, "");
  EXPECT_EQ(ReadCrashLog("hello\n#1 no frame\n    #x\n").kind, "");
}

TEST(TrialTest, SignaturesOfProcessesThatEnd) {
  Trial trial;
  trial.ending = Ending::kSanitizer;
  trial.engine = "sibling";
  trial.op_index = 5;
  trial.cause = ReadCrashLog(kAsanLog);
  EXPECT_EQ(Signature(LostTailProgram(), trial),
            "asan-use-after-poison/SiblingMap::Unlink/sibling");
  trial.ending = Ending::kTimeout;
  EXPECT_EQ(Signature(LostTailProgram(), trial), "timeout/drop/sibling");
  trial.ending = Ending::kSignal;
  trial.cause = {};
  trial.number = 11;
  EXPECT_EQ(Signature(LostTailProgram(), trial), "signal-segv/drop/sibling");
  trial.op_index = 7;
  EXPECT_EQ(Signature(LostTailProgram(), trial), "signal-segv/teardown/sibling");
  trial.engine = "";
  EXPECT_EQ(Signature(LostTailProgram(), trial), "signal-segv/teardown/reference");
}

TEST(DraftTest, NamesAreWordsInOne) {
  EXPECT_EQ(CamelCase("rmap-missing/drop/sibling"), "RmapMissingDropSibling");
  EXPECT_EQ(CamelCase("a::b"), "AB");
}

}  // namespace
}  // namespace rmapdiff
