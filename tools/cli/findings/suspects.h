// The lines of code that a finding points at, found from the blocks that programs ran. Some
// programs show the finding, the others are good. This is spectrum-based fault localisation for one
// fault.
//
// All programs that show a single fault ran it. So the lines that most of these ran come first. Of
// such lines, those come first that the fewest good programs ran. That is the order of Naish, Lee
// and Ramamohanarao 2011. Lines with the same counts are one place, as the programs do not
// distinguish them. Mostly all of them ran together.
//
// A pure function of its arguments: same runs, same places in the same order. The places are
// candidates. Not covered: a fault in lines that every program runs, whose place is large and far
// down. Nor lines that are missing (the function around them ran), and several faults at once.
#ifndef RMAPDIFF_TOOLS_CLI_FINDINGS_SUSPECTS_H_
#define RMAPDIFF_TOOLS_CLI_FINDINGS_SUSPECTS_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <vector>

#include "fuzzers/finding/crash_log.h"

namespace rmapdiff {

// The blocks that a program ran, by address, and whether it shows the finding.
struct ProgramRun {
  bool shows = false;
  std::set<uint64_t> blocks;
};

struct Suspect {
  size_t showing = 0;             // programs that show the finding and ran the lines
  size_t good = 0;                // that do not, and ran them
  std::vector<StackFrame> lines;  // by file and line
};

// For each block the function that it is in, and those that this is inlined into.
using CodeMap = std::map<uint64_t, std::vector<StackFrame>>;

// The places that the first run passed, which shows the finding; most suspect first. A block that
// is not in `code` is left out.
std::vector<Suspect> RankSuspects(const ProgramRun& first, const std::vector<ProgramRun>& others,
                                  const CodeMap& code);

}  // namespace rmapdiff

#endif  // RMAPDIFF_TOOLS_CLI_FINDINGS_SUSPECTS_H_
