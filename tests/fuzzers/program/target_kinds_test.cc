// The programs that each fuzz target is for. The headers drawn for a target must be some of them.
#include "fuzzers/program/target_kinds.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "fuzzers/program/quirk_modes.h"
#include "fuzzers/search/random_program.h"

namespace rmapdiff {
namespace {

constexpr LimitsMode kTiny = LimitsMode::kTiny;

// The names of all targets that accept the header, in order.
std::vector<std::string> AcceptedBy(const Header& header) {
  std::vector<std::string> names;
  for (const TargetKind& kind : TargetKinds()) {
    if (kind.accepts(header)) names.emplace_back(kind.name);
  }
  return names;
}

using Names = std::vector<std::string>;

TEST(TargetKinds, ProgramsOnAPageGraphGoByTheirLimits) {
  EXPECT_EQ(AcceptedBy({}), Names{"rmap_fuzzer"});
  EXPECT_EQ(AcceptedBy({.limits = kTiny, .misuse = true}), Names{"tiny_rmap_fuzzer"});
  EXPECT_EQ(AcceptedBy({.recycle = RecycleMode::kNative}), Names{"rmap_fuzzer"});
}

TEST(TargetKinds, ProgramsOnAWholeMmuGoByTheirLimitsAndWhatTheyLookAt) {
  for (const MmuMode mode : {MmuMode::kLong, MmuMode::kPae, MmuMode::k32Bit}) {
    EXPECT_EQ(AcceptedBy({.mode = mode}), Names{"mmu_fuzzer"});
    EXPECT_EQ(AcceptedBy({.mode = mode, .limits = kTiny, .more_vcpus = 3}),
              Names{"tiny_mmu_fuzzer"});
  }
  for (const MmuMode mode : {MmuMode::kNonPaging, MmuMode::kTdp, MmuMode::kTdp32}) {
    EXPECT_EQ(AcceptedBy({.mode = mode}), (Names{"mmu_fuzzer", "direct_fuzzer"}));
  }
  EXPECT_EQ(AcceptedBy({.mode = MmuMode::kTdp, .limits = kTiny, .log = true}),
            (Names{"tiny_mmu_fuzzer", "direct_fuzzer", "dirty_log_fuzzer"}));
  EXPECT_EQ(AcceptedBy({.mode = MmuMode::kTdp, .log = true, .oom = true}), Names{"oom_fuzzer"});
}

TEST(TargetKinds, NoTargetTakesAProgramWithALatentBug) {
  for (int quirk = 1; quirk <= static_cast<int>(kAsIn2_6_36); ++quirk) {
    const Header header{.mode = MmuMode::kLong, .quirk = static_cast<QuirkMode>(quirk)};
    EXPECT_EQ(AcceptedBy(header), Names{});
    EXPECT_EQ(TargetKindFor(header), nullptr);
  }
}

TEST(TargetKinds, AreFoundByNameAndByHeader) {
  EXPECT_EQ(FindTargetKind("oom_fuzzer")->name, "oom_fuzzer");
  EXPECT_EQ(FindTargetKind("program_fuzzer"), nullptr) << "it runs no programs";
  EXPECT_EQ(FindTargetKind(""), nullptr);
  EXPECT_EQ(TargetKindFor({.mode = MmuMode::kTdp, .log = true})->name, "mmu_fuzzer");
  EXPECT_EQ(TargetKindFor({})->name, "rmap_fuzzer");
}

TEST(DrawHeader, GivesEachTargetItsOwnAndManyOfThem) {
  for (const TargetKind& kind : TargetKinds()) {
    Random random(1);
    std::set<std::string> drawn;
    for (int i = 0; i < 500; ++i) {
      const Header header = DrawHeader(kind, random);
      ASSERT_TRUE(kind.accepts(header)) << kind.name;
      ASSERT_EQ(Decode(Encode({header, {}})).header, header);
      drawn.insert(Print({header, {}}));
    }
    EXPECT_GE(drawn.size(), 20u) << kind.name;
  }
}

}  // namespace
}  // namespace rmapdiff
