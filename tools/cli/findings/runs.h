// A program that was run several times, each in a fresh process, in words for a reader. `rmapdiff
// repro` prints them, and a continuous run keeps them with a finding.
#ifndef RMAPDIFF_TOOLS_CLI_FINDINGS_RUNS_H_
#define RMAPDIFF_TOOLS_CLI_FINDINGS_RUNS_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

#include "fuzzers/finding/trial.h"
#include "fuzzers/program/program.h"
#include "tools/cli/findings/guilty_code.h"
#include "tools/cli/findings/probe_client.h"

namespace rmapdiff {

struct Runs {
  ProbeBuild build = ProbeBuild::kPlain;
  size_t count = 0;
  std::map<std::string, size_t> by_signature;  // "" for no finding
  std::map<std::string, Trial> first;          // of each signature

  // The finding met most often; "" if there is none.
  std::string Usual() const;
  const Trial& UsualTrial() const { return first.at(Usual()); }
  // How many runs showed it.
  size_t Reproduced() const { return Usual().empty() ? 0 : by_signature.at(Usual()); }
};

Runs RunAll(const Program& program, const ProbeRequest& request, ProbeBuild build, uint64_t count);

// "reproduced 10/10: rmap-missing/drop/sibling", then all other outcomes.
std::string RunsText(const Runs& runs);

// The report of a trial, with the code that it leads to.
std::string TrialReport(const Program& program, const Trial& trial, const GuiltyCode& code);

// The report without the program, for a test that is the program itself.
std::string StoryOf(const Program& program, const Trial& trial);

}  // namespace rmapdiff

#endif  // RMAPDIFF_TOOLS_CLI_FINDINGS_RUNS_H_
