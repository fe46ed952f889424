#include "fuzzers/finding/trial.h"

#include <fmt/format.h>
#include <signal.h>

#include "fuzzers/run/report.h"
#include "fuzzers/run/verdict_words.h"

namespace rmapdiff {
namespace {

void Pack(const Difference& difference, Packer* to) {
  to->Number(static_cast<uint64_t>(difference.finding));
  for (const std::string* text :
       {&difference.subject, &difference.expected, &difference.actual, &difference.detail}) {
    to->Text(*text);
  }
}

void Unpack(Unpacker* from, Difference* difference) {
  difference->finding = static_cast<Finding>(from->Number());
  for (std::string* text :
       {&difference->subject, &difference->expected, &difference->actual, &difference->detail}) {
    *text = from->Text();
  }
}

void Pack(const Outcome& outcome, Packer* to) {
  to->Number(static_cast<uint64_t>(outcome.code));
  to->Number(static_cast<uint64_t>(outcome.bug));
  to->Number(outcome.value);
  to->Number(outcome.of_access ? 1 : 0);
}

void Unpack(Unpacker* from, Outcome* outcome) {
  outcome->code = static_cast<OutcomeCode>(from->Number());
  outcome->bug = static_cast<BugClass>(from->Number());
  outcome->value = from->Number();
  outcome->of_access = from->Number() != 0;
}

void Pack(const Outcomes& outcomes, Packer* to) {
  Pack(outcomes.expected, to);
  for (const Outcome& outcome : outcomes.actual) Pack(outcome, to);
}

void Unpack(Unpacker* from, size_t engines, Outcomes* outcomes) {
  Unpack(from, &outcomes->expected);
  outcomes->actual.resize(engines);
  for (Outcome& outcome : outcomes->actual) Unpack(from, &outcome);
}

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

void Pack(const Verdict& verdict, Packer* to) {
  to->Number(verdict.kind);
  to->Number(verdict.op_index);
  to->Number(verdict.engines.size());
  for (const std::string& name : verdict.engines) to->Text(name);
  to->Number(verdict.outcomes ? 1 : 0);
  if (verdict.outcomes) Pack(*verdict.outcomes, to);
  to->Text(verdict.classified);
  to->Number(static_cast<uint64_t>(verdict.check));
  to->Number(verdict.guilty.size());
  for (const size_t engine : verdict.guilty) to->Number(engine);
  to->Number(verdict.undecided ? 1 : 0);
  Pack(verdict.difference, to);
  to->Number(verdict.differences.size());
  for (const std::optional<Difference>& one : verdict.differences) {
    to->Number(one ? 1 : 0);
    if (one) Pack(*one, to);
  }
  to->Number(verdict.ops_run);
  to->Number(verdict.state_hash);
}

void Unpack(Unpacker* from, Verdict* verdict) {
  verdict->kind = static_cast<VerdictKind::Value>(from->Number());
  verdict->op_index = from->Number();
  verdict->engines.resize(from->Count());
  for (std::string& name : verdict->engines) name = from->Text();
  const size_t engines = verdict->engines.size();
  if (from->Number() != 0) Unpack(from, engines, &verdict->outcomes.emplace());
  verdict->classified = from->Text();
  verdict->check = static_cast<Check>(from->Number());
  for (size_t left = from->NumberBelow(engines + 1); left > 0; --left) {
    verdict->guilty.insert(from->NumberBelow(engines));
  }
  verdict->undecided = from->Number() != 0;
  Unpack(from, &verdict->difference);
  verdict->differences.resize(from->NumberBelow(engines + 1));
  for (std::optional<Difference>& one : verdict->differences) {
    if (from->Number() != 0) Unpack(from, &one.emplace());
  }
  verdict->ops_run = from->Number();
  verdict->state_hash = from->Number();
}

void Pack(const Story& story, Packer* to) {
  to->Text(story.engine);
  to->Number(story.differences.size());
  for (const Difference& difference : story.differences) Pack(difference, to);
  to->Number(story.lists.size());
  for (const ListHistory& list : story.lists) {
    to->Text(list.subject);
    to->Text(list.expected);
    to->Number(list.steps.size());
    for (const ListStep& step : list.steps) {
      to->Number(step.op_index);
      to->Text(step.entries);
    }
  }
}

void Unpack(Unpacker* from, Story* story) {
  story->engine = from->Text();
  story->differences.resize(from->Count());
  for (Difference& difference : story->differences) Unpack(from, &difference);
  story->lists.resize(from->Count());
  for (ListHistory& list : story->lists) {
    list.subject = from->Text();
    list.expected = from->Text();
    list.steps.resize(from->Count());
    for (ListStep& step : list.steps) {
      step.op_index = from->Number();
      step.entries = from->Text();
    }
  }
}

}  // namespace rmapdiff
