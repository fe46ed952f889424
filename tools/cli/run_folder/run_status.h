// How a run of rmapdiff fuzz is doing, read from its folder.
//
// A run may write the folder at this moment, or a kill has left it. So nothing is written, locked
// or waited for. Things that make no sense are left out, and remarks tell of them. The figures of
// all sessions so far are in stats.jsonl. The counters of a session at work are younger.
#ifndef RMAPDIFF_TOOLS_CLI_RUN_FOLDER_RUN_STATUS_H_
#define RMAPDIFF_TOOLS_CLI_RUN_FOLDER_RUN_STATUS_H_

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "tools/cli/run_folder/finding_folders.h"
#include "tools/cli/run_folder/live_counters.h"
#include "tools/cli/run_folder/sample.h"

namespace rmapdiff {

struct TargetStatus {
  TargetSample figures;          // of this moment, or the latest that are known
  TargetSample sampled;          // of the last sample
  TargetSample lately;           // what the last minute of a running session has added to it
  double since_new_feature = 0;  // seconds of fuzzing

  // Of one process, so that they can be compared however many there are.
  double execs_per_second() const { return PerSecond(sampled.execs, sampled.seconds); }
  double ops_per_second() const { return PerSecond(sampled.ops, sampled.seconds); }
  double execs_per_second_now() const { return PerSecond(lately.execs, lately.seconds); }
  double ops_per_second_now() const { return PerSecond(lately.ops, lately.seconds); }

  static double PerSecond(uint64_t count, double seconds) {
    return seconds > 0 ? static_cast<double>(count) / seconds : 0;
  }
};

struct RunStatus {
  std::string folder;
  bool running = false;
  pid_t pid = 0;   // of the session at work, as far as its lock tells
  double now = 0;  // Unix seconds
  Sample last;
  std::vector<Sample> history;  // all samples
  double lately = 0;            // the seconds that TargetStatus::lately is about
  std::map<std::string, TargetStatus> targets;
  std::vector<FindingRecord> findings;  // the latest first
  std::vector<std::string> remarks;

  TargetStatus Total() const;
};

// Fills in what the samples say: `last`, `lately`, `targets`. `running` and `now` are known.
void TakeSamples(const std::vector<Sample>& samples, RunStatus* status);

// Takes the live counters of a target into its figures. A session begins to count at zero, or goes
// on from the counters of the last.
void TakeLive(const std::vector<Sample>& samples, const std::string& target,
              const LiveCounters& live, TargetSample* figures);

// Throws a Failure with kExitUsage, one clear line. The cause is a folder that is not one of a run,
// or one without figures. With `any`, a file without figures is a remark. So is their absence
// beside findings.
RunStatus ReadRun(const std::string& folder, double now, bool any = false);

}  // namespace rmapdiff

#endif  // RMAPDIFF_TOOLS_CLI_RUN_FOLDER_RUN_STATUS_H_
