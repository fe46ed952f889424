#include "tools/cli/fuzz/fuzz_session.h"

#include <fmt/core.h>
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <limits>
#include <optional>
#include <utility>

#include "tools/cli/base/exit_codes.h"
#include "tools/cli/base/files.h"
#include "tools/cli/base/output.h"
#include "tools/cli/base/text.h"
#include "tools/cli/libfuzzer/sighting.h"
#include "tools/cli/run_folder/live_counters.h"

namespace rmapdiff {
namespace {

namespace fs = std::filesystem;

constexpr int kMaxFailures = 3;
constexpr double kWorthAStart = 0.4;  // the least rest of a turn for a process
constexpr double kDrainSeconds = 30;  // for the last findings, when the fuzzing is over
constexpr double kDiskInterval = 1;
constexpr const char* kUnjudged = "unjudged-";  // begins the name of an input without a finding
constexpr const char* kSummary = "summary.json";

double MonotonicSeconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

sigset_t StopSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (int number : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&signals, number);
  return signals;
}

// Of the programs of all targets, in hundredths.
std::vector<uint64_t> WeightsOf(const std::vector<BuiltTarget>& targets, uint64_t sanitized) {
  std::vector<uint64_t> weights;
  for (const BuiltTarget& target : targets) {
    const bool scouts = HasScout(target, sanitized);
    if (scouts) weights.push_back(target.weight * (100 - sanitized));
    weights.push_back(target.weight * (scouts ? sanitized : 100));
  }
  return weights;
}

}  // namespace

bool HasScout(const BuiltTarget& target, uint64_t sanitized) {
  return !target.scout.empty() && sanitized < 100;
}

FuzzSession::FuzzSession(const FuzzOptions& options, std::vector<BuiltTarget> targets)
    : options_(options),
      schedule_(WeightsOf(targets, options.sanitized), options.jobs, options.seconds) {
  for (BuiltTarget& files : targets) {
    SessionTarget target;
    target.index = targets_.size();
    target.incoming = Below("incoming/" + files.name);
    target.files = std::move(files);
    targets_.push_back(std::move(target));
  }
  // The scout comes first: it starts at once, and what it hands over is there for the other.
  for (SessionTarget& target : targets_) {
    for (const bool scout : {true, false}) {
      if (scout && !HasScout(target.files, options.sanitized)) continue;
      SessionProgram program;
      program.target = &target;
      program.scout = scout;
      program.index = programs_.size();
      program.stats_file = scout ? ScoutCountersPath(options_.folder, target.files.name)
                                 : LiveCountersPath(options_.folder, target.files.name);
      programs_.push_back(std::move(program));
    }
  }
  for (size_t i = 0; i < options_.jobs; ++i) slots_.emplace_back(i, options_.folder, options_.seed);
  OpenFolder();
}

void FuzzSession::OpenFolder() {
  const std::string logs = Below("logs");
  MakeFolder(logs);
  lock_ = std::make_unique<RunLock>(options_.folder);
  cannot_write_ = WhyNoRoom(options_.folder);
  if (!cannot_write_.empty()) throw Failure(kExitEnvironment, cannot_write_);
  const fs::file_status summary = fs::status(Below(kSummary));
  if (fs::exists(summary) && !fs::is_regular_file(summary)) {
    throw Failure(kExitEnvironment, Printable(Below(kSummary)) +
                                        ": cannot be written: expected a regular file or none");
  }
  RemoveTemporaries(options_.folder);
  stats_log_ = std::make_unique<StatsLog>(Below("stats.jsonl"));
  const Sample& last = stats_log_->last();
  const SessionTarget* first = &targets_[last.run % targets_.size()];
  schedule_.BeginWith(
      std::find_if(programs_.begin(), programs_.end(), [&](const SessionProgram& one) {
        return one.target == first;
      })->index);
  std::vector<ReduceQueue::Target> reduced;
  for (SessionTarget& target : targets_) {
    const BuiltTarget& files = target.files;
    target.corpus = std::make_unique<FuzzCorpus>(options_.folder, files);
    const auto before = last.targets.find(files.name);
    reduced.push_back({files.name, target.corpus->folder(), target.incoming, files.binary,
                       TargetFlags(files),
                       before != last.targets.end() ? before->second.reduced_to : 0});
  }
  OpenQueues(reduced);
  std::error_code ignored;
  fs::remove_all(Below("reducing"), ignored);
  for (const std::string& name : FilesIn(logs)) fs::remove(logs + "/" + name, ignored);
  for (const SessionProgram& program : programs_) MakeLiveCounters(program.stats_file);
}

