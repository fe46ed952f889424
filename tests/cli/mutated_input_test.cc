// A million mutated texts and artifacts through the parser, the codec and the functions of the
// verbs, in one process. None of them may crash, hang, or leak. (The build with
// sanitizers looks for leaks.) No control character reaches a terminal.
//
// Programs are short, so that a million of them take seconds. Not covered: files themselves, see
// tests/cli/cli_test.py.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <variant>
#include <vector>

#include "fuzzers/finding/crash_log.h"
#include "fuzzers/finding/probe.h"
#include "fuzzers/finding/report_story.h"
#include "fuzzers/finding/test_draft.h"
#include "fuzzers/program/program.h"
#include "fuzzers/run/runner.h"
#include "tools/cli/base/text.h"

namespace rmapdiff {
namespace {

constexpr size_t kInputs = 1'000'000;
constexpr size_t kRunOneIn = 500;  // of the inputs that are programs
constexpr size_t kMaxSize = 600;

constexpr const char* kText =
    "program version=2 limits=tiny reuse=quarantine masks=shadow recycle=exact misuse=yes\n"
    "# a comment\n"
    "alloc_page page=3 level=1 direct=no gfn=0x1 parent=none index=0\n"
    "map page=3 index=7 gfn=0x12 write=yes speculative=no\n"
    "misuse_add_twice page=3 index=7\n";
constexpr const char* kMmuText =
    "program version=2 mode=long limits=tiny reuse=lifo masks=bypass vcpus=2 oos=yes large=1g "
    "log=no oom=no quirk=none\n"
    "access vcpu=0 va=0/0/3/0 type=write user=no word=0 value=0\n"
    "move_memslot slot=0 gfn=0x1\n";

class Mutator {
 public:
  std::string Mutate(std::string input) {
    for (size_t left = 1 + Below(4); left > 0; --left) Step(&input);
    if (input.size() > kMaxSize) input.resize(kMaxSize);
    return input;
  }
  size_t Below(size_t bound) { return random_() % bound; }

 private:
  void Step(std::string* input) {
    const size_t at = Below(input->size() + 1);
    const size_t count = std::min(1 + Below(12), input->size() - at);
    switch (Below(6)) {
      case 0:
        input->insert(at, 1, static_cast<char>(Below(256)));
        break;
      case 1:
        input->erase(at, count);
        break;
      case 2:
        input->insert(at, input->substr(Below(input->size() + 1), count));
        break;
      case 3:
        input->resize(at);
        break;
      case 4:
        input->insert(at, std::to_string(random_()));
        break;
      default:
        if (at < input->size()) (*input)[at] = static_cast<char>(Below(256));
    }
  }

  std::mt19937 random_{20100802};
};

void ExpectPrintable(const std::string& text) {
  const auto control = [](char c) { return c != '\n' && static_cast<unsigned char>(c) < 0x20; };
  EXPECT_TRUE(std::none_of(text.begin(), text.end(), control)) << Printable(text);
}

// Uses a program as `repro` and `draft-test` do.
void UseProgram(const Program& program) {
  Trial trial;
  trial.verdict = RunProgram(program);
  trial.story = TellStory(program, trial.verdict);
  const std::string report = TrialText(program, trial, {});
  ExpectPrintable(report);
  ExpectPrintable(DraftTest(program, Signature(program, trial), report));
}

std::string BytesOf(const Program& program) {
  const std::vector<uint8_t> bytes = Encode(program);
  return {bytes.begin(), bytes.end()};
}

TEST(MutatedInputTest, AMillionTextsAndArtifacts) {
  Mutator mutator;
  std::vector<std::string> seeds = {kText, kMmuText};
  for (const char* text : {kText, kMmuText}) {
    seeds.push_back(BytesOf(std::get<Program>(Parse(text))));
  }
  size_t parsed = 0;
  size_t run = 0;
  for (size_t i = 0; i < kInputs; ++i) {
    const std::string input = mutator.Mutate(seeds[i % seeds.size()]);
    Program program;
    if (LooksLikeText(input)) {
      auto result = Parse(input);
      if (const auto* error = std::get_if<ParseError>(&result)) {
        ExpectPrintable(error->what);
        continue;
      }
      program = std::get<Program>(std::move(result));
    } else {
      program = Decode({reinterpret_cast<const uint8_t*>(input.data()), input.size()});
    }
    ++parsed;
    if (parsed % kRunOneIn != 0) continue;
    UseProgram(program);
    ++run;
  }
  EXPECT_GT(parsed, kInputs / 2) << "artifacts are programs whatever they hold";
  EXPECT_GT(run, kInputs / 2000);
}

TEST(MutatedInputTest, AMillionBytesThatAreNoAnswerAndNoLog) {
  Mutator mutator;
  ProbeRequest request;
  request.program = BytesOf(std::get<Program>(Parse(kText)));
  const std::string log =
      "==1==ERROR: AddressSanitizer: use-after-poison on address 0x52\n"
      "    #0 0x55d1 in operator() mmu/graph/page_graph_pages.h:112:5\n"
      "    #1 0x55fb  (/a/probe+0x1f2a)\nmmu/x.h:1:2: runtime error: overflow\n";
  for (size_t i = 0; i < kInputs / 10; ++i) {
    const std::string input = mutator.Mutate(i % 2 == 0 ? Packed(request) : log);
    Trial trial;
    UnpackAnswer(input, &trial);
    ReadCrashLog(input);
    PlainFunctionName(input);
    ExpectPrintable(PrintableLines(input));
  }
}

}  // namespace
}  // namespace rmapdiff
