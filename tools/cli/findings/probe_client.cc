#include "tools/cli/findings/probe_client.h"

#include <fmt/core.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "fuzzers/finding/address_space.h"
#include "tools/cli/base/exit_codes.h"
#include "tools/cli/base/text.h"
#include "tools/cli/findings/code_lines.h"

namespace rmapdiff {
namespace {

constexpr uint64_t kGraceMs = 20'000;  // for starting, and for a sanitizer to write its report
constexpr size_t kMaxSaid = 4096;
constexpr const char* kSelf = "/proc/self/exe";

std::string Environment(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

// A sanitizer's finding must end the process with its report, even if the user's options differ.
void SetSanitizerOptions() {
  for (const char* name : {"ASAN_OPTIONS", "UBSAN_OPTIONS"}) {
    const std::string own = Environment(name);
    const std::string options = "malloc_context_size=30:" + own + (own.empty() ? "" : ":") +
                                "abort_on_error=0:exitcode=77:symbolize=0:print_stacktrace=1:"
                                "halt_on_error=1:leak_check_at_exit=0:log_path=stderr";
    setenv(name, options.c_str(), 1);
  }
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

void ProbeClient::Start() {
  const std::string program = build_ == ProbeBuild::kPlain ? kSelf : SanitizedProbe();
  try {
    Pipe in;
    Pipe out;
    log_ = MemoryFile();
    ChildOptions options;
    options.in = in.read_end.get();
    options.out = out.write_end.get();
    options.err = log_.get();
    options.own_group = true;  // Ctrl-C is for the command line alone
    child_.emplace(options, [&] {
      SetSanitizerOptions();
      signal(SIGINT, SIG_DFL);
      return Execv({program, kProbeWord});
    });
    to_ = std::move(in.write_end);
    from_ = std::move(out.read_end);
  } catch (const std::system_error& error) {
    CannotStart(program, error.code().value());
  }
}

bool ProbeClient::Ask(const ProbeRequest& request, std::string* answer) {
  if (!child_) Start();
  struct sigaction ignore = {};
  struct sigaction before = {};
  ignore.sa_handler = SIG_IGN;
  sigaction(SIGPIPE, &ignore, &before);
  const bool written = WriteMessage(to_.get(), Packed(request));
  sigaction(SIGPIPE, &before, nullptr);
  return written && WaitFor(from_.get(), request.limits.wall_ms + kGraceMs) &&
         ReadMessage(from_.get(), answer);
}

void ProbeClient::NameFrames(std::vector<StackFrame>* stack) {
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

Trial ProbeClient::Try(const ProbeRequest& request) {
  std::string answer;
  Trial trial;
  if (Ask(request, &answer) && UnpackAnswer(answer, &trial)) {
    const std::string why = WhyNoAddressSpace(trial);
    if (!why.empty()) NoAddressSpace(why);
    NameFrames(&trial.cause.frames);
    NameFrames(&trial.cause.freed);
    return trial;
  }
  const std::string said = ReadBack(log_.get(), kMaxSaid);
  child_.reset();
  const std::string why = WhyNoAddressSpace(said, HasLimitedAddressSpace());
  if (!why.empty()) NoAddressSpace(why);
  const std::string words = said.empty() ? "" : "; it said: " + said.substr(0, said.find('\n'));
  throw Failure(kExitEnvironment,
                "a program was run in a child that gave no answer, expected one "
                "within its limit of time" +
                    Printable(words));
}

}  // namespace rmapdiff
