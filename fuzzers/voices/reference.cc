#include "fuzzers/voices/reference.h"

// The MMU below is a judge, too (JUDGE_COPTS in BUILD), with all that is in headers; the same code
// is watched and counted where the engines have it.
#if defined(__clang__)
#pragma clang attribute push(__attribute__((no_sanitize("coverage", "undefined"))), \
                             apply_to = function)
#endif

#include "fuzzers/judges/model.h"
#include "fuzzers/voices/built_for.h"
#include "fuzzers/voices/mmu_voice.h"
#include "fuzzers/voices/plain_map.h"

namespace rmapdiff {
namespace {

class ModelReference final : public Reference {
 public:
  explicit ModelReference(const Header& header) : model_(header) {}

  Outcome Apply(const Op& op) override { return model_.Apply(op); }
  void ObserveTouched(const Touched& touched, Observation* out) override {
    model_.ObserveTouched(touched, out);
  }
  void ObserveAll(Observation* out) override { model_.ObserveAll(out); }
  std::optional<Difference> Objection(bool) override { return std::nullopt; }
  const Touched& touched() const override { return model_.touched(); }
  bool ended() const override { return model_.ended(); }

 private:
  Model model_;
};

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

}  // namespace

std::unique_ptr<Reference> MakeReference(const Header& header) {
  if (!header.whole_mmu()) return std::make_unique<ModelReference>(header);
  if constexpr (kBuiltForMmus) {
    return WithLimitsOf(header, [&]<class Limits>() -> std::unique_ptr<Reference> {
      return std::make_unique<MmuReference<Limits>>(header);
    });
  }
  NotBuiltFor(header);
}

}  // namespace rmapdiff

#if defined(__clang__)
#pragma clang attribute pop
#endif
