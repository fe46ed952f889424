// A verdict: what one program came to, as values. Outcomes, engines and judges are not words here;
// verdict_words.h has their words.
//
// Invariants: `guilty` holds places in `engines`. With kDivergence, `differences` has an element
// for each engine. Not covered: how a verdict is reached (runner.h).
#ifndef RMAPDIFF_FUZZERS_RUN_VERDICT_H_
#define RMAPDIFF_FUZZERS_RUN_VERDICT_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "fuzzers/state/difference.h"
#include "fuzzers/state/outcome.h"

namespace rmapdiff {

struct VerdictKind {
  enum Value : uint8_t {
    kAgree,       // all voices agree
    kBug,         // all agree, and the program ended in the same BUG
    kClassified,  // a difference that the contract knows: `classified` names it
    kDivergence,  // a finding
  };
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

// A voice beside the engines that says what is right.
enum class Judge : uint8_t { kModel, kAudit, kTruth };

// The outcomes of one operation, of every voice.
struct Outcomes {
  Outcome expected;             // by the reference
  std::vector<Outcome> actual;  // one for each engine

  friend bool operator==(const Outcomes&, const Outcomes&) = default;
};

using Differences = std::vector<std::optional<Difference>>;  // one for each engine

struct Verdict {
  VerdictKind::Value kind = VerdictKind::kAgree;
  size_t op_index = 0;  // of the operation at which the program ended; ops.size() for teardown
  std::vector<std::string> engines;  // the names of those that took part, in their order

  // The last outcomes, unless a divergence is of something else; nothing if nothing was compared.
  std::optional<Outcomes> outcomes;
  std::string classified;  // kClassified: "D11", "D12", "D1/D2"

  // kDivergence:
  Check check = Check::kModel;  // who found it
  std::set<size_t> guilty;      // the engines at fault
  // The engines disagree in state that the model does not restate, and no audit tells which is
  // wrong.
  bool undecided = false;
  Difference difference;    // the one to be shown
  Differences differences;  // of each engine, nothing where it has none

  size_t ops_run = 0;
  uint64_t state_hash = 0;  // of the first engine's state before teardown; 0 if not reached
};

}  // namespace rmapdiff

#endif  // RMAPDIFF_FUZZERS_RUN_VERDICT_H_
