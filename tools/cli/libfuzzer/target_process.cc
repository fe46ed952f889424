#include "tools/cli/libfuzzer/target_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "tools/cli/base/exit_codes.h"
#include "tools/cli/base/output.h"
#include "tools/cli/base/text.h"

namespace rmapdiff {
namespace {

constexpr int kCannotExecute = 127;  // as a shell has it
constexpr int kNicer = 5;            // the lowest gets next to nothing where others take every CPU
constexpr off_t kLongLog = 16 << 20;

void PutAsideIfLong(const std::string& log) {
  struct stat status = {};
  if (stat(log.c_str(), &status) != 0 || status.st_size < kLongLog) return;
  rename(log.c_str(), (log + ".old").c_str());
}

[[noreturn]] void RunChild(const FuzzCommand& command, int log_fd, pid_t supervisor) {
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, command.death_signal);
  if (command.low_priority) setpriority(PRIO_PROCESS, 0, kNicer);
  if (getppid() != supervisor) _exit(kCannotExecute);  // it died before the line above
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  signal(SIGPIPE, SIG_DFL);

  const int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
  dup2(null, STDIN_FILENO);
  dup2(log_fd, STDOUT_FILENO);
  dup2(log_fd, STDERR_FILENO);
  for (const auto& [name, value] : command.environment) setenv(name.c_str(), value.c_str(), 1);
  std::vector<char*> words;
  for (const std::string& word : command.words) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  execv(words[0], words.data());
  dprintf(STDERR_FILENO, "cannot be run: %s\n", std::strerror(errno));
  _exit(kCannotExecute);
}

}  // namespace

FuzzProcess::FuzzProcess(const FuzzCommand& command) {
  PutAsideIfLong(command.log_file);
  log_fd_ = OpenRegular(command.log_file, O_APPEND);
  log_offset_ = lseek(log_fd_, 0, SEEK_END);  // reading begins with what this process prints
  const pid_t supervisor = getpid();
  pid_ = fork();
  if (pid_ == 0) RunChild(command, log_fd_, supervisor);
  if (pid_ > 0) {
    setpgid(pid_, pid_);  // whoever of the two is first
    return;
  }
  const int error = errno;
  close(log_fd_);
  throw Failure(kExitEnvironment, fmt::format("{}: cannot be started: {}",
                                              Printable(command.words[0]), std::strerror(error)));
}

FuzzProcess::~FuzzProcess() {
  if (!ended_) {
    Kill();
    while (waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
    }
  }
  close(log_fd_);
}

bool FuzzProcess::Poll() {
  if (ended_) return true;
  int status = 0;
  // WNOWAIT: as long as it is not reaped, the group's number is not given to others.
  siginfo_t info = {};
  const bool gone =
      waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
      info.si_pid == pid_;
  if (gone) Kill();  // what it may have started
  ReadLog();
  if (!gone || waitpid(pid_, &status, 0) != pid_) return false;
  ended_ = true;
  exit_code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return true;
}

void FuzzProcess::Interrupt() {
  interrupted_ = true;
  if (!ended_) kill(-pid_, SIGINT);
}

void FuzzProcess::Kill() {
  if (!ended_) kill(-pid_, SIGKILL);
}

void FuzzProcess::Terminate() {
  if (!ended_) kill(pid_, SIGTERM);
}

void FuzzProcess::ReadLog() {
  char buffer[1 << 14];
  ssize_t count = 0;
  while ((count = pread(log_fd_, buffer, sizeof buffer, log_offset_)) > 0) {
    log_.Feed({buffer, static_cast<size_t>(count)});
    log_offset_ += count;
  }
}

}  // namespace rmapdiff
