// The model: the reference for programs on a page graph, which tells the faulty engine.
//
// It restates each operation of ops.h, in sorted vectors and without cleverness. It follows the
// contract and not the MMUs' code. It shares only value types with them.
//
// Not restated: list order, cache levels, running out of memory, and the lazily repaired unsync
// bitmaps. The auditor checks the invariants of these, and the runner compares the MMUs' ones.
#ifndef RMAPDIFF_FUZZERS_JUDGES_MODEL_H_
#define RMAPDIFF_FUZZERS_JUDGES_MODEL_H_

#include "fuzzers/judges/reference.h"
#include "fuzzers/state/reused.h"

namespace rmapdiff {

class ModelOperations;

class Model final : public Reference {
 public:
  explicit Model(const Header& header);
  ~Model() override;

  // A misuse operation that passes its guards ends the model. Its outcome is the BUG that the
  // contract promises, or kOk for MisuseAddTwice and D11.
  Outcome Apply(const Op& op) override;
  void ObserveTouched(const Touched& touched, Observation* out) override;
  void ObserveAll(Observation* out) override;
  const Touched& touched() const override;
  bool ended() const override;

 private:
  Reused<ModelOperations> operations_;
};

}  // namespace rmapdiff

#endif  // RMAPDIFF_FUZZERS_JUDGES_MODEL_H_
