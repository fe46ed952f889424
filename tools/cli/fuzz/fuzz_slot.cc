#include "tools/cli/fuzz/fuzz_slot.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "tools/cli/libfuzzer/sighting.h"
#include "tools/cli/run_folder/live_counters.h"

namespace rmapdiff {
namespace {

constexpr double kStartGrace = 5;  // for a process that has executed nothing yet
constexpr double kStopGrace = 3;   // from asking a process to end to making it
constexpr double kShortLife = 5;   // a process that fails sooner is started again after a pause
constexpr double kFirstPause = 0.25;
constexpr double kMaxPause = 8;

// A seed for libFuzzer, which takes 0 for "any": another one for each slot and run of it.
uint32_t SeedFor(uint64_t seed, size_t slot, uint64_t run) {
  uint64_t x = seed + (slot << 32) + run;
  for (uint64_t factor : {0xbf58476d1ce4e5b9u, 0x94d049bb133111ebu}) {
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 29)) * factor;
  }
  return static_cast<uint32_t>(x >> 32) | 1;
}

}  // namespace

FuzzCommand FuzzSlot::CommandNow(double now) const {
  const SessionTarget& target = *program_->target;
  const BuiltTarget& files = target.files;
  // libFuzzer's own limit is for the case that no session is left to stop it.
  const auto limit = static_cast<uint64_t>(std::max(end_ - now, 0.0) + kStartGrace + 5);
  FuzzCommand command;
  command.words = TargetFlags(files);
  for (const std::string& word : {"-artifact_prefix=" + target.incoming + "/",
                                  fmt::format("-seed={}", SeedFor(seed_, index_, runs_)),
                                  fmt::format("-max_total_time={}", limit),
                                  std::string("-reload=1"), std::string("-print_final_stats=1")}) {
    command.words.push_back(word);
  }
  const std::string& corpus = target.corpus->folder();
  if (program_->scout) {
    command.words.push_back("-hand_over=" + corpus);
    command.words.insert(command.words.begin(), {files.scout, files.name});
  } else {
    command.words.insert(command.words.begin(), files.binary);
    command.words.push_back(corpus);
    if (!target.corpus->seeds().empty()) command.words.push_back(target.corpus->seeds());
  }
  command.environment = {{"RMAPDIFF_STATS", program_->stats_file},
                         {"ASAN_OPTIONS", AsanOptions(/*symbolize=*/true)}};
  command.log_file = fmt::format("{}/logs/{}-{}{}", run_folder_, files.name, index_,
                                 program_->scout ? kScoutLog : ".log");
  return command;
}

void FuzzSlot::Start(double now) {
  const FuzzCommand command = CommandNow(now);
  program_->log_file = command.log_file;
  started_ = now;
  kill_at_ = 0;
  ++runs_;
  process_ = std::make_unique<FuzzProcess>(command);
}

void FuzzSlot::Stop(double now, bool hurry) {
  if (process_->interrupted()) {
    if (now >= kill_at_) process_->Kill();
    return;
  }
  const bool executed =
      process_->log().figures().executions > 0 || ReadLiveCounters(program_->stats_file).execs > 0;
  if (!executed && !hurry && now < end_ + kStartGrace) return;
  process_->Interrupt();
  kill_at_ = now + kStopGrace;
}

void FuzzSlot::AddTo(TargetFigures* figures, double now) const {
  const LibFuzzerFigures& seen = process_->log().figures();
  figures->seconds += now - started_;
  figures->execs += seen.executions;
  figures->coverage = std::max(figures->coverage, seen.coverage);
  figures->features = std::max(figures->features, seen.features);
  figures->corpus = std::max(figures->corpus, seen.corpus);
}

std::unique_ptr<FuzzProcess> FuzzSlot::Finish(double now) {
  AddTo(&program_->figures, now);
  return std::move(process_);
}

void FuzzSlot::Pause(double now, const std::string& reason) {
  const bool again = !reason.empty() && reason == last_reason_;
  const bool at_once = again && now - started_ < kShortLife + pause_;
  pause_ = at_once ? std::clamp(pause_ * 2, kFirstPause, kMaxPause) : 0;
  last_reason_ = reason;
  not_before_ = now + pause_;
}

}  // namespace rmapdiff
