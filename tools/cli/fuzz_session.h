// Runs fuzz targets side by side for a given time, and sums up.
//
// `jobs` slots each run one process at a time. If the targets do not divide the slots evenly, each
// slot gives every target the same part of its time, in turn, beginning with another one than its
// neighbours. A process that ends early is started again with another seed; if it ends for the same
// reason at once, after a growing pause. A target that fails three times without having executed
// anything is given up, and its time goes to the others.
//
// Everything is below `folder`: corpus/TARGET (what grew), findings/TARGET (an input and a report
// for each finding), logs/TARGET-SLOT.log, logs/TARGET.stats, summary.json.
//
// Invariants: no process outlives the session; a run takes its time and at most some seconds more;
// SIGINT, SIGTERM and SIGHUP end it early, with everything summed up.
#ifndef RMAPDIFF_TOOLS_CLI_FUZZ_SESSION_H_
#define RMAPDIFF_TOOLS_CLI_FUZZ_SESSION_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tools/cli/fuzz_process.h"
#include "tools/cli/fuzz_screen.h"
#include "tools/cli/fuzz_summary.h"
#include "tools/cli/fuzz_targets.h"

namespace rmapdiff {

struct FuzzOptions {
  std::string folder;
  uint64_t seconds = 60;  // at least MinimumSeconds
  size_t jobs = 1;
  uint64_t seed = 0;
};

// The shortest time in which every target gets a second.
uint64_t MinimumSeconds(size_t targets, size_t jobs);

// A target that did not do its work, and the log that may say why.
struct FailedTarget {
  std::string name;
  std::string log_file;
};

class FuzzSession {
 public:
  // Makes the folders; throws a Failure with kExitEnvironment if that cannot be, or if another
  // session uses them.
  FuzzSession(const FuzzOptions& options, std::vector<FuzzTarget> targets);
  ~FuzzSession();

  // To be called once.
  FuzzSummary Run();
  // After Run: those that failed or have executed nothing.
  std::vector<FailedTarget> FailedTargets() const;

 private:
  struct Target;
  struct Slot;

  void MakeFolders();
  void HandleSignals();
  bool Finished() const;

  // One step in the life of a slot.
  void Tend(Slot& slot);
  void Start(Slot& slot, size_t target);
  void StopInTime(Slot& slot);
  void Finish(Slot& slot);
  void Pause(Slot& slot, const std::string& reason);

  // The target whose turn it is, or none if all are given up.
  const Target* TurnOf(const Slot& slot, uint64_t slice) const;
  FuzzCommand CommandFor(const Target& target, const Slot& slot) const;
  void Record(FuzzFinding finding, const std::string& report);
  FuzzSummary Figures() const;
  void ShowProgress();

  const FuzzOptions options_;
  double slice_seconds_ = 0;
  bool rotates_ = false;
  double began_ = 0;
  double now_ = 0;  // seconds since it began
  int stop_requests_ = 0;
  int lock_fd_ = -1;
  std::vector<std::unique_ptr<Target>> targets_;
  std::vector<std::unique_ptr<Slot>> slots_;
  std::vector<FuzzFinding> findings_;
  FuzzScreen screen_;
  FuzzSummary last_shown_;
  double next_progress_ = 1;
};

}  // namespace rmapdiff

#endif  // RMAPDIFF_TOOLS_CLI_FUZZ_SESSION_H_
