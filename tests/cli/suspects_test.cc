// The lines that a finding points at, on made-up counters, and the programs beside one.
#include "tools/cli/findings/suspects.h"

#include <gtest/gtest.h>

#include <string>
#include <variant>
#include <vector>

#include "tools/cli/findings/code_lines.h"
#include "tools/cli/findings/neighbours.h"

namespace rmapdiff {
namespace {

// Block N stands in line N of a.h.
CodeMap Lines(uint64_t count) {
  CodeMap code;
  for (uint64_t i = 1; i <= count; ++i) {
    code[i] = {StackFrame{"F", "a.h", "a.h", static_cast<int>(i), 1, 0}};
  }
  return code;
}

// "1 2|3": the lines of each place, most suspect first.
std::string Places(const std::vector<Suspect>& suspects) {
  std::string text;
  for (const Suspect& suspect : suspects) {
    if (!text.empty()) text += "|";
    for (size_t i = 0; i < suspect.lines.size(); ++i) {
      text += (i > 0 ? " " : "") + std::to_string(suspect.lines[i].line);
    }
  }
  return text;
}

TEST(SuspectsTest, WhatOnlyProgramsRanThatShowItComesFirst) {
  // 3 ran in all that show it and in no other; 2 in one good one; 1 in all.
  const std::vector<ProgramRun> others = {
      {true, {1, 2, 3}}, {false, {1, 2}}, {false, {1}}, {false, {1}}};
  const std::vector<Suspect> suspects = RankSuspects({true, {1, 2, 3}}, others, Lines(3));
  EXPECT_EQ(Places(suspects), "3|2|1");
  for (const Suspect& suspect : suspects) EXPECT_EQ(suspect.showing, 2u);
  EXPECT_EQ(suspects[0].good, 0u);
  EXPECT_EQ(suspects[1].good, 1u);
  EXPECT_EQ(suspects[2].good, 3u);
}

TEST(SuspectsTest, WhatAProgramThatShowsItDidNotRunIsLessSuspectWhateverGoodOnesRan) {
  const std::vector<ProgramRun> others = {{true, {1}}, {false, {1}}, {false, {1}}};
  EXPECT_EQ(Places(RankSuspects({true, {1, 2}}, others, Lines(2))), "1|2");
}

TEST(SuspectsTest, LinesThatRanTogetherAreOnePlace) {
  const std::vector<ProgramRun> others = {{false, {3}}};
  EXPECT_EQ(Places(RankSuspects({true, {2, 1, 3}}, others, Lines(3))), "1 2|3");
}

TEST(SuspectsTest, CodeThatTheProgramDidNotRunOrOfNoInterestIsNotNamed) {
  const std::vector<ProgramRun> others = {{true, {1, 2, 7}}, {false, {2}}};
  EXPECT_EQ(Places(RankSuspects({true, {1, 7}}, others, Lines(3))), "1");
}

TEST(SuspectsTest, CopiesOfABlockAreOneAndBlocksOfALineTheMostSuspect) {
  CodeMap code = Lines(2);
  code[10] = code[1];  // inlined elsewhere: good programs ran that copy
  code[11] = {StackFrame{"F", "a.h", "a.h", 2, 9, 0}};  // the other branch on line 2
  const std::vector<ProgramRun> others = {{false, {2, 10}}, {false, {2, 10}}};
  EXPECT_EQ(Places(RankSuspects({true, {1, 2, 11}}, others, code)), "2|1");
}

TEST(SuspectsTest, WhereABlockIsInlinedTheCallerIsSuspectToo) {
  CodeMap code = Lines(1);
  code[1].push_back(StackFrame{"Caller", "b.h", "b.h", 5, 1, 0});
  const std::vector<Suspect> suspects = RankSuspects({true, {1}}, {{false, {}}}, code);
  ASSERT_EQ(suspects.size(), 1u);
  ASSERT_EQ(suspects[0].lines.size(), 2u);
  EXPECT_EQ(suspects[0].lines[1].function, "Caller");
}

// ---- Lines with their sources ----

CodeLine LineOf(const char* function, int line, bool marked) {
  return {StackFrame{function, "none.h", "none.h", line, 1, 0}, marked};
}

TEST(CodeTextTest, LinesOfAFunctionStandTogetherWithThoseBetweenThem) {
  EXPECT_EQ(CodeText({LineOf("F", 7, false), LineOf("F", 9, true), LineOf("G", 10, false)}),
            "  F\n  +    7 \n       8 \n  *    9 \n  G\n  +   10 \n");
  EXPECT_EQ(CodeText({LineOf("F", 7, false), LineOf("F", 100, false)}),
            "  F\n  +    7 \n  F\n  +  100 \n");
}

TEST(CodeTextTest, CodeOfNoSingleLineHasItsFunction) {
  EXPECT_EQ(CodeText({LineOf("F", 0, false), LineOf("G", 2, false)}), "  F\n  G\n  +    2 \n");
}

// ---- Neighbours ----

Program ThreeOps() {
  return std::get<Program>(
      Parse("program version=2 mode=pae limits=tiny reuse=quarantine masks=shadow vcpus=1 oos=yes "
            "large=1g log=no oom=no quirk=keep_stale_child counters=zero second=none protect=none\n"
            "set_gpte vcpu=0 table=0x2 entry=2 gfn=0x8 flags=pw via=guest\n"
            "invlpg vcpu=0 va=0/0/0/0\n"
            "reset\n"));
}

TEST(NeighboursTest, EachLacksAnOperationOrIsChangedAndMeetsTheLastOne) {
  const Program program = ThreeOps();
  const std::vector<Program> shorter = Neighbours(program, 10, 0);
  ASSERT_EQ(shorter.size(), 2u);
  EXPECT_EQ(shorter[0].ops, (std::vector<Op>{program.ops[1], program.ops[2]}));
  EXPECT_EQ(shorter[1].ops, (std::vector<Op>{program.ops[0], program.ops[2]}));
  const std::vector<Program> all = Neighbours(program, 10, 30);
  EXPECT_GT(all.size(), 20u);
  for (const Program& one : all) {
    EXPECT_EQ(one.header, program.header) << "the same world, with its bug";
    EXPECT_EQ(one.ops.back(), program.ops.back());
    EXPECT_FALSE(one == program);
    EXPECT_EQ(Decode(Encode(one)), one);
  }
  EXPECT_EQ(all, Neighbours(program, 10, 30));
}

TEST(NeighboursTest, OfALongProgramTheyLackStretches) {
  Program program = ThreeOps();
  program.ops.resize(101, program.ops[0]);
  const std::vector<Program> shorter = Neighbours(program, 10, 0);
  ASSERT_EQ(shorter.size(), 10u);
  for (const Program& one : shorter) EXPECT_EQ(one.ops.size(), 91u);
}

TEST(NeighboursTest, OfNothingThereAreNone) {
  Program program = ThreeOps();
  EXPECT_TRUE(Neighbours(program, 0, 0).empty());
  program.ops.resize(1);
  EXPECT_FALSE(Neighbours(program, 10, 10).empty()) << "a single one is changed itself";
  program.ops.clear();
  EXPECT_TRUE(Neighbours(program, 10, 10).empty());
}

}  // namespace
}  // namespace rmapdiff
