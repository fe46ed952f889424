#include "tools/cli/fuzz/intake_worker.h"

#include <fmt/format.h>
#include <signal.h>

#include <chrono>
#include <ctime>
#include <filesystem>
#include <map>
#include <optional>
#include <utility>

#include "fuzzers/finding/packed.h"
#include "fuzzers/finding/test_draft.h"
#include "tools/cli/base/exit_codes.h"
#include "tools/cli/base/files.h"
#include "tools/cli/base/output.h"
#include "tools/cli/base/text.h"
#include "tools/cli/findings/artifact.h"
#include "tools/cli/findings/confirmed_minimize.h"
#include "tools/cli/findings/guilty_code.h"
#include "tools/cli/findings/runs.h"
#include "tools/cli/libfuzzer/sighting.h"
#include "tools/cli/run_folder/finding_folder.h"

namespace rmapdiff {
namespace {

using Clock = std::chrono::steady_clock;

constexpr uint64_t kRuns = 3;
constexpr uint64_t kCandidateMs = 10'000;  // what a run gets while minimising
constexpr double kHurrySeconds = 8;        // that are left when it is told to hurry

volatile sig_atomic_t hurry = 0;

std::string KindOf(const Trial& trial) {
  switch (trial.ending) {
    case Ending::kVerdict:
      return "divergence";
    case Ending::kSanitizer:
      return trial.cause.kind.find("leak") != std::string::npos ? "leak" : "sanitizer";
    case Ending::kSignal:
      return "signal";
    case Ending::kTimeout:
      return "timeout";
    case Ending::kMemory:
      return "oom";
    case Ending::kExit:
      return "abort";
  }
  return "abort";
}

// By whichever kind the file's name is of.
std::string KindByName(const std::string& artifact) {
  const std::string name = std::filesystem::path(artifact).filename().string();
  const std::string word = name.substr(0, name.find('-'));
  return word == "timeout" || word == "oom" || word == "leak" ? word : "abort";
}

// One artifact on its way into a folder.
class Arrival {
 public:
  Arrival(std::string run_folder, const std::string& target, std::string path)
      : folders_(std::move(run_folder)), path_(std::move(path)), facts_(ReadFacts(path_)) {
    std::error_code ignored;
    record_.target = target;
    record_.first_seen = record_.last_seen = std::time(nullptr);
    record_.kind = facts_.kind.empty() ? KindByName(path_) : facts_.kind;
    if (std::filesystem::exists(path_, ignored)) {
      record_.artifact = InputName(std::filesystem::path(path_).filename().string());
      files_[record_.artifact] = FileContents(path_);
    }
  }

  // Runs it so often and gives it its signature. What is no program cannot be run.
  void Look(uint64_t times) {
    if (record_.artifact.empty()) return;
    try {
      artifact_ = ReadArtifact(path_);
    } catch (const Failure& failure) {
      if (failure.code() != kExitUsage) throw;
      return;
    }
    ProbeRequest request = artifact_->Request();
    request.story = true;
    request.leaks = true;
    runs_ = RunAll(artifact_->program, request, BestBuild(), times);
    const std::string usual = runs_.Usual();
    record_.reproduced =
        fmt::format("{}/{}", usual.empty() ? 0 : runs_.by_signature.at(usual), runs_.count);
    record_.signature = usual;
    if (usual.empty()) return;
    record_.kind = KindOf(runs_.first.at(usual));
    record_.engine = GuiltyName(runs_.first.at(usual));
  }

  std::string Signature() {
    if (!record_.signature.empty()) return record_.signature;
    const std::string said = facts_.signature.empty() ? record_.kind : facts_.signature;
    return record_.signature = Printable(facts_.own ? said : "unreproduced/" + said);
  }

  bool reproduced() const { return artifact_ && !runs_.Usual().empty(); }
  bool known() const { return folders_.Find(record_.signature).has_value(); }

  void Keep(double seconds) {
    if (reproduced() && !artifact_->codec) Minimize(seconds);
    record_.report = "report.txt";
    files_["report.txt"] = reproduced() ? Report() : WhatTheLogSaid();
    folders_.Make(record_, files_);
  }