void FuzzSession::OpenQueues(const std::vector<ReduceQueue::Target>& reduced) {
  std::vector<std::string> names;
  for (const SessionTarget& target : targets_) names.push_back(target.files.name);
  intake_ = std::make_unique<IntakeQueue>(
      options_.folder, names,
      [this](const FindingRecord& finding, bool is_new) {
        const std::string folder = FindingFolders(options_.folder).PathOf(finding.signature);
        screen_.Say(fmt::format("FINDING {}: {}: {}{}\n", finding.target, finding.signature,
                                Printable(folder), is_new ? "" : " (known)"));
      },
      [this](const std::string& target, const std::string& path) {
        screen_.Say(fmt::format("UNCONFIRMED {}: a scout alone has found something: {}\n", target,
                                Printable(path)));
      });
  reducer_ = std::make_unique<ReduceQueue>(options_.folder,
                                           static_cast<double>(options_.reduce_every), reduced);
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
  // The table comes first: a finding must be seen even if no file can be written.
  screen_.Say(SummaryTable(summary));
  OrEnd([&] { WriteFile(Below(kSummary), SummaryJson(summary)); });
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
    for (FuzzSlot& slot : slots_) Tend(slot);
    intake_->Step();
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
  for (FuzzSlot& slot : slots_) {
    if (slot.busy()) slot.Kill();
  }
  intake_->Abandon();
}

bool FuzzSession::Over() const {
  bool all_given_up = true;
  for (const SessionTarget& target : targets_) all_given_up &= schedule_.given_up(target.index);
  return stop_requests_ > 0 || !cannot_write_.empty() || all_given_up || left_of_run() <= 0;
}

double FuzzSession::left_of_run() const {
  if (options_.seconds == 0) return std::numeric_limits<double>::infinity();
  return static_cast<double>(options_.seconds) - now_;
}

// When the fuzzing is over, there is some time to take in the last findings.
bool FuzzSession::Finished() {
  if (!Over()) return false;
  if (drain_until_ == 0) {
    drain_until_ = now_ + kDrainSeconds;
    intake_->Hurry();
  }
  for (const FuzzSlot& slot : slots_) {
    if (slot.busy()) return false;
  }
  const bool taken_in = !intake_->busy() && intake_->left() == 0;
  return taken_in || stop_requests_ > 1 || !cannot_write_.empty() || now_ >= drain_until_;
}

void FuzzSession::Tend(FuzzSlot& slot) {
  if (slot.busy()) {
    if (slot.Poll()) {
      Finish(slot);
    } else if (Over() || slot.left_of_turn(now_) <= 0) {
      slot.Stop(now_, /*hurry=*/stop_requests_ > 0 || !cannot_write_.empty());
    }
    return;
  }
  if (Over() || slot.pauses(now_)) return;
  const bool goes_on = slot.program() != nullptr && !schedule_.given_up(slot.program()->index) &&
                       slot.left_of_turn(now_) >= kWorthAStart;
  if (goes_on || NextTurn(slot)) slot.Start(now_);
}

bool FuzzSession::NextTurn(FuzzSlot& slot) {
  if (!slot.unused() && left_of_run() < kWorthAStart) return false;
  const std::optional<FuzzSchedule::Turn> turn = schedule_.Next(left_of_run());
  if (!turn) return false;
  slot.GiveTurn(&programs_[turn->target], now_ + turn->seconds);
  return true;
}

// Takes the account of a process that has ended.
void FuzzSession::Finish(FuzzSlot& slot) {
  const std::unique_ptr<FuzzProcess> process = slot.Finish(now_);
  SessionProgram& program = *slot.program();
  const std::string& incoming = program.target->incoming;
  const std::string& artifact = process->log().artifact();

  if (LacksAddressSpace(process->exit_code(), process->log())) {
    // Its input is to blame for nothing, and another process would fare no better.
    std::error_code ignored;
    if (!artifact.empty()) {
      fs::rename(incoming + "/" + artifact, incoming + "/" + kUnjudged + artifact, ignored);
    }
    schedule_.GiveUp(program.index);
    slot.Pause(now_, program.name() + " lacks address space");
  } else if (IsFinding(process->exit_code(), process->log())) {
    FoundBy(program, slot, *process);
  } else if (process->log().figures().executions > 0) {
    program.failures = 0;
    slot.Pause(now_, process->interrupted() ? "" : "ended");
  } else if (!process->interrupted()) {
    if (++program.failures >= kMaxFailures) schedule_.GiveUp(program.index);
    slot.Pause(now_, program.name() + " failed");
  }
}

