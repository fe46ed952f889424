// The reference: the voice that says what is right. Every engine is compared with it.
//
// Programs on a page graph have the Model, which restates each operation by itself. Programs on a
// whole MMU have the engine's own decisions on the plainest of reverse maps (plain_map.h), watched
// by GuestTruth: what the reverse maps do is compared, what the engine does is judged.
#ifndef RMAPDIFF_FUZZERS_VOICES_REFERENCE_H_
#define RMAPDIFF_FUZZERS_VOICES_REFERENCE_H_

#include <memory>
#include <optional>

#include "fuzzers/program/program.h"
#include "fuzzers/state/observation.h"

namespace rmapdiff {

class Reference {
 public:
  virtual ~Reference() = default;

  // As Voice.
  virtual Outcome Apply(const Op& op) = 0;
  virtual void ObserveTouched(const Touched& touched, Observation* out) = 0;
  virtual void ObserveAll(Observation* out) = 0;
  virtual std::optional<Difference> Objection(bool everything) = 0;

  // Valid until the next Apply: what the last operation can have changed.
  virtual const Touched& touched() const = 0;
  // True after a misuse went through its guards: nothing is comparable from here on.
  virtual bool ended() const = 0;
};

std::unique_ptr<Reference> MakeReference(const Header& header);

// REQUIRES: the header asks for these limits, and for a whole MMU.
std::unique_ptr<Reference> MakeProductionMmuReference(const Header& header);
std::unique_ptr<Reference> MakeTinyMmuReference(const Header& header);

}  // namespace rmapdiff

#endif  // RMAPDIFF_FUZZERS_VOICES_REFERENCE_H_
