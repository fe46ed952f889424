// The one loop: a program in, a verdict out. Every source of programs calls it: the fuzz targets,
// the exhaustive walk, random tests, corpus replay, the command line.
//
// The model and each engine apply an operation. Then the loop compares outcome, events, stats and
// the touched state. Every kFullInterval operations and at the end it observes, compares and audits
// everything, so it does not trust touched-tracking. After the last operation it tears each engine
// down: every list must be empty and nothing still allocated.
//
// After a divergence the loop runs the program once more, with a complete check after each
// operation. So the verdict names the first operation after which a state differs. It is the same
// at kTouched and at kFull.
//
// At kTouched the loop overlooks a difference if no check of the program finds one. The state is
// equal again at each complete check, or a BUG ends the program before the next one.
//
// The same loop runs a program on a whole MMU. No voice can list the state that an operation of
// that size has touched. So the loop compares outcomes and counters after each operation, and
// everything every kMmuInterval operations. It also asks the reference's voice for its objections
// (guest_truth.h).
//
// Differences that the contract knows (docs/contract.md) are classified, never silently equal. Each
// engine says which rule its reverse map follows (Engine::rule).
//
// Invariant: same program, same engines, same options: same verdict, same state hash.
#ifndef RMAPDIFF_FUZZERS_RUN_RUNNER_H_
#define RMAPDIFF_FUZZERS_RUN_RUNNER_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "fuzzers/program/program.h"
#include "fuzzers/run/verdict.h"
#include "fuzzers/state/observation.h"
#include "fuzzers/voices/reference.h"
#include "fuzzers/voices/voice.h"

namespace rmapdiff {

enum class CheckLevel : uint8_t {
  kOff,      // the engines only: the denominator of the harness's own benchmark
  kTouched,  // the default
  kFull,     // observe, compare and audit everything after each operation
};

// A trace gets this after each operation, before the loop compares anything.
struct TraceStep {
  size_t op_index;
  const Outcomes& outcomes;
  const Touched& touched;  // by the model's account
  const std::vector<std::unique_ptr<Voice>>&
      voices;            // the engines; after its BUG no call is allowed
  Reference& reference;  // to be observed only
};

struct RunOptions {
  CheckLevel check = CheckLevel::kTouched;
  std::vector<Engine> engines = ChosenEngines();
  std::function<void(const TraceStep& step)> trace;  // not with kOff
};

inline constexpr size_t kFullInterval = 64;
inline constexpr size_t kMmuInterval = 16;

Verdict RunProgram(const Program& program, const RunOptions& options = {});

}  // namespace rmapdiff

#endif  // RMAPDIFF_FUZZERS_RUN_RUNNER_H_
