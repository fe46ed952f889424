// How a run of rmapdiff fuzz is doing, read from its folder.
//
// The folder is somebody else's, perhaps being written at this moment, perhaps left by a kill: what
// cannot be understood is left out and said (`remarks`), and nothing is written, locked or waited
// for. stats.jsonl has the figures of all sessions so far; while one runs, the counters that its
// targets share are younger.
#ifndef RMAPDIFF_TOOLS_CLI_RUN_FOLDER_RUN_STATUS_H_
#define RMAPDIFF_TOOLS_CLI_RUN_FOLDER_RUN_STATUS_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace rmapdiff {

// One target's part of a line of stats.jsonl.
struct TargetSample {
  uint64_t execs = 0;
  uint64_t ops = 0;
  double seconds = 0;  // of its processes
  uint64_t coverage = 0;
  uint64_t features = 0;
  uint64_t corpus = 0;
  uint64_t corpus_bytes = 0;
  uint64_t findings = 0;
};

// A line of stats.jsonl.
struct Sample {
  double time = 0;  // Unix seconds
  uint64_t run = 0;
  double elapsed = 0;
  uint64_t jobs = 0;
  uint64_t seed = 0;
  uint64_t findings = 0;
  bool final = false;
  std::map<std::string, TargetSample> targets;
};

// The lines that make sense, in order; the last one may be cut off. `*skipped` counts the others.
std::vector<Sample> ReadSamples(std::string_view text, size_t* skipped);

struct FindingStatus {
  std::string folder;
  std::string signature;
  std::string target;
  std::string kind;
  std::string engine;
  uint64_t count = 0;
  int64_t first_seen = 0;
  int64_t last_seen = 0;
  uint64_t ops = 0;
};

// False if the text is no finding.json.
bool ReadFinding(std::string_view text, FindingStatus* finding);

struct TargetStatus {
  TargetSample figures;          // of this moment, as far as anybody knows
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
  std::string pid;  // what the lock says
  double now = 0;   // Unix seconds
  Sample last;
  double lately = 0;  // the seconds that TargetStatus::lately is about
  std::map<std::string, TargetStatus> targets;
  std::vector<FindingStatus> findings;  // the latest first
  std::vector<std::string> remarks;

  TargetStatus Total() const;
};

// Fills in what the samples say: `last`, `lately`, `targets`. `running` and `now` are known.
void TakeSamples(const std::vector<Sample>& samples, RunStatus* status);

// The live counters of a target beside its figures: a session begins to count at zero, or goes on
// from the counters of the last.
struct LiveCounters {
  uint64_t execs = 0;
  uint64_t ops = 0;
};
void TakeLive(const std::vector<Sample>& samples, const std::string& target,
              const LiveCounters& live, TargetSample* figures);

// Whether a session holds the folder's lock, and the process that the lock names. Asks for a shared
// lock, and lets it go at once.
bool IsRunning(const std::string& folder, std::string* pid);

// Throws a Failure with kExitUsage, one clear line, if the folder is not one of a run.
RunStatus ReadRun(const std::string& folder, double now);

}  // namespace rmapdiff

#endif  // RMAPDIFF_TOOLS_CLI_RUN_FOLDER_RUN_STATUS_H_
