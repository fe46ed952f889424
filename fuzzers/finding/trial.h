// One run of a program in a process of its own, and what came of it: a verdict, or the end of the
// process by a sanitizer, a signal, or a limit of time or memory.
//
// A value that travels through a pipe (Pack, Unpack). Its signature is that of the verdict, or for
// a process that has ended "cause/where/engine":
// "asan-use-after-poison/SiblingMap::Unlink/sibling", "timeout/drop/legacy".
#ifndef RMAPDIFF_FUZZERS_FINDING_TRIAL_H_
#define RMAPDIFF_FUZZERS_FINDING_TRIAL_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
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

  // The code that one engine ran up to there, by address: the engine of the story, or the one that
  // was asked for. Only of a build with sanitizers.
  std::vector<BlockRun> blocks;

  // The operation at which the program ended.
  size_t place() const { return ending == Ending::kVerdict ? verdict.op_index : op_index; }
};

// "" if it is no finding.
std::string Signature(const Program& program, const Trial& trial);
// The name at fault: as GuiltyName of the verdict, else the engine at work, or "reference".
std::string GuiltyName(const Trial& trial);

// Unpack refuses places of engines that there are not (Unpacker::ok).
void Pack(const Verdict& verdict, Packer* to);
void Unpack(Unpacker* from, Verdict* verdict);
void Pack(const Story& story, Packer* to);
void Unpack(Unpacker* from, Story* story);

}  // namespace rmapdiff

#endif  // RMAPDIFF_FUZZERS_FINDING_TRIAL_H_
