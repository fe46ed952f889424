#include "tools/cli/base/guarded_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "tools/cli/base/exit_codes.h"
#include "tools/cli/base/output.h"
#include "tools/cli/base/text.h"

namespace rmapdiff {
namespace {

constexpr int kCannotExecute = 127;  // as a shell has it

int WaitFor(pid_t child) {
  int status = 0;
  while (waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return kCannotExecute;
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

[[noreturn]] void Execute(const std::vector<std::string>& words, int log) {
  dup2(log, STDOUT_FILENO);
  dup2(log, STDERR_FILENO);
  const int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
  dup2(null, STDIN_FILENO);
  std::vector<char*> arguments;
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  execv(arguments[0], arguments.data());
  _exit(kCannotExecute);
}

void KillGroup(int) { kill(0, SIGKILL); }

[[noreturn]] void Guard(const std::vector<std::string>& words, int log, pid_t parent) {
  setpgid(0, 0);
  signal(SIGTERM, KillGroup);
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (getppid() != parent) _exit(kCannotExecute);
  const pid_t child = fork();
  if (child == 0) Execute(words, log);
  // A lock of our parent's is not to outlive it.
  for (int fd = STDERR_FILENO + 1; fd < 256; ++fd) close(fd);
  const int code = child > 0 ? WaitFor(child) : kCannotExecute;
  // What the program has left running; not the guard, which has an exit code to give.
  signal(SIGTERM, SIG_IGN);
  kill(0, SIGTERM);
  _exit(code);
}

}  // namespace

int RunGuarded(const std::vector<std::string>& words,
               const std::map<std::string, std::string>& environment, const std::string& folder,
               const std::string& log_file) {
  const int log = OpenRegular(log_file, O_APPEND);
  const pid_t parent = getpid();
  const pid_t guard = fork();
  if (guard == 0) {
    for (const auto& [name, value] : environment) setenv(name.c_str(), value.c_str(), 1);
    if (chdir(folder.c_str()) != 0) _exit(kCannotExecute);
    Guard(words, log, parent);
  }
  const int error = errno;
  close(log);
  if (guard > 0) return WaitFor(guard);
  throw Failure(kExitEnvironment, fmt::format("{}: cannot be started: {}", Printable(words[0]),
                                              std::strerror(error)));
}

}  // namespace rmapdiff
