// The one loop: a program in, a verdict out. Every source of programs calls it: the fuzz targets,
// the exhaustive walk, random tests, corpus replay, the command line.
//
// For each operation the model and each engine apply it; then outcome, events, stats and what was
// touched are compared. Every kFullInterval operations and at the end everything is observed,
// compared and audited, so that touched-tracking is never trusted blindly. (If only that finds a
// difference, the operations since are run again with a complete check after each, so that the
// verdict names the one that did it.) After the last operation each engine is torn down: every list
// must be empty and nothing still allocated.
//
// A program on a whole MMU is run by the same loop. Nobody knows what an operation of that size has
// touched, so outcomes and counters are compared after each one, everything every kMmuInterval
// operations; and the reference's voice is asked for its objections (guest_truth.h).
//
// Differences that the contract knows (docs/contract.md) are classified, never silently equal. The
// engine named "legacy" follows the rule of the old reverse map, every other one that of the new.
//
// Invariant: same program, same engines, same options: same verdict, same state hash.
#ifndef RMAPDIFF_FUZZERS_RUN_RUNNER_H_
#define RMAPDIFF_FUZZERS_RUN_RUNNER_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "fuzzers/program/program.h"
#include "fuzzers/state/observation.h"
#include "fuzzers/voices/reference.h"
#include "fuzzers/voices/voice.h"

namespace rmapdiff {

struct VerdictKind {
  enum Value : uint8_t {
    kAgree,       // all voices agree
    kBug,         // all agree, and the program ended in the same BUG
    kClassified,  // a difference that the contract knows: `classified` names it
    kDivergence,  // a finding
  };
};

struct EngineValue {
  std::string name;  // "model", "legacy", "sibling"; "audit" and "truth" for who judges
  std::string value;
};

// Which check a finding comes from, and so what `guilty` means.
enum class Check : uint8_t {
  kModel,      // an engine against the model
  kMmus,       // the engines against the first one, where the model says nothing
  kAudit,      // an engine against its own raw words
  kAddReturn,  // rmap_add's return value against the reverse map's own rule
  kTruth,     // a whole MMU against what its guest may see, or does not survive: all engines' fault
  kTeardown,  // what is left after teardown
};
std::string_view CheckName(Check check);

struct Verdict {
  VerdictKind::Value kind = VerdictKind::kAgree;
  size_t op_index = 0;  // of the operation at which the program ended; ops.size() for teardown
  Check check = Check::kModel;  // kDivergence: who found it
  // The engine at fault; "both" (or "all", of more than two) if all engines are; "undecided" if the
  // engines disagree about what the model does not restate and no audit tells who is wrong.
  std::string guilty;
  Difference difference;  // kDivergence: against whom is in `values`
  // The differing field of every voice; else the last outcomes. Empty if nothing was compared.
  std::vector<EngineValue> values;
  std::string classified;  // "D11", "D12", "D1/D2"
  size_t ops_run = 0;
  uint64_t state_hash = 0;  // of the first engine's state before teardown; 0 if not reached
};

enum class CheckLevel : uint8_t {
  kOff,      // the engines only: the denominator of the harness's own benchmark
  kTouched,  // the default
  kFull,     // observe, compare and audit everything after each operation
};

// What a trace is shown after each operation, before anything is compared.
struct TraceStep {
  size_t op_index;
  const std::vector<EngineValue>& outcomes;  // of every voice, model first
  const Touched& touched;                    // by the model's account
  const std::vector<std::unique_ptr<Voice>>&
      voices;            // the engines; after its BUG no call is allowed
  Reference& reference;  // to be observed only
};

struct RunOptions {
  CheckLevel check = CheckLevel::kTouched;
  std::vector<Engine> engines = AllEngines();
  std::function<void(const TraceStep& step)> trace;  // not with kOff
};

inline constexpr size_t kFullInterval = 64;
inline constexpr size_t kMmuInterval = 16;

Verdict RunProgram(const Program& program, const RunOptions& options = {});

}  // namespace rmapdiff

#endif  // RMAPDIFF_FUZZERS_RUN_RUNNER_H_
