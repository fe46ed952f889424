// Programs from files: text (.ops) and bytes, told apart by their content.
//
// A file whose name ends in .ops is text whatever it holds, so that a slip in its first word is
// reported and not run as bytes. Nothing here blocks: what is no regular file is refused before it
// is read, but for standard input.
#ifndef RMAPDIFF_TOOLS_CLI_INPUT_H_
#define RMAPDIFF_TOOLS_CLI_INPUT_H_

#include <string>

#include "fuzzers/program.h"

namespace rmapdiff {

inline constexpr size_t kMaxInputBytes = 1 << 20;

// The program in the file, "-" being standard input. Otherwise throws a Failure with kExitUsage:
// "file: what is wrong, expected what", or "file:line:column: ..." where text is malformed.
Program ReadProgram(const std::string& path);
// And the content of the file as it is.
Program ReadProgram(const std::string& path, std::string* content);

}  // namespace rmapdiff

#endif  // RMAPDIFF_TOOLS_CLI_INPUT_H_
