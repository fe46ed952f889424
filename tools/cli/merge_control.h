// The control file of libFuzzer's merge: the inputs, which of them were begun, and what those
// showed that were measured. An input that ended the process, or met a machine without memory, is
// in it as begun only; libFuzzer passes over it and exits with 0 all the same.
#ifndef RMAPDIFF_TOOLS_CLI_MERGE_CONTROL_H_
#define RMAPDIFF_TOOLS_CLI_MERGE_CONTROL_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace rmapdiff {

// The files that were not measured, and how many were; nothing if the file makes no sense or is cut
// off before all are named. Pure.
std::vector<std::string> UnmeasuredFiles(std::string_view control_file, size_t* measured);

}  // namespace rmapdiff

#endif  // RMAPDIFF_TOOLS_CLI_MERGE_CONTROL_H_
