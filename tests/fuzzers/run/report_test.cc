// The reports, literally: one golden text for each kind of verdict, and for each way to be wrong.
#include "fuzzers/run/report.h"

#include <optional>
#include <set>
#include <string>

#include "fuzzers/run/verdict_words.h"
#include "gtest/gtest.h"
#include "tools/cli/programs/verdict_json.h"

namespace rmapdiff {
namespace {

// Four operations; the third write-protects gfn 0x2.
Program SomeProgram() {
  Program program;
  program.header.limits = LimitsMode::kTiny;
  program.ops = {ops::Pin{{3}}, ops::Drop{{5}, {0}, {false}}, ops::WriteProtect{{2}},
                 ops::Commit{}};
  return program;
}

Verdict Divergence() {
  Verdict verdict;
  verdict.kind = VerdictKind::kDivergence;
  verdict.op_index = 2;
  verdict.ops_run = 3;
  verdict.engines = {"legacy", "sibling"};
  verdict.guilty = {1};
  verdict.difference = {Finding::kRmapMissing, "rmap(gfn 0x2, level 1)",
                        "{ page 3 [17], page 5 [0] }", "{ page 3 [17] }", "missing: page 5 [0]"};
  verdict.differences = {std::nullopt, verdict.difference};
  return verdict;
}

// The same divergence, of these engines.
Verdict DivergenceOf(const std::set<size_t>& guilty) {
  Verdict verdict = Divergence();
  verdict.guilty = guilty;
  for (size_t i = 0; i < verdict.engines.size(); ++i) {
    verdict.differences[i].reset();
    if (guilty.count(i) != 0) verdict.differences[i] = verdict.difference;
  }
  return verdict;
}

Verdict Ended(VerdictKind::Value kind, const Outcome& model, const Outcome& legacy,
              const Outcome& sibling) {
  Verdict verdict;
  verdict.kind = kind;
  verdict.op_index = 2;
  verdict.ops_run = 3;
  verdict.engines = {"legacy", "sibling"};
  verdict.outcomes = Outcomes{model, {legacy, sibling}};
  return verdict;
}

constexpr Outcome kOk;
constexpr Outcome kBug{.code = OutcomeCode::kBug, .bug = BugClass::kRmapRemove};

Verdict Agreement() {
  Verdict verdict = Ended(VerdictKind::kAgree, kOk, kOk, kOk);
  verdict.op_index = verdict.ops_run = 4;
  verdict.state_hash = 0x1234abcd;
  return verdict;
}

std::string Line(const std::string& text, size_t number) {
  size_t begin = 0;
  while (number-- > 0) begin = text.find('\n', begin) + 1;
  return text.substr(begin, text.find('\n', begin) - begin);
}

// The second line: the engines that the report blames.
std::string SecondLine(const Verdict& verdict) {
  return Line(ReportText(SomeProgram(), verdict), 1);
}

// ---- Text ----

TEST(ReportTextTest, ADivergence) {
  EXPECT_EQ(ReportText(SomeProgram(), Divergence(), {.file = "crash-3f2a.bin"}),
            R"(DIVERGENCE at op 3 of 4: write_protect gfn=0x2
  engine sibling disagrees with legacy and model            )"
            R"(signature rmap-missing/write_protect/sibling
  rmap(gfn 0x2, level 1)
    model    { page 3 [17], page 5 [0] }
    legacy   { page 3 [17], page 5 [0] }
    sibling  { page 3 [17] }                                missing: page 5 [0]
program (4 ops):
       program version=2 limits=tiny reuse=quarantine masks=shadow recycle=exact misuse=no
    1  pin page=3
    2  drop page=5 index=0 notrap=no
  > 3  write_protect gfn=0x2
    4  commit
reproduce:  tools/rmapdiff repro crash-3f2a.bin
minimise:   tools/rmapdiff minimize crash-3f2a.bin -o minimal.ops
)");
}

TEST(ReportTextTest, ADivergenceAtTeardownWithoutFile) {
  Verdict verdict = Divergence();
  verdict.check = Check::kTeardown;
  verdict.op_index = verdict.ops_run = 4;
  verdict.difference = {Finding::kLeak, "left after teardown", "nothing", "2 descriptors", ""};
  verdict.differences = {std::nullopt, verdict.difference};
  EXPECT_EQ(ReportText(SomeProgram(), verdict), R"(DIVERGENCE at teardown, after 4 ops
  engine sibling leaves something behind                    signature leak/teardown/sibling
  left after teardown
    legacy   nothing
    sibling  2 descriptors
program (4 ops):
       program version=2 limits=tiny reuse=quarantine masks=shadow recycle=exact misuse=no
    1  pin page=3
    2  drop page=5 index=0 notrap=no
    3  write_protect gfn=0x2
    4  commit
)");
}

TEST(ReportTextTest, AgreementIsOneLine) {
  EXPECT_EQ(ReportText(SomeProgram(), Agreement()),
            "AGREE: 4 ops, legacy and sibling and the model have the same state "
            "(hash 0x000000001234abcd)\n");
}

TEST(ReportTextTest, ABugOfAllVoicesIsOneLine) {
  EXPECT_EQ(ReportText(SomeProgram(), Ended(VerdictKind::kBug, kBug, kBug, kBug)),
            "BUG: all voices raise rmap_remove at op 3 of 4: write_protect gfn=0x2\n");
}

TEST(ReportTextTest, AKnownDifferenceSaysWhereItIsExplained) {
  const Outcome bug{.code = OutcomeCode::kBug, .bug = BugClass::kRemoveParent};
  Verdict verdict = Ended(VerdictKind::kClassified, kOk, kOk, bug);
  verdict.classified = "D11";
  EXPECT_EQ(ReportText(SomeProgram(), verdict),
            R"(KNOWN DIFFERENCE D11 at op 3 of 4: see docs/contract.md
  write_protect gfn=0x2
    model    ok
    legacy   ok
    sibling  bug remove_parent
)");
}

TEST(ReportTextTest, WithoutChecksNothingIsClaimed) {
  Verdict verdict;
  verdict.op_index = 4;
  EXPECT_EQ(ReportText(SomeProgram(), verdict), "DONE: 4 ops, nothing compared\n");
  verdict.kind = VerdictKind::kBug;
  verdict.op_index = 0;
  EXPECT_EQ(ReportText(SomeProgram(), verdict),
            "BUG: nothing compared, raised at op 1 of 4: pin page=3\n");
}

TEST(ReportTextTest, EachCheckHasItsOwnAccusation) {
  const auto remark = [](std::string text) {
    text.resize(60, ' ');
    return text + "signature rmap-missing/write_protect/sibling";
  };
  Verdict verdict = Divergence();
  verdict.check = Check::kAudit;
  EXPECT_EQ(SecondLine(verdict), remark("  engine sibling fails its audit"));
  verdict.check = Check::kAddReturn;
  EXPECT_EQ(SecondLine(verdict), remark("  engine sibling breaks its own rule for rmap_add"));
  verdict.check = Check::kMmus;
  EXPECT_EQ(SecondLine(verdict),
            "  engine sibling disagrees with legacy, and fails its audit    "
            "signature rmap-missing/write_protect/sibling");
}

TEST(ReportTextTest, AllOrNoneCanBeAccused) {
  const auto starts = [](const Verdict& verdict) {
    const std::string line = SecondLine(verdict);
    return line.substr(0, line.find("    "));
  };
  Verdict verdict = DivergenceOf({0, 1});
  EXPECT_EQ(starts(verdict), "  legacy and sibling disagree with the model");
  verdict.check = Check::kAudit;
  EXPECT_EQ(starts(verdict), "  legacy and sibling fail their audits");
  verdict.check = Check::kTeardown;
  EXPECT_EQ(starts(verdict), "  legacy and sibling leave something behind");
  verdict.check = Check::kAddReturn;
  EXPECT_EQ(starts(verdict), "  legacy and sibling break their own rule for rmap_add");
  verdict.check = Check::kMmus;
  verdict.guilty.clear();
  verdict.undecided = true;
  EXPECT_EQ(starts(verdict), "  legacy and sibling disagree; the model does not say");
}

TEST(ReportTextTest, SomeOfManyEnginesCanBeAccused) {
  Verdict verdict = Divergence();
  verdict.engines.push_back("canary");
  verdict.differences.push_back(verdict.difference);
  verdict.guilty = {1, 2};
  EXPECT_EQ(GuiltyName(verdict), "sibling+canary");
  EXPECT_EQ(SecondLine(verdict).substr(0, 52),
            "  sibling and canary disagree with legacy and model ");
}

TEST(ReportTextTest, TheDifferenceInWordsIsBesideTheFirstGuilty) {
  const Verdict verdict = DivergenceOf({0, 1});
  const std::string text = ReportText(SomeProgram(), verdict);
  EXPECT_EQ(Line(text, 4),
            "    legacy   { page 3 [17] }                                "
            "missing: page 5 [0]");
  EXPECT_EQ(Line(text, 5), "    sibling  { page 3 [17] }");
}

TEST(ReportTextTest, AWideValuePushesTheWordsAside) {
  Verdict verdict = Divergence();
  verdict.differences[1]->actual = std::string(70, 'x');
  EXPECT_EQ(Line(ReportText(SomeProgram(), verdict), 5),
            "    sibling  " + std::string(70, 'x') + "    missing: page 5 [0]");
}

TEST(ReportTextTest, ALongProgramIsShownAroundItsEnd) {
  Program program = SomeProgram();
  program.ops.assign(120, ops::Commit{});
  Verdict verdict = Divergence();
  verdict.op_index = 99;
  const std::string text = ReportText(program, verdict, {.file = "", .max_ops = 8});
  EXPECT_EQ(text.substr(text.find("program (")), R"(program (120 ops):
         program version=2 limits=tiny reuse=quarantine masks=shadow recycle=exact misuse=no
    ... (94 more)
     95  commit
     96  commit
     97  commit
     98  commit
     99  commit
  > 100  commit
    101  commit
    102  commit
    ... (18 more)
)");
}

TEST(ReportTextTest, ALongProgramIsShownFromTheBeginningIfItEndsThere) {
  Program program = SomeProgram();
  program.ops.assign(9, ops::Commit{});
  Verdict verdict = Divergence();
  verdict.op_index = 0;
  const std::string text = ReportText(program, verdict, {.file = "", .max_ops = 2});
  EXPECT_EQ(text.substr(text.find("misuse=no")),
            "misuse=no\n  > 1  commit\n    2  commit\n    ... (7 more)\n");
}

TEST(ReportTextTest, FileNamesAreWordsOfTheShell) {
  const auto command = [](const std::string& file) {
    const std::string text = ReportText(SomeProgram(), Divergence(), {.file = file});
    const size_t begin = text.find("repro ") + 6;
    return text.substr(begin, text.find('\n', begin) + 1 - begin);
  };
  EXPECT_EQ(command("a/b-c_1.ops"), "a/b-c_1.ops\n");
  EXPECT_EQ(command("two words"), "'two words'\n");
  EXPECT_EQ(command("it's"), "'it'\\''s'\n");
  EXPECT_EQ(command("-x"), "./-x\n");
  EXPECT_EQ(command("a\033[31m'\\"), "$'a\\x1b[31m\\'\\\\'\n");
}

// ---- Signatures ----

TEST(SignatureTest, NamesFindingOperationAndGuilty) {
  EXPECT_EQ(Signature(SomeProgram(), Divergence()), "rmap-missing/write_protect/sibling");
}

TEST(SignatureTest, IsEmptyUnlessThereIsAFinding) {
  EXPECT_EQ(Signature(SomeProgram(), Agreement()), "");
  EXPECT_EQ(Signature(SomeProgram(), Ended(VerdictKind::kBug, kBug, kBug, kBug)), "");
  EXPECT_EQ(Signature(SomeProgram(), Ended(VerdictKind::kClassified, kOk, kOk, kBug)), "");
}

// ---- JSON ----

TEST(VerdictJsonTest, ADivergence) {
  EXPECT_EQ(
      VerdictJson(SomeProgram(), Divergence(), "a.ops"),
      R"({"kind":"divergence","ops":4,"ops_run":3,"state_hash":"0x0000000000000000",)"
      R"("file":"a.ops","op_index":2,"op":"write_protect gfn=0x2",)"
      R"("values":[{"voice":"model","value":"{ page 3 [17], page 5 [0] }"},)"
      R"({"voice":"legacy","value":"{ page 3 [17], page 5 [0] }"},)"
      R"({"voice":"sibling","value":"{ page 3 [17] }"}],)"
      R"("signature":"rmap-missing/write_protect/sibling","guilty":"sibling","check":"model",)"
      R"-("finding":"rmap-missing","subject":"rmap(gfn 0x2, level 1)",)-"
      R"("expected":"{ page 3 [17], page 5 [0] }","actual":"{ page 3 [17] }",)"
      R"("detail":"missing: page 5 [0]"})"
      "\n");
}

TEST(VerdictJsonTest, Agreement) {
  EXPECT_EQ(VerdictJson(SomeProgram(), Agreement(), ""),
            R"({"kind":"agree","ops":4,"ops_run":4,"state_hash":"0x000000001234abcd","file":""})"
            "\n");
}

TEST(VerdictJsonTest, ABug) {
  EXPECT_EQ(
      VerdictJson(SomeProgram(), Ended(VerdictKind::kBug, kBug, kBug, kBug), ""),
      R"({"kind":"bug","ops":4,"ops_run":3,"state_hash":"0x0000000000000000","file":"",)"
      R"("op_index":2,"op":"write_protect gfn=0x2","values":[)"
      R"({"voice":"model","value":"bug rmap_remove"},{"voice":"legacy","value":"bug rmap_remove"},)"
      R"({"voice":"sibling","value":"bug rmap_remove"}]})"
      "\n");
}

TEST(VerdictJsonTest, AKnownDifference) {
  Verdict verdict = Ended(VerdictKind::kClassified, kOk, Outcome{.value = 1}, kBug);
  verdict.classified = "D12";
  EXPECT_EQ(VerdictJson(SomeProgram(), verdict, ""),
            R"({"kind":"classified","ops":4,"ops_run":3,"state_hash":"0x0000000000000000",)"
            R"("file":"","op_index":2,"op":"write_protect gfn=0x2","values":[)"
            R"({"voice":"model","value":"ok"},{"voice":"legacy","value":"ok, value 1"},)"
            R"({"voice":"sibling","value":"bug rmap_remove"}],"classified":"D12"})"
            "\n");
}

TEST(VerdictJsonTest, AnyFileNameIsAValidString) {
  const auto quoted = [](const std::string& file) {
    const std::string json = VerdictJson(SomeProgram(), Agreement(), file);
    const size_t begin = json.find("\"file\":") + 7;
    return json.substr(begin, json.size() - begin - 2);
  };
  EXPECT_EQ(quoted("a\"b\\c"), R"("a\"b\\c")");
  EXPECT_EQ(quoted("\n\033\x7f"), R"("\n\u001b\u007f")");
  EXPECT_EQ(quoted("\xc3\xa9\xe2\x82\xac\xf0\x9f\x90\xa7"), R"("\u00e9\u20ac\ud83d\udc27")");
  // A lone continuation, a cut sequence, overlong, a surrogate's first byte, beyond the last plane.
  EXPECT_EQ(quoted("\x80"), R"("\ufffd")");
  EXPECT_EQ(quoted("\xc3"), R"("\ufffd")");
  EXPECT_EQ(quoted("\xc0\xaf"), R"("\ufffd\ufffd")");
  EXPECT_EQ(quoted("\xed\xa0\x80"), R"("\ufffd\ufffd\ufffd")");
  EXPECT_EQ(quoted("\xf4\x90\x80\x80"), R"("\ufffd\ufffd\ufffd\ufffd")");
}

}  // namespace
}  // namespace rmapdiff
