#include "tools/cli/fuzz/fuzz_session.h"

#include <fmt/format.h>
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <limits>
#include <optional>
#include <utility>

#include "fuzzers/finding/run_limits.h"
#include "tools/cli/base/exit_codes.h"
#include "tools/cli/base/files.h"
#include "tools/cli/base/output.h"
#include "tools/cli/base/text.h"
#include "tools/cli/fuzz/fuzz_corpus.h"
#include "tools/cli/libfuzzer/ending.h"
#include "tools/cli/run_folder/live_counters.h"

namespace rmapdiff {
namespace {

constexpr double kStartGrace = 5;  // what a process that has executed nothing yet gets on top
constexpr double kStopGrace = 3;   // from asking a process to end to making it
constexpr double kShortLife = 5;   // a process that fails sooner is started again after a pause
constexpr double kFirstPause = 0.25;
constexpr double kMaxPause = 8;
constexpr int kMaxFailures = 3;
constexpr double kWorthAStart = 0.4;  // what has to be left of a turn
constexpr double kDrainSeconds = 30;  // for what was found, when the fuzzing is over
constexpr double kDiskInterval = 1;
constexpr const char* kUnjudged = "unjudged-";  // begins the name of an input that is no artifact

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

std::vector<uint64_t> WeightsOf(const std::vector<FuzzTarget>& targets) {
  std::vector<uint64_t> weights;
  for (const FuzzTarget& target : targets) weights.push_back(target.weight);
  return weights;
}

// What a process gets that reads the target's inputs, whatever for.
std::vector<std::string> FlagsFor(const FuzzTarget& files) {
  std::vector<std::string> flags = RunLimitFlags();
  flags.push_back(fmt::format("-report_slow_units={}", kRunSeconds));
  flags.emplace_back("-max_len=2056");
  for (const std::string& option : files.options) flags.push_back("-" + option);
  return flags;
}

}  // namespace

struct FuzzSession::Target {
  FuzzTarget files;
  size_t index = 0;
  std::string stats_file;
  std::string log_file;   // of the process that ended last
  TargetFigures figures;  // of the processes that have ended, by their logs
  std::unique_ptr<FuzzCorpus> corpus;
  bool started = false;
  int failures = 0;  // in a row
};

struct FuzzSession::Slot {
  size_t index = 0;
  std::unique_ptr<FuzzProcess> process;
  Target* target = nullptr;  // whose turn it is
  uint64_t runs = 0;
  double started = 0;
  double end = 0;  // of the turn
  double kill_at = 0;
  double not_before = 0;
  double pause = 0;
  std::string last_reason;  // why the last process ended early
};

FuzzSession::FuzzSession(const FuzzOptions& options, std::vector<FuzzTarget> targets)
    : options_(options), schedule_(WeightsOf(targets), options.jobs, options.seconds) {
  for (FuzzTarget& files : targets) {
    targets_.push_back(std::make_unique<Target>());
    Target& target = *targets_.back();
    target.index = targets_.size() - 1;
    target.stats_file = LiveCountersPath(options_.folder, files.name);
    target.figures.name = files.name;
    target.files = std::move(files);
  }
  for (size_t i = 0; i < options_.jobs; ++i) {
    slots_.push_back(std::make_unique<Slot>());
    slots_.back()->index = i;
  }
  OpenFolder();
}

FuzzSession::~FuzzSession() { slots_.clear(); }

void FuzzSession::OpenFolder() {
  const std::string logs = options_.folder + "/logs";
  MakeFolder(logs);
  lock_ = std::make_unique<RunLock>(options_.folder);
  cannot_write_ = WhyNoRoom(options_.folder);
  if (!cannot_write_.empty()) throw Failure(kExitEnvironment, cannot_write_);
  const std::filesystem::file_status summary = std::filesystem::status(SummaryFile());
  if (std::filesystem::exists(summary) && !std::filesystem::is_regular_file(summary)) {
    throw Failure(kExitEnvironment, Printable(SummaryFile()) +
                                        ": cannot be written: expected a regular file or none");
  }
  RemoveTemporaries(options_.folder);
  stats_log_ = std::make_unique<StatsLog>(options_.folder + "/stats.jsonl");
  std::vector<std::string> names;
  std::vector<FuzzReducer::Target> reduced;
  for (const auto& target : targets_) {
    const FuzzTarget& files = target->files;
    names.push_back(files.name);
    target->corpus = std::make_unique<FuzzCorpus>(options_.folder, files);
    const auto before = stats_log_->last().targets.find(files.name);
    const bool known = before != stats_log_->last().targets.end();
    reduced.push_back({files.name, target->corpus->folder(), IncomingFor(files), files.binary,
                       FlagsFor(files), known ? before->second.reduced_to : 0});
  }
  const Sample& last = stats_log_->last();
  schedule_.BeginWith(last.run % targets_.size());
  intake_ = std::make_unique<FuzzIntake>(options_.folder, names);
  reducer_ = std::make_unique<FuzzReducer>(
      options_.folder, static_cast<double>(options_.reduce_every), std::move(reduced));
  std::error_code ignored;
  std::filesystem::remove_all(options_.folder + "/reducing", ignored);
  for (const std::string& name : FilesIn(logs)) std::filesystem::remove(logs + "/" + name, ignored);
  for (const auto& target : targets_) MakeLiveCounters(target->stats_file);
}

FuzzSummary FuzzSession::Run() {
  const sigset_t signals = StopSignals();
  sigset_t before;
  sigprocmask(SIG_BLOCK, &signals, &before);
  began_ = MonotonicSeconds();
  WriteStats(/*final=*/false);  // so that every start counts
  Loop();
  intake_->Abandon();
  reducer_->Abandon();
  WriteStats(/*final=*/true);
  FuzzSummary summary = Figures();
  // The table comes first: what was found must not depend on a file.
  screen_.Say(SummaryTable(summary));
  OrEnd([&] { WriteFile(SummaryFile(), SummaryJson(summary)); });
  sigprocmask(SIG_SETMASK, &before, nullptr);
  return summary;
}

// A file that cannot be written ends the session in good order, and hides nothing.
template <typename Step>
void FuzzSession::OrEnd(Step step) {
  try {
    step();
  } catch (const Failure& failure) {
    if (cannot_write_.empty()) cannot_write_ = failure.what();
  }
}

void FuzzSession::Loop() {
  while (true) {
    now_ = MonotonicSeconds() - began_;
    for (const auto& slot : slots_) Tend(*slot);
    TakeIn();
    Reduce();
    if (now_ >= next_disk_) WatchTheDisk();
    if (Finished()) return;
    if (now_ >= next_stats_) WriteStats(/*final=*/false);
    if (now_ >= next_progress_) ShowProgress();
    HandleSignals();
  }
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
  intake_->Abandon();
}

bool FuzzSession::Over() const {
  bool all_given_up = true;
  for (const auto& target : targets_) all_given_up &= schedule_.given_up(target->index);
  return stop_requests_ > 0 || !cannot_write_.empty() || all_given_up || left_of_run() <= 0;
}

double FuzzSession::left_of_run() const {
  if (options_.seconds == 0) return std::numeric_limits<double>::infinity();
  return static_cast<double>(options_.seconds) - now_;
}

// When the fuzzing is over, what was found gets some time to be taken in.
bool FuzzSession::Finished() {
  if (!Over()) return false;
  if (drain_until_ == 0) {
    drain_until_ = now_ + kDrainSeconds;
    intake_->Hurry();
  }
  for (const auto& slot : slots_) {
    if (slot->process) return false;
  }
  const bool taken_in = !intake_->busy() && intake_->left() == 0;
  return taken_in || stop_requests_ > 1 || !cannot_write_.empty() || now_ >= drain_until_;
}

void FuzzSession::Tend(Slot& slot) {
  if (slot.process) {
    if (slot.process->Poll()) {
      Finish(slot);
    } else if (Over() || now_ >= slot.end) {
      StopInTime(slot);
    }
    return;
  }
  if (Over() || now_ < slot.not_before) return;
  const bool goes_on = slot.target != nullptr && !schedule_.given_up(slot.target->index) &&
                       slot.end - now_ >= kWorthAStart;
  if (goes_on || NextTurn(slot)) Start(slot);
}

bool FuzzSession::NextTurn(Slot& slot) {
  if (slot.runs > 0 && left_of_run() < kWorthAStart) return false;
  const std::optional<FuzzSchedule::Turn> turn = schedule_.Next(left_of_run());
  if (!turn) return false;
  slot.target = targets_[turn->target].get();
  slot.end = now_ + turn->seconds;
  return true;
}

std::string FuzzSession::IncomingFor(const FuzzTarget& files) const {
  return options_.folder + "/incoming/" + files.name;
}

FuzzCommand FuzzSession::CommandFor(const Target& target, const Slot& slot) const {
  const FuzzTarget& files = target.files;
  // libFuzzer's own limit is for the case that nobody is left to stop it.
  const auto limit = static_cast<uint64_t>(std::max(slot.end - now_, 0.0) + kStartGrace + 5);
  FuzzCommand command;
  command.words = FlagsFor(files);
  command.words.insert(command.words.begin(), files.binary);
  for (const std::string& word :
       {"-artifact_prefix=" + IncomingFor(files) + "/",
        fmt::format("-seed={}", SeedFor(options_.seed, slot.index, slot.runs)),
        fmt::format("-max_total_time={}", limit), std::string("-reload=1"),
        std::string("-print_final_stats=1")}) {
    command.words.push_back(word);
  }
  if (!files.dictionary.empty()) command.words.push_back("-dict=" + files.dictionary);
  command.words.push_back(target.corpus->folder());
  if (!target.corpus->seeds().empty()) command.words.push_back(target.corpus->seeds());
  command.environment = {{"RMAPDIFF_STATS", target.stats_file},
                         {"ASAN_OPTIONS", AsanOptions(/*symbolize=*/true)}};
  command.log_file = fmt::format("{}/logs/{}-{}.log", options_.folder, files.name, slot.index);
  return command;
}

void FuzzSession::Start(Slot& slot) {
  Target& target = *slot.target;
  const FuzzCommand command = CommandFor(target, slot);
  target.started = true;
  target.log_file = command.log_file;
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
      process.log().figures().executions > 0 || ReadLiveCounters(slot.target->stats_file).execs > 0;
  const bool in_a_hurry = stop_requests_ > 0 || !cannot_write_.empty();
  if (!executed && !in_a_hurry && now_ < slot.end + kStartGrace) return;
  process.Interrupt();
  slot.kill_at = now_ + kStopGrace;
}

// Takes the account of a process that has ended.
void FuzzSession::Finish(Slot& slot) {
  const std::unique_ptr<FuzzProcess> process = std::move(slot.process);
  Target& target = *slot.target;
  const LibFuzzerFigures& seen = process->log().figures();
  target.figures.seconds += now_ - slot.started;
  target.figures.execs += seen.executions;
  target.figures.coverage = std::max(target.figures.coverage, seen.coverage);
  target.figures.features = std::max(target.figures.features, seen.features);
  target.figures.corpus = std::max(target.figures.corpus, seen.corpus);

  if (LacksAddressSpace(process->exit_code(), process->log())) {
    // Its input is to blame for nothing, and another process would fare no better.
    const std::string incoming = options_.folder + "/incoming/" + target.files.name + "/";
    const std::string& artifact = process->log().artifact();
    std::error_code ignored;
    if (!artifact.empty()) {
      std::filesystem::rename(incoming + artifact, incoming + kUnjudged + artifact, ignored);
    }
    schedule_.GiveUp(target.index);
    Pause(slot, target.files.name + " lacks address space");
  } else if (IsFinding(process->exit_code(), process->log())) {
    const LogFacts facts = FactsOf(process->exit_code(), process->log());
    const std::string& artifact = process->log().artifact();
    if (!artifact.empty()) {
      target.corpus->SetAside(IncomingFor(target.files) + "/" + artifact);
    }
    intake_->Add(target.files.name, artifact, facts);
    target.failures = 0;
    Pause(slot, target.files.name + " " + facts.signature);
  } else if (seen.executions > 0) {
    target.failures = 0;
    Pause(slot, process->interrupted() ? "" : "ended");
  } else if (!process->interrupted()) {
    if (++target.failures >= kMaxFailures) schedule_.GiveUp(target.index);
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

void FuzzSession::TakeIn() {
  intake_->Step([this](const FuzzFinding& finding, bool is_new) {
    screen_.Say(fmt::format("FINDING {}: {}: {}{}\n", finding.target, finding.signature,
                            Printable(finding.folder), is_new ? "" : " (known)"));
  });
}

void FuzzSession::Reduce() {
  if (Over()) reducer_->Abandon();
  const auto result = reducer_->Step(now_, !Over());
  if (!result) return;
  const std::string& name = targets_[result->target]->files.name;
  intake_->TakeUp(name);
  if (result->reduction) {
    const Reduction& done = *result->reduction;
    const std::string unmeasured = done.unmeasured == 0 ? ""
                                                        : fmt::format(", {} could not be measured",
                                                                      FormatCount(done.unmeasured));
    screen_.Say(fmt::format("reduced the corpus of {} from {} to {} inputs{}\n", name,
                            FormatCount(done.before), FormatCount(done.after), unmeasured));
    WriteStats(/*final=*/false);
  } else {
    screen_.Say(
        fmt::format("could not reduce the corpus of {0}, which is as it was: "
                    "{1}/logs/{0}-reduce.log\n",
                    name, Printable(options_.folder)));
  }
}

void FuzzSession::WatchTheDisk() {
  next_disk_ = now_ + kDiskInterval;
  if (cannot_write_.empty()) cannot_write_ = WhyNoRoom(options_.folder);
}

// Adds this session to what all before it came to.
void FuzzSession::WriteStats(bool final) {
  Sample totals = stats_log_->last();
  totals.time =
      std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
  totals.run += 1;
  totals.elapsed += now_;
  totals.jobs = options_.jobs;
  totals.seed = options_.seed;
  totals.findings = intake_->kept();
  totals.final = final;
  const FuzzSummary summary = Figures();
  for (const auto& target : targets_) {
    const TargetFigures& figures = summary.targets[target->index];
    const CorpusSize size = target->corpus->Size();
    TargetSample& total = totals.targets[figures.name];
    total.execs += figures.execs;
    total.ops += figures.ops;
    total.seconds += figures.seconds;
    total.coverage = std::max(total.coverage, figures.coverage);
    total.features = std::max(total.features, figures.features);
    total.corpus = size.inputs;
    total.corpus_bytes = size.bytes;
    total.findings = intake_->kept_of(figures.name);
    total.reduced_to = reducer_->reduced_to(target->index);
  }
  OrEnd([&] { stats_log_->Append(totals); });
  next_stats_ = now_ + StatsLog::Interval(totals.elapsed);
}

FuzzSummary FuzzSession::Figures() const {
  FuzzSummary summary;
  summary.seed = options_.seed;
  summary.jobs = options_.jobs;
  summary.budget = options_.seconds;
  summary.elapsed = now_;
  summary.interrupted = stop_requests_ > 0;
  summary.findings = intake_->findings();
  for (const auto& target : targets_) {
    TargetFigures figures = target->figures;
    for (const auto& slot : slots_) {
      if (!slot->process || slot->target != target.get()) continue;
      const LibFuzzerFigures& seen = slot->process->log().figures();
      figures.seconds += now_ - slot->started;
      figures.execs += seen.executions;
      figures.coverage = std::max(figures.coverage, seen.coverage);
      figures.features = std::max(figures.features, seen.features);
      figures.corpus = std::max(figures.corpus, seen.corpus);
    }
    // The target's own count is of this moment; the log's comes now and then.
    const LiveCounters stats = ReadLiveCounters(target->stats_file);
    if (stats.execs > 0) figures.execs = stats.execs;
    figures.ops = stats.ops;
    figures.findings = static_cast<uint64_t>(
        std::count_if(summary.findings.begin(), summary.findings.end(),
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
    if (idle || schedule_.given_up(target->index))
      failed.push_back({target->files.name, target->log_file});
  }
  return failed;
}

}  // namespace rmapdiff
