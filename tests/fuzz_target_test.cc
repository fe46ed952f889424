// Which programs each fuzz target keeps, and what it says of the others.
#include "fuzzers/fuzz_target.h"

#include <gtest/gtest.h>

#include <vector>

#include "fuzzers/program.h"

namespace rmapdiff {
namespace {

constexpr LimitsMode kTiny = LimitsMode::kTiny;
constexpr LimitsMode kProduction = LimitsMode::kProduction;

TEST(IsGraphTest, IsAnyProgramOnAPageGraphWithTheseLimits) {
  EXPECT_TRUE(IsGraph({}, kProduction));
  EXPECT_FALSE(IsGraph({}, kTiny));
  EXPECT_TRUE(IsGraph({.limits = kTiny, .misuse = true}, kTiny));
  EXPECT_FALSE(IsGraph({.limits = kTiny, .misuse = true}, kProduction));
  EXPECT_TRUE(IsGraph({.recycle = RecycleMode::kNative}, kProduction));
}

TEST(IsGraphTest, IsNoneOnAWholeMmu) {
  for (const MmuMode mode : {MmuMode::kLong, MmuMode::kNonPaging, MmuMode::kTdp32}) {
    EXPECT_FALSE(IsGraph({.mode = mode}, kProduction));
    EXPECT_FALSE(IsGraph({.mode = mode, .limits = kTiny}, kTiny));
  }
}

TEST(IsMmuTest, IsAnyModeWithTheseLimits) {
  for (const MmuMode mode : {MmuMode::kLong, MmuMode::kPae, MmuMode::k32Bit, MmuMode::kNonPaging,
                             MmuMode::kTdp, MmuMode::kTdp32}) {
    EXPECT_TRUE(IsMmu({.mode = mode}, kProduction));
    EXPECT_FALSE(IsMmu({.mode = mode}, kTiny));
    EXPECT_TRUE(IsMmu({.mode = mode, .limits = kTiny, .more_vcpus = 3, .log = true}, kTiny));
  }
  EXPECT_FALSE(IsMmu({}, kProduction));
  EXPECT_FALSE(IsMmu({.limits = kTiny}, kTiny));
}

TEST(IsMmuTest, IsNoProgramWithALatentBugOrWithoutMemory) {
  EXPECT_FALSE(IsMmu({.mode = MmuMode::kLong, .oom = true}, kProduction));
  for (int quirk = 1; quirk <= static_cast<int>(QuirkMode::kAsIn2_6_36); ++quirk) {
    EXPECT_FALSE(
        IsMmu({.mode = MmuMode::kLong, .quirk = static_cast<QuirkMode>(quirk)}, kProduction))
        << quirk;
  }
}

class FuzzOneTest : public testing::Test {
 protected:
  static int Fuzz(const Program& program, bool (*accepts)(const Header&)) {
    const std::vector<uint8_t> bytes = Encode(program);
    return FuzzOne(bytes.data(), bytes.size(), accepts);
  }
  static bool Graphs(const Header& header) { return IsGraph(header, header.limits); }
  static bool Mmus(const Header& header) { return IsMmu(header, header.limits); }
};

TEST_F(FuzzOneTest, TakesWhatItsTargetAcceptsAndKeepsTheRestOutOfTheCorpus) {
  const Program graph = RandomProgram({.limits = kTiny}, 50, 1);
  const Program mmu = RandomProgram({.mode = MmuMode::kPae, .limits = kTiny}, 50, 1);
  EXPECT_EQ(Fuzz(graph, Graphs), 0);
  EXPECT_EQ(Fuzz(mmu, Graphs), -1);
  EXPECT_EQ(Fuzz(mmu, Mmus), 0);
  EXPECT_EQ(Fuzz(graph, Mmus), -1);
}

TEST_F(FuzzOneTest, EveryByteStringIsAProgram) {
  EXPECT_EQ(FuzzOne(nullptr, 0, Graphs), 0);
  const uint8_t mmu[] = {0, 1, 4, 0xff, 0, 0, 0, 0, 0xee};
  EXPECT_EQ(FuzzOne(mmu, sizeof mmu, Graphs), -1);
}

TEST_F(FuzzOneTest, DiesOfAFindingAndNamesIt) {
  const Header header{
      .mode = MmuMode::kTdp32, .limits = kTiny, .quirk = QuirkMode::kWrongDirectRootGfn};
  const auto hunt = [&] {
    for (uint64_t seed = 1; seed <= 100; ++seed) {
      Fuzz(RandomProgram(header, 200, seed), [](const Header&) { return true; });
    }
  };
  EXPECT_DEATH(hunt(), "DIVERGENCE.*(.|\n)*SIGNATURE: [a-z-]+/[a-z_]+/both");
}

}  // namespace
}  // namespace rmapdiff
