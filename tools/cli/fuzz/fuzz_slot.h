// A place in a session for one process at a time. It has the program of the turn, the process, and
// the pause before the next one. Times are seconds of the session's clock.
#ifndef RMAPDIFF_TOOLS_CLI_FUZZ_FUZZ_SLOT_H_
#define RMAPDIFF_TOOLS_CLI_FUZZ_FUZZ_SLOT_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "tools/cli/fuzz/fuzz_corpus.h"
#include "tools/cli/fuzz/fuzz_process.h"
#include "tools/cli/fuzz/fuzz_summary.h"
#include "tools/cli/libfuzzer/built_target.h"

namespace rmapdiff {

// A fuzz target in a session. Its programs share all this.
struct SessionTarget {
  BuiltTarget files;
  size_t index = 0;
  std::string incoming;  // the folder for inputs that end a program of it
  std::unique_ptr<FuzzCorpus> corpus;
};

// The sanitized program of a target, or its scout. A turn is for one.
struct SessionProgram {
  SessionTarget* target = nullptr;
  bool scout = false;
  size_t index = 0;        // in the schedule
  std::string stats_file;  // its live counters
  std::string log_file;    // of the process that started last; "" if none has
  TargetFigures figures;   // of the processes that have ended, by their logs
  int failures = 0;        // in a row

  // "mmu_fuzzer", or "the scout of mmu_fuzzer".
  std::string name() const { return (scout ? "the scout of " : "") + target->files.name; }
};

class FuzzSlot {
 public:
  // `seed` is that of the session.
  FuzzSlot(size_t index, std::string run_folder, uint64_t seed)
      : index_(index), run_folder_(std::move(run_folder)), seed_(seed) {}

  bool busy() const { return process_ != nullptr; }
  bool unused() const { return runs_ == 0; }
  bool pauses(double now) const { return now < not_before_; }
  // The program whose turn it is; null before the first turn.
  SessionProgram* program() const { return program_; }
  // The rest of the turn, which may be too short for a process.
  double left_of_turn(double now) const { return end_ - now; }

  void GiveTurn(SessionProgram* program, double end) {
    program_ = program;
    end_ = end;
  }
  void Start(double now);
  // True as soon as the process has ended. The rest is for a slot with a process.
  bool Poll() { return process_->Poll(); }
  // Asks the process to end, and later makes it. A process that has executed nothing yet gets some
  // seconds more, but in a hurry.
  void Stop(double now, bool hurry);
  void Kill() { process_->Kill(); }
  // Adds the figures of the process to others of its program.
  void AddTo(TargetFigures* figures, double now) const;
  // The process, which has ended; its figures are in those of the program.
  std::unique_ptr<FuzzProcess> Finish(double now);
  // Before the next process: none after a new reason, a longer one each time for the same again.
  void Pause(double now, const std::string& reason);

 private:
  FuzzCommand CommandNow(double now) const;

  const size_t index_;
  const std::string run_folder_;
  const uint64_t seed_;
  std::unique_ptr<FuzzProcess> process_;
  SessionProgram* program_ = nullptr;
  uint64_t runs_ = 0;
  double started_ = 0;
  double end_ = 0;  // of the turn
  double kill_at_ = 0;
  double not_before_ = 0;
  double pause_ = 0;
  std::string last_reason_;  // of the pause
};

}  // namespace rmapdiff

#endif  // RMAPDIFF_TOOLS_CLI_FUZZ_FUZZ_SLOT_H_
