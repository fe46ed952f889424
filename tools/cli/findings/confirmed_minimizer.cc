#include "tools/cli/findings/confirmed_minimizer.h"

namespace rmapdiff {

std::string ConfirmedMinimizer::Choose(const Program& program) {
  const std::string quick = Signature(program, With(plain_, program));
  if (!sanitized_available_) return quick;
  const std::string thorough = Signature(program, With(sanitized_, program));
  use_sanitized_ = thorough != quick;
  return thorough;
}

Minimized ConfirmedMinimizer::Minimize(const Program& beginning, const Program& original,
                                       MinimizeOptions options) {
  options.run = [this](const Program& program) { return Run(program); };
  Minimized best = *rmapdiff::Minimize(beginning, options);
  if (!best.finished || use_sanitized_ || !sanitized_available_) return best;
  if (Signature(best.program, With(sanitized_, best.program)) == best.signature) return best;
  use_sanitized_ = true;
  const size_t in_vain = best.runs;
  best = *rmapdiff::Minimize(original, options);
  best.runs += in_vain;
  return best;
}

Trial ConfirmedMinimizer::With(ProbeClient& client, const Program& program) {
  request_.Run(program);
  return client.Try(request_);
}

}  // namespace rmapdiff
