// From addresses in a program to lines of source: those of a stack, or of an operation that ran.
//
// llvm-symbolizer-19 knows the lines. Without it, or without the sources, there are none, which is
// not an error.
#ifndef RMAPDIFF_TOOLS_CLI_FINDINGS_CODE_LINES_H_
#define RMAPDIFF_TOOLS_CLI_FINDINGS_CODE_LINES_H_

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "fuzzers/finding/crash_log.h"

namespace rmapdiff {

// For each address, relative to the program, the functions that it is in. The innermost comes
// first; all but the last are inlined.
std::vector<std::vector<StackFrame>> FramesOf(const std::string& program,
                                              const std::vector<uint64_t>& addresses);

struct CodeLine {
  StackFrame frame;
  bool marked = false;
};

// Every line in a file of that name, inlined ones included, sorted, each once. Marked are the lines
// of a block whose address `marked` has.
std::vector<CodeLine> LinesOf(const std::string& program, const std::vector<uint64_t>& blocks,
                              const std::set<uint64_t>& marked, const std::string& file);

// The lines with their sources, function by function, and the sources between them. `*` stands
// before those that are marked, `+` before the others.
std::string CodeText(const std::vector<CodeLine>& lines);

}  // namespace rmapdiff

#endif  // RMAPDIFF_TOOLS_CLI_FINDINGS_CODE_LINES_H_
