// The host's memory: the frames of its pages, and the effects of merging and copying.
#include "mmu/shadow/host.h"

#include <gtest/gtest.h>

#include <optional>
#include <set>
#include <vector>

#include "tests/common/checks.h"

namespace rmapdiff {
namespace {

constexpr unsigned kWords = 8;
constexpr Hva kLarge = 8;  // pages of a block of level 2

class HostTest : public testing::Test {
 protected:
  // Gives the pages these contents, in word 3.
  void Fill(Hva first, Hva end, uint64_t value) {
    for (Hva hva = first; hva < end; ++hva) host_.Write(hva, 3, value);
  }
  std::set<Pfn> FramesOf(Hva first, Hva end) const {
    std::set<Pfn> frames;
    for (Hva hva = first; hva < end; ++hva) frames.insert(host_.Frame(hva));
    return frames;
  }

  Host host_{kWords, 3};
};

TEST_F(HostTest, EqualPagesThatAreMergedShareAFrame) {
  Fill(1, 4, 7);
  Fill(4, 5, 8);
  for (Hva hva = 1; hva < 5; ++hva) host_.Merge(hva);
  EXPECT_EQ(FramesOf(1, 4).size(), 1u);
  EXPECT_EQ(FramesOf(1, 5).size(), 2u) << "page 4 has other contents";
  for (Hva hva = 1; hva < 5; ++hva) {
    EXPECT_FALSE(host_.Writable(hva));
    ASSERT_TRUE(host_.PageOn(host_.Frame(hva)));
    EXPECT_EQ(host_.Frame(*host_.PageOn(host_.Frame(hva))), host_.Frame(hva));
  }
}

TEST_F(HostTest, APageNeverWrittenEqualsOneOfZeros) {
  Fill(1, 2, 7);
  Fill(1, 2, 0);
  host_.Merge(1);
  host_.Merge(2);
  EXPECT_EQ(FramesOf(1, 3).size(), 1u);
}

TEST_F(HostTest, OnlyMergedPagesAreSharedWith) {
  host_.Merge(1);
  host_.Move(1);
  host_.Merge(2);
  EXPECT_EQ(FramesOf(1, 3).size(), 2u);
}

TEST_F(HostTest, MergingAgainLeavesASharedPageWhereItIs) {
  host_.Merge(1);
  host_.Merge(2);
  const Pfn shared = host_.Frame(1);
  host_.Merge(1);
  host_.Merge(2);
  EXPECT_EQ(FramesOf(1, 3), std::set<Pfn>{shared});
  host_.Move(2);
  host_.Merge(1);
  EXPECT_NE(host_.Frame(1), shared) << "alone, it moves as before";
}

TEST_F(HostTest, ASharedFrameLivesAsLongAsAPageIsOnIt) {
  for (Hva hva = 1; hva < 5; ++hva) host_.Merge(hva);
  const Pfn shared = host_.Frame(1);
  host_.Move(1);
  EXPECT_EQ(host_.PageOn(shared), Hva{2}) << "whose number it bears does not matter";
  host_.Unmap(2);
  EXPECT_EQ(host_.PageOn(shared), Hva{3});
  host_.Protect(3);
  EXPECT_EQ(host_.PageOn(shared), Hva{4});
  EXPECT_EQ(FramesOf(1, 5).size(), 4u);
  host_.SetBacking(4, 2);
  EXPECT_FALSE(host_.PageOn(shared));
  EXPECT_TRUE(host_.Writable(4));
  EXPECT_EQ(host_.Frame(4), host_.Frame(0) + 4);
}

TEST_F(HostTest, MergingSplitsTheLargePageAroundIt) {
  host_.Merge(1);
  host_.SetBacking(kLarge, 2);
  host_.Merge(kLarge + 2);
  EXPECT_EQ(host_.BackingLevel(kLarge), 1);
  EXPECT_EQ(host_.Frame(kLarge + 2), host_.Frame(1));
  EXPECT_EQ(host_.Frame(kLarge + 3), host_.Frame(kLarge) + 3);
}

TEST_F(HostTest, AStoreIntoASharedFrameShowsInAllOfItsPages) {
  for (Hva hva = 1; hva < 4; ++hva) host_.Merge(hva);
  host_.Move(3);
  std::vector<HostStore> log;
  host_.LogTo(&log);
  host_.Write(2, 5, 9);
  EXPECT_EQ(host_.Read(1, 5), 9u);
  EXPECT_EQ(host_.Read(3, 5), 0u);
  EXPECT_EQ(log.size(), 2u);
  host_.Write(3, 5, 8);
  EXPECT_EQ(host_.Read(2, 5), 9u);
  EXPECT_EQ(log.size(), 3u);
}

TEST_F(HostTest, AWordBeyondThePageIsABugOfTheCaller) {
  host_.Write(3, kWords - 1, 7);
  EXPECT_EQ(host_.Read(3, kWords - 1), 7u);
  EXPECT_EQ(BugOf([&] { host_.Read(3, kWords); }), BugClass::kBeyondPage);
  EXPECT_EQ(BugOf([&] { host_.Read(4, kWords); }), BugClass::kBeyondPage) << "a page of zeros";
  EXPECT_EQ(BugOf([&] { host_.Write(3, kWords, 7); }), BugClass::kBeyondPage);
}

TEST_F(HostTest, FramesBeginWithAnyGeneration) {
  constexpr uint64_t kFirst = uint64_t{1} << 17;
  Host host(kWords, 3, kFirst);
  const Pfn first = host.Frame(5);
  EXPECT_EQ(first, kFirst << Host::kHvaBits | 5);
  EXPECT_EQ(host.PageOn(first), std::optional<Hva>(5));
  host.Move(5);
  EXPECT_GT(host.Frame(5), first);
  EXPECT_EQ(host.PageOn(first), std::nullopt);
}

}  // namespace
}  // namespace rmapdiff
