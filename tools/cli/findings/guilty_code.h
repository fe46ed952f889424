// Which lines of an MMU a finding leads to: what its operation ran of the reverse map at fault;
// what stands on the stack of a process that has ended; or, where no single map is at fault,
// candidates in the engine that all maps share.
//
// The operation at which a fault of the shared engine is seen is often later than the one that went
// wrong, and most of what both run is in order. So the finding's program is held against its
// neighbours (neighbours.h): what those ran that show the finding too, and what those ran that do
// not, ranks the lines (suspects.h).
//
// Empty where that is not known: the engines disagree and nothing tells which is right, or nothing
// was built with sanitizers. Not covered: whether the fault is in these lines; it may be in one
// that should have run.
#ifndef RMAPDIFF_TOOLS_CLI_FINDINGS_GUILTY_CODE_H_
#define RMAPDIFF_TOOLS_CLI_FINDINGS_GUILTY_CODE_H_

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "fuzzers/finding/crash_log.h"
#include "fuzzers/finding/probe.h"
#include "fuzzers/finding/trial.h"
#include "fuzzers/program/program.h"
#include "tools/cli/findings/suspects.h"

namespace rmapdiff {

struct GuiltyCode {
  std::string map;                // the reverse map's source; "" if it is not one map's fault
  std::vector<StackFrame> lines;  // of a map by line, of a stack innermost first
  std::vector<StackFrame> first;  // those that no operation before had run
  // In the shared engine, the most suspect place first, and the programs that say so.
  std::vector<Suspect> suspects;
  size_t programs = 0;  // beside the finding's own
  size_t showing = 0;   // of these, that show the finding
};

// The source that a finding leads to, without lines. If one reverse map is at fault, it is the
// map's. Else it is the MMU that all maps share. "" if nothing tells which engine is right.
std::string SourceAtFault(const Program& program, const Trial& trial);
// Where programs with this header find what all maps share.
std::string SharedSource(const Header& header);

// The sanitized probe must be the program that the trial of `program` comes from; `like` says how
// it was run. `stop` is asked before each run of a neighbour: true does with those so far.
GuiltyCode FindGuiltyCode(const Program& program, const Trial& trial, const ProbeRequest& like,
                          const std::function<bool()>& stop = {});

// With the sources, and a heading; "" if there is nothing.
std::string GuiltyCodeText(const GuiltyCode& code, const Program& program, const Trial& trial);

}  // namespace rmapdiff

#endif  // RMAPDIFF_TOOLS_CLI_FINDINGS_GUILTY_CODE_H_
