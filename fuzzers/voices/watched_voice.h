// Engines that say what they are doing while they do it: which operation, which engine. They say it
// in a place that outlives the process.
//
// Everything is passed on to the engine itself. Between two calls the runner, the reference and the
// judges are at work, and no engine is.
#ifndef RMAPDIFF_FUZZERS_VOICES_WATCHED_VOICE_H_
#define RMAPDIFF_FUZZERS_VOICES_WATCHED_VOICE_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "fuzzers/voices/voice.h"

namespace rmapdiff {

struct Progress {
  static constexpr uint64_t kNobody = UINT64_MAX;
  uint64_t operations = 0;    // that the engine named last has begun
  uint64_t engine = kNobody;  // at work now: its place among the engines that are watched
  uint64_t last_engine = kNobody;
};

struct Watch {
  Progress* progress = nullptr;
  // Around Apply of an engine (by its place), with the index of the operation. Its teardown counts
  // as one past the last.
  std::function<void(size_t engine, size_t op_index)> before;
  std::function<void(size_t engine, size_t op_index)> after;
};

std::vector<Engine> WatchedEngines(Watch watch, const std::vector<Engine>& engines);

}  // namespace rmapdiff

#endif  // RMAPDIFF_FUZZERS_VOICES_WATCHED_VOICE_H_
