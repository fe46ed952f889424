#include "tools/cli/fuzz/reduce_queue.h"

#include <algorithm>
#include <utility>

#include "tools/cli/base/exit_codes.h"
#include "tools/cli/base/files.h"

namespace rmapdiff {
namespace {

constexpr double kMaxPauseOfLooks = 10;  // seconds
constexpr double kFirstLook = 60;        // the same, from the session's beginning
constexpr uint64_t kLeastGrowth = 100;   // inputs
// What libFuzzer notes down of an input is a line of its features, some 20 KB.
constexpr uint64_t kRoomPerInput = 64 << 10;
constexpr uint64_t kLeastRoom = 64 << 20;

}  // namespace

FuzzReducer::FuzzReducer(std::string run_folder, double every, std::vector<Target> targets)
    : run_folder_(std::move(run_folder)), every_(every) {
  next_look_ = std::min(every_, kFirstLook);
  for (Target& target : targets) states_.push_back({std::move(target), next_look_ - every_});
}

std::optional<FuzzReducer::Result> FuzzReducer::Step(double now, bool may_start) {
  if (child_) {
    if (!child_->Poll()) return std::nullopt;
    const std::unique_ptr<FuzzProcess> child = std::move(child_);
    Result result;
    result.target = at_work_on_;
    if (child->exit_code() == kExitDone) result.reduction = ReducedTo(child->Answer());
    if (result.reduction) states_[at_work_on_].files.reduced_to = result.reduction->after;
    return result;
  }
  if (every_ <= 0 || !may_start || now < next_look_) return std::nullopt;
  next_look_ = now + std::min(kMaxPauseOfLooks, every_);
  for (size_t i = 0; i < states_.size(); ++i) {
    if (!Due(states_[i], now)) continue;
    Start(i, now);
    break;
  }
  return std::nullopt;
}

bool FuzzReducer::Due(const State& state, double now) const {
  if (now - state.last < every_) return false;
  const uint64_t before = state.files.reduced_to;
  const uint64_t inputs = FilesIn(state.files.corpus).size();
  return inputs >= before + std::max(kLeastGrowth, before / 4) &&
         HasRoom(state.files.corpus, kLeastRoom + inputs * kRoomPerInput);
}

void FuzzReducer::Start(size_t target, double now) {
  State& state = states_[target];
  FuzzCommand command;
  const Target& files = state.files;
  command.words = {"/proc/self/exe", kReduceWord,
                   files.corpus,     run_folder_ + "/reducing/" + files.name,
                   files.artifacts,  files.program};
  command.words.insert(command.words.end(), files.flags.begin(), files.flags.end());
  command.log_file = run_folder_ + "/logs/" + files.name + "-reduce.log";
  command.low_priority = true;
  command.answers = true;
  command.death_signal = SIGTERM;
  child_ = std::make_unique<FuzzProcess>(command);
  at_work_on_ = target;
  state.last = now;
}

}  // namespace rmapdiff
