// The programs that each fuzz target keeps, and its messages about the others.
#include "fuzzers/fuzz_target.h"

#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <string>
#include <vector>

#include "fuzzers/finding/run_limits.h"
#include "fuzzers/program/program.h"
#include "fuzzers/program/quirk_modes.h"
#include "fuzzers/search/random_program.h"

namespace rmapdiff {
namespace {

constexpr LimitsMode kTiny = LimitsMode::kTiny;

// libFuzzer's options of the targets that run programs, as `"name=value",` in fuzzers/BUILD.
TEST(RunLimitsTest, TheOptionsOfTheTargetsHaveTheSame) {
  std::ifstream file("fuzzers/BUILD");
  std::set<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.insert(line);
  ASSERT_FALSE(lines.empty());
  EXPECT_EQ(lines.count("    \"timeout=" + std::to_string(kRunSeconds) + "\","), 1u);
  EXPECT_EQ(lines.count("    \"rss_limit_mb=" + std::to_string(kRunMegabytes) + "\","), 1u);
}

class FuzzOneTest : public testing::Test {
 protected:
  static int Fuzz(const Program& program, const TargetKind& kind) {
    const std::vector<uint8_t> bytes = Encode(program);
    return FuzzOne(bytes.data(), bytes.size(), kind);
  }
  const TargetKind& graphs_ = TargetNamed("tiny_rmap_fuzzer");
  const TargetKind& mmus_ = TargetNamed("tiny_mmu_fuzzer");
};

TEST_F(FuzzOneTest, TakesWhatItsTargetAcceptsAndKeepsTheRestOutOfTheCorpus) {
  const Program graph = RandomProgram({.limits = kTiny}, 50, 1);
  const Program mmu = RandomProgram({.mode = MmuMode::kPae, .limits = kTiny}, 50, 1);
  EXPECT_EQ(Fuzz(graph, graphs_), 0);
  EXPECT_EQ(Fuzz(mmu, graphs_), -1);
  EXPECT_EQ(Fuzz(mmu, mmus_), 0);
  EXPECT_EQ(Fuzz(graph, mmus_), -1);
}

TEST_F(FuzzOneTest, EveryByteStringIsAProgram) {
  EXPECT_EQ(FuzzOne(nullptr, 0, TargetNamed("rmap_fuzzer")), 0);
  const uint8_t mmu[] = {0, 1, 4, 0xff, 0, 0, 0, 0, 0xee};
  EXPECT_EQ(FuzzOne(mmu, sizeof mmu, graphs_), -1);
}

TEST_F(FuzzOneTest, DiesOfAFindingAndNamesIt) {
  const Header header{.mode = MmuMode::kTdp32,
                      .limits = kTiny,
                      .quirk = QuirkModeOf(&Quirks::wrong_direct_root_gfn)};
  const auto hunt = [&] {
    for (uint64_t seed = 1; seed <= 100; ++seed) {
      Fuzz(RandomProgram(header, 200, seed), {"any", [](const Header&) { return true; }});
    }
  };
  EXPECT_DEATH(hunt(), "DIVERGENCE.*(.|\n)*SIGNATURE: [a-z-]+/[a-z_]+/both");
}

}  // namespace
}  // namespace rmapdiff
