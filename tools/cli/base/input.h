// The program's input: regular files, whole, and standard input; and the programs in them.
//
// Nothing here blocks, and no file is read without end. A pipe, a socket or a device under the name
// of a file is refused before it is read. The size of a file has a limit. Only standard input may
// be waited for. fuzzers/program/program_file.h distinguishes text and bytes.
#ifndef RMAPDIFF_TOOLS_CLI_BASE_INPUT_H_
#define RMAPDIFF_TOOLS_CLI_BASE_INPUT_H_

#include <sys/stat.h>

#include <string>
#include <string_view>

#include "fuzzers/program/program.h"
#include "tools/cli/base/exit_codes.h"

namespace rmapdiff {

inline constexpr size_t kMaxInputBytes = 1 << 20;
// Of a file that a run writes about itself; an archive of four million inputs takes as much.
inline constexpr size_t kMaxFileBytes = size_t{1} << 32;

// "is a pipe", of anything but a regular file.
const char* KindOf(mode_t mode);

struct FileRead {
  std::string content;
  std::string problem;  // "no such file, expected a program"; "" if all of it has been read
};

// The content of a regular file of at most so many bytes; `expected` is the usual one: "a program".
// It takes no more memory than the content.
FileRead TryReadFile(const std::string& path, size_t most, std::string_view expected);

// The same; throws a Failure with this code: "file: what is wrong, expected what".
std::string ReadFile(const std::string& path, size_t most, std::string_view expected,
                     ExitCode code = kExitUsage);

// The program in the file, "-" being standard input. Otherwise throws a Failure with kExitUsage:
// "file: what is wrong, expected what", or "file:line:column: ..." where text is malformed.
Program ReadProgram(const std::string& path);
// And the content of the file as it is.
Program ReadProgram(const std::string& path, std::string* content);

// Of program_fuzzer, which takes any bytes: a malformed text is bytes too.
Program ReadAnyBytes(const std::string& path, std::string* content);

// The program that a fuzz target makes of the bytes, and a program's canonical bytes.
Program FromBytes(std::string_view bytes);
std::string ToBytes(const Program& program);

}  // namespace rmapdiff

#endif  // RMAPDIFF_TOOLS_CLI_BASE_INPUT_H_
