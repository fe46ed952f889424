// Runs fuzz targets side by side, for a given time or without end, keeps what they find, and sums
// up.
//
// `jobs` slots each run one process at a time, which the targets share by weight (fuzz_schedule.h).
// A process that ends early is started again with another seed; if it ends for the same reason at
// once, after a growing pause. A target that fails three times without having executed anything is
// given up, and its time goes to the others. Beside the slots, at low priority, a child takes in
// what was found, one artifact at a time (intake_queue.h), and another reduces a corpus now and
// then (reduce_queue.h).
//
// Everything is below `folder`; docs/continuous-fuzzing.md says what is where. A session goes on
// where the last one in that folder has ended, however it did.
//
// Invariants: no process outlives the session; a run takes its time and, for what was found last,
// half a minute more; SIGINT, SIGTERM and SIGHUP end it early, with everything summed up; a kill at
// any moment loses no finding and no input; with no room left on the disk it ends with a line, and
// nothing is half-written.
#ifndef RMAPDIFF_TOOLS_CLI_FUZZ_FUZZ_SESSION_H_
#define RMAPDIFF_TOOLS_CLI_FUZZ_FUZZ_SESSION_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tools/cli/fuzz/fuzz_schedule.h"
#include "tools/cli/fuzz/fuzz_screen.h"
#include "tools/cli/fuzz/fuzz_summary.h"
#include "tools/cli/fuzz/intake_queue.h"
#include "tools/cli/fuzz/reduce_queue.h"
#include "tools/cli/libfuzzer/built_targets.h"
#include "tools/cli/libfuzzer/target_process.h"
#include "tools/cli/run_folder/run_lock.h"
#include "tools/cli/run_folder/stats_log.h"

namespace rmapdiff {

struct FuzzOptions {
  std::string folder;
  uint64_t seconds = 60;  // 0 for no end, else at least MinimumSeconds
  size_t jobs = 1;
  uint64_t seed = 0;
  uint64_t reduce_every = 3600;  // seconds, 0 for never
};

// A target that did not do its work, and the log that may say why.
struct FailedTarget {
  std::string name;
  std::string log_file;
};

class FuzzSession {
 public:
  // Makes the folders and repairs what a killed session has left; throws a Failure with
  // kExitEnvironment if that cannot be, or if another session uses them.
  FuzzSession(const FuzzOptions& options, std::vector<FuzzTarget> targets);
  ~FuzzSession();

  // To be called once. It ends early if nothing can be written any more: see cannot_write().
  FuzzSummary Run();
  // After Run: those that failed or have executed nothing.
  std::vector<FailedTarget> FailedTargets() const;
  // After Run: artifacts that wait for the next session to take them in.
  size_t left() const { return intake_->left(); }
  // After Run: one line about a file that could not be written, empty if all could.
  const std::string& cannot_write() const { return cannot_write_; }

 private:
  struct Target;
  struct Slot;

  void OpenFolder();
  void Loop();
  void HandleSignals();
  bool Over() const;  // no more processes are to be started
  bool Finished();

  // One step in the life of a slot.
  void Tend(Slot& slot);
  bool NextTurn(Slot& slot);
  void Start(Slot& slot);
  void StopInTime(Slot& slot);
  void Finish(Slot& slot);
  void Pause(Slot& slot, const std::string& reason);

  // What goes on beside the slots.
  void TakeIn();
  void Reduce();
  void WatchTheDisk();
  void WriteStats(bool final);
  template <typename Step>
  void OrEnd(Step step);
  std::string SummaryFile() const { return options_.folder + "/summary.json"; }

  // Where libFuzzer leaves what ends the target.
  std::string IncomingFor(const FuzzTarget& files) const;
  FuzzCommand CommandFor(const Target& target, const Slot& slot) const;
  double left_of_run() const;
  FuzzSummary Figures() const;
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
  std::vector<std::unique_ptr<Target>> targets_;
  std::vector<std::unique_ptr<Slot>> slots_;
  std::unique_ptr<FuzzIntake> intake_;
  std::unique_ptr<FuzzReducer> reducer_;
  FuzzScreen screen_;
  FuzzSummary last_shown_;
  double next_progress_ = 1;
  double next_stats_ = 0;
  double next_disk_ = 0;
};

}  // namespace rmapdiff

#endif  // RMAPDIFF_TOOLS_CLI_FUZZ_FUZZ_SESSION_H_
