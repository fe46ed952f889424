// Programs beside one that shows a finding. Each differs by little, so their verdicts tell which
// part of it matters.
//
// Two kinds, both with the header of the first. One lacks an operation, or a stretch of a long
// program. The other is changed as a fuzz target would change it. All end with the last operation
// of the first, at which the finding is seen. So code that merely meets the fault runs in the good
// ones, too, and is less suspect. A single operation is changed itself.
//
// Invariant: same program, same counts: same neighbours. Not covered: running them (guilty_code.h).
#ifndef RMAPDIFF_TOOLS_CLI_FINDINGS_NEIGHBOURS_H_
#define RMAPDIFF_TOOLS_CLI_FINDINGS_NEIGHBOURS_H_

#include <cstddef>
#include <vector>

#include "fuzzers/program/program.h"

namespace rmapdiff {

// At most so many of each kind, none that is the program itself. A program without operations has
// none. If no fuzz target runs its header, a bug that is put back aside, it has only shorter ones.
std::vector<Program> Neighbours(const Program& program, size_t shorter, size_t changed);

}  // namespace rmapdiff

#endif  // RMAPDIFF_TOOLS_CLI_FINDINGS_NEIGHBOURS_H_
