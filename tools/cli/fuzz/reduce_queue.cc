#include "tools/cli/fuzz/reduce_queue.h"

#include <algorithm>
#include <utility>

#include "fuzzers/finding/run_limits.h"
#include "tools/cli/base/exit_codes.h"
#include "tools/cli/base/files.h"

namespace rmapdiff {
namespace {

constexpr double kMaxPauseOfLooks = 10;  // seconds
constexpr double kFirstLook = 60;        // the same, from the session's beginning
constexpr uint64_t kLeastGrowth = 100;   // inputs
// libFuzzer writes a line of features for each input, some 20 KB.
constexpr uint64_t kRoomPerInput = 64 << 10;
constexpr uint64_t kLeastRoom = 64 << 20;
// Of a reduction: ten minutes, and for each input the thirtyfold of the time on a free machine.
constexpr uint64_t kLeastSeconds = 600;
constexpr uint64_t kSecondsPerInput = 1;

}  // namespace

ReduceQueue::ReduceQueue(std::string run_folder, double every, const std::vector<Target>& targets)
    : run_folder_(std::move(run_folder)), every_(every), next_look_(std::min(every, kFirstLook)) {
  for (const Target& target : targets) states_.push_back({target, next_look_ - every_});
}

std::optional<ReduceQueue::Result> ReduceQueue::Step(double now, bool may_start) {
  if (child_) {
    if (!child_->Poll()) return std::nullopt;
    const std::unique_ptr<FuzzProcess> child = std::move(child_);
    Result result = {at_work_on_, std::nullopt};
    if (child->exit_code() == kExitDone) result.reduction = ReducedTo(child->Answer());
    if (result.reduction) states_[at_work_on_].files.reduced_to = result.reduction->after;
    return result;
  }
  if (every_ <= 0 || !may_start || now < next_look_) return std::nullopt;
  next_look_ = now + std::min(kMaxPauseOfLooks, every_);
  for (size_t i = 0; i < states_.size() && !child_; ++i) StartIfDue(i, now);
  return std::nullopt;
}

void ReduceQueue::StartIfDue(size_t target, double now) {
  State& state = states_[target];
  const Target& files = state.files;
  if (now - state.last < every_) return;
  const uint64_t inputs = FilesIn(files.corpus).size();
  if (inputs < files.reduced_to + std::max(kLeastGrowth, files.reduced_to / 4)) return;
  if (!HasRoom(files.corpus, kLeastRoom + inputs * kRoomPerInput)) return;
  std::vector<std::string> words = {kReduceWord,
                                    files.corpus,
                                    run_folder_ + "/reducing/" + files.name,
                                    files.artifacts,
                                    std::to_string(kLeastSeconds + inputs * kSecondsPerInput),
                                    std::to_string(kRunMegabytes),
                                    files.program};
  words.insert(words.end(), files.flags.begin(), files.flags.end());
  child_ = std::make_unique<FuzzProcess>(
      WorkerCommand(std::move(words), run_folder_ + "/logs/" + files.name + "-reduce.log"));
  at_work_on_ = target;
  state.last = now;
}

}  // namespace rmapdiff
