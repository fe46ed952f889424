#include "tools/cli/run_folder/run_status.h"

#include <fmt/core.h>

#include <algorithm>
#include <filesystem>
#include <optional>

#include "tools/cli/base/exit_codes.h"
#include "tools/cli/base/input.h"
#include "tools/cli/base/text.h"
#include "tools/cli/run_folder/run_lock.h"

namespace rmapdiff {
namespace {

namespace fs = std::filesystem;

constexpr double kNowSeconds = 60;  // the rates of now are those of so long

const TargetSample* Find(const Sample& sample, const std::string& target) {
  const auto at = sample.targets.find(target);
  return at != sample.targets.end() ? &at->second : nullptr;
}

// The sample that the rates of now begin at: a minute before the last one, of the same session.
const Sample& BeginOfNow(const std::vector<Sample>& samples) {
  const Sample& last = samples.back();
  size_t begin = samples.size() - 1;
  while (begin > 0 && samples[begin - 1].run == last.run &&
         last.time - samples[begin].time < kNowSeconds) {
    --begin;
  }
  return samples[begin];
}

// When the target last showed something new, in seconds of fuzzing.
double LastNewFeature(const std::vector<Sample>& samples, const std::string& target) {
  uint64_t most = 0;
  double when = 0;
  for (const Sample& sample : samples) {
    const TargetSample* figures = Find(sample, target);
    if (figures == nullptr || figures->features <= most) continue;
    most = figures->features;
    when = sample.elapsed;
  }
  return when;
}

void AddTo(TargetSample* total, const TargetSample& one) {
  total->execs += one.execs;
  total->ops += one.ops;
  total->seconds += one.seconds;
  total->scout_execs += one.scout_execs;
  total->scout_ops += one.scout_ops;
  total->scout_seconds += one.scout_seconds;
  total->coverage += one.coverage;
  total->features += one.features;
  total->corpus += one.corpus;
  total->corpus_bytes += one.corpus_bytes;
  total->findings += one.findings;
}

uint64_t Grown(uint64_t before, uint64_t after) { return after > before ? after - before : 0; }

// Of what is counted, what has been added.
TargetSample Between(const TargetSample& before, const TargetSample& after) {
  TargetSample added;
  added.execs = Grown(before.execs, after.execs);
  added.ops = Grown(before.ops, after.ops);
  added.seconds = std::max(after.seconds - before.seconds, 0.0);
  return added;
}

// Those of stats.jsonl. `needed`: to have none is an error.
std::vector<Sample> SamplesOf(const std::string& folder, bool needed,
                              std::vector<std::string>* remarks) {
  constexpr const char* kExpected = "the figures of rmapdiff fuzz --dir";
  const std::string path = folder + "/stats.jsonl";
  const FileRead file = TryReadFile(path, kMaxFileBytes, kExpected);
  size_t skipped = 0;
  std::vector<Sample> samples = ReadSamples(file.content, &skipped);
  std::string problem = file.problem;
  if (skipped > 0) problem = SkippedText(skipped);
  if (samples.empty() && needed) {
    if (problem.empty()) problem = "has no whole line";
    if (file.problem.empty()) problem += fmt::format(", expected {}", kExpected);
    throw Failure(kExitUsage, Printable(path) + ": " + problem);
  }
  if (skipped > 0) problem += ", left out";
  if (!problem.empty()) remarks->push_back(path + ": " + problem);
  return samples;
}

void CheckFolder(const std::string& folder) {
  std::error_code ignored;
  const fs::file_status status = fs::status(folder, ignored);
  const char* what = !fs::exists(status)         ? "no such folder"
                     : !fs::is_directory(status) ? "is not a folder"
                                                 : nullptr;
  if (what == nullptr) return;
  throw Failure(kExitUsage, fmt::format("{}: {}, expected one that rmapdiff fuzz --dir has made",
                                        Printable(folder), what));
}

}  // namespace

TargetStatus RunStatus::Total() const {
  TargetStatus total;
  for (const auto& [name, one] : targets) {
    AddTo(&total.figures, one.figures);
    AddTo(&total.sampled, one.sampled);
    AddTo(&total.lately, one.lately);
    const bool first = &one == &targets.begin()->second;
    total.since_new_feature =
        first ? one.since_new_feature : std::min(total.since_new_feature, one.since_new_feature);
  }
  return total;
}

void TakeSamples(const std::vector<Sample>& samples, RunStatus* status) {
  if (samples.empty()) return;
  const Sample& last = status->last = samples.back();
  const Sample& begin = BeginOfNow(samples);
  const double since_last = status->running ? std::max(status->now - last.time, 0.0) : 0;
  if (status->running) status->lately = std::max(last.time - begin.time, 0.0);
  for (const auto& [name, figures] : last.targets) {
    TargetStatus& target = status->targets[name];
    target.figures = target.sampled = figures;
    target.since_new_feature =
        std::max(last.elapsed - LastNewFeature(samples, name), 0.0) + since_last;
    const TargetSample* before = Find(begin, name);
    if (status->running && before != nullptr) target.lately = Between(*before, figures);
  }
}

void TakeLive(const std::vector<Sample>& samples, const std::string& target,
              const LiveCounters& live, TargetSample* figures) {
  TargetSample earlier;  // at the end of the sessions before this one
  for (const Sample& sample : samples) {
    if (sample.run == samples.back().run) break;
    if (const TargetSample* one = Find(sample, target)) earlier = *one;
  }
  const bool goes_on = live.execs >= figures->execs;
  figures->execs = std::max(figures->execs, live.execs + (goes_on ? 0 : earlier.execs));
  figures->ops = std::max(figures->ops, live.ops + (goes_on ? 0 : earlier.ops));
}

RunStatus ReadRun(const std::string& folder, double now, bool any) {
  CheckFolder(folder);
  RunStatus status;
  status.folder = folder;
  status.now = now;
  const std::optional<pid_t> holder = HolderOf(folder);
  status.running = holder.has_value();
  status.pid = holder.value_or(0);
  std::error_code ignored;
  const bool begun = fs::exists(folder + "/stats.jsonl", ignored);
  any = any && (begun || fs::exists(folder + "/findings", ignored));
  if (begun || any || !status.running) {
    status.history = SamplesOf(folder, !status.running && !any, &status.remarks);
  }
  std::vector<std::string> damaged;
  status.findings = FindingFolders(folder).All(&damaged);
  std::sort(status.findings.begin(), status.findings.end(),
            [](const FindingRecord& a, const FindingRecord& b) {
              return a.last_seen != b.last_seen ? a.last_seen > b.last_seen : a.folder < b.folder;
            });
  for (const std::string& file : damaged) {
    status.remarks.push_back(file + ": left out, expected a finding");
  }
  TakeSamples(status.history, &status);
  for (auto& [name, target] : status.targets) {
    if (!status.running || name.find('/') != name.npos) continue;
    LiveCounters live = ReadLiveCounters(LiveCountersPath(folder, name));
    const LiveCounters scout = ReadLiveCounters(ScoutCountersPath(folder, name));
    live.execs += scout.execs;
    live.ops += scout.ops;
    TakeLive(status.history, name, live, &target.figures);
  }
  return status;
}

}  // namespace rmapdiff
