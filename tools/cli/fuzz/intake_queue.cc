#include "tools/cli/fuzz/intake_queue.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <utility>

#include "fuzzers/program/program_file.h"
#include "tools/cli/base/exit_codes.h"
#include "tools/cli/base/files.h"
#include "tools/cli/base/output.h"
#include "tools/cli/base/text.h"
#include "tools/cli/libfuzzer/ending.h"
#include "tools/cli/libfuzzer/log.h"

namespace rmapdiff {
namespace {

namespace fs = std::filesystem;

constexpr const char* kMinimizeSeconds = "60";
constexpr const char* kHurriedSeconds = "8";
constexpr const char* kBelieveTheLog = "none";
constexpr const char* kReport = "report-";  // begins the name of what came without an artifact
constexpr size_t kMaxKnown = 10'000;        // artifacts that are remembered
constexpr int kAttempts = 2;                // to look at an artifact, then the log is believed
constexpr std::streamoff kLogTail = 512 << 10;

bool IsFacts(const std::string& name) { return name.size() > 5 && name.ends_with(".json"); }

bool IsFindings(const std::string& name) {
  return IsArtifactName(name) || name.starts_with(kReport);
}

void Remove(const std::string& path) {
  std::error_code ignored;
  fs::remove(path, ignored);
}

// What the last process said that wrote to the log.
LibFuzzerLog LastOf(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  file.seekg(0, std::ios::end);
  const std::streamoff size = file.tellg();
  file.seekg(std::max<std::streamoff>(0, size - kLogTail));
  std::stringstream content;
  content << file.rdbuf();
  const std::string text = content.str();
  const size_t begin = text.rfind("INFO: Seed:");
  LibFuzzerLog log;
  log.Feed(std::string_view(text).substr(begin == text.npos ? 0 : begin));
  log.Feed("\n");
  return log;
}

}  // namespace

FuzzIntake::FuzzIntake(std::string run_folder, std::vector<std::string> targets)
    : run_folder_(std::move(run_folder)), folders_(run_folder_) {
  MakeFolder(run_folder_ + "/findings");
  folders_.Clean();
  std::vector<std::string> damaged;
  for (const FindingRecord& record : folders_.All(&damaged)) {
    signatures_.insert(record.signature);
    ++kept_of_[record.target];
    ++kept_;
  }
  for (const std::string& record : damaged) {
    WriteErrorLine(Printable(record) + ": left out, expected a finding");
  }
  for (const std::string& log : FilesIn(run_folder_ + "/logs")) {
    RecoverFacts(run_folder_ + "/logs/" + log);
  }
  for (const std::string& target : targets) TakeUp(target);
}

// What a process said just before the session was killed.
void FuzzIntake::RecoverFacts(const std::string& log_file) {
  const std::string name = fs::path(log_file).filename().string();
  const size_t dash = name.rfind('-');
  if (dash == name.npos || !name.ends_with(".log")) return;
  const LibFuzzerLog log = LastOf(log_file);
  if (log.artifact().empty()) return;
  const std::string artifact =
      run_folder_ + "/incoming/" + name.substr(0, dash) + "/" + log.artifact();
  std::error_code error;
  if (!fs::exists(artifact, error) || fs::exists(FactsPath(artifact), error)) return;
  WriteFacts(artifact, FactsOf(std::nullopt, log));
}

void FuzzIntake::TakeUp(const std::string& target) {
  const std::string folder = run_folder_ + "/incoming/" + target;
  std::set<std::string> names;  // a finding may have facts and no artifact
  for (const std::string& name : FilesIn(folder)) {
    names.insert(IsFacts(name) ? name.substr(0, name.size() - 5) : name);
  }
  for (const std::string& name : names) {
    const std::string path = folder + "/" + name;
    const bool queued = std::any_of(queue_.begin(), queue_.end(),
                                    [&](const Arrival& one) { return one.path == path; });
    if (IsFindings(name) && !queued) queue_.push_back({target, path});
  }
}

void FuzzIntake::Add(const std::string& target, const std::string& artifact,
                     const LogFacts& facts) {
  // One without an artifact gets a name of its own.
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const std::string name =
      !artifact.empty() ? artifact : fmt::format("{}{:x}", kReport, now.count());
  const std::string path = run_folder_ + "/incoming/" + target + "/" + name;
  for (Arrival& arrival : queue_) {
    if (arrival.path != path) continue;
    ++arrival.times;
    return;
  }
  WriteFacts(path, facts);
  queue_.push_back({target, path});
}

void FuzzIntake::Step(const std::function<void(const FuzzFinding&, bool)>& seen) {
  if (child_) {
    if (child_->Poll()) FinishChild(seen);
    return;
  }
  while (!queue_.empty()) {
    const auto known = known_artifacts_.find(queue_.front().path);
    // Somebody may have taken the finding away meanwhile.
    if (known == known_artifacts_.end() || !folders_.Find(known->second)) return StartChild();
    const Arrival arrival = queue_.front();
    Count(arrival, known->second, seen);
    queue_.pop_front();
  }
}

void FuzzIntake::StartChild() {
  const Arrival& arrival = queue_.front();
  FuzzCommand command;
  command.words = {"/proc/self/exe",
                   kTakeInWord,
                   run_folder_,
                   arrival.target,
                   arrival.path,
                   arrival.attempts >= kAttempts ? kBelieveTheLog
                   : hurry_                      ? kHurriedSeconds
                                                 : kMinimizeSeconds};
  command.log_file = run_folder_ + "/logs/take-in.log";
  command.low_priority = true;
  command.answers = true;
  child_ = std::make_unique<FuzzProcess>(command);
}

void FuzzIntake::FinishChild(const std::function<void(const FuzzFinding&, bool)>& seen) {
  const std::unique_ptr<FuzzProcess> child = std::move(child_);
  const std::string signature = TakenIn(child->Answer());
  Arrival arrival = queue_.front();
  if (child->exit_code() == kExitDone && !signature.empty()) {
    Count(arrival, signature, seen);
    queue_.pop_front();
    return;
  }
  if (++queue_.front().attempts <= kAttempts) return;
  queue_.pop_front();
  // Not even without a look at it: there is no room, or no right to write.
  const std::string& said = child->log().report();
  throw Failure(kExitEnvironment, said.empty() ? Printable(arrival.path) + ": cannot be taken in"
                                               : said.substr(0, said.find('\n')));
}

// The finding is kept; counts it, and lets the artifact go.
void FuzzIntake::Count(const Arrival& arrival, const std::string& signature,
                       const std::function<void(const FuzzFinding&, bool)>& seen) {
  const std::optional<FindingRecord> record = folders_.Find(signature);
  if (!record) return;
  const bool is_new = signatures_.insert(signature).second;
  if (is_new) {
    ++kept_of_[record->target];
    ++kept_;
  }
  const uint64_t again = arrival.times - (is_new ? 1 : 0);
  if (again > 0) folders_.Again(signature, again, std::time(nullptr), is_new ? "" : arrival.path);
  Remove(arrival.path);
  Remove(FactsPath(arrival.path));
  if (known_artifacts_.size() >= kMaxKnown) known_artifacts_.clear();
  known_artifacts_[arrival.path] = signature;
  const auto same = [&](const FuzzFinding& one) { return one.signature == signature; };
  const auto at = std::find_if(findings_.begin(), findings_.end(), same);
  if (at != findings_.end()) {
    at->count += arrival.times;
    return;
  }
  FuzzFinding finding;
  finding.target = arrival.target;
  finding.signature = signature;
  finding.kind = record->kind;
  finding.folder = folders_.PathOf(signature);
  if (!record->artifact.empty()) finding.artifact = finding.folder + "/" + record->artifact;
  finding.report = finding.folder + "/" + record->report;
  finding.minimal_ops = record->ops;
  finding.count = arrival.times;
  findings_.push_back(finding);
  seen(finding, is_new);
}

void FuzzIntake::Hurry() {
  hurry_ = true;
  if (child_) child_->Terminate();
}

uint64_t FuzzIntake::kept_of(const std::string& target) const {
  const auto at = kept_of_.find(target);
  return at == kept_of_.end() ? 0 : at->second;
}

}  // namespace rmapdiff
