// Programs beside one that shows a finding: each differs by little, so that what they come to says
// which part of it matters.
//
// Two kinds, both in the world of the first (its header stays): without each of its operations (of
// a long one, without each of its stretches), and changed as a fuzz target would. All end with its
// own last operation, at which the finding is seen: so code that merely meets the fault runs in
// those that are good, too, and is the less suspect for it. A single operation is changed itself.
//
// Invariant: same program, same counts: same neighbours. Not covered: running them (guilty_code.h).
#ifndef RMAPDIFF_TOOLS_CLI_FINDINGS_NEIGHBOURS_H_
#define RMAPDIFF_TOOLS_CLI_FINDINGS_NEIGHBOURS_H_

#include <cstddef>
#include <vector>

#include "fuzzers/program/program.h"

namespace rmapdiff {

// At most so many of each kind, hardly any that is the program itself. Of one without operations
// there are none, of one whose header no fuzz target runs (a bug that is put back does not count)
// only shorter ones.
std::vector<Program> Neighbours(const Program& program, size_t shorter, size_t changed);

}  // namespace rmapdiff

#endif  // RMAPDIFF_TOOLS_CLI_FINDINGS_NEIGHBOURS_H_
