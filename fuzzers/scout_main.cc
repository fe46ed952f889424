// A scout: new random programs of one fuzz target's kind, one after the other, until one is a
// finding. It has all judges, and neither sanitizers nor coverage nor a fuzzing engine, so it runs
// several times as many programs as the target does (docs/finding-power.md).
//
//   scout TARGET [-FLAG=VALUE ...]             new programs
//   scout TARGET [-FLAG=VALUE ...] FILE...     these inputs instead
//
// The flags are those of libFuzzer, and the output has libFuzzer's lines, so a supervisor handles a
// scout as it handles the target. A flag that means nothing to a scout has no effect. The same seed
// has the same programs. Beyond libFuzzer's flags there are two. -hand_over=FOLDER lets a share of
// the programs go to the corpus of the target, rarer the longer the scout runs. At first it is one
// in -hand_over_gap=250.
//
// An input that ends the scout is written as libFuzzer does: crash-SHA1, timeout-SHA1, oom-SHA1.
// Its supervisor has to confirm it. So a program gets only a tenth of -timeout, of the processor:
// to run it once more with the whole of it costs less than to wait here.
//
// Exit codes: 0 done, 2 wrong usage or an input that is for another target, 3 no address space; of
// libFuzzer 70 too slow, 71 too much memory, 72 interrupted, 77 a finding.
#include <fcntl.h>
#include <fmt/core.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cinttypes>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "fuzzers/finding/run_limits.h"
#include "fuzzers/fuzz_target.h"
#include "fuzzers/program/content_name.h"
#include "fuzzers/program/program.h"
#include "fuzzers/search/mutator.h"
#include "fuzzers/this_search.h"

