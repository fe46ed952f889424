// The differences between two right reverse maps that docs/contract.md knows. An engine may then
// give another answer than the model.
//
// They are few, and each ends the program, since from there on the states are not comparable:
//   D1/D2  with recycle=native, rmap_add's return value decides on recycling, and the old reverse
//          map's is not the exact count: `map` and `map_many` may recycle earlier, later or not.
//   D11    removing no parent from a page without parents: the old reverse map says nothing.
//   L1     one emulated instruction with many stores: the old reverse map's caches run out.
//   D12    adding an spte twice: the old reverse map lists it twice, the new one never returns from
//          rmap_add.
//
// Each engine says which rule its reverse map is held to (Engine in fuzzers/voices/voice.h).
#ifndef RMAPDIFF_FUZZERS_JUDGES_KNOWN_DIFFERENCES_H_
#define RMAPDIFF_FUZZERS_JUDGES_KNOWN_DIFFERENCES_H_

#include <cstdint>
#include <optional>
#include <string_view>

#include "fuzzers/program/program.h"
#include "fuzzers/state/observation.h"

namespace rmapdiff {

// The rule that a reverse map is held to where the contract knows two.
enum class MapRule : uint8_t {
  kOld,  // of the old reverse map
  kNew,  // of the new one
  // Of the new one, but either is right for D12: a list that keeps its length need not be walked.
  kEither,
};

// The knowledge of the contract about one operation, given the model's outcome.
class KnownDifference {
 public:
  // `model_ended`: the model has carried out a misuse.
  KnownDifference(const Header& header, const Op& op, const Outcome& model, bool model_ended);

  // "D11", or "" if the contract knows no difference here.
  std::string_view name() const;
  // True if nothing is comparable after this operation, even if all outcomes are equal.
  bool ends_program() const { return rule_ == Rule::kParentless || rule_ == Rule::kAddTwice; }

  // How the outcome is neither what the model says nor what the contract lets a map of this rule
  // say.
  std::optional<Difference> CompareOutcome(MapRule map, const Outcome& actual) const;
  // Whether the contract lets the states of such a map and the model differ after equal outcomes.
  bool AllowsState(MapRule map) const;

 private:
  enum class Rule : uint8_t { kNone, kRecycle, kRecycleMany, kParentless, kAddTwice, kEmptyCache };
  static Rule FindRule(const Header& header, const Op& op, const Outcome& model, bool model_ended);
  bool AllowsRecycle(const Outcome& actual) const;

  Rule rule_;
  Outcome model_;
};

}  // namespace rmapdiff

#endif  // RMAPDIFF_FUZZERS_JUDGES_KNOWN_DIFFERENCES_H_
