// The program's output: whole, or not at all and with one clear line.
//
// A reader of a file never sees half of it. The content goes to a temporary file beside it, which
// then takes its name. A pipe that no process reads any more ends the program quietly, by SIGPIPE,
// unless that is ignored.
#ifndef RMAPDIFF_TOOLS_CLI_BASE_OUTPUT_H_
#define RMAPDIFF_TOOLS_CLI_BASE_OUTPUT_H_

#include <functional>
#include <string>
#include <string_view>

namespace rmapdiff {

// Opens those of the three standard descriptors that are closed, such that their use fails. So no
// file of ours is ever taken for one of them.
void GuardStandardDescriptors();

// To standard output. Throws a Failure with kExitEnvironment if it cannot be written, but nothing
// if it is a pipe without a reader.
void WriteOut(std::string_view text);

// To standard error. A failure has no place to be reported.
void WriteError(std::string_view text);
void WriteErrorLine(std::string_view line);

// How the names of temporary files begin. A process that is killed as it writes leaves one.
inline constexpr const char* kTemporaryFile = ".rmapdiff-";

// Puts the next piece of a file's content where it belongs.
using Put = std::function<void(std::string_view)>;

// Replaces the file as a whole, or throws a Failure with kExitEnvironment and leaves it as it was.
// A symbolic link is followed, even to a file that is not there yet. A file that cannot be replaced
// (see IsReplaceable) is written in place, once. A pipe without a reader is an error, not waited
// for.
void WriteFile(const std::string& path, std::string_view content);
// The same of a content that is made piece by piece. If `make` throws, the old file stays.
void WriteFile(const std::string& path, const std::function<void(const Put&)>& make);

// Whether WriteFile would put another file in place: of a regular file, or of nothing. Not of a
// device, a pipe or a socket. Nor of a file that this process was given open, as standard
// output say. Its caller has it open under the same name.
bool IsReplaceable(const std::string& path);

// Opens a regular file for reading and writing, and for these flags of open(2). It is made if it is
// not there. Throws a Failure with kExitEnvironment if it cannot be opened, or is a pipe, say.
int OpenRegular(const std::string& path, int flags);

}  // namespace rmapdiff

#endif  // RMAPDIFF_TOOLS_CLI_BASE_OUTPUT_H_
