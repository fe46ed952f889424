#include "tools/cli/fuzz_session.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <utility>

#include "tools/cli/exit_codes.h"
#include "tools/cli/output.h"
#include "tools/cli/stats_file.h"
#include "tools/cli/text.h"

namespace rmapdiff {
namespace {

constexpr double kMaxSlice = 600;  // a target's turn; so that a run can be stopped at any time
constexpr double kStartGrace = 5;  // what a process that has executed nothing yet gets on top
constexpr double kStopGrace = 3;   // from asking a process to end to making it
constexpr double kShortLife = 5;   // a process that fails sooner is started again after a pause
constexpr double kFirstPause = 0.25;
constexpr double kMaxPause = 8;
constexpr int kMaxFailures = 3;

double MonotonicSeconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

sigset_t StopSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (int number : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&signals, number);
  return signals;
}

// A seed for libFuzzer, which takes 0 for "any": another one for each slot and run of it.
uint32_t SeedFor(uint64_t seed, size_t slot, uint64_t run) {
  uint64_t x = seed + (slot << 32) + run;
  for (uint64_t factor : {0xbf58476d1ce4e5b9u, 0x94d049bb133111ebu}) {
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 29)) * factor;
  }
  return static_cast<uint32_t>(x >> 32) | 1;
}

// The program has defaults of its own; whatever else the user has set, the exit code must tell what
// has happened.
std::string SanitizerOptions() {
  const char* own = std::getenv("ASAN_OPTIONS");
  const std::string before = own != nullptr && *own != '\0' ? std::string(own) + ":" : "";
  return before + "abort_on_error=0:exitcode=1:symbolize=1";
}

void MakeFolder(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (!error) return;
  throw Failure(kExitEnvironment, fmt::format("{}: cannot be made a directory: {}", Printable(path),
                                              error.message()));
}

}  // namespace

struct FuzzSession::Target {
  FuzzTarget files;
  size_t index = 0;
  std::string stats_file;
  std::string log_file;   // of the process that ended last
  TargetFigures figures;  // of the processes that have ended, by their logs
  bool started = false;
  bool given_up = false;
  int failures = 0;  // in a row
};

struct FuzzSession::Slot {
  size_t index = 0;
  std::unique_ptr<FuzzProcess> process;
  Target* target = nullptr;  // of the process
  uint64_t runs = 0;
  double started = 0;
  double end = 0;  // of the turn
  double kill_at = 0;
  double not_before = 0;
  double pause = 0;
  std::string last_reason;  // why the last process ended early
};

uint64_t MinimumSeconds(size_t targets, size_t jobs) { return jobs % targets == 0 ? 1 : targets; }

FuzzSession::FuzzSession(const FuzzOptions& options, std::vector<FuzzTarget> targets)
    : options_(options), rotates_(options.jobs % targets.size() != 0) {
  for (FuzzTarget& files : targets) {
    targets_.push_back(std::make_unique<Target>());
    Target& target = *targets_.back();
    target.index = targets_.size() - 1;
    target.stats_file = options_.folder + "/logs/" + files.name + ".stats";
    target.figures.name = files.name;
    target.files = std::move(files);
  }
  for (size_t i = 0; i < options_.jobs; ++i) {
    slots_.push_back(std::make_unique<Slot>());
    slots_.back()->index = i;
  }
  const auto seconds = static_cast<double>(options_.seconds);
  const double turns = rotates_ ? static_cast<double>(targets_.size()) : 1;
  slice_seconds_ = seconds / turns / std::ceil(seconds / turns / kMaxSlice);
  if (!rotates_) slice_seconds_ = seconds;
  MakeFolders();
}

FuzzSession::~FuzzSession() {
  slots_.clear();
  if (lock_fd_ >= 0) close(lock_fd_);
}

