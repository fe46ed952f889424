// What the program writes: whole, or not at all and with one clear line.
//
// A reader of a file never sees half of it: the content goes to a temporary file beside it, which
// then takes its name. A pipe that nobody reads any more ends the program quietly, by SIGPIPE,
// unless that is ignored.
#ifndef RMAPDIFF_TOOLS_CLI_OUTPUT_H_
#define RMAPDIFF_TOOLS_CLI_OUTPUT_H_

#include <string>
#include <string_view>

namespace rmapdiff {

// Opens those of the three standard descriptors that are closed such that using them fails, and no
// file of ours is ever taken for one of them.
void GuardStandardDescriptors();

// To standard output; throws a Failure with kExitEnvironment if it cannot be written, but nothing
// if nobody reads it any more.
void WriteOut(std::string_view text);

// To standard error; there is nobody to tell if that fails.
void WriteError(std::string_view text);
void WriteErrorLine(std::string_view line);

// How the names of temporary files begin; one is left if a process is killed as it writes.
inline constexpr const char* kTemporaryFile = ".rmapdiff-";

// Replaces the file, or throws a Failure with kExitEnvironment and leaves it as it was. A symbolic
// link is followed. What is no regular file, /dev/stdout say, is written to.
void WriteFile(const std::string& path, std::string_view content);

}  // namespace rmapdiff

#endif  // RMAPDIFF_TOOLS_CLI_OUTPUT_H_
