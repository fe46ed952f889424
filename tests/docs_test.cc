// The examples in the documents, run: what README.md shows as a report is what the suite prints.
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>

#include "fuzzers/graph_voice.h"
#include "fuzzers/program.h"
#include "fuzzers/report.h"
#include "fuzzers/runner.h"
#include "legacy_mmu/descriptor_map.h"
#include "tests/faulty_maps.h"

namespace rmapdiff {
namespace {

std::string Contents(const std::string& path) {
  std::ifstream file(path);
  EXPECT_TRUE(file) << path;
  std::stringstream contents;
  contents << file.rdbuf();
  return contents.str();
}

// The code block of README.md between the markers of that name.
std::string Example(const std::string& document, const std::string& name) {
  const size_t begin = document.find("<!-- " + name + ":begin");
  const size_t first = document.find("```\n", begin) + 4;
  const size_t end = document.find("<!-- " + name + ":end");
  const size_t last = document.rfind("```\n", end);
  EXPECT_NE(begin, std::string::npos) << name;
  EXPECT_NE(end, std::string::npos) << name;
  return document.substr(first, last - first);
}

TEST(ReadmeTest, TheReportIsTheOneThatTheSuitePrints) {
  const auto parsed = Parse(Contents("docs/examples/lost_tail.ops"));
  const auto* program = std::get_if<Program>(&parsed);
  ASSERT_NE(program, nullptr);
  RunOptions options;
  options.engines = {{"legacy", MakeGraphVoice<DescriptorMap>},
                     {"sibling", MakeGraphVoice<LostTail>}};
  const Verdict verdict = RunProgram(*program, options);
  const std::string report = ReportText(*program, verdict, {.file = "crash-3f2a"});
  EXPECT_EQ(Example(Contents("README.md"), "report"), report);
}

}  // namespace
}  // namespace rmapdiff