void FuzzSession::FoundBy(SessionProgram& program, FuzzSlot& slot, const FuzzProcess& process) {
  Sighting sighting = SightingOf(process.exit_code(), process.log());
  sighting.scout = program.scout;
  const SessionTarget& target = *program.target;
  const std::string& artifact = process.log().artifact();
  if (!artifact.empty()) target.corpus->SetAside(target.incoming + "/" + artifact);
  intake_->Add(target.files.name, artifact, sighting);
  program.failures = 0;
  slot.Pause(now_, program.name() + " " + sighting.signature);
}

void FuzzSession::Reduce() {
  if (Over()) reducer_->Abandon();
  const auto result = reducer_->Step(now_, !Over());
  if (!result) return;
  const std::string& name = targets_[result->target].files.name;
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
  totals.findings = 0;
  totals.time =
      std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
  totals.run += 1;
  totals.elapsed += now_;
  totals.jobs = options_.jobs;
  totals.sanitized = options_.sanitized;
  totals.seed = options_.seed;
  for (const auto& [target, kept] : intake_->kept()) totals.findings += kept;
  totals.final = final;
  const FuzzSummary summary = Figures();
  for (const SessionTarget& target : targets_) {
    const TargetFigures& figures = summary.targets[target.index];
    TargetSample& total = totals.targets[figures.name];
    total.execs += figures.execs;
    total.ops += figures.ops;
    total.seconds += figures.seconds;
    total.scout_execs += figures.scout_execs;
    total.scout_ops += figures.scout_ops;
    total.scout_seconds += figures.scout_seconds;
    total.coverage = std::max(total.coverage, figures.coverage);
    total.features = std::max(total.features, figures.features);
    const CorpusSize size = target.corpus->Size();
    total.corpus = size.inputs;
    total.corpus_bytes = size.bytes;
    const auto kept = intake_->kept().find(figures.name);
    total.findings = kept != intake_->kept().end() ? kept->second : 0;
    total.reduced_to = reducer_->reduced_to(target.index);
  }
  OrEnd([&] { stats_log_->Append(totals); });
  next_stats_ = now_ + StatsLog::Interval(totals.elapsed);
}

FuzzSummary FuzzSession::Figures() const {
  FuzzSummary summary;
  summary.folder = options_.folder;
  summary.seed = options_.seed;
  summary.jobs = options_.jobs;
  summary.sanitized = options_.sanitized;
  summary.budget = options_.seconds;
  summary.elapsed = now_;
  summary.interrupted = stop_requests_ > 0;
  summary.findings = intake_->findings();
  for (const SessionTarget& target : targets_) {
    TargetFigures figures;
    figures.name = target.files.name;
    figures.findings = static_cast<uint64_t>(
        std::count_if(summary.findings.begin(), summary.findings.end(),
                      [&](const FindingRecord& one) { return one.target == figures.name; }));
    summary.targets.push_back(std::move(figures));
  }
  for (const SessionProgram& program : programs_) {
    const TargetFigures own = FiguresOf(program);
    TargetFigures& all = summary.targets[program.target->index];
    all.execs += own.execs;
    all.ops += own.ops;
    all.seconds += own.seconds;
    if (program.scout) {
      all.scout_execs = own.execs;
      all.scout_ops = own.ops;
      all.scout_seconds = own.seconds;
    } else {
      all.coverage = own.coverage;
      all.features = own.features;
      all.corpus = own.corpus;
    }
  }
  return summary;
}

// Of this session, up to now.
TargetFigures FuzzSession::FiguresOf(const SessionProgram& program) const {
  TargetFigures figures = program.figures;
  for (const FuzzSlot& slot : slots_) {
    if (slot.busy() && slot.program() == &program) slot.AddTo(&figures, now_);
  }
  // The program's own count is of this moment; the log's comes now and then.
  const LiveCounters live = ReadLiveCounters(program.stats_file);
  if (live.execs > 0) figures.execs = live.execs;
  figures.ops = live.ops;
  return figures;
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
  for (const SessionProgram& program : programs_) {
    // A run that is stopped early may not have given every process the time to begin.
    const bool idle = !program.log_file.empty() && FiguresOf(program).execs == 0 &&
                      summary.targets[program.target->index].findings == 0 && stop_requests_ == 0;
    if (idle || schedule_.given_up(program.index)) {
      failed.push_back({program.name(), program.log_file});
    }
  }
  return failed;
}

}  // namespace rmapdiff
