// Children of the command line that end by themselves, made of fuzzers/finding/child_process.h. A
// child is a program that turns text into text, or a function that damage may end.
#ifndef RMAPDIFF_TOOLS_CLI_BASE_PROCESS_H_
#define RMAPDIFF_TOOLS_CLI_BASE_PROCESS_H_

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "fuzzers/finding/child_process.h"

namespace rmapdiff {

// Runs the function in a child, so that an MMU that runs wild takes nothing with it. Meanwhile the
// other function runs here. Throws a Failure of either. It has kExitEnvironment if there can be no
// child, or if the child lacks address space.
ExitStatus RunInChild(
    const Limits& limits, const std::function<void()>& run,
    const std::function<void()>& meanwhile = [] {});

// "takes longer than 25 s", "takes more than 2560 MB", "ends the process by signal 6".
std::string EndText(const ExitStatus& status, const Limits& limits);

// The standard output of the program (found in PATH) with `input` as its standard input. Nothing if
// it cannot be run, exceeds a limit or does not end with 0.
std::optional<std::string> Filtered(const std::vector<std::string>& words, const std::string& input,
                                    const Limits& limits);

// Runs a program to its end, and returns its ExitStatus::code(). All processes that it starts end
// with it, and with this process, even if that is killed. It runs in the folder, from where
// words[0] is a path; its output goes to the end of the file.
//
// libFuzzer merges in processes that it starts through a shell. A signal at the death of a parent
// reaches the first of them alone, so a guard stands between. It leads the process group, gets a
// signal at our death, and kills the group.
int RunGuarded(const std::vector<std::string>& words,
               const std::map<std::string, std::string>& environment, const std::string& folder,
               const std::string& log_file);

}  // namespace rmapdiff

#endif  // RMAPDIFF_TOOLS_CLI_BASE_PROCESS_H_
