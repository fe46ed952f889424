// DIR/stats.jsonl, whose lines are samples (sample.h), as a session adds to it.
//
// Invariants: a reader sees whole lines. Only the last can be cut off, by a kill of its writer; the
// next start removes it. A line that does not fit on the disk is taken back.
#ifndef RMAPDIFF_TOOLS_CLI_RUN_FOLDER_STATS_LOG_H_
#define RMAPDIFF_TOOLS_CLI_RUN_FOLDER_STATS_LOG_H_

#include <string>

#include "tools/cli/run_folder/sample.h"

namespace rmapdiff {

class StatsLog {
 public:
  // Opens the file, or makes it, and repairs its end. It says how many lines make no sense, and
  // sets a file of no lines at all aside. This and Append throw a Failure with kExitEnvironment.
  explicit StatsLog(const std::string& path);
  StatsLog(const StatsLog&) = delete;
  StatsLog& operator=(const StatsLog&) = delete;
  ~StatsLog();

  // The last line that made sense when the file was opened. All zero without such a line.
  const Sample& last() const { return last_; }
  void Append(const Sample& sample);
  // From one line to the next, in seconds: rarer the longer all runs have taken.
  static double Interval(double elapsed);

 private:
  void SetAside();
  [[noreturn]] void CannotWrite(int error) const;

  const std::string path_;
  int fd_ = -1;
  Sample last_;
};

}  // namespace rmapdiff

#endif  // RMAPDIFF_TOOLS_CLI_RUN_FOLDER_STATS_LOG_H_
