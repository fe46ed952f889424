// The other side of a probe (fuzzers/finding/probe.h). It starts a probe, asks it to run programs,
// and does not wait for ever.
//
// There are two: this very program, and one that was built with sanitizers. RMAPDIFF_PROBE names
// the second one; else it is looked for beside this program, where the build puts it.
#ifndef RMAPDIFF_TOOLS_CLI_FINDINGS_PROBE_CLIENT_H_
#define RMAPDIFF_TOOLS_CLI_FINDINGS_PROBE_CLIENT_H_

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "fuzzers/finding/child_process.h"
#include "fuzzers/finding/probe.h"
#include "fuzzers/finding/trial.h"

namespace rmapdiff {

// The word by which this program is told to be a probe, in place of a verb.
inline constexpr const char* kProbeWord = "--probe";
// By this one, with FILE ENGINE N, to run a program for a debugger.
inline constexpr const char* kStepWord = "--step";

enum class ProbeBuild { kPlain, kSanitized };

// The program with sanitizers; "" if there is none. Throws a Failure with kExitEnvironment if one
// is named that cannot be executed.
std::string SanitizedProbe();

// With sanitizers if there are any.
inline ProbeBuild BestBuild() {
  return SanitizedProbe().empty() ? ProbeBuild::kPlain : ProbeBuild::kSanitized;
}

class ProbeClient {
 public:
  explicit ProbeClient(ProbeBuild build) : build_(build) {}
  ProbeClient(const ProbeClient&) = delete;
  ProbeClient& operator=(const ProbeClient&) = delete;

  // Starts the process if there is none. Throws a Failure with kExitEnvironment if it cannot be
  // started, gives no answer, or lacks address space. No such end is a finding.
  Trial Try(const ProbeRequest& request);

 private:
  void Start();
  // Gives the frames of a stack their names. The symbolizer takes a second, so names are kept. Most
  // trials that end their process end it in the same places.
  void NameFrames(std::vector<StackFrame>* stack);
  bool Ask(const ProbeRequest& request, std::string* answer);

  const ProbeBuild build_;
  std::optional<ChildProcess> child_;
  Descriptor to_;
  Descriptor from_;
  // The probe's own words are few: its children, which run programs, have logs of their own.
  Descriptor log_;
  std::map<uint64_t, std::vector<StackFrame>> named_;  // by offset
};

}  // namespace rmapdiff

#endif  // RMAPDIFF_TOOLS_CLI_FINDINGS_PROBE_CLIENT_H_
