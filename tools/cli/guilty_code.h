// Which lines of an MMU a finding leads to: what its operation ran of the reverse map at fault, or
// what stands on the stack of a process that has ended.
//
// Empty where that is not known: both maps are at fault, or nothing was built with sanitizers. Not
// covered: whether the fault is in these lines; it may be in one that should have run.
#ifndef RMAPDIFF_TOOLS_CLI_GUILTY_CODE_H_
#define RMAPDIFF_TOOLS_CLI_GUILTY_CODE_H_

#include <string>
#include <vector>

#include "fuzzers/crash_log.h"
#include "fuzzers/trial.h"

namespace rmapdiff {

struct GuiltyCode {
  std::string map;                // the reverse map's source; "" for a stack
  std::vector<StackFrame> lines;  // of a map by line, of a stack innermost first
  std::vector<StackFrame> first;  // those that no operation before had run
};

// The sanitized probe must be the program that the trial comes from.
GuiltyCode FindGuiltyCode(const Trial& trial);

// With the sources, and a heading; "" if there is nothing. `ops` as of the program.
std::string GuiltyCodeText(const Trial& trial, size_t ops);

}  // namespace rmapdiff

#endif  // RMAPDIFF_TOOLS_CLI_GUILTY_CODE_H_
