// The outcome of one run of a program in a process of its own. It is a verdict, or the end of the
// process by a sanitizer, a signal or a limit.
//
// The signature of a trial is that of its verdict. The signature of an ended process has another
// form, "cause/where/engine". "timeout/drop/legacy" is one.
#ifndef RMAPDIFF_FUZZERS_FINDING_TRIAL_H_
#define RMAPDIFF_FUZZERS_FINDING_TRIAL_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "fuzzers/finding/crash_log.h"
#include "fuzzers/finding/packed.h"
#include "fuzzers/finding/story.h"
#include "fuzzers/program/program.h"
#include "fuzzers/run/verdict.h"

namespace rmapdiff {

enum class Ending : uint8_t {
  kVerdict,
  kSanitizer,  // a report of AddressSanitizer or UndefinedBehaviorSanitizer
  kSignal,
  kTimeout,
  kMemory,
  kExit,  // with an exit code that means nothing
};

// A block of code: which operations ran it. Teardown counts as one past the last.
struct BlockRun {
  uint64_t address = 0;  // relative to the program
  uint64_t first = 0;    // index of the first operation that ran it
  uint64_t last = 0;
};

struct Trial {
  Ending ending = Ending::kVerdict;
  Verdict verdict;
  Story story;  // if it was asked for and there is one

  // Of a process that has ended.
  int number = 0;       // the signal, or the exit code
  size_t op_index = 0;  // of the operation; ops.size() for teardown
  std::string engine;   // the one at work: "sibling"; "" for the reference
  std::string log;      // what it has printed
  CrashCause cause;

  // The code that one engine ran up to there, by address. The engine is that of the request, or of
  // the story. Only of a build with sanitizers.
  std::vector<BlockRun> blocks;

  // The operation at which the program ended.
  size_t place() const { return ending == Ending::kVerdict ? verdict.op_index : op_index; }
};

// "" for a trial without a finding.
std::string Signature(const Program& program, const Trial& trial);
// The name at fault: as GuiltyName of the verdict, else the engine at work, or "reference".
std::string GuiltyName(const Trial& trial);

// Whether the engines that the verdict speaks of are among its engines; bytes can say otherwise.
bool MakesSense(const Verdict& verdict);

// ---- As bytes for a pipe (packed.h) ----

auto Fields(Either<Difference> auto& one) {
  return std::tie(one.finding, one.subject, one.expected, one.actual, one.detail);
}
auto Fields(Either<Outcome> auto& one) {
  return std::tie(one.code, one.bug, one.value, one.of_access);
}
auto Fields(Either<Outcomes> auto& one) { return std::tie(one.expected, one.actual); }
auto Fields(Either<Verdict> auto& one) {
  return std::tie(one.kind, one.op_index, one.engines, one.outcomes, one.classified, one.check,
                  one.guilty, one.undecided, one.difference, one.differences, one.ops_run,
                  one.state_hash);
}
auto Fields(Either<ListStep> auto& one) { return std::tie(one.op_index, one.entries); }
auto Fields(Either<ListHistory> auto& one) {
  return std::tie(one.subject, one.expected, one.steps);
}
auto Fields(Either<Story> auto& one) { return std::tie(one.engine, one.differences, one.lists); }
auto Fields(Either<BlockRun> auto& one) { return std::tie(one.address, one.first, one.last); }

}  // namespace rmapdiff

#endif  // RMAPDIFF_FUZZERS_FINDING_TRIAL_H_
