// How a fuzz target ended, and of which kind its finding is: the one place that decides it.
//
// A kind is the word that finding.json has: divergence, sanitizer, signal, timeout, oom, leak, or
// abort for anything else.
#ifndef RMAPDIFF_TOOLS_CLI_LIBFUZZER_ENDING_H_
#define RMAPDIFF_TOOLS_CLI_LIBFUZZER_ENDING_H_

#include <optional>
#include <string>
#include <string_view>

#include "fuzzers/finding/trial.h"
#include "tools/cli/libfuzzer/log.h"
#include "tools/cli/libfuzzer/sighting.h"

namespace rmapdiff {

// Of a finding that was reproduced.
std::string KindOf(const Trial& trial);
// Of an artifact of which only the path is known.
std::string KindOf(std::string_view artifact);

// Whether a process with this exit code (128 and the signal) ended for want of address space. That
// is not a finding.
bool LacksAddressSpace(int exit_code, const LibFuzzerLog& log);
// Whether it has found something.
bool IsFinding(int exit_code, const LibFuzzerLog& log);
// The facts of its log on the finding. No exit code means a process that was killed with its
// supervisor.
LogFacts FactsOf(std::optional<int> exit_code, const LibFuzzerLog& log);

}  // namespace rmapdiff

#endif  // RMAPDIFF_TOOLS_CLI_LIBFUZZER_ENDING_H_
