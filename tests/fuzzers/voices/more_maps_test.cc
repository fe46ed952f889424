// All maps beside those that runs compare by default: random programs under every header, on a page
// graph and on whole MMUs, and every seed of the corpus. (Every program of a small world is in
// exhaustive_test, the contract itself in reverse_map_test and page_graph_test.)
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <variant>
#include <vector>

#include "fuzzers/program/program.h"
#include "fuzzers/run/report.h"
#include "fuzzers/run/runner.h"
#include "fuzzers/search/random_program.h"
#include "fuzzers/voices/voice.h"
#include "more_maps/counted_sibling_map.h"
#include "tests/common/checks.h"
#include "tests/mmu/map_fixture.h"

namespace rmapdiff {
namespace {

constexpr size_t kOps = 64;
constexpr uint64_t kGraphPrograms = kAddressSanitizer ? 300 : 6000;
constexpr uint64_t kMmuPrograms = kAddressSanitizer ? 60 : 900;

RunOptions WithMoreMaps() {
  RunOptions options;
  options.engines = AllEngines();
  return options;
}

// All combinations of a page graph's switches in turn.
Header GraphHeader(uint64_t seed) {
  return {.limits = static_cast<LimitsMode>(seed % 2),
          .reuse = static_cast<ReuseMode>(seed / 2 % 2),
          .masks = static_cast<MasksMode>(seed / 4 % 3),
          .recycle = static_cast<RecycleMode>(seed / 12 % 2),
          .misuse = seed / 24 % 2 != 0};
}

// Every mode of a whole MMU in turn.
Header MmuHeader(uint64_t seed) {
  constexpr auto kModes = static_cast<uint64_t>(MmuMode::kTdp32);
  Header header;
  header.limits = static_cast<LimitsMode>(seed % 2);
  header.reuse = static_cast<ReuseMode>(seed / 2 % 2);
  header.mode = static_cast<MmuMode>(1 + seed % kModes);
  header.more_vcpus = static_cast<uint8_t>(seed / kModes % 4);
  return header;
}

std::map<VerdictKind::Value, int> ExpectNoDivergence(uint64_t programs,
                                                     Header (*header)(uint64_t)) {
  const RunOptions options = WithMoreMaps();
  std::map<VerdictKind::Value, int> verdicts;
  for (uint64_t seed = 1; seed <= programs; ++seed) {
    const Program program = RandomProgram(header(seed), kOps, seed);
    const Verdict verdict = RunProgram(program, options);
    ++verdicts[verdict.kind];
    EXPECT_NE(verdict.kind, VerdictKind::kDivergence) << ReportText(program, verdict);
    if (testing::Test::HasFailure()) break;
  }
  return verdicts;
}

TEST(MoreMaps, AgreeOnRandomProgramsOfAPageGraph) {
  auto verdicts = ExpectNoDivergence(kGraphPrograms, GraphHeader);
  EXPECT_GT(verdicts[VerdictKind::kAgree], 0);
  EXPECT_GT(verdicts[VerdictKind::kClassified], 0) << "no misuse, and no recycling of its own";
}

TEST(MoreMaps, AgreeOnRandomProgramsOfAWholeMmu) {
  auto verdicts = ExpectNoDivergence(kMmuPrograms, MmuHeader);
  EXPECT_GT(verdicts[VerdictKind::kAgree], 0);
}

std::vector<std::filesystem::path> Seeds() {
  std::vector<std::filesystem::path> seeds;
  for (const auto& entry : std::filesystem::recursive_directory_iterator("corpus")) {
    if (entry.path().extension() == ".ops") seeds.push_back(entry.path());
  }
  std::sort(seeds.begin(), seeds.end());
  return seeds;
}

TEST(MoreMaps, ComeToTheSameOnEverySeed) {
  const std::vector<std::filesystem::path> seeds = Seeds();
  ASSERT_GT(seeds.size(), 100u);
  for (const auto& path : seeds) {
    std::stringstream text;
    text << std::ifstream(path).rdbuf();
    const auto parsed = Parse(text.str());
    ASSERT_TRUE(std::holds_alternative<Program>(parsed)) << path;
    const auto& program = std::get<Program>(parsed);
    const Verdict two = RunProgram(program);
    const Verdict all = RunProgram(program, WithMoreMaps());
    EXPECT_EQ(two.kind, all.kind) << path << "\n" << ReportText(program, all);
    EXPECT_EQ(two.classified, all.classified) << path;
    EXPECT_EQ(two.state_hash, all.state_hash) << path;
  }
}

// ---- The counted map's own rules ----

using Counted = CountedSiblingMap<ProductionLimits>;

TEST(CountedSiblingMap, AHeadIsTheWordThatItWas) {
  EXPECT_EQ(sizeof(Counted::Head), 8u);
  MapHost<Counted> host;
  for (Spte* sptep : host.Slots(9)) {
    for (const int length : {0, 1, 1000, Counted::kFull - 1, Counted::kFull}) {
      const Counted::Head head(sptep, length);
      EXPECT_EQ(head.first(), sptep);
      EXPECT_EQ(head.length(), length);
    }
  }
}

// From kFull on the head cannot hold the number of entries. Below it can again.
TEST(CountedSiblingMap, AListThatIsLongerThanAHeadCanSayIsCounted) {
  constexpr int kBeyond = 3;
  constexpr int kEntries = MapHost<Counted>::kEntries;
  MapHost<Counted> host;
  Counted::Head head;
  Sptes sptes;
  while (static_cast<int>(sptes.size()) < Counted::kFull + kBeyond) {
    Spte* spt = host.NewPage().spt;
    for (int i = 0; i < kEntries; ++i) sptes.push_back(&spt[i]);
  }
  sptes.resize(static_cast<size_t>(Counted::kFull + kBeyond));
  int length = 0;
  for (Spte* sptep : sptes) ASSERT_EQ(host.map.Add(host.caches, head, sptep), length++);
  EXPECT_EQ(head.length(), Counted::kFull);
  while (length > Counted::kFull - kBeyond) {
    host.map.Remove(head, host.map.Next(head, nullptr));
    ASSERT_EQ(host.map.Count(head), --length);
  }
  EXPECT_EQ(head.length(), length);
  EXPECT_EQ(host.map.Add(host.caches, head, sptes.back()), length);
}

}  // namespace
}  // namespace rmapdiff
