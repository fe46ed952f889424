// The live figures that a fuzz target keeps (fuzzers/live_counters.h), as its supervisor makes and
// reads their file.
#ifndef RMAPDIFF_TOOLS_CLI_RUN_FOLDER_LIVE_COUNTERS_H_
#define RMAPDIFF_TOOLS_CLI_RUN_FOLDER_LIVE_COUNTERS_H_

#include <string>

#include "fuzzers/live_counters.h"

namespace rmapdiff {

using LiveCounters = LiveBlock<uint64_t>;

// DIR/logs/TARGET.stats.
std::string LiveCountersPath(const std::string& run_folder, const std::string& target);
// Of its scout: DIR/logs/TARGET.scout.stats.
std::string ScoutCountersPath(const std::string& run_folder, const std::string& target);

// Makes an empty block of figures, in place of any file of that name. Throws a Failure with
// kExitEnvironment.
void MakeLiveCounters(const std::string& path);

// All zero if the file holds no such block.
LiveCounters ReadLiveCounters(const std::string& path);

}  // namespace rmapdiff

#endif  // RMAPDIFF_TOOLS_CLI_RUN_FOLDER_LIVE_COUNTERS_H_