void FuzzSession::MakeFolders() {
  MakeFolder(options_.folder + "/logs");
  const std::string lock = options_.folder + "/.lock";
  lock_fd_ = open(lock.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (lock_fd_ < 0 || flock(lock_fd_, LOCK_EX | LOCK_NB) != 0) {
    const std::string why = lock_fd_ >= 0 && errno == EWOULDBLOCK
                                ? "in use by another run, expected a folder of its own"
                                : std::string("cannot be written: ") + std::strerror(errno);
    throw Failure(kExitEnvironment, Printable(options_.folder) + ": " + why);
  }
  for (const auto& target : targets_) {
    MakeFolder(options_.folder + "/corpus/" + target->files.name);
    MakeFolder(options_.folder + "/findings/" + target->files.name);
    MakeStatsFile(target->stats_file);
    for (const auto& slot : slots_) {
      std::error_code ignored;
      std::filesystem::remove(CommandFor(*target, *slot).log_file, ignored);
    }
  }
}

FuzzSummary FuzzSession::Run() {
  const sigset_t signals = StopSignals();
  sigset_t before;
  sigprocmask(SIG_BLOCK, &signals, &before);
  began_ = MonotonicSeconds();
  while (true) {
    now_ = MonotonicSeconds() - began_;
    for (const auto& slot : slots_) Tend(*slot);
    if (Finished()) break;
    if (now_ >= next_progress_) ShowProgress();
    HandleSignals();
  }
  FuzzSummary summary = Figures();
  WriteFile(options_.folder + "/summary.json", SummaryJson(summary));
  screen_.Say(SummaryTable(summary));
  sigprocmask(SIG_SETMASK, &before, nullptr);
  return summary;
}

// Waits a little for a signal; this is where the session spends its time.
void FuzzSession::HandleSignals() {
  const sigset_t signals = StopSignals();
  const timespec a_little{0, 100'000'000};
  if (sigtimedwait(&signals, nullptr, &a_little) < 0) return;
  if (stop_requests_++ == 0) {
    screen_.Say("stopping\n");
    return;
  }
  for (const auto& slot : slots_) {
    if (slot->process) slot->process->Kill();
  }
}

bool FuzzSession::Finished() const {
  for (const auto& slot : slots_) {
    if (slot->process) return false;
  }
  const bool all_given_up = std::all_of(targets_.begin(), targets_.end(),
                                        [](const auto& target) { return target->given_up; });
  return stop_requests_ > 0 || all_given_up || now_ >= static_cast<double>(options_.seconds);
}

void FuzzSession::Tend(Slot& slot) {
  if (slot.process) {
    if (slot.process->Poll()) {
      Finish(slot);
    } else if (stop_requests_ > 0 || now_ >= slot.end) {
      StopInTime(slot);
    }
    return;
  }
  const auto total = static_cast<double>(options_.seconds);
  if (stop_requests_ > 0 || now_ >= total || now_ < slot.not_before) return;
  const auto slice = static_cast<uint64_t>(now_ / slice_seconds_);
  const double end = std::min(total, static_cast<double>(slice + 1) * slice_seconds_);
  const double left = end - now_;
  if (slot.runs > 0 && left < std::min(0.5, slice_seconds_ / 2)) return;  // not worth a start
  const Target* target = TurnOf(slot, slice);
  if (target == nullptr) return;
  slot.end = end;
  Start(slot, target->index);
}

const FuzzSession::Target* FuzzSession::TurnOf(const Slot& slot, uint64_t slice) const {
  const uint64_t turn = slot.index + (rotates_ ? slice : 0);
  for (size_t i = 0; i < targets_.size(); ++i) {
    const Target& target = *targets_[(turn + i) % targets_.size()];
    if (!target.given_up) return &target;
  }
  return nullptr;
}

FuzzCommand FuzzSession::CommandFor(const Target& target, const Slot& slot) const {
  const FuzzTarget& files = target.files;
  // libFuzzer's own limit is for the case that nobody is left to stop it.
  const auto limit = static_cast<uint64_t>(std::max(slot.end - now_, 0.0) + kStartGrace + 5);
  FuzzCommand command;
  command.words = {files.binary,
                   fmt::format("-seed={}", SeedFor(options_.seed, slot.index, slot.runs)),
                   fmt::format("-max_total_time={}", limit),
                   "-timeout=25",
                   "-report_slow_units=25",
                   "-rss_limit_mb=2560",
                   "-max_len=2056",
                   "-reload=1",
                   "-print_final_stats=1",
                   "-artifact_prefix=" + options_.folder + "/findings/" + files.name + "/"};
  if (!files.dictionary.empty()) command.words.push_back("-dict=" + files.dictionary);
  for (const std::string& option : files.options) command.words.push_back("-" + option);
  command.words.push_back(options_.folder + "/corpus/" + files.name);
  if (!files.seeds.empty()) command.words.push_back(files.seeds);
  command.environment = {{"RMAPDIFF_STATS", target.stats_file},
                         {"ASAN_OPTIONS", SanitizerOptions()}};
  command.log_file = fmt::format("{}/logs/{}-{}.log", options_.folder, files.name, slot.index);
  return command;
}

void FuzzSession::Start(Slot& slot, size_t index) {
  Target& target = *targets_[index];
  const FuzzCommand command = CommandFor(target, slot);
  target.started = true;
  target.log_file = command.log_file;
  slot.target = &target;
  slot.started = now_;
  slot.kill_at = 0;
  ++slot.runs;
  slot.process = std::make_unique<FuzzProcess>(command);
}

void FuzzSession::StopInTime(Slot& slot) {
  FuzzProcess& process = *slot.process;
  if (process.interrupted()) {
    if (now_ >= slot.kill_at) process.Kill();
    return;
  }
  const bool executed =
      process.log().figures().executions > 0 || ReadStatsFile(slot.target->stats_file).execs > 0;
  if (!executed && stop_requests_ == 0 && now_ < slot.end + kStartGrace) return;
  process.Interrupt();
  slot.kill_at = now_ + kStopGrace;
}

// Takes the account of a process that has ended.
void FuzzSession::Finish(Slot& slot) {
  const std::unique_ptr<FuzzProcess> process = std::move(slot.process);
  Target& target = *slot.target;
  const LibFuzzerFigures& seen = process->log().figures();
  target.log_file = CommandFor(target, slot).log_file;
  target.figures.seconds += now_ - slot.started;
  target.figures.execs += seen.executions;
  target.figures.features = std::max(target.figures.features, seen.features);
  target.figures.corpus = std::max(target.figures.corpus, seen.corpus);

  if (IsFinding(*process)) {
    FuzzFinding finding = DescribeFinding(*process);
    const std::string reason = target.files.name + " " + finding.signature;
    const std::string folder = options_.folder + "/findings/" + target.files.name + "/";
    const std::string& artifact = process->log().artifact();
    if (!artifact.empty()) finding.artifact = folder + artifact;
    finding.target = target.files.name;
    finding.report =
        folder +
        (artifact.empty() ? fmt::format("report-{}-{}", slot.index, slot.runs) : artifact) + ".txt";
    Record(std::move(finding), process->log().report());
    target.failures = 0;
    Pause(slot, reason);
  } else if (seen.executions > 0) {
    target.failures = 0;
    Pause(slot, process->interrupted() ? "" : "ended");
  } else if (!process->interrupted()) {
    if (++target.failures >= kMaxFailures) target.given_up = true;
    Pause(slot, target.files.name + " failed");
  }
}

// Before the next process: none after a new reason, a longer one each time for the same again.
void FuzzSession::Pause(Slot& slot, const std::string& reason) {
  const bool again = !reason.empty() && reason == slot.last_reason;
  const bool at_once = again && now_ - slot.started < kShortLife + slot.pause;
  slot.pause = at_once ? std::clamp(slot.pause * 2, kFirstPause, kMaxPause) : 0;
  slot.last_reason = reason;
  slot.not_before = now_ + slot.pause;
}

void FuzzSession::Record(FuzzFinding finding, const std::string& report) {
  for (FuzzFinding& known : findings_) {
    if (known.target == finding.target && known.signature == finding.signature) {
      ++known.count;
      return;
    }
  }
  WriteFile(finding.report, report);
  screen_.Say(fmt::format("FINDING {}: {}: {}\n", finding.target, finding.signature,
                          Printable(finding.artifact.empty() ? finding.report : finding.artifact)));
  findings_.push_back(std::move(finding));
}

FuzzSummary FuzzSession::Figures() const {
  FuzzSummary summary;
  summary.seed = options_.seed;
  summary.jobs = options_.jobs;
  summary.budget = options_.seconds;
  summary.elapsed = now_;
  summary.interrupted = stop_requests_ > 0;
  summary.findings = findings_;
  for (const auto& target : targets_) {
    TargetFigures figures = target->figures;
    for (const auto& slot : slots_) {
      if (!slot->process || slot->target != target.get()) continue;
      const LibFuzzerFigures& seen = slot->process->log().figures();
      figures.seconds += now_ - slot->started;
      figures.execs += seen.executions;
      figures.features = std::max(figures.features, seen.features);
      figures.corpus = std::max(figures.corpus, seen.corpus);
    }
    // The target's own count is of this moment; the log's comes now and then.
    const TargetStats stats = ReadStatsFile(target->stats_file);
    if (stats.execs > 0) figures.execs = stats.execs;
    figures.ops = stats.ops;
    figures.findings = static_cast<uint64_t>(
        std::count_if(findings_.begin(), findings_.end(),
                      [&](const FuzzFinding& one) { return one.target == figures.name; }));
    summary.targets.push_back(std::move(figures));
  }
  return summary;
}

void FuzzSession::ShowProgress() {
  FuzzSummary now = Figures();
  screen_.Progress(ProgressText(last_shown_, now));
  last_shown_ = std::move(now);
  next_progress_ = now_ + screen_.interval();
}

std::vector<FailedTarget> FuzzSession::FailedTargets() const {
  std::vector<FailedTarget> failed;
  const FuzzSummary summary = Figures();
  for (const auto& target : targets_) {
    const TargetFigures& figures = summary.targets[target->index];
    // Whoever stops a run early may not have given every process the time to begin.
    const bool idle =
        target->started && figures.execs == 0 && figures.findings == 0 && stop_requests_ == 0;
    if (idle || target->given_up) failed.push_back({target->files.name, target->log_file});
  }
  return failed;
}

}  // namespace rmapdiff
