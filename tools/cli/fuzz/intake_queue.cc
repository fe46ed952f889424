#include "tools/cli/fuzz/intake_queue.h"

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <filesystem>
#include <utility>

#include "fuzzers/program/program_file.h"
#include "tools/cli/base/exit_codes.h"
#include "tools/cli/base/files.h"
#include "tools/cli/base/output.h"
#include "tools/cli/base/text.h"
#include "tools/cli/fuzz/intake_worker.h"
#include "tools/cli/libfuzzer/sighting.h"

namespace rmapdiff {
namespace {

namespace fs = std::filesystem;

constexpr const char* kMinimizeSeconds = "60";
constexpr const char* kHurriedSeconds = "8";
constexpr const char* kBelieveTheLog = "none";
constexpr const char* kReport = "report-";  // begins the name of a finding without an artifact
constexpr size_t kMaxKnown = 10'000;        // artifacts that are remembered
constexpr int kAttempts = 2;                // to look at an artifact, then the log is believed

void Remove(const std::string& path) {
  std::error_code ignored;
  fs::remove(path, ignored);
}

// The words of the last process that wrote to the log.
LibFuzzerLog LastOf(const std::string& path) {
  const std::string text = FileContents(path) + "\n";
  const size_t begin = text.rfind("INFO: Seed:");
  LibFuzzerLog log;
  log.Feed(std::string_view(text).substr(begin == text.npos ? 0 : begin));
  return log;
}

}  // namespace

IntakeQueue::IntakeQueue(std::string run_folder, const std::vector<std::string>& targets, Seen seen,
                         Unconfirmed unconfirmed)
    : run_folder_(std::move(run_folder)),
      seen_(std::move(seen)),
      unconfirmed_(std::move(unconfirmed)),
      folders_(run_folder_) {
  MakeFolder(run_folder_ + "/findings");
  folders_.Clean();
  std::vector<std::string> damaged;
  for (const FindingRecord& record : folders_.All(&damaged)) {
    signatures_.insert(record.signature);
    ++kept_[record.target];
  }
  for (const std::string& record : damaged) {
    WriteErrorLine(Printable(record) + ": left out, expected a finding");
  }
  for (const std::string& log : FilesIn(run_folder_ + "/logs")) RecoverSighting(log);
  for (const std::string& target : targets) TakeUp(target);
}

// Of a process that ended just before the session was killed.
void IntakeQueue::RecoverSighting(const std::string& log_name) {
  const size_t dash = log_name.rfind('-');
  if (dash == log_name.npos || !log_name.ends_with(".log")) return;
  const LibFuzzerLog log = LastOf(run_folder_ + "/logs/" + log_name);
  if (log.artifact().empty()) return;
  const std::string artifact = Incoming(log_name.substr(0, dash), log.artifact());
  std::error_code error;
  if (!fs::exists(artifact, error) || fs::exists(SightingPath(artifact), error)) return;
  Sighting sighting = SightingOf(std::nullopt, log);
  sighting.scout = log_name.ends_with(kScoutLog);
  WriteSighting(artifact, sighting);
}

void IntakeQueue::TakeUp(const std::string& target) {
  std::set<std::string> names;  // a finding may have a sighting and no artifact
  for (const std::string& name : FilesIn(Incoming(target, ""))) {
    names.insert(name.ends_with(".json") ? name.substr(0, name.size() - 5) : name);
  }
  for (const std::string& name : names) {
    const std::string path = Incoming(target, name);
    const bool queued = std::any_of(queue_.begin(), queue_.end(),
                                    [&](const Arrival& one) { return one.path == path; });
    const bool is_finding = IsArtifactName(name) || name.starts_with(kReport);
    if (is_finding && !queued) queue_.push_back({target, path});
  }
}

void IntakeQueue::Add(const std::string& target, const std::string& artifact,
                      const Sighting& sighting) {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const std::string path =
      Incoming(target, !artifact.empty() ? artifact : fmt::format("{}{:x}", kReport, now.count()));
  for (Arrival& arrival : queue_) {
    if (arrival.path != path) continue;
    ++arrival.times;
    return;
  }
  WriteSighting(path, sighting);
  queue_.push_back({target, path});
}

void IntakeQueue::Step() {
  if (child_) {
    if (child_->Poll()) FinishChild();
    return;
  }
  while (!queue_.empty()) {
    const auto known = known_artifacts_.find(queue_.front().path);
    // A user may have taken the finding away meanwhile.
    if (known == known_artifacts_.end() || !folders_.Find(known->second)) return StartChild();
    const std::string signature = known->second;  // Count may forget all known ones
    Count(queue_.front(), signature);
    queue_.pop_front();
  }
}

void IntakeQueue::StartChild() {
  const Arrival& arrival = queue_.front();
  const char* seconds = arrival.attempts >= kAttempts ? kBelieveTheLog
                        : hurry_                      ? kHurriedSeconds
                                                      : kMinimizeSeconds;
  child_ = std::make_unique<FuzzProcess>(
      WorkerCommand({kTakeInWord, run_folder_, arrival.target, arrival.path, seconds},
                    run_folder_ + "/logs/take-in.log"));
}

void IntakeQueue::FinishChild() {
  const std::unique_ptr<FuzzProcess> child = std::move(child_);
  if (child->exit_code() == kExitDone && child->Answer() == kUnconfirmed) return SetAside();
  const std::string signature = TakenIn(child->Answer());
  if (child->exit_code() == kExitDone && !signature.empty()) {
    Count(queue_.front(), signature);
    queue_.pop_front();
    return;
  }
  if (++queue_.front().attempts <= kAttempts) return;
  const std::string path = queue_.front().path;
  queue_.pop_front();
  // The worker could not even keep what the log said: the disk is full, or the folder read-only.
  const std::string& said = child->log().report();
  throw Failure(kExitEnvironment, said.empty() ? Printable(path) + ": cannot be taken in"
                                               : said.substr(0, said.find('\n')));
}

// Neither build has shown what a scout has found in the input at the front of the queue.
void IntakeQueue::SetAside() {
  const Arrival arrival = queue_.front();
  queue_.pop_front();
  const std::string folder = run_folder_ + "/unconfirmed/" + arrival.target;
  MakeFolder(folder);
  const std::string to = folder + "/" + fs::path(arrival.path).filename().string();
  std::error_code ignored;
  fs::rename(SightingPath(arrival.path), SightingPath(to), ignored);
  fs::rename(arrival.path, to, ignored);
  unconfirmed_(arrival.target, to);
}

// The finding is kept; counts it, and lets the artifact go.
void IntakeQueue::Count(const Arrival& arrival, const std::string& signature) {
  std::optional<FindingRecord> record = folders_.Find(signature);
  if (!record) return;
  const bool is_new = signatures_.insert(signature).second;
  if (is_new) ++kept_[record->target];
  const uint64_t again = arrival.times - (is_new ? 1 : 0);
  if (again > 0) folders_.Again(signature, again, std::time(nullptr), is_new ? "" : arrival.path);
  Remove(arrival.path);
  Remove(SightingPath(arrival.path));
  if (known_artifacts_.size() >= kMaxKnown) known_artifacts_.clear();
  known_artifacts_[arrival.path] = signature;
  const auto at = std::find_if(findings_.begin(), findings_.end(), [&](const FindingRecord& one) {
    return one.signature == signature;
  });
  if (at != findings_.end()) {
    at->count += arrival.times;
    return;
  }
  record->target = arrival.target;
  record->count = arrival.times;
  findings_.push_back(*record);
  seen_(findings_.back(), is_new);
}

void IntakeQueue::Hurry() {
  hurry_ = true;
  if (child_) child_->Terminate();
}

}  // namespace rmapdiff
