// A finding as the end of a fuzz target tells of it. Here, and nowhere else, an end becomes a
// finding and gets its kind.
//
// A kind is the word in finding.json: divergence, sanitizer, signal, timeout, oom, leak, or abort
// for anything else. Until the finding is taken in, a Sighting lies beside the artifact as
// <artifact>.json. For its report may never come again.
#ifndef RMAPDIFF_TOOLS_CLI_LIBFUZZER_SIGHTING_H_
#define RMAPDIFF_TOOLS_CLI_LIBFUZZER_SIGHTING_H_

#include <optional>
#include <string>
#include <string_view>

#include "fuzzers/finding/trial.h"
#include "tools/cli/libfuzzer/libfuzzer_log.h"

namespace rmapdiff {

// The words of a target's log on its finding.
struct Sighting {
  std::string signature;  // may be ""
  bool own = false;       // the target's own, after SIGNATURE:
  std::string kind;
  std::string report;
  bool scout = false;  // of a program without sanitizers, so it has to be confirmed
};

// How the name of a log of a scout ends.
inline constexpr const char* kScoutLog = ".scout.log";

// Of a finding that was reproduced.
std::string KindOf(const Trial& trial);
// Of an artifact of which only the path is known.
std::string KindOf(std::string_view artifact);

// Whether a process with this exit code (128 and the signal) ended for want of address space. That
// is not a finding.
bool LacksAddressSpace(int exit_code, const LibFuzzerLog& log);
// Whether it has found something.
bool IsFinding(int exit_code, const LibFuzzerLog& log);
// No exit code means a process that was killed with its supervisor.
Sighting SightingOf(std::optional<int> exit_code, const LibFuzzerLog& log);

std::string SightingPath(const std::string& artifact);
// Throws a Failure with kExitEnvironment.
void WriteSighting(const std::string& artifact, const Sighting& sighting);
// All empty if there is no such file.
Sighting ReadSighting(const std::string& artifact);

}  // namespace rmapdiff

#endif  // RMAPDIFF_TOOLS_CLI_LIBFUZZER_SIGHTING_H_