namespace rmapdiff {
namespace {

enum ScoutExit : int {
  kDone = 0,
  kBadUsage = 2,
  kTooSlow = 70,
  kTooMuchMemory = 71,
  kInterrupted = 72,
  kFound = 77,
};

constexpr size_t kMaxInput = 1 << 16;  // bytes
constexpr int kTicksASecond = 10;      // of the processor, between looks at the limits
constexpr uint64_t kTimeoutPart = 10;
constexpr int kKilobytesAMegabyte = 1024;

constexpr uint64_t kBatch = 64;  // programs that are handed over, then they get twice as rare

struct Flags {
  uint64_t seed = 1;
  uint64_t runs = 0;            // 0 for no end
  uint64_t max_total_time = 0;  // seconds of the clock; 0 for no end
  uint64_t max_len = 1032;      // bytes
  uint64_t timeout = kRunSeconds;
  uint64_t rss_limit_mb = kRunMegabytes;
  std::string artifact_prefix = "./";
  std::string hand_over;
  uint64_t hand_over_gap = 250;  // from one program that is handed over to the next, at first
};

// The signal handlers know this: plain data, as the memory of the process may be in any state.
struct {
  uint8_t input[kMaxInput];
  size_t size;
  char prefix[4096];
  uint64_t executed;
  volatile sig_atomic_t ticks;  // since the input began
  sig_atomic_t most_ticks;
  long most_kilobytes;
  volatile sig_atomic_t stop;
} now;

void Say(const char* text, int size) {
  if (write(STDERR_FILENO, text, static_cast<size_t>(size)) < 0) _exit(kFound);
}

// Writes the input and the last words, in a signal handler. `what` is "crash", "timeout" or "oom".
[[noreturn]] void Die(const char* what, const char* why, int exit_code) {
  char text[sizeof now.prefix + 200];
  Say(text, std::snprintf(text, sizeof text, "==%d== ERROR: scout: %s\nSUMMARY: %s in a scout\n",
                          getpid(), why, why));
  const std::string_view input(reinterpret_cast<const char*>(now.input), now.size);
  std::snprintf(text, sizeof text, "%s%s-%s", now.prefix, what, ContentName(input).c_str());
  const int file = open(text, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (file >= 0 && write(file, now.input, now.size) == static_cast<ssize_t>(now.size)) {
    const std::string path = text;
    Say(text, std::snprintf(text, sizeof text, "Test unit written to %s\n", path.c_str()));
  }
  ++now.executed;
  Say(text, std::snprintf(text, sizeof text, "stat::number_of_executed_units: %" PRIu64 "\n",
                          now.executed));
  _exit(exit_code);
}

void OnDeadlySignal(int number) {
  Die("crash", number == SIGABRT ? "SIGABRT" : sigabbrev_np(number), kFound);
}

void OnStop(int) { now.stop = 1; }

void OnTick(int) {
  now.ticks = now.ticks + 1;
  if (now.ticks > now.most_ticks) Die("timeout", "timeout", kTooSlow);
  struct rusage used = {};
  getrusage(RUSAGE_SELF, &used);
  if (used.ru_maxrss > now.most_kilobytes) Die("oom", "out-of-memory", kTooMuchMemory);
}

void Handle(int number, void (*handler)(int), int flags) {
  struct sigaction action = {};
  action.sa_handler = handler;
  action.sa_flags = flags;
  sigaction(number, &action, nullptr);
}

void WatchSignals() {
  // A stack of its own: a recursion without end uses up the other one.
  static char stack[1 << 16];
  const stack_t other = {.ss_sp = stack, .ss_flags = 0, .ss_size = sizeof stack};
  sigaltstack(&other, nullptr);
  for (const int number : {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS}) {
    Handle(number, OnDeadlySignal, SA_ONSTACK | static_cast<int>(SA_RESETHAND));
  }
  Handle(SIGINT, OnStop, SA_RESTART);
  Handle(SIGTERM, OnStop, SA_RESTART);
  Handle(SIGPROF, OnTick, SA_ONSTACK | SA_RESTART);
  const struct timeval tick = {.tv_sec = 0, .tv_usec = 1'000'000 / kTicksASecond};
  const struct itimerval timer = {.it_interval = tick, .it_value = tick};
  setitimer(ITIMER_PROF, &timer, nullptr);
}

int Complain(const std::string& what) {
  fmt::print(stderr, "scout: {}\n", what);
  return kBadUsage;
}

// Runs one input; whether it is for the target.
bool Run(const std::vector<uint8_t>& bytes, const TargetKind& kind) {
  now.size = std::min(bytes.size(), sizeof now.input);
  std::copy_n(bytes.begin(), now.size, now.input);
  now.ticks = 0;
  const bool ours = FuzzOne(now.input, now.size, kind) == 0;
  ++now.executed;
  return ours;
}

// Lets a share of the programs go to a folder. A reader of the folder sees whole files alone under
// their own names.
class HandOver {
 public:
  HandOver(const std::string& folder, uint64_t gap) : folder_(folder), gap_(gap), left_(gap) {}

  void Offer(const std::vector<uint8_t>& bytes) {
    if (folder_.empty() || --left_ > 0) return;
    if (++given_ % kBatch == 0) gap_ *= 2;
    left_ = gap_;
    const std::string_view content(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    const std::string temporary = fmt::format("{}/.rmapdiff-scout-{}", folder_, getpid());
    std::ofstream file(temporary, std::ios::binary);
    file << content;
    file.close();
    const std::string path = folder_ + "/" + ContentName(content);
    if (file && rename(temporary.c_str(), path.c_str()) == 0) return;
    fmt::print(stderr, "warning: {}: cannot be written, no more programs are handed over\n", path);
    unlink(temporary.c_str());
    folder_.clear();
  }

 private:
  std::string folder_;
  uint64_t gap_;
  uint64_t left_;
  uint64_t given_ = 0;
};

int End(int exit_code) {
  fmt::print(stderr, "#{}\tDONE\nstat::number_of_executed_units: {}\n", now.executed, now.executed);
  return exit_code;
}

int Scout(const TargetKind& kind, const Flags& flags) {
  fmt::print(stderr, "INFO: Seed: {}\n", flags.seed);
  const Mutator mutator(kind, ThisSearch());
  const size_t max_ops = (flags.max_len - kHeaderBytes) / kRecordBytes;
  const auto begin = std::chrono::steady_clock::now();
  const auto limit = std::chrono::seconds(flags.max_total_time);
  HandOver share(flags.hand_over, flags.hand_over_gap);
  for (uint64_t count = 0; flags.runs == 0 || count < flags.runs; ++count) {
    if (now.stop != 0) return End(kInterrupted);
    if (limit.count() != 0 && std::chrono::steady_clock::now() - begin >= limit) break;
    // Scouts of different seeds share no program.
    const std::vector<uint8_t> bytes = Encode(mutator.Fresh(max_ops, (flags.seed << 32) + count));
    Run(bytes, kind);
    share.Offer(bytes);
    // At powers of two, as libFuzzer does.
    if ((now.executed & (now.executed - 1)) == 0) fmt::print(stderr, "#{}\tpulse\n", now.executed);
  }
  return End(kDone);
}

int Replay(const TargetKind& kind, const std::vector<std::string>& files) {
  for (const std::string& path : files) {
    std::ifstream file(path, std::ios::binary);
    if (!file)
      return Complain(path + ": cannot be read, expected an input of " + std::string(kind.name));
    const std::vector<uint8_t> bytes{std::istreambuf_iterator<char>(file), {}};
    fmt::print(stderr, "Running: {}\n", path);
    if (!Run(bytes, kind)) {
      return Complain(path + ": is for another target, expected an input of " +
                      std::string(kind.name));
    }
  }
  return End(kDone);
}

// Sets what a word "-name=value" says; a line about what is wrong, "" for nothing.
std::string TakeFlag(std::string_view word, Flags* flags) {
  const size_t equals = word.find('=');
  if (equals == word.npos) return fmt::format("'{}': expected -FLAG=VALUE or a file", word);
  const std::string_view name = word.substr(1, equals - 1);
  const std::string_view value = word.substr(equals + 1);
  if (name == "artifact_prefix") flags->artifact_prefix = value;
  if (name == "hand_over") flags->hand_over = value;
  struct Number {
    std::string_view name;
    uint64_t* value;
    uint64_t least;
    uint64_t most;
  };
  const Number numbers[] = {{"seed", &flags->seed, 0, UINT32_MAX},
                            {"runs", &flags->runs, 0, UINT32_MAX},
                            {"max_total_time", &flags->max_total_time, 0, UINT32_MAX},
                            {"max_len", &flags->max_len, kHeaderBytes, kMaxInput},
                            {"hand_over_gap", &flags->hand_over_gap, 1, UINT32_MAX},
                            {"timeout", &flags->timeout, 1, 1'000'000},
                            {"rss_limit_mb", &flags->rss_limit_mb, 1, 1'000'000}};
  for (const Number& number : numbers) {
    if (number.name != name) continue;
    const auto [end, error] =
        std::from_chars(value.data(), value.data() + value.size(), *number.value);
    const bool whole = error == std::errc() && end == value.data() + value.size();
    if (whole && *number.value >= number.least && *number.value <= number.most) continue;
    return fmt::format("'{}': expected a number from {} to {}", word, number.least, number.most);
  }
  return "";
}

void SetLimits(const Flags& flags) {
  std::snprintf(now.prefix, sizeof now.prefix, "%s", flags.artifact_prefix.c_str());
  now.most_ticks = static_cast<sig_atomic_t>(flags.timeout * kTicksASecond / kTimeoutPart);
  now.most_kilobytes = static_cast<long>(flags.rss_limit_mb * kKilobytesAMegabyte);
}

int Main(int argc, char** argv) {
  constexpr const char* kUsage = "usage: scout TARGET [-FLAG=VALUE ...] [FILE...]";
  if (argc < 2) return Complain(kUsage);
  const TargetKind* kind = FindTargetKind(argv[1]);
  if (kind == nullptr) {
    return Complain(fmt::format("'{}': no fuzz target of programs, {}", argv[1], kUsage));
  }
  Flags flags;
  std::vector<std::string> files;
  for (int i = 2; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word.substr(0, 1) != "-") {
      files.emplace_back(word);
    } else if (const std::string wrong = TakeFlag(word, &flags); !wrong.empty()) {
      return Complain(wrong);
    }
  }
  SetLimits(flags);
  WatchSignals();
  return files.empty() ? Scout(*kind, flags) : Replay(*kind, files);
}

}  // namespace
}  // namespace rmapdiff

int main(int argc, char** argv) { return rmapdiff::Main(argc, argv); }
