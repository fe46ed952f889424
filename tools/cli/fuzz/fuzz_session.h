// Runs fuzz targets side by side, for a given time or without end, keeps their findings, and sums
// up.
//
// `jobs` slots (fuzz_slot.h) each run one process at a time, which the targets share by weight
// (fuzz_schedule.h). Of the time of a target, its sanitized program has a share. Its scout has the
// rest, and hands programs over to the corpus. A process that ends early is started again with
// another seed. If it ends for the same reason at once, it is started after a growing pause. A
// program that fails three times without having executed anything is given up, and its time goes to
// the others. Children at low priority work beside the slots. One takes in findings, one artifact
// at a time (intake_queue.h). Another reduces a corpus now and then (reduce_queue.h).
//
// Everything is below `folder`; docs/continuous-fuzzing.md lists its files. A session goes on where
// the last one in that folder has ended, however it did.
//
// Invariants:
//   No process outlives the session.
//   A run takes its time, and at most half a minute more for its last findings.
//   SIGINT, SIGTERM and SIGHUP end it early, with everything summed up.
//   A kill at any moment loses no finding and no input.
//   With no room left on the disk it ends with a line, and nothing is half-written.
#ifndef RMAPDIFF_TOOLS_CLI_FUZZ_FUZZ_SESSION_H_
#define RMAPDIFF_TOOLS_CLI_FUZZ_FUZZ_SESSION_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tools/cli/fuzz/fuzz_schedule.h"
#include "tools/cli/fuzz/fuzz_screen.h"
#include "tools/cli/fuzz/fuzz_slot.h"
#include "tools/cli/fuzz/fuzz_summary.h"
#include "tools/cli/fuzz/intake_queue.h"
#include "tools/cli/fuzz/reduce_queue.h"
#include "tools/cli/libfuzzer/built_target.h"
#include "tools/cli/run_folder/run_lock.h"
#include "tools/cli/run_folder/stats_log.h"

namespace rmapdiff {

// The usual share of the sanitized programs (docs/finding-power.md#scouts).
inline constexpr uint64_t kSanitizedPercent = 25;

struct FuzzOptions {
  std::string folder;
  uint64_t seconds = 60;  // 0 for no end, else at least MinimumSeconds
  size_t jobs = 1;
  uint64_t seed = 0;
  uint64_t reduce_every = 3600;            // seconds, 0 for never
  uint64_t sanitized = kSanitizedPercent;  // of a target's time, where it has a scout: 1 to 100
};

// Whether a scout has a part of the target's time.
bool HasScout(const BuiltTarget& target, uint64_t sanitized);

// A target that did not do its work, and the log that may have the reason.
struct FailedTarget {
  std::string name;
  std::string log_file;
};

class FuzzSession {
 public:
  // Makes the folders, and repairs those that a killed session has left. Throws a Failure with
  // kExitEnvironment if that cannot be, or if another session uses them.
  FuzzSession(const FuzzOptions& options, std::vector<BuiltTarget> targets);

  // To be called once. It ends early if nothing can be written any more: see cannot_write().
  FuzzSummary Run();
  // After Run: those that failed or have executed nothing.
  std::vector<FailedTarget> FailedTargets() const;
  // After Run: artifacts that wait for the next session to take them in.
  size_t left() const { return intake_->left(); }
  // After Run: one line about a file that could not be written, empty if all could.
  const std::string& cannot_write() const { return cannot_write_; }

 private:
  void OpenFolder();
  void OpenQueues(const std::vector<ReduceQueue::Target>& reduced);
  void Loop();
  void HandleSignals();
  bool Over() const;  // no more processes are to be started
  bool Finished();

  // One step in the life of a slot.
  void Tend(FuzzSlot& slot);
  bool NextTurn(FuzzSlot& slot);
  void Finish(FuzzSlot& slot);
  void FoundBy(SessionProgram& program, FuzzSlot& slot, const FuzzProcess& process);

  // Beside the slots.
  void Reduce();
  void WatchTheDisk();
  void WriteStats(bool final);
  template <typename Step>
  void OrEnd(Step step);
  std::string Below(const std::string& name) const { return options_.folder + "/" + name; }

  double left_of_run() const;
  FuzzSummary Figures() const;
  TargetFigures FiguresOf(const SessionProgram& program) const;
  void ShowProgress();

  const FuzzOptions options_;
  FuzzSchedule schedule_;
  double began_ = 0;
  double now_ = 0;  // seconds since it began
  double drain_until_ = 0;
  int stop_requests_ = 0;
  std::string cannot_write_;  // why it has to end
  std::unique_ptr<RunLock> lock_;
  std::unique_ptr<StatsLog> stats_log_;
  std::vector<SessionTarget> targets_;
  std::vector<SessionProgram> programs_;  // those of a target in a row, as in the schedule
  std::vector<FuzzSlot> slots_;
  std::unique_ptr<IntakeQueue> intake_;
  std::unique_ptr<ReduceQueue> reducer_;
  FuzzScreen screen_;
  FuzzSummary last_shown_;
  double next_progress_ = 1;
  double next_stats_ = 0;
  double next_disk_ = 0;
};

}  // namespace rmapdiff

#endif  // RMAPDIFF_TOOLS_CLI_FUZZ_FUZZ_SESSION_H_
