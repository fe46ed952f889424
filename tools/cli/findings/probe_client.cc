#include "tools/cli/findings/probe_client.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "fuzzers/finding/address_space.h"
#include "tools/cli/base/exit_codes.h"
#include "tools/cli/base/text.h"
#include "tools/cli/findings/code_lines.h"

namespace rmapdiff {
namespace {

constexpr uint64_t kGraceMs = 20'000;  // for starting, and for a sanitizer to write its report
constexpr const char* kSelf = "/proc/self/exe";

std::string Environment(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

// What a sanitizer finds must end the process with its report, whatever the user has set.
void SetSanitizerOptions() {
  for (const char* name : {"ASAN_OPTIONS", "UBSAN_OPTIONS"}) {
    const std::string own = Environment(name);
    const std::string options = "malloc_context_size=30:" + own + (own.empty() ? "" : ":") +
                                "abort_on_error=0:exitcode=77:symbolize=0:print_stacktrace=1:"
                                "halt_on_error=1:leak_check_at_exit=0:log_path=stderr";
    setenv(name, options.c_str(), 1);
  }
}

[[noreturn]] void Execute(const std::string& program, int in, int out, int log, pid_t parent) {
  setpgid(0, 0);  // Ctrl-C is for the command line alone
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(127);
  dup2(in, STDIN_FILENO);
  dup2(out, STDOUT_FILENO);
  dup2(log, STDERR_FILENO);
  SetSanitizerOptions();
  signal(SIGINT, SIG_DFL);
  execl(program.c_str(), "rmapdiff", kProbeWord, static_cast<char*>(nullptr));
  _exit(127);
}

[[noreturn]] void CannotStart(const std::string& program, int error) {
  const std::string name = program == kSelf ? "rmapdiff" : Printable(program);
  throw Failure(kExitEnvironment,
                fmt::format("{}: cannot be started: {}", name, std::strerror(error)));
}

// A limit of address space says nothing of the program that could not be run.
[[noreturn]] void NoAddressSpace(const std::string& why) {
  throw Failure(kExitEnvironment, "no program can be run, expected no limit of address space " +
                                      fmt::format("(ulimit -v): {}", Printable(why)));
}

// Why the child that ran a program lacked address space; "" if it did not.
std::string WhyNoAddressSpace(const Trial& trial) {
  if (trial.ending == Ending::kVerdict) return "";
  std::string why = rmapdiff::WhyNoAddressSpace(trial.log, HasLimitedAddressSpace());
  if (why.empty() && trial.ending == Ending::kExit && trial.number == kNoAddressSpaceExit) {
    why = "an allocation failed";
  }
  return why;
}

// Waits for the first byte of an answer.
bool WaitFor(int fd, uint64_t timeout_ms) {
  using Clock = std::chrono::steady_clock;
  const auto end = Clock::now() + std::chrono::milliseconds(timeout_ms);
  while (true) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now());
    if (left.count() <= 0) return false;
    pollfd ready{fd, POLLIN, 0};
    const int count = poll(&ready, 1, static_cast<int>(std::min<int64_t>(left.count(), 1000)));
    if (count > 0) return true;
    if (count < 0 && errno != EINTR) return false;
  }
}

}  // namespace

std::string SanitizedProbe() {
  const std::string named = Environment("RMAPDIFF_PROBE");
  if (!named.empty()) {
    if (access(named.c_str(), X_OK) != 0) CannotStart(named, errno);
    return named;
  }
  std::error_code error;
  const std::filesystem::path self = std::filesystem::read_symlink(kSelf, error);
  const std::filesystem::path beside = self.parent_path() / "../../fuzzers/probe_bin";
  return !error && access(beside.c_str(), X_OK) == 0 ? beside.string() : "";
}

void Prober::Start() {
  const std::string program = build_ == ProbeBuild::kPlain ? kSelf : SanitizedProbe();
  std::array<int, 2> in = {-1, -1};
  std::array<int, 2> out = {-1, -1};
  if (pipe2(in.data(), O_CLOEXEC) != 0 || pipe2(out.data(), O_CLOEXEC) != 0) {
    CannotStart(program, errno);
  }
  log_ = memfd_create("log", MFD_CLOEXEC);
  const pid_t parent = getpid();
  pid_ = fork();
  if (pid_ == 0) Execute(program, in[0], out[1], log_, parent);
  const int error = errno;
  close(in[0]);
  close(out[1]);
  to_ = in[1];
  from_ = out[0];
  if (pid_ < 0) CannotStart(program, error);
  setpgid(pid_, pid_);
}

void Prober::Stop() {
  if (to_ >= 0) close(to_);
  if (from_ >= 0) close(from_);
  if (log_ >= 0) close(log_);
  to_ = from_ = log_ = -1;
  if (pid_ < 0) return;
  kill(-pid_, SIGKILL);
  while (waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
}

bool Prober::Ask(const ProbeRequest& request, std::string* answer) {
  if (pid_ < 0) Start();
  struct sigaction ignore = {};
  struct sigaction before = {};
  ignore.sa_handler = SIG_IGN;
  sigaction(SIGPIPE, &ignore, &before);
  const bool written = WriteMessage(to_, PackRequest(request));
  sigaction(SIGPIPE, &before, nullptr);
  return written && WaitFor(from_, request.timeout_ms + kGraceMs) && ReadMessage(from_, answer);
}

// The probe's own words are few: it runs programs in children that have logs of their own.
std::string Prober::Said() const {
  std::string text(4096, '\0');
  const ssize_t count = pread(log_, text.data(), text.size(), 0);
  text.resize(static_cast<size_t>(std::max<ssize_t>(count, 0)));
  return text;
}

void Prober::NameFrames(std::vector<StackFrame>* stack) {
  std::vector<uint64_t> unknown;
  for (const StackFrame& frame : *stack) {
    if (frame.offset != 0 && named_.count(frame.offset) == 0) unknown.push_back(frame.offset);
  }
  const std::string program = build_ == ProbeBuild::kPlain ? kSelf : SanitizedProbe();
  if (!unknown.empty()) {
    std::vector<std::vector<StackFrame>> frames = FramesOf(program, unknown);
    for (size_t i = 0; i < unknown.size(); ++i) named_[unknown[i]] = std::move(frames[i]);
  }
  std::vector<StackFrame> all;
  for (const StackFrame& frame : *stack) {
    const auto names = named_.find(frame.offset);
    if (names == named_.end()) {
      all.push_back(frame);
    } else {
      all.insert(all.end(), names->second.begin(), names->second.end());
    }
  }
  *stack = std::move(all);
}

Trial Prober::Try(const ProbeRequest& request) {
  std::string answer;
  Trial trial;
  if (Ask(request, &answer) && UnpackAnswer(answer, &trial)) {
    const std::string why = WhyNoAddressSpace(trial);
    if (!why.empty()) NoAddressSpace(why);
    NameFrames(&trial.cause.frames);
    NameFrames(&trial.cause.freed);
    return trial;
  }
  const std::string said = Said();
  Stop();
  const std::string why = WhyNoAddressSpace(said, HasLimitedAddressSpace());
  if (!why.empty()) NoAddressSpace(why);
  const std::string words = said.empty() ? "" : "; it said: " + said.substr(0, said.find('\n'));
  throw Failure(kExitEnvironment,
                "a program was run in a child that gave no answer, expected one "
                "within its limit of time" +
                    Printable(words));
}

}  // namespace rmapdiff
