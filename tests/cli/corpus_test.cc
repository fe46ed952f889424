// The pure parts of rmapdiff corpus: classes and figures, names, archives, control files.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "tools/cli/corpus/archive.h"
#include "tools/cli/corpus/corpus_figures.h"
#include "tools/cli/corpus/corpus_folder.h"
#include "tools/cli/libfuzzer/merge_control.h"

namespace rmapdiff {
namespace {

TEST(ClassTest, ListsAreClassedByPowersOfTwoThatTheyDoNotExceed) {
  const std::vector<std::string> names = {"0",   "1",   "2",   "3-4",  "3-4", "5-8",
                                          "5-8", "5-8", "5-8", "9-16", "9-16"};
  for (uint64_t length = 0; length < names.size(); ++length) {
    EXPECT_EQ(ListClassName(ListClass(length)), names[length]) << length;
  }
  EXPECT_EQ(ListClassName(ListClass(16)), "9-16");
  EXPECT_EQ(ListClassName(ListClass(17)), "17-32");
  EXPECT_EQ(ListClassName(ListClass(1024)), "513-1024");
}

TEST(ClassTest, ProgramsAreClassedByPowersOfTwoThatTheyReach) {
  const std::vector<std::string> names = {"0",   "1",   "2-3", "2-3", "4-7",
                                          "4-7", "4-7", "4-7", "8-15"};
  for (uint64_t length = 0; length < names.size(); ++length) {
    EXPECT_EQ(ProgramClassName(ProgramClass(length)), names[length]) << length;
  }
  EXPECT_EQ(ProgramClassName(ProgramClass(256)), "256-511");
}

Observation ThreeListsAndTwoPages() {
  Observation end;
  end.rmaps.resize(3);
  for (size_t i = 0; i < 3; ++i) end.rmaps[i].entries.resize(i == 2 ? 6 : 1);
  end.pages.resize(2);
  end.pages[1].parents.resize(2);
  return end;
}

TEST(FiguresTest, ListsAreCountedByTheirLengths) {
  CorpusFigures figures;
  figures.CountLists(ThreeListsAndTwoPages());
  EXPECT_EQ(figures.rmap_lengths, (Histogram{0, 2, 0, 0, 1}));
  EXPECT_EQ(figures.parent_lengths, (Histogram{1, 0, 1}));
}

CorpusFigures SomeFigures() {
  CorpusFigures figures;
  figures.CountProgram(80, 9);
  figures.CountOutcome("map", OutcomeCode::kOk);
  figures.CountOutcome("map", OutcomeCode::kOk);
  figures.CountOutcome("map", OutcomeCode::kBug);
  figures.CountLists(ThreeListsAndTwoPages());
  figures.unreadable = 2;
  figures.findings = 1;
  return figures;
}

TEST(FiguresTest, AnOutcomeIsItsName) {
  const std::map<std::string, uint64_t> expected = {{"ok", 2}, {"bug", 1}};
  EXPECT_EQ(SomeFigures().outcomes.at("map"), expected);
}

TEST(FiguresTest, TheyAddUp) {
  CorpusFigures sum = SomeFigures();
  sum.Add(SomeFigures());
  EXPECT_EQ(sum.programs, 2u);
  EXPECT_EQ(sum.bytes, 160u);
  EXPECT_EQ(sum.ops, 18u);
  EXPECT_EQ(sum.unreadable, 4u);
  EXPECT_EQ(sum.findings, 2u);
  EXPECT_EQ(sum.outcomes.at("map").at("ok"), 4u);
  EXPECT_EQ(sum.rmap_lengths, (Histogram{0, 4, 0, 0, 2}));
}

TEST(FiguresTest, TheySurviveAPipe) {
  CorpusFigures read;
  ASSERT_TRUE(UnpackFigures(PackFigures(SomeFigures()), &read));
  EXPECT_EQ(FiguresJson({{"t", read}}), FiguresJson({{"t", SomeFigures()}}));
}

TEST(FiguresTest, BytesThatAreCutOffAreNone) {
  const std::string bytes = PackFigures(SomeFigures());
  for (size_t size = 0; size < bytes.size(); ++size) {
    CorpusFigures read;
    EXPECT_FALSE(UnpackFigures(bytes.substr(0, size), &read)) << size;
  }
}

TEST(NameTest, IsTheSha1OfTheContent) {
  // The examples of FIPS 180-1.
  EXPECT_EQ(ContentName("abc"), "a9993e364706816aba3e25717850c26c9cd0d89d");
  EXPECT_EQ(ContentName(std::string(1'000'000, 'a')), "34aa973cd4c4daa4f61eeb2bdbad27316534016f");
  EXPECT_EQ(ContentName(""), "da39a3ee5e6b4b0d3255bfef95601890afd80709");
}

TEST(NameTest, OnlySuchNamesAreTaken) {
  EXPECT_TRUE(IsContentName(ContentName("x")));
  EXPECT_FALSE(IsContentName(""));
  EXPECT_FALSE(IsContentName("A9993E364706816ABA3E25717850C26C9CD0D89D"));
  EXPECT_FALSE(IsContentName(ContentName("x") + "0"));
  EXPECT_TRUE(IsTargetName("tiny_mmu_fuzzer"));
  EXPECT_TRUE(IsTargetName("program_fuzzer"));
  EXPECT_FALSE(IsTargetName(".."));
}

std::string PackMembers(const Members& members) {
  std::string packed;
  for (const auto& [name, content] : members) packed += ArchiveMember(name, content);
  return packed + ArchiveEnd(packed.size());
}

TEST(ArchiveTest, HoldsEveryMemberInOrder) {
  Members members;
  for (const char* content : {"b", "a", "longer content"}) {
    members["rmap_fuzzer/" + ContentName(content)] = content;
  }
  members["mmu_fuzzer/" + ContentName("a")] = "a";
  const std::string archive = PackMembers(members);
  EXPECT_EQ(archive.size() % 10'240, 0u);
  const auto read = UnpackMembers(archive);
  ASSERT_TRUE(std::holds_alternative<Members>(read)) << std::get<std::string>(read);
  EXPECT_EQ(std::get<Members>(read), members);
  EXPECT_LT(archive.find("mmu_fuzzer/"), archive.find("rmap_fuzzer/"));
}

TEST(ArchiveTest, NoByteOfItCanBeAnother) {
  const std::string name = "rmap_fuzzer/" + ContentName("some content");
  const std::string archive = PackMembers({{name, "some content"}});
  // The header, the content, the filling of its block, and the first byte of the end.
  for (size_t at = 0; at <= 1024; ++at) {
    for (const int bit : {0, 5, 7}) {
      std::string other = archive;
      other[at] = static_cast<char>(other[at] ^ 1 << bit);
      const auto read = UnpackMembers(other);
      const bool same = std::holds_alternative<Members>(read) &&
                        std::get<Members>(read) == Members{{name, "some content"}};
      // The filling of the block belongs to no member.
      const bool filling = at >= 512 + 12 && at < 1024;
      EXPECT_EQ(same, filling) << at;
      EXPECT_EQ(std::holds_alternative<Members>(read), filling) << at;
    }
  }
}

TEST(ArchiveTest, OneThatIsCutOffIsNone) {
  const std::string archive = PackMembers({{"rmap_fuzzer/" + ContentName("x"), "x"}});
  for (const size_t size : {size_t{0}, size_t{1}, size_t{512}, size_t{1024}, archive.size() - 1}) {
    EXPECT_FALSE(std::holds_alternative<Members>(UnpackMembers(archive.substr(0, size)))) << size;
  }
}

TEST(ControlFileTest, SaysHowFarEachInputCame) {
  const std::string text =
      "4\n1\nin/a\nin/b c\nin/d\nin/e\n"
      "STARTED 0 10\nFT 0 1 2\nCOV 0 7\nSTARTED 1 12\nSTARTED 2 13\nFT 2\nCOV 2\nFT 9 1\n";
  const std::map<std::string, Measuring> expected = {{"in/a", Measuring::kDone},
                                                     {"in/b c", Measuring::kBegun},
                                                     {"in/d", Measuring::kDone},
                                                     {"in/e", Measuring::kNotBegun}};
  EXPECT_EQ(ReadMergeControl(text), expected);
}

TEST(ControlFileTest, OneThatMakesNoSenseSaysNothing) {
  for (const char* text : {"", "x\n", "3\n", "3\n1\nin/a\n", "99999999999\n0\n", "-1\n0\n"}) {
    EXPECT_TRUE(ReadMergeControl(text).empty()) << text;
  }
}

}  // namespace
}  // namespace rmapdiff
