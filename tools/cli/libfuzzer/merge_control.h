// The control file of libFuzzer's merge: the inputs, which of them were begun, and what those
// showed that were measured. An input that ended the process, or met a machine without memory, is
// in it as begun only; libFuzzer passes over it and exits with 0 all the same.
//
// Not covered: a name that holds a line feed, which the file has no way to write.
#ifndef RMAPDIFF_TOOLS_CLI_LIBFUZZER_MERGE_CONTROL_H_
#define RMAPDIFF_TOOLS_CLI_LIBFUZZER_MERGE_CONTROL_H_

#include <map>
#include <string>
#include <string_view>

namespace rmapdiff {

enum class Measuring { kNotBegun, kBegun, kDone };

// How far the merge came, by the name of the input; nothing if the file makes no sense or is cut
// off before all are named. Pure.
std::map<std::string, Measuring> ReadMergeControl(std::string_view control_file);

}  // namespace rmapdiff

#endif  // RMAPDIFF_TOOLS_CLI_LIBFUZZER_MERGE_CONTROL_H_
