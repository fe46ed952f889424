#include "fuzzers/voices/reference.h"

#include "fuzzers/judges/model.h"

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

}  // namespace

std::unique_ptr<Reference> MakeReference(const Header& header) {
  if (!header.whole_mmu()) return std::make_unique<ModelReference>(header);
  return header.limits == LimitsMode::kTiny ? MakeTinyMmuReference(header)
                                            : MakeProductionMmuReference(header);
}

}  // namespace rmapdiff
