// How a divergence came about. A story has every field that differs after the operation. It follows
// the lists among them, operation by operation, in the guilty engine's own order.
//
// The program is run again with a look at every step, so the engines must be the same. The story of
// a teardown is that of the lists it finds. Not covered: findings that end the process. Their stack
// is their story.
#ifndef RMAPDIFF_FUZZERS_FINDING_STORY_H_
#define RMAPDIFF_FUZZERS_FINDING_STORY_H_

#include <string>
#include <vector>

#include "fuzzers/program/program.h"
#include "fuzzers/run/runner.h"

namespace rmapdiff {

// A list after an operation that changed it: "page 3 [18], page 5 [0]", "" if it is empty.
struct ListStep {
  size_t op_index = 0;
  std::string entries;
};

struct ListHistory {
  std::string subject;  // "rmap(gfn 0x12, level 1)"
  std::vector<ListStep> steps;
  std::string expected;  // at the end: "{ page 3 [18], page 5 [0] }"; "" if it is unknown
};

struct Story {
  std::string engine;                   // the first that is at fault
  std::vector<Difference> differences;  // all of them, that of the verdict included
  std::vector<ListHistory> lists;
};

// `verdict` is the divergence that the program comes to with these options.
Story TellStory(const Program& program, const Verdict& verdict, const RunOptions& options = {});

}  // namespace rmapdiff

#endif  // RMAPDIFF_FUZZERS_FINDING_STORY_H_
