// Other programs as functions of text.
#ifndef RMAPDIFF_TOOLS_CLI_BASE_PROCESS_H_
#define RMAPDIFF_TOOLS_CLI_BASE_PROCESS_H_

#include <optional>
#include <string>
#include <vector>

namespace rmapdiff {

// What the program (found in PATH) writes to standard output with `input` on its standard input;
// nothing if it cannot be run or does not end with 0.
std::optional<std::string> Filtered(const std::vector<std::string>& words,
                                    const std::string& input);

}  // namespace rmapdiff

#endif  // RMAPDIFF_TOOLS_CLI_BASE_PROCESS_H_
