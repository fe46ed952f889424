// One process of a session, a fuzz target or this program as a worker. Its output goes to a file
// that is read as it grows.
//
// It has a process group of its own. So Ctrl-C on a terminal reaches the session alone, and all
// processes that it has started end with it. It dies with its session (child_process.h). A log that
// has become long is put aside as NAME.old.
#ifndef RMAPDIFF_TOOLS_CLI_FUZZ_FUZZ_PROCESS_H_
#define RMAPDIFF_TOOLS_CLI_FUZZ_FUZZ_PROCESS_H_

#include <sys/types.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "fuzzers/finding/child_process.h"
#include "tools/cli/libfuzzer/libfuzzer_log.h"

namespace rmapdiff {

struct FuzzCommand {
  std::vector<std::string> words;                  // the program and its arguments
  std::string log_file;                            // appended to
  std::map<std::string, std::string> environment;  // on top of ours
  bool worker = false;  // has low priority, and writes an answer to its standard output
};

// This program as a worker: the words begin with that of its work.
FuzzCommand WorkerCommand(std::vector<std::string> words, const std::string& log_file);

class FuzzProcess {
 public:
  // Throws a Failure with kExitEnvironment if there can be no log file or no process.
  explicit FuzzProcess(const FuzzCommand& command);
  FuzzProcess(const FuzzProcess&) = delete;
  FuzzProcess& operator=(const FuzzProcess&) = delete;

  // Reads its new output; true as soon as it has ended.
  bool Poll();
  // Asks it to end, or makes it.
  void Interrupt();
  void Kill() { child_->SignalGroup(SIGKILL); }
  // Tells the process alone, and none that it has started, to come to an end.
  void Terminate() { child_->Signal(SIGTERM); }

  // Of a worker that has ended: all its answer, which may be cut off.
  std::string Answer() const { return ReadBack(answer_.get()); }

  bool interrupted() const { return interrupted_; }
  // Once it has ended: its exit code, or 128 + the signal that killed it.
  int exit_code() const { return exit_code_; }
  const LibFuzzerLog& log() const { return log_; }

 private:
  Descriptor log_file_;
  off_t log_offset_ = 0;  // the child shares the descriptor's own
  Descriptor answer_;
  std::optional<ChildProcess> child_;
  bool interrupted_ = false;
  int exit_code_ = 0;
  LibFuzzerLog log_;
};

}  // namespace rmapdiff

#endif  // RMAPDIFF_TOOLS_CLI_FUZZ_FUZZ_PROCESS_H_
