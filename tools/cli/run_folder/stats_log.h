// DIR/stats.jsonl: how a continuous run grows, a JSON object a line, over all its restarts.
//
//   {"time": unix seconds, "run": n-th start, "elapsed": seconds of all runs so far, "jobs": N,
//    "seed": N, "targets": {NAME: {"execs", "ops", "seconds", "coverage", "features", "corpus",
//    "corpus_bytes", "findings", "reduced_to"}}, "findings": N, "final": true}
//
// Counts go on where the last whole line left them. "seconds" are of processes; "coverage" and
// "features" the most that was seen; "corpus" the inputs in DIR/corpus/NAME, "reduced_to" how many
// there were after the last set cover; "final" only in the line of a session that ends by itself.
//
// Invariants: a reader sees whole lines, but for the last if a writer was killed in it, and the
// next start cuts that off; a line that does not fit on the disk is taken back.
#ifndef RMAPDIFF_TOOLS_CLI_RUN_FOLDER_STATS_LOG_H_
#define RMAPDIFF_TOOLS_CLI_RUN_FOLDER_STATS_LOG_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace rmapdiff {

struct TargetTotals {
  uint64_t execs = 0;
  uint64_t ops = 0;
  double seconds = 0;
  uint64_t coverage = 0;
  uint64_t features = 0;
  uint64_t corpus = 0;
  uint64_t corpus_bytes = 0;
  uint64_t findings = 0;
  uint64_t reduced_to = 0;
};

struct RunTotals {
  double time = 0;
  uint64_t run = 0;
  double elapsed = 0;
  uint64_t jobs = 0;
  uint64_t seed = 0;
  std::map<std::string, TargetTotals> targets;
  uint64_t findings = 0;
  bool final = false;
};

class FuzzStatsLog {
 public:
  // Opens the file, or makes it, and repairs its end; says which lines make no sense, and sets a
  // file of no lines at all aside. This and Append throw a Failure with kExitEnvironment.
  explicit FuzzStatsLog(const std::string& path);
  FuzzStatsLog(const FuzzStatsLog&) = delete;
  FuzzStatsLog& operator=(const FuzzStatsLog&) = delete;
  ~FuzzStatsLog();

  // What the last whole line that makes sense says, as it was opened; all zero if there is none.
  const RunTotals& last() const { return last_; }
  void Append(const RunTotals& totals);
  // From one line to the next, in seconds: rarer the longer all runs have taken.
  static double Interval(double elapsed);

 private:
  void TakeLast(std::string_view lines);
  void SetAside();
  [[noreturn]] void CannotWrite(int error) const;

  const std::string path_;
  int fd_ = -1;
  RunTotals last_;
};

}  // namespace rmapdiff

#endif  // RMAPDIFF_TOOLS_CLI_RUN_FOLDER_STATS_LOG_H_
