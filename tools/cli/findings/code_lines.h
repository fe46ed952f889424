// From addresses to lines of source: where a process ended, what an operation ran.
//
// llvm-symbolizer-19 knows the lines; without it, or without the sources, there is nothing to show,
// which is no error.
#ifndef RMAPDIFF_TOOLS_CLI_FINDINGS_CODE_LINES_H_
#define RMAPDIFF_TOOLS_CLI_FINDINGS_CODE_LINES_H_

#include <cstdint>
#include <string>
#include <vector>

#include "fuzzers/finding/crash_log.h"

namespace rmapdiff {

// For each address, relative to the program: the functions that it is in, the innermost first, all
// but the last inlined.
std::vector<std::vector<StackFrame>> FramesOf(const std::string& program,
                                              const std::vector<uint64_t>& addresses);

// Every line in a file of that name, inlined ones included, sorted, each once.
std::vector<StackFrame> LinesOf(const std::string& program, const std::vector<uint64_t>& blocks,
                                const std::string& file);

// The lines with their sources, function by function and with what stands between them: `*` before
// those of `marked`, `+` before the others.
std::string CodeText(const std::vector<StackFrame>& lines, const std::vector<StackFrame>& marked);

}  // namespace rmapdiff

#endif  // RMAPDIFF_TOOLS_CLI_FINDINGS_CODE_LINES_H_
