// Runs the examples in the documents: the suite must print the reports that they show.
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "fuzzers/program/program.h"
#include "fuzzers/run/report.h"
#include "fuzzers/run/runner.h"
#include "fuzzers/voices/make_voice.h"
#include "legacy_mmu/descriptor_map.h"
#include "tests/power/faulty_maps.h"

namespace rmapdiff {
namespace {

std::string Contents(const std::string& path) {
  std::ifstream file(path);
  EXPECT_TRUE(file) << path;
  std::stringstream contents;
  contents << file.rdbuf();
  return contents.str();
}

// The code block of a document between the markers of that name.
std::string Example(const std::string& document, const std::string& name) {
  const size_t begin = document.find("<!-- " + name + ":begin");
  const size_t first = document.find("```\n", begin) + 4;
  const size_t end = document.find("<!-- " + name + ":end");
  const size_t last = document.rfind("```\n", end);
  EXPECT_NE(begin, std::string::npos) << name;
  EXPECT_NE(end, std::string::npos) << name;
  return document.substr(first, last - first);
}

// The report of a program in docs/examples, with these engines.
std::string ReportOf(const std::string& path, const std::vector<Engine>& engines,
                     const ReportOptions& report) {
  const auto parsed = Parse(Contents(path));
  const auto* program = std::get_if<Program>(&parsed);
  EXPECT_NE(program, nullptr) << path;
  if (program == nullptr) return "";
  RunOptions options;
  options.engines = engines;
  return ReportText(*program, RunProgram(*program, options), report);
}

TEST(DocsTest, TheReportOfTheReadmeIsTheOneThatTheSuitePrints) {
  const std::string report = ReportOf("docs/examples/lost_tail.ops",
                                      {{"legacy", "", MapRule::kOld, MakeVoice<DescriptorMap>},
                                       {"sibling", "", MapRule::kNew, MakeVoice<LostTail>}},
                                      {.file = "crash-3f2a"});
  EXPECT_EQ(Example(Contents("README.md"), "report"), report);
}

TEST(DocsTest, TheReportOnAWrongThirdMapIsTheOneThatTheSuitePrints) {
  const std::string path = "docs/examples/forgotten_decrement.ops";
  const std::string report =
      ReportOf(path,
               {{"legacy", "", MapRule::kOld, MakeVoice<DescriptorMap>},
                {"sibling", "", MapRule::kNew, MakeVoice<SiblingMap>},
                {"counted", "", MapRule::kEither, MakeVoice<ForgottenDecrement>}},
               {.file = path, .maps = "legacy,sibling,counted"});
  EXPECT_EQ(Example(Contents("docs/adding-a-reverse-map.md"), "wrong"), report);
}

}  // namespace
}  // namespace rmapdiff
