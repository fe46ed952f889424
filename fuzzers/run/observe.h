// Observing a Voice or a Reference whose lists may be broken. A list that cannot be walked makes
// the outcome that BUG, and the rest of the observation is incomplete.
//
// Each function returns the BUG's own wording, null if there is none. Not covered: Raw, which is
// for the auditor.
#ifndef RMAPDIFF_FUZZERS_RUN_OBSERVE_H_
#define RMAPDIFF_FUZZERS_RUN_OBSERVE_H_

#include "fuzzers/state/observation.h"
#include "mmu/base/bug.h"

namespace rmapdiff {

template <typename Observe>
const char* ObserveOrBug(Observation* out, Observe observe) {
  try {
    observe();
    return nullptr;
  } catch (const BugError& bug) {
    out->outcome = {.code = OutcomeCode::kBug, .bug = bug.bug()};
    return bug.what();
  }
}

template <typename AnyVoice>
const char* ObserveAllOrBug(AnyVoice& voice, Observation* out) {
  return ObserveOrBug(out, [&] { voice.ObserveAll(out); });
}

template <typename AnyVoice>
const char* ObserveTouchedOrBug(AnyVoice& voice, const Touched& touched, Observation* out) {
  return ObserveOrBug(out, [&] { voice.ObserveTouched(touched, out); });
}

}  // namespace rmapdiff

#endif  // RMAPDIFF_FUZZERS_RUN_OBSERVE_H_
