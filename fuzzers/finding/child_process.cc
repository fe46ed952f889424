#include "fuzzers/finding/child_process.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <ctime>
#include <new>
#include <system_error>

#include "fuzzers/finding/address_space.h"

extern "C" {
// Of the sanitizers' runtimes, if they are linked.
__attribute__((weak)) void __sanitizer_print_stack_trace();
}

namespace rmapdiff {
namespace {

// How a child ends that exceeds a limit; no other exit code of it is the same.
constexpr int kTimeoutExit = 79;
constexpr int kMemoryExit = 80;
constexpr int kCannotExecute = 127;  // as a shell has it

constexpr uint64_t kTickMicroseconds = 50'000;
constexpr int kNicer = 5;  // the lowest gets next to nothing where others take every CPU

// ---- Limits: a child looks at the clock and at its own size, because neither a limit of address
// ---- space nor a watching thread survives what a sanitizer and a fork make of them.

struct {
  uint64_t ticks = 0;  // in all; 0 in a process without limits
  volatile uint64_t ticks_left = 0;
  uint64_t bytes = 0;
} limits;

uint64_t ResidentBytes() {
  const int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
  char text[64] = {};
  const ssize_t size = fd >= 0 ? read(fd, text, sizeof text - 1) : 0;
  if (fd >= 0) close(fd);
  if (size <= 0) return 0;
  char* rest = text;
  std::strtoull(rest, &rest, 10);
  return std::strtoull(rest, nullptr, 10) * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

[[noreturn]] void EndWithStack(int exit_code) {
  if (__sanitizer_print_stack_trace != nullptr) __sanitizer_print_stack_trace();
  _exit(exit_code);
}

void OnTick(int) {
  if (ResidentBytes() > limits.bytes) EndWithStack(kMemoryExit);
  if (limits.ticks_left == 0) EndWithStack(kTimeoutExit);
  limits.ticks_left = limits.ticks_left - 1;
}

void StartTimer(uint64_t microseconds, bool again) {
  const timeval time{static_cast<time_t>(microseconds / 1'000'000),
                     static_cast<suseconds_t>(microseconds % 1'000'000)};
  const itimerval timer{again ? time : timeval{}, time};
  setitimer(ITIMER_REAL, &timer, nullptr);
}

void LimitTo(decltype(RLIMIT_CORE) resource, rlim_t most) {
  rlimit limit = {};
  getrlimit(resource, &limit);
  limit.rlim_cur = std::min(most, limit.rlim_max);
  setrlimit(resource, &limit);
}

void SetLimits(const Limits& given) {
  limits.ticks = std::max<uint64_t>(given.wall_ms * 1000 / kTickMicroseconds, 1);
  limits.bytes = given.memory_mb << 20;
  signal(SIGALRM, OnTick);
  RestartClock();
  StartTimer(kTickMicroseconds, /*again=*/true);
  LimitTo(RLIMIT_CORE, 0);
}

// A program keeps a timer and no handler: its first tick is its end.
void LeaveLimitsToProgram() {
  if (limits.ticks == 0) return;
  StartTimer((limits.ticks_left + 1) * kTickMicroseconds, /*again=*/false);
  LimitTo(RLIMIT_DATA, limits.bytes);
}

int Execute(decltype(execv) exec, const std::vector<std::string>& words) {
  std::vector<char*> arguments;
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  LeaveLimitsToProgram();
  exec(arguments[0], arguments.data());
  return kCannotExecute;
}

[[noreturn]] void ThrowErrno(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

// ---- The child ----

void SetDescriptors(const ChildOptions& options) {
  const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  const std::array<int, 3> given = {options.in, options.out, options.err};
  for (int fd = 0; fd < 3; ++fd) {
    const int from = given[static_cast<size_t>(fd)];
    if (from != fd) dup2(from == ChildOptions::kNothing ? null : from, fd);
  }
  if (null > STDERR_FILENO) close(null);
}

[[noreturn]] void RunChild(const ChildOptions& options, const std::function<int()>& run,
                           pid_t parent) noexcept {
  if (options.own_group) setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, options.death_signal);
  if (getppid() != parent) _exit(kCannotExecute);  // it died before the line above
  if (options.low_priority) setpriority(PRIO_PROCESS, 0, kNicer);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  signal(SIGPIPE, SIG_DFL);
  signal(SIGCHLD, SIG_DFL);
  SetDescriptors(options);
  limits.ticks = 0;
  if (options.limits) SetLimits(*options.limits);
  try {
    _exit(run());
  } catch (const std::bad_alloc&) {
    _exit(HasLimitedAddressSpace() ? kNoAddressSpaceExit : kMemoryExit);
  }
}

ExitStatus StatusOf(int status, bool limited) {
  using Kind = ExitStatus::Kind;
  const bool exited = WIFEXITED(status);
  const int number = exited ? WEXITSTATUS(status) : WTERMSIG(status);
  Kind kind = exited ? Kind::kExited : Kind::kSignaled;
  if (limited && number == (exited ? kTimeoutExit : SIGALRM)) kind = Kind::kTimedOut;
  if (limited && !exited && number == SIGXCPU) kind = Kind::kTimedOut;
  if (limited && exited && number == kMemoryExit) kind = Kind::kOutOfMemory;
  return {kind, number};
}

}  // namespace

Pipe::Pipe() {
  std::array<int, 2> ends = {-1, -1};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) ThrowErrno("a pipe cannot be made");
  read_end = Descriptor(ends[0]);
  write_end = Descriptor(ends[1]);
}

Descriptor MemoryFile() {
  Descriptor file(memfd_create("rmapdiff", MFD_CLOEXEC));
  if (file.get() < 0) ThrowErrno("a file in memory cannot be made");
  return file;
}

std::string ReadBack(int fd, size_t most) {
  std::string text;
  const off_t size = lseek(fd, 0, SEEK_END);
  text.resize(std::min(static_cast<size_t>(std::max<off_t>(size, 0)), most));
  const ssize_t count = pread(fd, text.data(), text.size(), 0);
  text.resize(static_cast<size_t>(std::max<ssize_t>(count, 0)));
  return text;
}

ChildProcess::ChildProcess(const ChildOptions& options, const std::function<int()>& run)
    : limited_(options.limits.has_value()), own_group_(options.own_group) {
  const pid_t parent = getpid();
  pid_ = fork();
  if (pid_ == 0) RunChild(options, run, parent);
  if (pid_ < 0) ThrowErrno("a child cannot be started");
  if (own_group_) setpgid(pid_, pid_);  // the first of the two does it
}

ChildProcess::~ChildProcess() {
  Signal(SIGKILL);
  Reap(0);
}

std::optional<ExitStatus> ChildProcess::Poll() { return Reap(WNOHANG); }

ExitStatus ChildProcess::Wait() { return *Reap(0); }

std::optional<ExitStatus> ChildProcess::Reap(int flags) {
  if (status_) return status_;
  siginfo_t info = {};
  int failed = 0;
  do {
    failed = waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOWAIT | flags);
  } while (failed != 0 && errno == EINTR);
  if (failed == 0 && info.si_pid == 0) return std::nullopt;
  SignalGroup(SIGKILL);  // before it is reaped: its number is not given to another group yet
  int status = kCannotExecute << 8;
  while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  return status_ = StatusOf(status, limited_);
}

void ChildProcess::Signal(int signal) {
  if (!status_) kill(pid_, signal);
}

void ChildProcess::SignalGroup(int signal) {
  if (!status_ && own_group_) kill(-pid_, signal);
}

void RestartClock() {
  limits.ticks_left = limits.ticks;
  // Should the handler itself hang.
  const auto used = static_cast<uint64_t>(std::clock() / CLOCKS_PER_SEC);
  LimitTo(RLIMIT_CPU, used + limits.ticks * kTickMicroseconds / 1'000'000 + 5);
}

void OffTheClock(const std::function<void()>& run) {
  const uint64_t left = limits.ticks_left;
  limits.ticks_left = UINT64_MAX;
  run();
  limits.ticks_left = left;
}

int Execv(const std::vector<std::string>& words) { return Execute(execv, words); }
int Execvp(const std::vector<std::string>& words) { return Execute(execvp, words); }

}  // namespace rmapdiff
