#include "tools/cli/run_folder/run_status.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "tools/cli/base/exit_codes.h"
#include "tools/cli/base/files.h"
#include "tools/cli/base/json_fields.h"
#include "tools/cli/base/text.h"
#include "tools/cli/run_folder/live_counters.h"

namespace rmapdiff {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr double kNowSeconds = 60;  // what the rates of now are taken over

TargetSample TargetOf(const Json& object) {
  return {WholeOf(object, "execs"),        WholeOf(object, "ops"),      NumberOf(object, "seconds"),
          WholeOf(object, "coverage"),     WholeOf(object, "features"), WholeOf(object, "corpus"),
          WholeOf(object, "corpus_bytes"), WholeOf(object, "findings")};
}

bool ReadSample(std::string_view line, Sample* sample) {
  const Json json = ParseJson(line);
  if (!json.is_object() || !json.contains("time") || !json.contains("targets")) return false;
  if (!json["targets"].is_object()) return false;
  sample->time = NumberOf(json, "time");
  sample->run = WholeOf(json, "run");
  sample->elapsed = NumberOf(json, "elapsed");
  sample->jobs = WholeOf(json, "jobs");
  sample->seed = WholeOf(json, "seed");
  sample->findings = WholeOf(json, "findings");
  sample->final = FlagOf(json, "final");
  for (const auto& [name, target] : json["targets"].items()) {
    if (target.is_object()) sample->targets[name] = TargetOf(target);
  }
  return true;
}

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

std::vector<FindingStatus> ReadFindings(const std::string& folder,
                                        std::vector<std::string>* remarks) {
  std::vector<FindingStatus> findings;
  std::error_code error;
  for (fs::directory_iterator at(folder + "/findings", error);
       !error && at != fs::directory_iterator(); at.increment(error)) {
    const std::string name = at->path().filename().string();
    std::error_code ignored;
    const fs::path file = at->path() / "finding.json";
    if (name[0] == '.' || !fs::is_regular_file(file, ignored)) continue;
    FindingStatus finding;
    finding.folder = name;
    if (ReadFinding(FileContents(file), &finding)) {
      findings.push_back(std::move(finding));
    } else {
      remarks->push_back(file.string() + ": left out, expected a finding");
    }
  }
  std::sort(findings.begin(), findings.end(), [](const FindingStatus& a, const FindingStatus& b) {
    return a.last_seen != b.last_seen ? a.last_seen > b.last_seen : a.folder < b.folder;
  });
  return findings;
}

void AddTo(TargetSample* total, const TargetSample& one) {
  total->execs += one.execs;
  total->ops += one.ops;
  total->seconds += one.seconds;
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

void CheckFolder(const std::string& folder) {
  std::error_code ignored;
  const fs::file_status status = fs::status(folder, ignored);
  const char* what = !fs::exists(status)         ? "no such folder"
                     : !fs::is_directory(status) ? "is no folder"
                                                 : nullptr;
  if (what == nullptr) return;
  throw Failure(kExitUsage, fmt::format("{}: {}, expected one that rmapdiff fuzz --dir has made",
                                        Printable(folder), what));
}

}  // namespace

bool IsRunning(const std::string& folder, std::string* pid) {
  const std::string path = folder + "/.lock";
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return false;
  const bool held = flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
  char text[32] = {};
  if (held && read(fd, text, sizeof text - 1) > 0) *pid = std::string(text).substr(0, 20);
  pid->erase(std::find_if(pid->begin(), pid->end(), [](char c) { return c < '0' || c > '9'; }),
             pid->end());
  close(fd);
  return held;
}

std::vector<Sample> ReadSamples(std::string_view text, size_t* skipped) {
  std::vector<Sample> samples;
  *skipped = 0;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    if (end == text.npos) break;  // being written, or cut off
    Sample sample;
    if (ReadSample(text.substr(0, end), &sample)) {
      samples.push_back(std::move(sample));
    } else {
      ++*skipped;
    }
    text.remove_prefix(end + 1);
  }
  return samples;
}

bool ReadFinding(std::string_view text, FindingStatus* finding) {
  const Json json = ParseJson(text);
  if (TextOf(json, "signature").empty()) return false;
  finding->signature = TextOf(json, "signature");
  finding->target = TextOf(json, "target");
  finding->kind = TextOf(json, "kind");
  finding->engine = TextOf(json, "engine");
  finding->count = WholeOf(json, "count");
  finding->first_seen = static_cast<int64_t>(NumberOf(json, "first_seen"));
  finding->last_seen = static_cast<int64_t>(NumberOf(json, "last_seen"));
  finding->ops = WholeOf(json, "ops");
  return true;
}

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

RunStatus ReadRun(const std::string& folder, double now) {
  CheckFolder(folder);
  RunStatus status;
  status.folder = folder;
  status.now = now;
  status.running = IsRunning(folder, &status.pid);
  size_t skipped = 0;
  const std::vector<Sample> samples = ReadSamples(FileContents(folder + "/stats.jsonl"), &skipped);
  if (samples.empty() && !status.running) {
    throw Failure(kExitUsage, Printable(folder) + ": holds no figures in stats.jsonl, expected " +
                                  "those of rmapdiff fuzz --dir");
  }
  if (skipped > 0) {
    status.remarks.push_back(
        fmt::format("{}/stats.jsonl: {} lines make no sense, left out", folder, skipped));
  }
  status.findings = ReadFindings(folder, &status.remarks);
  TakeSamples(samples, &status);
  for (auto& [name, target] : status.targets) {
    if (!status.running || name.find('/') != name.npos) continue;
    const TargetStats live = ReadStatsFile(folder + "/logs/" + name + ".stats");
    TakeLive(samples, name, {live.execs, live.ops}, &target.figures);
  }
  return status;
}

}  // namespace rmapdiff
