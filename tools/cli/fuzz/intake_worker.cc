#include "tools/cli/fuzz/intake_worker.h"

#include <fmt/core.h>
#include <signal.h>

#include <chrono>
#include <ctime>
#include <filesystem>
#include <map>
#include <optional>
#include <utility>

#include "fuzzers/finding/test_draft.h"
#include "fuzzers/program/content_name.h"
#include "fuzzers/program/program_file.h"
#include "fuzzers/voices/voice.h"
#include "tools/cli/base/exit_codes.h"
#include "tools/cli/base/files.h"
#include "tools/cli/base/input.h"
#include "tools/cli/base/output.h"
#include "tools/cli/base/text.h"
#include "tools/cli/findings/artifact.h"
#include "tools/cli/findings/confirmed_minimizer.h"
#include "tools/cli/findings/guilty_code.h"
#include "tools/cli/findings/runs.h"
#include "tools/cli/libfuzzer/sighting.h"
#include "tools/cli/run_folder/finding_folders.h"

namespace rmapdiff {
namespace {

using Clock = std::chrono::steady_clock;

constexpr uint64_t kRuns = 3;
constexpr uint64_t kCandidateMs = 10'000;  // of a run while minimizing
constexpr double kHurrySeconds = 8;        // of minimizing, from the order to hurry

volatile sig_atomic_t hurry = 0;

// One artifact on its way into a folder.
class Arrival {
 public:
  Arrival(const std::string& run_folder, const std::string& target, std::string path,
          const std::string& said)
      : folders_(run_folder),
        path_(std::move(path)),
        sighting_(said.empty() ? ReadSighting(path_)
                               : Sighting{said, /*own=*/true, "", "", /*scout=*/false}) {
    std::error_code ignored;
    record_.target = target;
    record_.maps = ChosenMaps();
    record_.first_seen = record_.last_seen = std::time(nullptr);
    record_.kind = sighting_.kind.empty() ? KindOf(path_) : sighting_.kind;
    if (std::filesystem::exists(path_, ignored)) {
      const std::string content = FileContents(path_);
      // libFuzzer names an artifact by its content; a seed has a name of its own.
      record_.artifact = IsArtifactName(path_)
                             ? InputName(std::filesystem::path(path_).filename().string())
                             : "input-" + ContentName(content);
      files_[record_.artifact] = content;
    }
  }

  // Runs it so often and gives it its signature. Only a program can be run.
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
    // Without sanitizers memory has another layout, so a fault may show in a scout's build alone.
    const bool elsewhere = sighting_.scout && BestBuild() != ProbeBuild::kPlain;
    if (elsewhere && runs_.Usual().empty()) {
      runs_ = RunAll(artifact_->program, request, ProbeBuild::kPlain, times);
    }
    const std::string usual = runs_.Usual();
    record_.reproduced = fmt::format("{}/{}", runs_.Reproduced(), runs_.count);
    record_.signature = usual;
    if (usual.empty()) return;
    record_.kind = KindOf(runs_.first.at(usual));
    record_.engine = GuiltyName(runs_.first.at(usual));
  }

  // By the words of the log, unless a run has given it its signature.
  void Sign() {
    if (!record_.signature.empty()) return;
    const std::string said = sighting_.signature.empty() ? record_.kind : sighting_.signature;
    record_.signature = Printable(sighting_.own ? said : "unreproduced/" + said);
  }

  bool reproduced() const { return artifact_ && !runs_.Usual().empty(); }
  // Whether it is a scout's and did not come again, though it was looked at.
  bool unconfirmed() const { return sighting_.scout && artifact_ && runs_.Usual().empty(); }
  bool known() const { return kept().has_value(); }
  std::optional<FindingRecord> kept() const { return folders_.Find(record_.signature); }
  void Again(uint64_t times) const {
    folders_.Again(record_.signature, times, record_.last_seen, "");
  }

  void Keep(double seconds) {
    if (reproduced() && !artifact_->codec && seconds > 0) Minimize(seconds);
    record_.report = "report.txt";
    files_["report.txt"] = reproduced() ? Report() : WhatTheLogSaid();
    folders_.Make(record_, files_);
  }

 private:
  void Minimize(double seconds) {
    ProbeRequest request = artifact_->Request();
    request.limits.wall_ms = kCandidateMs;
    ConfirmedMinimizer minimizer(request);
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
    if (minimizer.Choose(artifact_->program) != record_.signature) return;
    const Minimized best = minimizer.Minimize(artifact_->program, artifact_->program, options);
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
      request.Run(program);
      request.story = true;
      ProbeClient client(BestBuild());
      trial = client.Try(request);
      record_.draft = "draft_test.cc";
      files_["draft_test.cc"] = DraftTest(program, record_.signature, StoryOf(program, trial));
    }
    const std::string kept =
        folders_.PathOf(record_.signature) + "/" + (minimal_ ? record_.minimal : record_.artifact);
    const GuiltyCode code = FindGuiltyCode(program, trial, request, [] { return hurry != 0; });
    Artifact shown = *artifact_;
    shown.file = record_.artifact;
    return shown.Describe() + "\n" + RunsText(runs_) + "\n" + TrialReport(program, trial, code) +
           NextCommands(kept, record_.maps);
  }

  std::string WhatTheLogSaid() const {
    const std::string tried = artifact_ ? fmt::format("run {} times", runs_.count) : "not run";
    return fmt::format("not reproduced: {}; what {} said:\n\n{}", tried, record_.target,
                       sighting_.report.empty()
                           ? "(its report was not kept)\n"
                           : PrintableLines(WithoutAlternatives(sighting_.report)));
  }

  const FindingFolders folders_;
  const std::string path_;
  const Sighting sighting_;
  FindingRecord record_;
  std::optional<Artifact> artifact_;
  std::optional<Program> minimal_;
  Runs runs_;
  std::map<std::string, std::string> files_;
};

}  // namespace

int TakeIn(const Words& words) {
  struct sigaction action = {};
  action.sa_handler = [](int) { hurry = 1; };
  sigaction(SIGTERM, &action, nullptr);
  Arrival arrival(words[0], words[1], words[2], words.size() > 4 ? words[4] : "");
  const std::optional<uint64_t> limit = ParseNumber(words[3]);
  const uint64_t times = words.size() > 5 ? ParseNumber(words[5]).value_or(1) : 1;
  // Once is enough for one of many that show the same.
  if (limit) arrival.Look(1);
  if (limit && (!arrival.reproduced() || !arrival.known())) arrival.Look(kRuns);
  if (arrival.unconfirmed()) {
    WriteOut(kUnconfirmed);
    return kExitDone;
  }
  arrival.Sign();
  const bool is_new = !arrival.known();
  if (is_new) arrival.Keep(static_cast<double>(limit.value_or(0)));
  // A session that fuzzes does the counting itself.
  if (words.size() > 5 && times > (is_new ? 1 : 0)) arrival.Again(times - (is_new ? 1 : 0));
  WriteOut(FindingLine(arrival.kept().value()));
  return kExitDone;
}

std::string TakenIn(std::string_view printed) {
  printed = printed.substr(0, printed.find_last_not_of('\n') + 1);
  const auto record = ReadFinding(printed.substr(printed.rfind('\n') + 1));  // npos + 1 is 0
  return record ? record->signature : "";
}

}  // namespace rmapdiff
