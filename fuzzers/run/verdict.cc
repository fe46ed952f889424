#include "fuzzers/run/verdict.h"

namespace rmapdiff {

std::optional<Judge> JudgeOf(const Verdict& verdict) {
  if (verdict.outcomes) return Judge::kModel;
  switch (verdict.check) {
    case Check::kModel:
    case Check::kMmus:
      return Judge::kModel;
    case Check::kAudit:
      return Judge::kAudit;
    case Check::kTruth:
      return Judge::kTruth;
    case Check::kAddReturn:
    case Check::kTeardown:
      return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace rmapdiff
