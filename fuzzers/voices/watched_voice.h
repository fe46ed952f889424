// Engines that say what they are doing while they do it: which operation, which engine, in a place
// that outlives the process.
//
// Everything is passed on to the engine itself. What the runner does between two calls (the
// reference, the judges) is nobody's.
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
  uint64_t engine = kNobody;  // at work now: its place in AllEngines
  uint64_t last_engine = kNobody;
};

struct Watch {
  Progress* progress = nullptr;
  // Around Apply of an engine (its place in AllEngines), with the index of the operation; and
  // around its teardown, with one past the last.
  std::function<void(size_t engine, size_t op_index)> before;
  std::function<void(size_t engine, size_t op_index)> after;
};

// AllEngines, watched; only the one of that name unless it is "".
std::vector<Engine> WatchedEngines(Watch watch, const std::string& only);

}  // namespace rmapdiff

#endif  // RMAPDIFF_FUZZERS_VOICES_WATCHED_VOICE_H_
