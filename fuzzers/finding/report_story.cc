#include "fuzzers/finding/report_story.h"

#include <fmt/core.h>

#include <algorithm>

namespace rmapdiff {
namespace {

constexpr size_t kMaxSteps = 24;   // of a history; the latest are shown
constexpr size_t kMaxFrames = 12;  // of a stack
constexpr size_t kColumns = 100;

std::string DifferenceLines(const Difference& difference, const std::string& engine) {
  const std::string on_one_line = fmt::format("  {}: {} has {}, expected {}\n", difference.subject,
                                              engine, difference.actual, difference.expected);
  if (on_one_line.size() <= kColumns) return on_one_line;
  return fmt::format("  {}\n    expected  {}\n    {:<8}  {}\n", difference.subject,
                     difference.expected, engine, difference.actual);
}

std::string OthersText(const Verdict& verdict, const Story& story) {
  std::string text;
  for (const Difference& difference : story.differences) {
    if (difference.subject == verdict.difference.subject) continue;
    text += DifferenceLines(difference, story.engine);
  }
  return text.empty() ? "" : "also different:\n" + text;
}

std::string HistoryText(const Program& program, const Verdict& verdict, const Story& story,
                        const ListHistory& list) {
  std::string text = fmt::format("history of {}, as {} has it:\n", list.subject, story.engine);
  const size_t width = fmt::format("{}", program.ops.size()).size();
  const size_t left_out = list.steps.size() - std::min(list.steps.size(), kMaxSteps);
  if (left_out > 0) text += fmt::format("    ... ({} more)\n", left_out);
  for (size_t i = left_out; i < list.steps.size(); ++i) {
    const ListStep& step = list.steps[i];
    text +=
        fmt::format("  {} {:>{}}  {}\n", step.op_index == verdict.op_index ? '>' : ' ',
                    step.op_index + 1, width, PrintOp(program.header, program.ops[step.op_index]));
    text += fmt::format("    {:>{}}    {}\n", "", width,
                        step.entries.empty() ? "(empty)" : step.entries);
  }
  if (!list.expected.empty()) {
    text += fmt::format("    {:>{}}    expected {}\n", "", width, list.expected);
  }
  return text;
}

// "mmu/sibling_map.h:163", "" if it is unknown.
std::string PlaceOf(const StackFrame& frame) {
  if (frame.file.empty()) return "";
  return frame.line > 0 ? fmt::format("{}:{}", frame.file, frame.line) : frame.file;
}

std::string FramesText(const std::vector<StackFrame>& frames) {
  std::string text;
  size_t shown = 0;
  for (const StackFrame& frame : frames) {
    if (frame.file.empty() || shown >= kMaxFrames) continue;
    // Down to the caller of the MMU; the rest is the same each time.
    if (!IsMmuSource(frame.file) && shown > 0) break;
    ++shown;
    text += fmt::format("    {:<40}  {}\n", frame.function, PlaceOf(frame));
  }
  return text;
}

std::string EndingText(const Trial& trial) {
  switch (trial.ending) {
    case Ending::kTimeout:
      return "timed out";
    case Ending::kMemory:
      return "the process took more memory than its limit";
    case Ending::kSignal:
      return fmt::format("the process was killed by signal {}", trial.number);
    case Ending::kExit:
      return fmt::format("the process ended with exit code {}", trial.number);
    default:
      return trial.cause.said;
  }
}

std::string CrashText(const Program& program, const Trial& trial, const ReportOptions& options) {
  const bool at_op = trial.op_index < program.ops.size();
  std::string text = fmt::format(
      "CRASH at {}", at_op ? fmt::format("op {} of {}: {}", trial.op_index + 1, program.ops.size(),
                                         PrintOp(program.header, program.ops[trial.op_index]))
                           : fmt::format("teardown, after {} ops", program.ops.size()));
  text += fmt::format("\n  in {}{}    signature {}\n", trial.engine.empty() ? "the " : "engine ",
                      GuiltyName(trial), Signature(program, trial));
  text += "  " + EndingText(trial) + "\n" + FramesText(trial.cause.frames);
  const std::string freed = FramesText(trial.cause.freed);
  if (!freed.empty()) text += "  memory that was freed by\n" + freed;
  if (options.listing) text += ProgramListing(program, trial.op_index, options.max_ops);
  return text;
}

}  // namespace

std::string StoryText(const Program& program, const Verdict& verdict, const Story& story) {
  std::string text = OthersText(verdict, story);
  for (const ListHistory& list : story.lists) {
    if (list.steps.empty()) continue;
    text += HistoryText(program, verdict, story, list);
  }
  return text;
}

std::string TrialText(const Program& program, const Trial& trial, const ReportOptions& options) {
  if (trial.ending != Ending::kVerdict) return CrashText(program, trial, options);
  ReportOptions with_story = options;
  with_story.story = StoryText(program, trial.verdict, trial.story);
  return ReportText(program, trial.verdict, with_story);
}

}  // namespace rmapdiff
