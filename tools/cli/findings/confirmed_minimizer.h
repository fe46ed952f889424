// Minimization as the verbs do it. Programs run in children, without sanitizers where these would
// see nothing more, and the result is confirmed under sanitizers.
#ifndef RMAPDIFF_TOOLS_CLI_FINDINGS_CONFIRMED_MINIMIZER_H_
#define RMAPDIFF_TOOLS_CLI_FINDINGS_CONFIRMED_MINIMIZER_H_

#include <string>

#include "fuzzers/finding/minimize.h"
#include "tools/cli/findings/artifact.h"
#include "tools/cli/findings/probe_client.h"

namespace rmapdiff {

class ConfirmedMinimizer {
 public:
  // `request` says with which limits programs are run.
  explicit ConfirmedMinimizer(const ProbeRequest& request) : request_(request) {}

  // The signature of the finding that the program shows, "" for none; decides how programs are run.
  std::string Choose(const Program& program);
  Trial Run(const Program& program) { return With(use_sanitized_ ? sanitized_ : plain_, program); }
  // From `beginning`, which shows what `original` does. Under sanitizers the result can turn out to
  // be another finding: then once more, from `original`. `options.run` is set here.
  Minimized Minimize(const Program& beginning, const Program& original, MinimizeOptions options);

 private:
  Trial With(ProbeClient& client, const Program& program);

  ProbeRequest request_;
  const bool sanitized_available_ = BestBuild() == ProbeBuild::kSanitized;
  bool use_sanitized_ = false;
  ProbeClient plain_{ProbeBuild::kPlain};
  ProbeClient sanitized_{ProbeBuild::kSanitized};
};

}  // namespace rmapdiff

#endif  // RMAPDIFF_TOOLS_CLI_FINDINGS_CONFIRMED_MINIMIZER_H_
