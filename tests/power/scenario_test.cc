// Runs the seeds of the whole MMU, and compares each with the results that it states.
//
// Beside its operations a seed has comments with the expected results:
//
//   # expect outcome guest_fault error 5    of the operation above; of an access also `exits 2`,
//                                           `word 0x7070707`; of any operation `value 1`
//   # expect recycled 1                     a figure of the state at the end, see FiguresOf
//   # expect verdict classified L1          if it is not `agree`
//
// Figures are of the last engine. The verdict says whether the engines agree.
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "fuzzers/program/program.h"
#include "fuzzers/program/target_kinds.h"
#include "fuzzers/run/report.h"
#include "fuzzers/run/runner.h"
#include "fuzzers/state/facts.h"
#include "fuzzers/state/observation.h"

namespace rmapdiff {
namespace {

using Figures = std::map<std::string, uint64_t>;

// ---- The expectations of a seed ----

struct Expectation {
  int line = 0;
  size_t op = 0;  // how many operations stand above it
  std::vector<std::string> words;
};

struct Seed {
  std::string path;
  std::string text;
  std::vector<Expectation> expectations;

  std::string Where(const Expectation& expectation) const {
    return path + ":" + std::to_string(expectation.line);
  }
};

std::vector<std::string> WordsOf(const std::string& line) {
  std::istringstream stream(line);
  std::vector<std::string> words;
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

Seed SeedFrom(const std::string& path, const std::string& text) {
  Seed seed{path, text, {}};
  std::istringstream stream(text);
  int number = 0;
  size_t ops = 0;
  for (std::string line; std::getline(stream, line);) {
    ++number;
    std::vector<std::string> words = WordsOf(line);
    if (words.empty()) continue;
    if (words[0] == "#" && words.size() > 1 && words[1] == "expect") {
      words.erase(words.begin(), words.begin() + 2);
      seed.expectations.push_back({number, ops, std::move(words)});
    } else if (words[0][0] != '#' && words[0] != "program") {
      ++ops;
    }
  }
  return seed;
}

// A number, decimal or 0x...; nothing if the word is none.
std::optional<uint64_t> NumberIn(const std::string& word) {
  size_t used = 0;
  try {
    const uint64_t number = std::stoull(word, &used, 0);
    if (used == word.size()) return number;
  } catch (const std::exception&) {
  }
  return std::nullopt;
}

// ---- The result of a run ----

struct SeedRun {
  Verdict verdict;
  std::vector<Outcome> outcomes;  // of the operations that no engine ended with a BUG
  Figures figures;                // at the end
};

// The largest number of pages that share one gfn: roles, or levels of a table in itself.
uint64_t MostPagesOfOneGfn(const Observation& end) {
  std::map<Gfn, uint64_t> count;
  uint64_t most = 0;
  for (const PageObservation& page : end.pages) {
    if (!page.role.direct) most = std::max(most, ++count[page.gfn]);
  }
  return most;
}

void CountPages(const Observation& end, Figures* figures) {
  for (const char* name : {"parents", "pinned", "invalid_pages", "direct_pages"}) {
    (*figures)[name] = 0;
  }
  uint64_t& parents = (*figures)["parents"];  // of the page that has the most
  for (const PageObservation& page : end.pages) {
    parents = std::max<uint64_t>(parents, page.parents.size());
    if (page.root_count != 0) ++(*figures)["pinned"];
    if (page.role.invalid) ++(*figures)["invalid_pages"];
    if (page.role.direct) ++(*figures)["direct_pages"];
  }
  (*figures)["pages_of_one_gfn"] = MostPagesOfOneGfn(end);
}

void CountLeaves(const Observation& end, Figures* figures) {
  for (const char* name : {"leaves", "writable_leaves", "large_leaves", "notraps"}) {
    (*figures)[name] = 0;
  }
  for (const SlotObservation& slot : end.slots) {
    if (slot.value.kind == SlotValue::Kind::kNotrap) ++(*figures)["notraps"];
    if (slot.value.kind != SlotValue::Kind::kLeaf) continue;
    ++(*figures)["leaves"];
    if (IsWritable(slot.value.word)) ++(*figures)["writable_leaves"];
  }
  uint64_t& longest = (*figures)["longest_rmap"] = 0;
  for (const RmapObservation& rmap : end.rmaps) {
    longest = std::max<uint64_t>(longest, rmap.entries.size());
    if (rmap.id.level > kPageTableLevel) (*figures)["large_leaves"] += rmap.entries.size();
  }
}

// Frames of the host that leaves of more than one frame of the guest map.
uint64_t SharedFrames(const Observation& end) {
  std::map<SpteRef, Pfn> frame_of;
  for (const SlotObservation& slot : end.slots) {
    if (slot.value.kind == SlotValue::Kind::kLeaf) frame_of[slot.ref] = PfnOf(slot.value.word);
  }
  std::map<Pfn, std::set<RmapId>> guests;
  for (const RmapObservation& rmap : end.rmaps) {
    for (const SpteRef& ref : rmap.entries) guests[frame_of[ref]].insert(rmap.id);
  }
  return static_cast<uint64_t>(std::count_if(
      guests.begin(), guests.end(), [](const auto& frame) { return frame.second.size() > 1; }));
}

// Everything that can be expected of the state at the end, by name. Counters are missing from
// programs whose allocations fail, where they mean nothing.
Figures FiguresOf(const Observation& end) {
  const Stats& stats = end.stats;
  Figures figures = {{"cache_miss", stats.cache_miss},
                     {"zapped", stats.zapped},
                     {"recycled", stats.recycled},
                     {"reloads", stats.reloads},
                     {"unsync", stats.unsync},
                     {"lpages", static_cast<uint64_t>(stats.lpages)},
                     {"live_pages", stats.live_pages},
                     {"roots", 0},
                     {"tlb_entries", 0},
                     {"dirty_bits", 0}};
  for (const Fact& fact : end.facts) {
    if (fact.id.kind == FactKind::kCounter) figures[kCounterNames[fact.id.what]] = fact.value;
    if (fact.id.kind == FactKind::kRoot) ++figures["roots"];
    if (fact.id.kind == FactKind::kTlb) ++figures["tlb_entries"];
    if (fact.id.kind == FactKind::kDirtyBit) ++figures["dirty_bits"];
  }
  CountPages(end, &figures);
  CountLeaves(end, &figures);
  figures["shared_frames"] = SharedFrames(end);
  return figures;
}

bool AnyBug(const Outcomes& outcomes) {
  return outcomes.expected.is_bug() ||
         std::any_of(outcomes.actual.begin(), outcomes.actual.end(),
                     [](const Outcome& outcome) { return outcome.is_bug(); });
}

SeedRun RunSeed(const Program& program) {
  SeedRun run;
  RunOptions options;
  options.trace = [&](const TraceStep& step) {
    if (AnyBug(step.outcomes)) return;
    const bool last = step.op_index + 1 == program.ops.size();
    Observation seen;
    if (last) {
      step.voices.back()->ObserveAll(&seen);
      run.figures = FiguresOf(seen);
    } else {
      step.voices.back()->ObserveTouched(step.touched, &seen);
    }
    run.outcomes.push_back(seen.outcome);
  };
  run.verdict = RunProgram(program, options);
  return run;
}

std::string VerdictText(const Verdict& verdict) {
  static constexpr const char* kNames[] = {"agree", "bug", "classified", "divergence"};
  std::string text = kNames[verdict.kind];
  if (!verdict.classified.empty()) text += " " + verdict.classified;
  return text;
}

// ---- Expectations against runs: "" if one is met, else what is wrong ----

std::string Join(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

// The parts of an access's value, mmu_ops.h.
std::optional<uint64_t> PartOf(const Outcome& outcome, const std::string& name) {
  if (name == "value") return outcome.value;
  if (name == "exits") return outcome.value & 0xff;
  if (name == "error") return outcome.value >> 8 & 0xff;
  if (name == "word") return outcome.value >> 32;
  return std::nullopt;
}

std::string CheckOutcome(const Expectation& expectation, const SeedRun& run) {
  const std::vector<std::string>& words = expectation.words;
  if (words.size() < 2 || words.size() % 2 != 0) return "outcome NAME [PART NUMBER]...";
  if (expectation.op == 0) return "no operation stands above";
  if (expectation.op > run.outcomes.size()) return "the program ended before";
  const Outcome& outcome = run.outcomes[expectation.op - 1];
  if (OutcomeName(outcome.code) != words[1]) return "it is " + ToString(outcome);
  for (size_t i = 2; i < words.size(); i += 2) {
    const std::optional<uint64_t> part = PartOf(outcome, words[i]);
    const std::optional<uint64_t> number = NumberIn(words[i + 1]);
    if (!part || !number) return "no such part of an outcome: " + words[i] + " " + words[i + 1];
    if (*part != *number) return words[i] + " is " + std::to_string(*part);
  }
  return "";
}

std::string CheckFigure(const Expectation& expectation, const SeedRun& run) {
  const std::vector<std::string>& words = expectation.words;
  const auto found = run.figures.find(words[0]);
  if (found == run.figures.end()) return "no such figure: " + words[0];
  const std::optional<uint64_t> number = words.size() == 2 ? NumberIn(words[1]) : std::nullopt;
  if (!number) return "NAME NUMBER";
  return *number == found->second ? "" : "it is " + std::to_string(found->second);
}

std::string Check(const Expectation& expectation, const SeedRun& run) {
  if (expectation.words.empty()) return "expects nothing";
  if (expectation.words[0] == "verdict") return "";  // VerdictExpected
  if (expectation.words[0] == "outcome") return CheckOutcome(expectation, run);
  return CheckFigure(expectation, run);
}

std::string VerdictExpected(const Seed& seed) {
  for (const Expectation& expectation : seed.expectations) {
    const std::vector<std::string>& words = expectation.words;
    if (words.empty() || words[0] != "verdict") continue;
    return Join({words.begin() + 1, words.end()});
  }
  return "agree";
}

// ---- The seeds ----

bool IsOfGraphs(const TargetKind& kind) { return kind.name.ends_with("rmap_fuzzer"); }

// Paths of the form corpus/FOLDER/NAME.ops, in order.
std::vector<std::string> SeedPaths() {
  std::vector<std::string> paths;
  for (const TargetKind& kind : TargetKinds()) {
    const std::filesystem::path directory = std::filesystem::path("corpus") / kind.name;
    if (IsOfGraphs(kind) || !std::filesystem::is_directory(directory)) continue;
    for (const auto& entry : std::filesystem::directory_iterator(directory)) {
      if (entry.path().extension() == ".ops") paths.push_back(entry.path().generic_string());
    }
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

std::string NameOf(const testing::TestParamInfo<std::string>& info) {
  const std::filesystem::path path(info.param);
  std::string name = path.parent_path().filename().string() + "_" + path.stem().string();
  for (char& c : name) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
  }
  return name;
}

class ScenarioTest : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    std::ifstream file(GetParam());
    ASSERT_TRUE(file) << GetParam();
    std::stringstream text;
    text << file.rdbuf();
    seed_ = SeedFrom(GetParam(), text.str());
    auto parsed = Parse(seed_.text);
    const auto* error = std::get_if<ParseError>(&parsed);
    ASSERT_EQ(error, nullptr) << GetParam() << ":" << error->line << ": " << error->what;
    program_ = std::get<Program>(std::move(parsed));
  }

  Seed seed_;
  Program program_;
};

TEST_P(ScenarioTest, EndsAsItsCommentsSay) {
  const SeedRun run = RunSeed(program_);
  EXPECT_EQ(VerdictText(run.verdict), VerdictExpected(seed_))
      << ReportText(program_, run.verdict, {.file = seed_.path});
  for (const Expectation& expectation : seed_.expectations) {
    const std::string wrong = Check(expectation, run);
    EXPECT_EQ(wrong, "") << seed_.Where(expectation) << ": expect " << Join(expectation.words);
  }
}

TEST_P(ScenarioTest, ExpectsSomethingBesideAVerdict) {
  EXPECT_TRUE(std::any_of(seed_.expectations.begin(), seed_.expectations.end(),
                          [](const Expectation& expectation) {
                            return !expectation.words.empty() && expectation.words[0] != "verdict";
                          }))
      << seed_.path;
}

TEST_P(ScenarioTest, IsAcceptedByTheTargetWhoseSeedItIs) {
  const std::string name = std::filesystem::path(seed_.path).parent_path().filename().string();
  const TargetKind* kind = FindTargetKind(name);
  ASSERT_NE(kind, nullptr);
  EXPECT_TRUE(kind->accepts(program_.header)) << seed_.path;
}

INSTANTIATE_TEST_SUITE_P(Corpus, ScenarioTest, testing::ValuesIn(SeedPaths()), NameOf);

// ---- A wrong expectation is reported ----

std::string WrongIn(const std::string& text) {
  const Seed seed = SeedFrom("seed.ops", text);
  const SeedRun run = RunSeed(std::get<Program>(Parse(text)));
  for (const Expectation& expectation : seed.expectations) {
    const std::string wrong = Check(expectation, run);
    if (!wrong.empty()) return seed.Where(expectation) + ": " + wrong;
  }
  return "";
}

constexpr char kHeader[] = "program version=2 mode=nonpaging limits=tiny\nrange_end\n";

TEST(ExpectationTest, OneThatIsMetIsNotComplainedAbout) {
  EXPECT_EQ(WrongIn(std::string(kHeader) + "# expect outcome ok value 0\n# expect recycled 0\n"),
            "");
}

TEST(ExpectationTest, AnUnknownFigureIsNamedWithItsLine) {
  EXPECT_EQ(WrongIn(std::string(kHeader) + "# expect recycles 0\n"),
            "seed.ops:3: no such figure: recycles");
}

TEST(ExpectationTest, AnotherOutcomeIsNamedWithItsLine) {
  EXPECT_EQ(WrongIn(std::string(kHeader) + "# expect outcome mmio\n"), "seed.ops:3: it is ok");
}

TEST(ExpectationTest, AnotherFigureIsNamedWithItsLine) {
  EXPECT_EQ(WrongIn(std::string(kHeader) + "# expect roots 1\n"), "seed.ops:3: it is 0");
}

TEST(ExpectationTest, AnOutcomeNeedsAnOperation) {
  EXPECT_EQ(WrongIn("# expect outcome ok\n" + std::string(kHeader)),
            "seed.ops:1: no operation stands above");
}

}  // namespace
}  // namespace rmapdiff