 private:
  void Minimize(double seconds) {
    ProbeRequest request = artifact_->Request();
    request.limits.wall_ms = kCandidateMs;
    Minimizing minimizing(request);
    const Clock::time_point start = Clock::now();
    MinimizeOptions options;
    const auto since = [](Clock::time_point then) {
      return std::chrono::duration<double>(Clock::now() - then).count();
    };
    std::optional<Clock::time_point> told;  // to come to an end
    options.stop = [&] {
      if (hurry != 0 && !told) told = Clock::now();
      return since(start) > seconds || (told && since(*told) > kHurrySeconds);
    };
    // With less time for a run, or without a look for leaks, it may show nothing.
    if (minimizing.Choose(artifact_->program) != record_.signature) return;
    const Minimized best = minimizing.Minimize(artifact_->program, artifact_->program, options);
    if (best.signature != record_.signature) return;
    minimal_ = best.program;
    record_.minimal = "minimal.ops";
    record_.ops = best.program.ops.size();
    files_["minimal.ops"] =
        fmt::format("# Shows {}.\n{}{}", best.signature,
                    best.finished ? "" : "# It may be simplified further.\n", Print(best.program));
  }

  std::string Report() {
    const Program& program = minimal_ ? *minimal_ : artifact_->program;
    Trial trial = runs_.first.at(record_.signature);
    ProbeRequest request = artifact_->Request();
    request.limits.wall_ms = kCandidateMs;
    if (minimal_) {
      const std::vector<uint8_t> bytes = Encode(program);
      request.program.assign(bytes.begin(), bytes.end());
      request.story = true;
      Prober prober(BestBuild());
      trial = prober.Try(request);
    }
    if (minimal_) {
      record_.draft = "draft_test.cc";
      files_["draft_test.cc"] = DraftTest(program, record_.signature, StoryOf(program, trial));
    }
    const std::string kept =
        folders_.PathOf(record_.signature) + "/" + (minimal_ ? record_.minimal : record_.artifact);
    const GuiltyCode code = FindGuiltyCode(program, trial, request, [] { return hurry != 0; });
    Artifact shown = *artifact_;
    shown.file = record_.artifact;
    return shown.Describe() + "\n" + RunsText(runs_, BestBuild()) + "\n" +
           TrialReport(program, trial, code) + NextCommands(kept);
  }

  std::string WhatTheLogSaid() const {
    const std::string tried = artifact_ ? fmt::format("run {} times", runs_.count) : "not run";
    return fmt::format("not reproduced: {}; what {} said:\n\n{}", tried, record_.target,
                       facts_.report.empty() ? "(nobody knows: the run was killed)\n"
                                             : PrintableLines(WithoutAlternatives(facts_.report)));
  }

  const FindingFolders folders_;
  const std::string path_;
  const LogFacts facts_;
  FindingRecord record_;
  std::optional<Artifact> artifact_;
  std::optional<Program> minimal_;
  Runs runs_;
  std::map<std::string, std::string> files_;
};

}  // namespace

int TakeIn(const std::string& run_folder, const std::string& target, const std::string& artifact,
           const std::string& seconds) {
  struct sigaction action = {};
  action.sa_handler = [](int) { hurry = 1; };
  sigaction(SIGTERM, &action, nullptr);
  Arrival arrival(run_folder, target, artifact);
  const std::optional<uint64_t> limit = ParseNumber(seconds);
  // Once is enough for one of many that show the same.
  if (limit) arrival.Look(1);
  if (limit && (!arrival.reproduced() || !arrival.known())) arrival.Look(kRuns);
  const std::string signature = arrival.Signature();
  if (!arrival.known()) arrival.Keep(static_cast<double>(limit.value_or(0)));
  Packer answer;
  answer.Text(signature);
  WriteOut(answer.bytes());
  return kExitDone;
}

std::string TakenIn(std::string_view answer) { return Unpacker(answer).Text(); }

}  // namespace rmapdiff
