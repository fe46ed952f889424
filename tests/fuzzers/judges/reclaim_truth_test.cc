// The judge of reclaim: it accepts what an MMU may do, and each of its sentences is said.
#include "fuzzers/judges/reclaim_truth.h"

#include <gtest/gtest.h>

#include <array>
#include <initializer_list>
#include <string>

#include "tests/fuzzers/judges/wrong.h"

namespace rmapdiff::reclaim_truth {
namespace {

constexpr uint32_t kEntries = 8;

std::array<Spte, kEntries> empty{};

PageWords Plain(PageId id) {
  PageWords page;
  page.id = id;
  page.gfn = id;
  page.spt = empty.data();
  return page;
}
PageWords Unsync(PageId id) {
  PageWords page = Plain(id);
  page.unsync = true;
  return page;
}
PageWords Root(PageId id, bool valid = true) {
  PageWords page = Plain(id);
  page.root_count = 1;
  page.role.invalid = !valid;
  return page;
}
MmuWords With(std::initializer_list<PageWords> pages) { return {pages, {}}; }

TEST(ReclaimTruthTest, AQuotaIsObeyed) {
  const MmuWords four = With({Root(0), Plain(1), Unsync(2), Plain(3)});
  EXPECT_TRUE(Fine(QuotaSet(four, four, 4, 4)));
  EXPECT_TRUE(Says(QuotaSet(four, With({Root(0)}), 4, 4), "there was room"));
  EXPECT_TRUE(Says(QuotaSet(four, four, 3, 3), "too many are left"));
  EXPECT_TRUE(Fine(QuotaSet(four, With({Root(0), Plain(1), Plain(3)}), 3, 3)));
  EXPECT_TRUE(Fine(QuotaSet(four, With({Root(0), Plain(1)}), 3, 2))) << "an unsync child";
  EXPECT_TRUE(Says(QuotaSet(four, With({Root(0)}), 3, 1), "too many are gone"));
  EXPECT_TRUE(Says(QuotaSet(four, four, 5, 4), "not what is allowed"));
  const MmuWords roots = With({Root(0), Root(1), Root(2)});
  EXPECT_TRUE(Fine(QuotaSet(roots, roots, 2, 3))) << "roots in use cannot go";
}

TEST(ReclaimTruthTest, AVcpuLeavesAllValidPages) {
  const MmuWords three = With({Root(0), Root(1, /*valid=*/false), Plain(2)});
  EXPECT_TRUE(Fine(VcpuGone(three, three)));
  EXPECT_TRUE(Fine(VcpuGone(three, With({Root(0), Plain(2)})))) << "the last user of a zapped root";
  EXPECT_TRUE(Says(VcpuGone(three, With({Root(0)})), "page 2 is gone or invalid"));
  EXPECT_TRUE(Says(VcpuGone(three, With({Root(0, false), Plain(2)})), "page 0 is gone or invalid"));
}

TEST(ReclaimTruthTest, TheShrinkerTakesTheTail) {
  const MmuWords three = With({Root(0), Unsync(1), Plain(2)});
  EXPECT_TRUE(Fine(Shrunk(three, With({Root(0), Unsync(1)}), 3)));
  EXPECT_TRUE(Fine(Shrunk(three, With({Root(0)}), 3)));
  EXPECT_TRUE(Says(Shrunk(three, With({Root(0), Unsync(1)}), 2), "the answer is not"));
  EXPECT_TRUE(Says(Shrunk(three, With({Root(0), Plain(2)}), 3), "the tail is left"));
  EXPECT_TRUE(Says(Shrunk(three, With({}), 3), "more than one page is gone"));
  const MmuWords root = With({Plain(1), Root(0)});
  EXPECT_TRUE(Says(Shrunk(root, root, 2), "was to become invalid"));
  EXPECT_TRUE(Says(Shrunk(root, With({Plain(1)}), 2), "was to become invalid"));
  EXPECT_TRUE(Fine(Shrunk(root, With({Root(0, false), Plain(1)}), 2)));
  EXPECT_TRUE(Fine(Shrunk(With({}), With({}), 0)));
  EXPECT_TRUE(Says(Shrunk(With({}), With({Plain(0)}), 0), "there was none"));
}

TEST(ReclaimTruthTest, AfterZapAllOnlyEmptyRootsAreLeft) {
  EXPECT_TRUE(Fine(ZappedAll(With({Root(0, false)}), 0, kEntries)));
  EXPECT_TRUE(Says(ZappedAll(With({Plain(1)}), 0, kEntries), "page 1 is left"));
  EXPECT_TRUE(Says(ZappedAll(With({Root(0)}), 0, kEntries), "still valid"));
  std::array<Spte, kEntries> words{};
  words[7] = kSptePresent;
  PageWords root = Root(0, false);
  root.spt = words.data();
  EXPECT_TRUE(Says(ZappedAll(With({root}), 0, kEntries), "not empty"));
  MmuWords cached = With({});
  cached.tlb.push_back({});
  EXPECT_TRUE(Says(ZappedAll(cached, 0, kEntries), "the TLB of vcpu 0"));
}

TEST(ReclaimTruthTest, UnprotectAnswersWhetherAFrameWasShadowed) {
  PageWords direct = Plain(1);
  direct.role.direct = 1;
  const MmuWords table = With({Plain(0), direct, Root(2, false)});
  EXPECT_TRUE(Fine(Unprotected(table, With({direct}), 0, true)));
  EXPECT_TRUE(Says(Unprotected(table, With({}), 0, false), "was shadowed"));
  EXPECT_TRUE(Says(Unprotected(table, table, 0, true), "still shadowed"));
  for (const Gfn gfn : {Gfn{1}, Gfn{2}, Gfn{3}}) {  // direct, invalid, none
    EXPECT_TRUE(Fine(Unprotected(table, table, gfn, false)));
    EXPECT_TRUE(Says(Unprotected(table, table, gfn, true), "was not shadowed"));
  }
}

TEST(ReclaimTruthTest, PagesAreCountedAndKeepToTheQuota) {
  MmuWords words;
  for (PageId id = 0; id < 24; ++id) words.pages.push_back(Plain(id));
  EXPECT_TRUE(Fine(Numbers(words, 24, 24)));
  EXPECT_TRUE(Says(Numbers(words, 23, 24), "counts 23 pages, and has 24"));
  EXPECT_TRUE(Says(Numbers(words, 24, 23), "a quota of 23"));
  words.pages.resize(kMostPinned);
  EXPECT_TRUE(Fine(Numbers(words, kMostPinned, 10))) << "roots and the pages of one fault";
}

}  // namespace
}  // namespace rmapdiff::reclaim_truth
