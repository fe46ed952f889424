#include "tools/cli/fuzz/fuzz_schedule.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace rmapdiff {
namespace {

// So that all targets of a long run are seen within hours, and little of it goes into the loading
// of corpora.
constexpr double kLongTurn = 1800;

double SumOf(const std::vector<uint64_t>& weights) {
  return static_cast<double>(std::accumulate(weights.begin(), weights.end(), uint64_t{0}));
}

}  // namespace

uint64_t MinimumSeconds(const std::vector<uint64_t>& weights, size_t jobs) {
  const auto least = static_cast<double>(*std::min_element(weights.begin(), weights.end()));
  return static_cast<uint64_t>(std::ceil(SumOf(weights) / least / static_cast<double>(jobs)));
}

FuzzSchedule::FuzzSchedule(const std::vector<uint64_t>& weights, size_t jobs, uint64_t seconds) {
  const double all = SumOf(weights);
  const auto whole = static_cast<double>(seconds);
  for (const uint64_t weight : weights) {
    Share share;
    share.weight = static_cast<double>(weight);
    const double due = whole * static_cast<double>(jobs) * share.weight / all;
    share.turn = seconds == 0 ? kLongTurn : due / std::ceil(due / std::min(kLongTurn, whole));
    shares_.push_back(share);
  }
}

std::optional<FuzzSchedule::Turn> FuzzSchedule::Next(double left) {
  Share* next = nullptr;
  for (size_t i = 0; i < shares_.size(); ++i) {
    Share& share = shares_[(first_ + i) % shares_.size()];
    if (share.given_up) continue;
    const bool less =
        next == nullptr || share.granted * next->weight < next->granted * share.weight;
    if (less) next = &share;
  }
  if (next == nullptr) return std::nullopt;
  const Turn turn{static_cast<size_t>(next - shares_.data()), std::min(next->turn, left)};
  next->granted += turn.seconds;
  return turn;
}

}  // namespace rmapdiff
