// Who uses the folder of a continuous run: DIR/.lock, held as long as the process lives, however it
// ends. It holds the process's number as text, for whoever finds it taken.
#ifndef RMAPDIFF_TOOLS_CLI_RUN_FOLDER_LOCK_H_
#define RMAPDIFF_TOOLS_CLI_RUN_FOLDER_LOCK_H_

#include <string>

namespace rmapdiff {

class FuzzLock {
 public:
  // Throws a Failure with kExitEnvironment, which names the other process if there is one.
  explicit FuzzLock(const std::string& run_folder);
  FuzzLock(const FuzzLock&) = delete;
  FuzzLock& operator=(const FuzzLock&) = delete;
  ~FuzzLock();

 private:
  int fd_ = -1;
};

}  // namespace rmapdiff

#endif  // RMAPDIFF_TOOLS_CLI_RUN_FOLDER_LOCK_H_
