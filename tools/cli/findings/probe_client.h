// The other side of a probe (fuzzers/finding/probe.h): starts one, asks it to run programs, and
// does not wait for ever.
//
// There are two: this very program, and one that was built with sanitizers. Which file that is says
// RMAPDIFF_PROBE; else it is looked for where the build puts it, beside this program.
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

class Prober {
 public:
  explicit Prober(ProbeBuild build) : build_(build) {}
  Prober(const Prober&) = delete;
  Prober& operator=(const Prober&) = delete;

  // Starts the process if there is none. Throws a Failure with kExitEnvironment if it cannot be
  // started, gives no answer where one is due, or lacks address space: no such end is a finding.
  Trial Try(const ProbeRequest& request);
  // The next trial gets a fresh process.
  void Stop() { child_.reset(); }

 private:
  void Start();
  // Gives the frames of a stack their names, which a sanitizer takes a second for; most trials
  // that end at all end in the same places.
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
