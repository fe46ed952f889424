// A corpus on disk: a folder for each fuzz target with its inputs. An input is a file, which
// libFuzzer names by the SHA-1 of its content.
//
// There are two ways to read one. ProgramsBelow takes anything that holds programs: a corpus, the
// folder of a target, the texts of this tree. ReadCorpus is for a command that will change it, and
// refuses a folder that is not a corpus. Both leave out kCrashingFolder and hidden files, which are
// unfinished work. ReadCorpus leaves out empty files, of which libFuzzer takes no notice either.
#ifndef RMAPDIFF_TOOLS_CLI_CORPUS_CORPUS_FOLDER_H_
#define RMAPDIFF_TOOLS_CLI_CORPUS_CORPUS_FOLDER_H_

#include <string>
#include <string_view>
#include <vector>

#include "fuzzers/program/content_name.h"

namespace rmapdiff {

// Below a corpus that is in no folder of a run: inputs that crash their target.
inline constexpr const char* kCrashingFolder = "crashing";

// In order; the one of any bytes last.
std::vector<std::string> TargetNames();
bool IsTargetName(std::string_view name);

struct CorpusFile {
  std::string target;  // by its folder; "" if that says nothing
  std::string path;
};

// The files of a corpus, of one target's folder, of a folder without folders, or a single file; in
// order. Throws a Failure with kExitUsage if there is no such thing.
std::vector<CorpusFile> ProgramsBelow(const std::string& path);

struct TargetFolder {
  std::string target;
  std::string path;
  std::vector<std::string> names;  // of the inputs, in order
};

// Throws a Failure with kExitUsage if the folder holds anything but folders of targets. The same
// holds for a text (.ops) in one of them, which is tended by hand.
std::vector<TargetFolder> ReadCorpus(const std::string& folder);

// The content of an input. Throws a Failure with kExitEnvironment if it cannot be read, with
// kExitUsage if it is longer than any input.
std::string ReadInput(const std::string& path);

// The file may be missing. Throws a Failure with kExitEnvironment.
void RemoveFile(const std::string& path);
// Replaces `to`, in one step. Throws the same.
void MoveFile(const std::string& from, const std::string& to);

}  // namespace rmapdiff

#endif  // RMAPDIFF_TOOLS_CLI_CORPUS_CORPUS_FOLDER_H_
