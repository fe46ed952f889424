// MmuReference<Limits>: a whole MMU on the plainest reverse map, watched by GuestTruth. Compiled in
// reference_*.cc.
#ifndef RMAPDIFF_FUZZERS_VOICES_MMU_REFERENCE_H_
#define RMAPDIFF_FUZZERS_VOICES_MMU_REFERENCE_H_

#include <memory>
#include <optional>

#include "fuzzers/voices/mmu_voice.h"
#include "fuzzers/voices/plain_mmu.h"
#include "fuzzers/voices/reference.h"

namespace rmapdiff {

template <class Limits>
class MmuReference final : public Reference {
 public:
  explicit MmuReference(const Header& header)
      : voice_(header, MmuVoice<PlainMap<Limits>>::Judge::kGuestTruth) {}

  Outcome Apply(const Op& op) override { return voice_.Apply(op); }
  void ObserveTouched(const Touched& touched, Observation* out) override {
    voice_.ObserveTouched(touched, out);
  }
  void ObserveAll(Observation* out) override { voice_.ObserveAll(out); }
  std::optional<Difference> Objection(bool everything) override {
    return voice_.Objection(everything);
  }
  const Touched& touched() const override { return touched_; }
  bool ended() const override { return false; }

 private:
  MmuVoice<PlainMap<Limits>> voice_;
  const Touched touched_;  // always empty: see MmuVoice::ObserveTouched
};

}  // namespace rmapdiff

#endif  // RMAPDIFF_FUZZERS_VOICES_MMU_REFERENCE_H_
