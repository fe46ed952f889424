#include "tools/cli/findings/runs.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "fuzzers/finding/report_story.h"
#include "tools/cli/base/text.h"

namespace rmapdiff {

std::string Runs::Usual() const {
  std::string usual;
  size_t most = 0;
  for (const auto& [signature, times] : by_signature) {
    if (!signature.empty() && times > most) usual = signature;
    if (!signature.empty()) most = std::max(most, times);
  }
  return usual;
}

Runs RunAll(const Program& program, const ProbeRequest& request, ProbeBuild build, uint64_t count) {
  Runs runs;
  runs.build = build;
  for (; runs.count < count; ++runs.count) {
    ProbeClient client(build);  // a fresh process each time
    Trial trial = client.Try(request);
    const std::string signature = Signature(program, trial);
    ++runs.by_signature[signature];
    runs.first.emplace(signature, std::move(trial));
  }
  return runs;
}

std::string RunsText(const Runs& runs) {
  const std::string usual = runs.Usual();
  const char* where =
      runs.build == ProbeBuild::kSanitized ? "under ASan and UBSan" : "without sanitizers";
  if (usual.empty()) return fmt::format("not reproduced, 0/{} {}\n", runs.count, where);
  std::string text =
      fmt::format("reproduced {}/{} {}: {}\n", runs.Reproduced(), runs.count, where, usual);
  for (const auto& [signature, times] : runs.by_signature) {
    if (signature == usual) continue;
    text += fmt::format("  otherwise {}/{}: {}\n", times, runs.count,
                        signature.empty() ? "no finding" : signature);
  }
  return text;
}

std::string TrialReport(const Program& program, const Trial& trial, const GuiltyCode& code) {
  return PrintableLines(TrialText(program, trial, {})) + GuiltyCodeText(code, program, trial);
}

std::string StoryOf(const Program& program, const Trial& trial) {
  ReportOptions options;
  options.listing = false;
  return PrintableLines(TrialText(program, trial, options));
}

}  // namespace rmapdiff
