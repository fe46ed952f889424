// libFuzzer's own account of a merge: its control file and its log. Pure functions.
//
// The control file has the inputs, the begun ones, and the features of the measured ones. An input
// that ended the process is in it as begun only.
//
// Not covered: a name that holds a line feed, which the file has no way to write.
#ifndef RMAPDIFF_TOOLS_CLI_LIBFUZZER_MERGE_CONTROL_H_
#define RMAPDIFF_TOOLS_CLI_LIBFUZZER_MERGE_CONTROL_H_

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace rmapdiff {

enum class Measuring { kNotBegun, kBegun, kDone };

// How far the merge came, by the name of the input. Nothing if the file makes no sense, or is cut
// off before all are named.
std::map<std::string, Measuring> ReadMergeControl(std::string_view control_file);

// How many inputs libFuzzer says it has picked; nothing if it has not come to its end.
std::optional<size_t> PickedBy(std::string_view log);

}  // namespace rmapdiff

#endif  // RMAPDIFF_TOOLS_CLI_LIBFUZZER_MERGE_CONTROL_H_
