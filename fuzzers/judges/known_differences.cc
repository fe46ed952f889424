#include "fuzzers/judges/known_differences.h"

#include <variant>

namespace rmapdiff {
namespace {

// How often map_many has recycled, see ops.h.
uint64_t Recycles(const Outcome& outcome) { return outcome.value >> 16; }

}  // namespace

KnownDifference::KnownDifference(const Header& header, const Op& op, const Outcome& model,
                                 bool model_ended)
    : rule_(FindRule(header, op, model, model_ended)), model_(model) {}

KnownDifference::Rule KnownDifference::FindRule(const Header& header, const Op& op,
                                                const Outcome& model, bool model_ended) {
  if (std::holds_alternative<ops::RepStore>(op)) return Rule::kEmptyCache;
  if (model.code != OutcomeCode::kOk) return Rule::kNone;
  if (model_ended) {
    return std::holds_alternative<ops::MisuseRemoveParent>(op) ? Rule::kParentless
                                                               : Rule::kAddTwice;
  }
  if (header.recycle == RecycleMode::kExact) return Rule::kNone;
  if (std::holds_alternative<ops::Map>(op)) return Rule::kRecycle;
  if (std::holds_alternative<ops::MapMany>(op)) return Rule::kRecycleMany;
  return Rule::kNone;
}

std::string_view KnownDifference::name() const {
  // In the order of Rule.
  static constexpr std::string_view kNames[] = {"", "D1/D2", "D1/D2", "D11", "D12", "L1"};
  return kNames[static_cast<size_t>(rule_)];
}

std::optional<Difference> KnownDifference::CompareOutcome(MapRule map,
                                                          const Outcome& actual) const {
  if (rule_ == Rule::kNone) return CompareOutcomes(model_, actual);
  if (rule_ == Rule::kEmptyCache) {
    const bool empty = actual.code == OutcomeCode::kBug && actual.bug == BugClass::kCacheEmpty;
    return map == MapRule::kOld && empty ? std::nullopt : CompareOutcomes(model_, actual);
  }
  if (map == MapRule::kOld) {
    return AllowsRecycle(actual) ? std::nullopt : CompareOutcomes(model_, actual);
  }
  if (rule_ == Rule::kParentless) {
    return CompareOutcomes({OutcomeCode::kBug, BugClass::kRemoveParent, 0}, actual);
  }
  const bool cycle = actual.code == OutcomeCode::kBug && actual.bug == BugClass::kCycle;
  if (rule_ == Rule::kAddTwice && (cycle || map == MapRule::kNew)) {
    return CompareOutcomes({OutcomeCode::kBug, BugClass::kCycle, 0}, actual);
  }
  return CompareOutcomes(model_, actual);
}

// True if `actual` differs from the model's outcome at most in recycling and what follows from it:
// a slot that a recycle has emptied can be mapped again.
bool KnownDifference::AllowsRecycle(const Outcome& actual) const {
  if (actual.code != OutcomeCode::kOk) return false;
  if (rule_ == Rule::kRecycle) return actual.value <= 1;
  return rule_ == Rule::kRecycleMany && Recycles(model_) + Recycles(actual) > 0;
}

bool KnownDifference::AllowsState(MapRule map) const {
  return rule_ == Rule::kRecycleMany && map == MapRule::kOld && Recycles(model_) > 0;
}

}  // namespace rmapdiff
