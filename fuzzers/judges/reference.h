// The reference: every engine is compared with it.
//
// Programs on a page graph have the Model, which restates each operation by itself. Programs on a
// whole MMU have MmuReference (fuzzers/voices): the engine's own decisions on the plainest of
// reverse maps. GuestTruth judges those decisions, so only the reverse maps are compared.
#ifndef RMAPDIFF_FUZZERS_JUDGES_REFERENCE_H_
#define RMAPDIFF_FUZZERS_JUDGES_REFERENCE_H_

#include <optional>

#include "fuzzers/program/program.h"
#include "fuzzers/state/observation.h"

namespace rmapdiff {

class Reference {
 public:
  virtual ~Reference() = default;

  // As Voice (fuzzers/voices/voice.h).
  virtual Outcome Apply(const Op& op) = 0;
  virtual void ObserveTouched(const Touched& touched, Observation* out) = 0;
  virtual void ObserveAll(Observation* out) = 0;
  virtual std::optional<Difference> Objection(bool everything) {
    (void)everything;
    return std::nullopt;
  }

  // Valid until the next Apply: all that the last operation can have changed.
  virtual const Touched& touched() const = 0;
  // True after a misuse went through its guards: nothing is comparable from here on.
  virtual bool ended() const = 0;
};

}  // namespace rmapdiff

#endif  // RMAPDIFF_FUZZERS_JUDGES_REFERENCE_H_
