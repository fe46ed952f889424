// One process of a fuzz target, its output going to a file that is read as it grows.
//
// It has a process group of its own, so that Ctrl-C on a terminal reaches the supervisor alone and
// all that it has started ends with it; and it dies with its supervisor (child_process.h). A log
// that has become long is put aside as NAME.old.
#ifndef RMAPDIFF_TOOLS_CLI_LIBFUZZER_TARGET_PROCESS_H_
#define RMAPDIFF_TOOLS_CLI_LIBFUZZER_TARGET_PROCESS_H_

#include <signal.h>
#include <sys/types.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "fuzzers/finding/child_process.h"
#include "tools/cli/libfuzzer/log.h"

namespace rmapdiff {

struct FuzzCommand {
  std::vector<std::string> words;                  // the program and its arguments
  std::map<std::string, std::string> environment;  // on top of ours
  std::string log_file;                            // appended to
  bool low_priority = false;
  bool answers = false;        // its standard output is not for the log, but an answer
  int death_signal = SIGKILL;  // what it gets if we end without ending it
};

class FuzzProcess {
 public:
  // Throws a Failure with kExitEnvironment if there can be no log file or no process.
  explicit FuzzProcess(const FuzzCommand& command);
  FuzzProcess(const FuzzProcess&) = delete;
  FuzzProcess& operator=(const FuzzProcess&) = delete;

  // Reads what it has printed since; true as soon as it has ended.
  bool Poll();
  // Asks it to end, or makes it.
  void Interrupt();
  void Kill();
  // Tells the process alone, and not what it has started, to come to an end.
  void Terminate();

  // Of one that answers, once it has ended: all that it has written, perhaps not in full.
  std::string Answer() const;

  bool interrupted() const { return interrupted_; }
  // Once it has ended: its exit code, or 128 + the signal that killed it.
  int exit_code() const { return exit_code_; }
  const LibFuzzerLog& log() const { return log_; }

 private:
  void ReadLog();

  Descriptor log_file_;
  off_t log_offset_ = 0;  // the child shares the descriptor's own
  Descriptor answer_;
  std::optional<ChildProcess> child_;
  bool interrupted_ = false;
  int exit_code_ = 0;
  LibFuzzerLog log_;
};

}  // namespace rmapdiff

#endif  // RMAPDIFF_TOOLS_CLI_LIBFUZZER_TARGET_PROCESS_H_
