// Which inputs a target needs to show all that they show: libFuzzer's own -set_cover_merge=1, and
// what it does not say.
//
// libFuzzer runs the inputs in a child, passes over those that end it, and exits with 0 all the
// same. Which ones those are stands in its control file: begun, and never measured. Each of them is
// then run alone: who ends the target once more crashes it, the others have only not been measured
// (a machine out of memory, a full disk).
#ifndef RMAPDIFF_TOOLS_CLI_LIBFUZZER_SET_COVER_H_
#define RMAPDIFF_TOOLS_CLI_LIBFUZZER_SET_COVER_H_

#include <set>
#include <string>
#include <vector>

#include "tools/cli/libfuzzer/built_targets.h"

namespace rmapdiff {

struct SetCover {
  std::set<std::string> chosen;         // by the names of their contents
  std::vector<std::string> crashing;    // files of either list
  std::vector<std::string> unmeasured;  // the same
};

// Which files of `from` the target needs beside those of `with`, all of which stay; none is empty.
// `work` is emptied first. Throws a Failure with kExitEnvironment if
// the target does not work; its last words are in the message.
SetCover FindSetCover(const FuzzTarget& target, const std::vector<std::string>& with,
                      const std::vector<std::string>& from, const std::string& work);

// The line on an input that is not measured: it is neither taken in nor removed.
void SayUnmeasured(const std::string& file, const std::string& target);

// The target of that name among those that were built. Throws a Failure with kExitEnvironment.
FuzzTarget BuiltTarget(const std::string& bin_dir, const std::string& name);

}  // namespace rmapdiff

#endif  // RMAPDIFF_TOOLS_CLI_LIBFUZZER_SET_COVER_H_
