// Which lines of code a finding points at, by what programs ran that show it and programs that do
// not: spectrum-based fault localisation for a single fault.
//
// Of a single fault, all programs that show it ran it. So lines come first that most of these ran,
// and of such lines those that the fewest good programs ran (the order of Naish, Lee and
// Ramamohanarao 2011). Lines with the same counts are one place: the programs say nothing about
// which of them it is, mostly because all of them ran together.
//
// A pure function of its arguments: same runs, same places in the same order. The places are
// candidates. Not covered: a fault in lines that every program runs (its place is a large one, far
// down), lines that are missing (the function around them ran), and several faults at once.
#ifndef RMAPDIFF_TOOLS_CLI_FINDINGS_SUSPECTS_H_
#define RMAPDIFF_TOOLS_CLI_FINDINGS_SUSPECTS_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <vector>

#include "fuzzers/finding/crash_log.h"

namespace rmapdiff {

// What a program ran, by address, and whether it shows the finding.
struct ProgramRun {
  bool shows = false;
  std::set<uint64_t> blocks;
};

struct Suspect {
  size_t showing = 0;             // programs that show the finding and ran the lines
  size_t good = 0;                // that do not, and ran them
  std::vector<StackFrame> lines;  // by file and line
};

// Where a block stands: a function and those that it is inlined into.
using CodeMap = std::map<uint64_t, std::vector<StackFrame>>;

// The places that the first run passed, which shows the finding; most suspect first. A block that
// is not in `code` is of no interest.
std::vector<Suspect> RankSuspects(const ProgramRun& first, const std::vector<ProgramRun>& others,
                                  const CodeMap& code);

}  // namespace rmapdiff

#endif  // RMAPDIFF_TOOLS_CLI_FINDINGS_SUSPECTS_H_
