// Which inputs a target needs to show all that they show, by libFuzzer's -set_cover_merge=1.
//
// libFuzzer runs the inputs in a process that it starts by system(). It exits with 0 over those
// that end that process. They are begun and not measured in its control file. An input with an
// artifact ended the target; another one met a machine without memory, say.
//
// A shell reads each path in libFuzzer's command line. So the target runs in a folder of its own
// and gets names from there alone: ./target, into, from/00000012. They are links to the files. A
// flag may hold only characters that mean nothing to a shell.
//
// Not covered: other uses of a path by a target. Nor TMPDIR, which libFuzzer does not read where it
// is given a control file.
#ifndef RMAPDIFF_TOOLS_CLI_LIBFUZZER_SET_COVER_H_
#define RMAPDIFF_TOOLS_CLI_LIBFUZZER_SET_COVER_H_

#include <map>
#include <string>
#include <vector>

namespace rmapdiff {

struct CoverTarget {
  std::string name;
  std::string program;
  std::vector<std::string> flags;
  std::string artifacts;  // the folder for inputs that end the target, with reports; "" for none
};

struct SetCover {
  std::map<std::string, std::string> chosen;  // copies in the work folder, by content name
  std::vector<std::string> crashing;          // files of either list that end the target
  std::vector<std::string> unmeasured;        // of either list: not measured, or gone meanwhile
};

// Which files of `from` the target needs beside those of `with`, all of which stay; none is empty.
// `work` is emptied first; SetCoverLog is in it. Throws a Failure with kExitEnvironment if
// libFuzzer fails, has not begun each input, or has not written all its choice. Its last words are
// in the message.
SetCover FindSetCover(const CoverTarget& target, const std::vector<std::string>& with,
                      const std::vector<std::string>& from, const std::string& work);

// libFuzzer's own words so far.
std::string SetCoverLog(const std::string& work);

// The line on an input that is not measured: it is neither taken in nor removed.
void SayUnmeasured(const std::string& file, const std::string& target);

}  // namespace rmapdiff

#endif  // RMAPDIFF_TOOLS_CLI_LIBFUZZER_SET_COVER_H_
