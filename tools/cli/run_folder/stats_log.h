// DIR/stats.jsonl, whose lines are samples (sample.h), as a session adds to it.
//
// Invariants: a reader sees whole lines, but for the last if a writer was killed in it, and the
// next start cuts that off; a line that does not fit on the disk is taken back.
#ifndef RMAPDIFF_TOOLS_CLI_RUN_FOLDER_STATS_LOG_H_
#define RMAPDIFF_TOOLS_CLI_RUN_FOLDER_STATS_LOG_H_

#include <string>
#include <string_view>

#include "tools/cli/run_folder/sample.h"

namespace rmapdiff {

class FuzzStatsLog {
 public:
  // Opens the file, or makes it, and repairs its end; says which lines make no sense, and sets a
  // file of no lines at all aside. This and Append throw a Failure with kExitEnvironment.
  explicit FuzzStatsLog(const std::string& path);
  FuzzStatsLog(const FuzzStatsLog&) = delete;
  FuzzStatsLog& operator=(const FuzzStatsLog&) = delete;
  ~FuzzStatsLog();

  // The last whole line that made sense when the file was opened. All zero without such a line.
  const Sample& last() const { return last_; }
  void Append(const Sample& sample);
  // From one line to the next, in seconds: rarer the longer all runs have taken.
  static double Interval(double elapsed);

 private:
  void TakeLast(std::string_view lines);
  void SetAside();
  [[noreturn]] void CannotWrite(int error) const;

  const std::string path_;
  int fd_ = -1;
  Sample last_;
};

}  // namespace rmapdiff

#endif  // RMAPDIFF_TOOLS_CLI_RUN_FOLDER_STATS_LOG_H_
