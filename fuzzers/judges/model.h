// The model: the third voice, which says who is wrong.
//
// It restates what every operation of ops.h does, in sorted vectors and without cleverness,
// from the contract and not from the MMUs' code: it shares no data structure and no helper with
// them, only value types. A reverse map is by definition the set of leaf slots that map its frame,
// the parents of a page the set of link slots that point at it.
//
// Not restated: the lazily repaired unsync bitmaps (which the auditor checks by their invariants
// and the two MMUs against each other), list order, cache levels, running out of memory.
#ifndef RMAPDIFF_FUZZERS_JUDGES_MODEL_H_
#define RMAPDIFF_FUZZERS_JUDGES_MODEL_H_

#include <cstdint>

#include "fuzzers/program/program.h"
#include "fuzzers/state/observation.h"
#include "fuzzers/state/reused.h"

namespace rmapdiff {

class Model {
 public:
  explicit Model(const Header& header);
  ~Model();

  // Carries out one operation. For a misuse operation that goes through its guards the outcome is
  // the BUG that the contract promises (MisuseAddTwice and D11: see Ended) and the model ends.
  Outcome Apply(const Op& op);

  // Valid until the next Apply: what the last operation can have changed.
  const Touched& touched() const;

  // Fills `out` with outcome, events, stats and the state of what was touched, or of everything.
  void ObserveTouched(const Touched& touched, Observation* out) const;
  void ObserveAll(Observation* out) const;

  // True after a misuse operation went through its guards: nothing is comparable from here on.
  bool ended() const;

 private:
  class State;
  Reused<State> state_;
};

}  // namespace rmapdiff

#endif  // RMAPDIFF_FUZZERS_JUDGES_MODEL_H_
