#include "tools/cli/base/process.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <system_error>

#include "fuzzers/finding/address_space.h"
#include "tools/cli/base/exit_codes.h"
#include "tools/cli/base/output.h"

namespace rmapdiff {
namespace {

constexpr int kCannotExecute = 127;  // as a shell has it

// How a child ends that leaves the line of a Failure; its exit code stands before the line.
constexpr int kFailureExit = 83;

[[noreturn]] void Rethrow(const std::string& failure) {
  throw Failure(static_cast<ExitCode>(failure[0]), failure.substr(1));
}

void KillGroup(int) { kill(0, SIGKILL); }

}  // namespace

ExitStatus RunInChild(const Limits& limits, const std::function<void()>& run,
                      const std::function<void()>& meanwhile) {
  const Descriptor failure = MemoryFile();
  ChildOptions options;
  options.limits = limits;
  ChildProcess child(options, [&] {
    try {
      run();
      return static_cast<int>(kExitDone);
    } catch (const Failure& caught) {
      const std::string text = static_cast<char>(caught.code()) + std::string(caught.what());
      return write(failure.get(), text.data(), text.size()) > 0 ? kFailureExit : kExitEnvironment;
    }
  });
  meanwhile();
  const ExitStatus status = child.Wait();
  if (status.kind != ExitStatus::Kind::kExited) return status;
  if (status.number == kFailureExit) Rethrow(ReadBack(failure.get()));
  if (status.number == kNoAddressSpaceExit) {
    throw Failure(kExitEnvironment,
                  "no program can be run, expected no limit of address space "
                  "(ulimit -v): an allocation failed");
  }
  return status;
}

std::string EndText(const ExitStatus& status, const Limits& limits) {
  switch (status.kind) {
    case ExitStatus::Kind::kTimedOut:
      return fmt::format("takes longer than {} s", limits.wall_ms / 1000);
    case ExitStatus::Kind::kOutOfMemory:
      return fmt::format("takes more than {} MB", limits.memory_mb);
    case ExitStatus::Kind::kSignaled:
      return fmt::format("ends the process by signal {}", status.number);
    case ExitStatus::Kind::kExited:
      break;
  }
  return fmt::format("ends the process with exit code {}", status.number);
}

std::optional<std::string> Filtered(const std::vector<std::string>& words, const std::string& input,
                                    const Limits& limits) {
  // Files in memory, not pipes: neither side waits for the other.
  const Descriptor in = MemoryFile();
  const Descriptor out = MemoryFile();
  if (write(in.get(), input.data(), input.size()) != static_cast<ssize_t>(input.size()) ||
      lseek(in.get(), 0, SEEK_SET) != 0) {
    return std::nullopt;
  }
  ChildOptions options;
  options.in = in.get();
  options.out = out.get();
  options.limits = limits;
  options.own_group = true;
  ChildProcess child(options, [&] { return Execvp(words); });
  if (!child.Wait().ok()) return std::nullopt;
  return ReadBack(out.get());
}

int RunGuarded(const std::vector<std::string>& words,
               const std::map<std::string, std::string>& environment, const std::string& folder,
               const std::string& log_file) {
  const Descriptor log(OpenRegular(log_file, O_APPEND));
  ChildOptions of_program;
  of_program.in = ChildOptions::kNothing;
  of_program.out = of_program.err = log.get();
  ChildOptions of_guard;
  of_guard.own_group = true;
  of_guard.death_signal = SIGTERM;
  ChildProcess guard(of_guard, [&] {
    for (const auto& [name, value] : environment) setenv(name.c_str(), value.c_str(), 1);
    if (chdir(folder.c_str()) != 0) return kCannotExecute;
    signal(SIGTERM, KillGroup);
    ChildProcess program(of_program, [&] { return Execv(words); });
    // A lock of the guard's parent may not outlive that parent.
    for (int fd = STDERR_FILENO + 1; fd < 256; ++fd) close(fd);
    return program.Wait().code();
  });
  return guard.Wait().code();
}

}  // namespace rmapdiff
