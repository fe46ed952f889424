// Minimization as the verbs do it: programs run in children, quickly where a verdict is all there
// is to see, and the result is confirmed under sanitizers.
#ifndef RMAPDIFF_TOOLS_CLI_FINDINGS_CONFIRMED_MINIMIZE_H_
#define RMAPDIFF_TOOLS_CLI_FINDINGS_CONFIRMED_MINIMIZE_H_

#include <functional>
#include <string>

#include "fuzzers/finding/minimize.h"
#include "tools/cli/findings/artifact.h"
#include "tools/cli/findings/probe_client.h"

namespace rmapdiff {

class Minimizing {
 public:
  // `request` says with which limits programs are run.
  explicit Minimizing(const ProbeRequest& request);

  // The signature of what the program shows, "" for nothing; decides how programs are run.
  std::string Choose(const Program& program);
  Trial Run(const Program& program) { return With(use_sanitized_ ? sanitized_ : plain_, program); }
  // From `beginning`, which shows what `original` does. Under sanitizers the result can turn out to
  // be another finding: then once more, from `original`. `options.run` is set here.
  Minimized Minimize(const Program& beginning, const Program& original, MinimizeOptions options);

 private:
  Trial With(Prober& prober, const Program& program);

  ProbeRequest request_;
  const bool sanitized_available_;
  bool use_sanitized_ = false;
  Prober plain_;
  Prober sanitized_;
};

}  // namespace rmapdiff

#endif  // RMAPDIFF_TOOLS_CLI_FINDINGS_CONFIRMED_MINIMIZE_H_
