// A child of this process: what it runs, its limits, and how it ended. All of the tree's C++ forks,
// executes and waits here (docs/decisions.md).
//
// A child runs a function, which may execute a program in its place. It gets a signal when its
// parent dies, and it has ended, and is reaped, when its ChildProcess is destroyed. Descriptors
// that are not its standard ones stay open in a function, as after fork(2).
//
// Not covered: a child that gives itself other limits, as libFuzzer does with its alarm. Nor
// processes that a child without a group of its own starts.
#ifndef RMAPDIFF_FUZZERS_FINDING_CHILD_PROCESS_H_
#define RMAPDIFF_FUZZERS_FINDING_CHILD_PROCESS_H_

#include <signal.h>
#include <sys/types.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "fuzzers/finding/run_limits.h"

namespace rmapdiff {

// An open file, which is closed with its owner; -1 for none.
class Descriptor {
 public:
  explicit Descriptor(int fd = -1) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Descriptor() { Close(); }

  int get() const { return fd_; }
  void Close() {
    if (fd_ >= 0) close(std::exchange(fd_, -1));
  }

 private:
  int fd_;
};

// These are closed by an exec, and throw a std::system_error if there can be none.
struct Pipe {
  Pipe();
  Descriptor read_end;
  Descriptor write_end;
};
// A file in memory: its writer never waits for a reader.
Descriptor MemoryFile();
// The first `most` bytes of a file.
std::string ReadBack(int fd, size_t most = SIZE_MAX);

// Time is that of the clock on the wall. Memory is what a function has resident, and the data
// segment of a program. The defaults are those of a fuzz target.
struct Limits {
  uint64_t wall_ms = kRunSeconds * 1000;
  uint64_t memory_mb = kRunMegabytes;
};

// How a child ended.
struct ExitStatus {
  enum class Kind : uint8_t { kExited, kSignaled, kTimedOut, kOutOfMemory };

  Kind kind = Kind::kExited;
  int number = 0;  // the exit code, or the signal

  bool ok() const { return kind == Kind::kExited && number == 0; }
  // As a shell has it: the exit code, or 128 + the signal.
  int code() const { return kind == Kind::kSignaled ? 128 + number : number; }
};

// The descriptors and limits with which a child starts.
struct ChildOptions {
  static constexpr int kNothing = -1;  // /dev/null

  int in = STDIN_FILENO;  // these become its standard descriptors
  int out = STDOUT_FILENO;
  int err = STDERR_FILENO;
  std::optional<Limits> limits;
  bool own_group = false;  // a process group, whose processes end with the child
  bool low_priority = false;
  int death_signal = SIGKILL;  // what it gets when its parent dies
};

class ChildProcess {
 public:
  // The child ends with the value of `run`. A failed allocation counts as out of memory, or ends
  // the child with kNoAddressSpaceExit (address_space.h). Another exception aborts it. Throws a
  // std::system_error if there can be no child.
  ChildProcess(const ChildOptions& options, const std::function<int()>& run);
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;
  // Kills it, if it has not ended, and its group.
  ~ChildProcess();

  // Nothing as long as it runs.
  std::optional<ExitStatus> Poll();
  ExitStatus Wait();
  // To the child alone, and to its own group. Nothing happens once it has ended.
  void Signal(int signal);
  void SignalGroup(int signal);

 private:
  std::optional<ExitStatus> Reap(int flags);

  pid_t pid_ = -1;
  const bool limited_;
  const bool own_group_;
  std::optional<ExitStatus> status_;
};

// In a child: RestartClock begins its limit of time anew. OffTheClock stops it, as for a wait for a
// reader.
void RestartClock();
void OffTheClock(const std::function<void()>& run);

// As execv(3) and execvp(3), with what is left of a child's limits. They return only if they fail,
// a shell's exit code for that, and leave errno.
int Execv(const std::vector<std::string>& words);
int Execvp(const std::vector<std::string>& words);

}  // namespace rmapdiff

#endif  // RMAPDIFF_FUZZERS_FINDING_CHILD_PROCESS_H_
