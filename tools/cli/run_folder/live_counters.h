// The live figures that a fuzz target keeps in the file RMAPDIFF_STATS names, as a supervisor reads
// them; fuzzers/fuzz_target.h has the layout.
#ifndef RMAPDIFF_TOOLS_CLI_RUN_FOLDER_LIVE_COUNTERS_H_
#define RMAPDIFF_TOOLS_CLI_RUN_FOLDER_LIVE_COUNTERS_H_

#include <cstdint>
#include <string>

namespace rmapdiff {

struct TargetStats {
  uint64_t execs = 0;
  uint64_t ops = 0;
  uint64_t findings = 0;
};

// Makes an empty block of figures, in place of any file of that name. Throws a Failure with
// kExitEnvironment.
void MakeStatsFile(const std::string& path);

// All zero if the file holds no such block.
TargetStats ReadStatsFile(const std::string& path);

}  // namespace rmapdiff

#endif  // RMAPDIFF_TOOLS_CLI_RUN_FOLDER_LIVE_COUNTERS_H_
