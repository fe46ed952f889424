#include "tools/cli/findings/confirmed_minimize.h"

namespace rmapdiff {

Minimizing::Minimizing(const ProbeRequest& request)
    : request_(request),
      sanitized_available_(BestBuild() == ProbeBuild::kSanitized),
      plain_(ProbeBuild::kPlain),
      sanitized_(ProbeBuild::kSanitized) {}

std::string Minimizing::Choose(const Program& program) {
  const std::string quick = Signature(program, With(plain_, program));
  if (!sanitized_available_) return quick;
  const std::string thorough = Signature(program, With(sanitized_, program));
  use_sanitized_ = thorough != quick;
  return thorough;
}

Minimized Minimizing::Minimize(const Program& beginning, const Program& original,
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

Trial Minimizing::With(Prober& prober, const Program& program) {
  const std::vector<uint8_t> bytes = Encode(program);
  request_.program.assign(bytes.begin(), bytes.end());
  return prober.Try(request_);
}

}  // namespace rmapdiff
