// The lock of the folder of a continuous run: DIR/.lock. A session holds it as long as its process
// lives, however that ends. The file holds the number of the process as text, for other processes.
#ifndef RMAPDIFF_TOOLS_CLI_RUN_FOLDER_RUN_LOCK_H_
#define RMAPDIFF_TOOLS_CLI_RUN_FOLDER_RUN_LOCK_H_

#include <sys/types.h>

#include <optional>
#include <string>

#include "fuzzers/finding/child_process.h"

namespace rmapdiff {

class RunLock {
 public:
  // Throws a Failure with kExitEnvironment, which names the other process if there is one.
  explicit RunLock(const std::string& run_folder);

 private:
  Descriptor file_;
};

// The process that holds the lock, 0 if the file does not tell; nothing if no session is at work.
// Asks for a shared lock, and lets it go at once.
std::optional<pid_t> HolderOf(const std::string& run_folder);

}  // namespace rmapdiff

#endif  // RMAPDIFF_TOOLS_CLI_RUN_FOLDER_RUN_LOCK_H_
