#include "fuzzers/finding/trial.h"

#include <fmt/core.h>
#include <signal.h>

#include "fuzzers/run/report.h"
#include "fuzzers/run/verdict_words.h"

namespace rmapdiff {
namespace {

const char* SignalName(int number) {
  switch (number) {
    case SIGSEGV:
      return "segv";
    case SIGBUS:
      return "bus";
    case SIGABRT:
      return "abort";
    case SIGFPE:
      return "fpe";
    case SIGILL:
      return "ill";
    case SIGKILL:
      return "kill";
    default:
      return nullptr;
  }
}

std::string CauseName(const Trial& trial) {
  switch (trial.ending) {
    case Ending::kVerdict:
      return "";
    case Ending::kSanitizer:
      return trial.cause.kind;
    case Ending::kSignal:
      if (const char* name = SignalName(trial.number)) return fmt::format("signal-{}", name);
      return fmt::format("signal-{}", trial.number);
    case Ending::kTimeout:
      return "timeout";
    case Ending::kMemory:
      return "memory";
    case Ending::kExit:
      return fmt::format("exit-{}", trial.number);
  }
  return "?";
}

}  // namespace

std::string Signature(const Program& program, const Trial& trial) {
  if (trial.ending == Ending::kVerdict) return Signature(program, trial.verdict);
  const StackFrame* frame = OwnFrame(trial.cause.frames);
  // Where a limit strikes is an accident, in which operation is not.
  const bool by_frame = trial.ending == Ending::kSanitizer || trial.ending == Ending::kSignal;
  const bool at_op = trial.op_index < program.ops.size();
  const std::string place = by_frame && frame != nullptr ? frame->function
                            : at_op ? std::string(OpName(program.ops[trial.op_index]))
                                    : "teardown";
  return fmt::format("{}/{}/{}", CauseName(trial), place, GuiltyName(trial));
}

std::string GuiltyName(const Trial& trial) {
  if (trial.ending == Ending::kVerdict) return GuiltyName(trial.verdict);
  return trial.engine.empty() ? "reference" : trial.engine;
}

bool MakesSense(const Verdict& verdict) {
  const size_t engines = verdict.engines.size();
  return (verdict.guilty.empty() || *verdict.guilty.rbegin() < engines) &&
         verdict.differences.size() <= engines &&
         (!verdict.outcomes || verdict.outcomes->actual.size() == engines);
}

}  // namespace rmapdiff
