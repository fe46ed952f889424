// A regression test for rmap-missing/drop/sibling.
//
// DIVERGENCE at op 13 of 16: drop page=3 index=7 notrap=no
//   engine sibling disagrees with legacy and model            signature rmap-missing/drop/sibling
//   rmap(gfn 0x12, level 1)
//     model    { page 3 [6], page 5 [0] }
//     legacy   { page 3 [6], page 5 [0] }
//     sibling  { page 3 [6] }                                 missing: page 5 [0]
// history of rmap(gfn 0x12, level 1), as sibling has it:
//      5  map page=5 index=0 gfn=0x12 write=yes speculative=no
//           page 5 [0]
//      7  map page=3 index=7 gfn=0x12 write=yes speculative=no
//           page 3 [7], page 5 [0]
//     10  map page=3 index=6 gfn=0x12 write=no speculative=no
//           page 3 [6], page 3 [7], page 5 [0]
//   > 13  drop page=3 index=7 notrap=no
//           page 3 [6]
//           expected { page 3 [6], page 5 [0] }
#include <gtest/gtest.h>

#include <variant>

#include "fuzzers/program/program.h"
#include "fuzzers/run/report.h"
#include "fuzzers/run/runner.h"

namespace rmapdiff {
namespace {

TEST(RegressionTest, RmapMissingDropSibling) {
  const auto parsed =
      Parse("program version=2 limits=tiny reuse=lifo masks=bypass recycle=exact misuse=no\n");
  ASSERT_TRUE(std::holds_alternative<Program>(parsed));
  const Program program{
      .header = std::get<Program>(parsed).header,
      .ops = {
          // alloc_page page=3 level=1 direct=no gfn=0x1 parent=none index=0
          ops::AllocPage{.page = {3},
                         .level = {1},
                         .direct = {false},
                         .gfn = {1},
                         .parent = {MaybePageArg::kNone},
                         .index = {0}},
          // age gfn=0x12 level=1
          ops::Age{.gfn = {18}, .level = {1}},
          // alloc_page page=1 level=2 direct=no gfn=0x1 parent=none index=0
          ops::AllocPage{.page = {1},
                         .level = {2},
                         .direct = {false},
                         .gfn = {1},
                         .parent = {MaybePageArg::kNone},
                         .index = {0}},
          // alloc_page page=5 level=1 direct=no gfn=0x2 parent=1 index=4
          ops::AllocPage{.page = {5},
                         .level = {1},
                         .direct = {false},
                         .gfn = {2},
                         .parent = {1},
                         .index = {4}},
          // map page=5 index=0 gfn=0x12 write=yes speculative=no
          ops::Map{.page = {5}, .index = {0}, .gfn = {18}, .write = {true}, .speculative = {false}},
          // unsync page=5
          ops::Unsync{.page = {5}},
          // map page=3 index=7 gfn=0x12 write=yes speculative=no
          ops::Map{.page = {3}, .index = {7}, .gfn = {18}, .write = {true}, .speculative = {false}},
          // map page=3 index=2 gfn=0x3 write=no speculative=yes
          ops::Map{.page = {3}, .index = {2}, .gfn = {3}, .write = {false}, .speculative = {true}},
          // touch page=3 index=7 write=no
          ops::Touch{.page = {3}, .index = {7}, .write = {false}},
          // map page=3 index=6 gfn=0x12 write=no speculative=no
          ops::Map{
              .page = {3}, .index = {6}, .gfn = {18}, .write = {false}, .speculative = {false}},
          // rmap_count gfn=0x12 level=1
          ops::RmapCount{.gfn = {18}, .level = {1}},
          // link page=3 parent=1 index=0 keep=yes
          ops::Link{.page = {3}, .parent = {1}, .index = {0}, .keep = {true}},
          // drop page=3 index=7 notrap=no
          ops::Drop{.page = {3}, .index = {7}, .notrap = {false}},
          // sync page=5
          ops::Sync{.page = {5}},
          // write_protect gfn=0x12
          ops::WriteProtect{.gfn = {18}},
          // shrink count=2
          ops::Shrink{.count = {2}},
      }};
  const Verdict verdict = RunProgram(program);
  EXPECT_NE(verdict.kind, VerdictKind::kDivergence) << ReportText(program, verdict);
}

}  // namespace
}  // namespace rmapdiff
