// Runs a program to its end; whatever it starts itself ends with it, and with us, even if we are
// killed.
//
// libFuzzer merges in processes that it starts through a shell: a signal at the death of a parent
// reaches the first of them alone. So a guard stands between: it leads the process group, is told
// of our death, and kills the group.
#ifndef RMAPDIFF_TOOLS_CLI_BASE_GUARDED_PROCESS_H_
#define RMAPDIFF_TOOLS_CLI_BASE_GUARDED_PROCESS_H_

#include <map>
#include <string>
#include <vector>

namespace rmapdiff {

// The exit code, or 128 + the signal that killed it; 127 if it cannot be executed. It runs in the
// folder, from where words[0] is a path; what it prints goes to the end of the file. Throws a
// Failure with kExitEnvironment if there can be no process.
int RunGuarded(const std::vector<std::string>& words,
               const std::map<std::string, std::string>& environment, const std::string& folder,
               const std::string& log_file);

}  // namespace rmapdiff

#endif  // RMAPDIFF_TOOLS_CLI_BASE_GUARDED_PROCESS_H_
