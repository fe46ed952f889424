// rmapdiff graph FILE -o OUT.svg: the picture of the state after an operation.
#include <fmt/core.h>

#include <algorithm>
#include <optional>

#include "fuzzers/finding/address_space.h"
#include "fuzzers/run/observe.h"
#include "fuzzers/run/report.h"
#include "mmu/base/bug.h"
#include "tools/cli/base/arguments.h"
#include "tools/cli/base/exit_codes.h"
#include "tools/cli/base/limit_options.h"
#include "tools/cli/base/maps_option.h"
#include "tools/cli/base/output.h"
#include "tools/cli/base/process.h"
#include "tools/cli/base/text.h"
#include "tools/cli/base/verbs.h"
#include "tools/cli/findings/artifact.h"
#include "tools/cli/findings/probe_client.h"
#include "tools/cli/findings/state_graph.h"

namespace rmapdiff {
namespace {

DrawnEngine Look(const Engine& engine, Voice& voice, const Outcome& outcome) {
  DrawnEngine drawn;
  drawn.name = engine.name;
  if (outcome.is_bug()) {
    drawn.why_not = "it has ended with " + ToString(outcome);
    return drawn;
  }
  try {
    drawn.raw = voice.Raw();
    drawn.shapes = voice.Shapes();
    voice.ObserveAll(&drawn.state);
  } catch (const BugError& bug) {
    drawn.why_not = fmt::format("its lists cannot be walked, {}", BugName(bug.bug()));
  }
  return drawn;
}

std::string GraphAt(const Artifact& artifact, size_t op_index) {
  const Program& program = artifact.program;
  std::string text;
  RunOptions options;
  options.engines = EnginesOf(artifact.Request());
  options.trace = [&](const TraceStep& step) {
    if (step.op_index != op_index || !text.empty()) return;
    DrawnState state;
    state.title = fmt::format("after op {} of {}: {}", op_index + 1, program.ops.size(),
                              PrintOp(program.header, program.ops[op_index]));
    state.header = program.header;
    state.touched = step.touched;
    ObserveAllOrBug(step.reference, &state.expected);
    for (size_t i = 0; i < step.voices.size(); ++i) {
      state.engines.push_back(Look(options.engines[i], *step.voices[i], step.outcomes.actual[i]));
    }
    text = StateGraph(state);
  };
  RunProgram(program, options);
  return text;
}

// The same, drawn by a child. Throws a Failure if the program does not get that far.
std::string GraphFromChild(const Artifact& artifact, size_t op_index, const Limits& limits) {
  ReserveHostMemory();  // here, where a failure does not look like a fault of the program
  Pipe pipe;
  std::string text;
  const auto draw = [&] { WriteMessage(pipe.write_end.get(), GraphAt(artifact, op_index)); };
  const auto read = [&] {
    pipe.write_end.Close();
    ReadMessage(pipe.read_end.get(), &text);
  };
  const ExitStatus status = RunInChild(limits, draw, read);
  if (!text.empty()) return text;
  const std::string why = status.ok() ? "it ends before" : "it " + EndText(status, limits);
  throw Failure(kExitUsage,
                fmt::format("{}: does not get past op {}, expected an operation that ends: {}",
                            Printable(artifact.file), op_index + 1, why));
}

// The operation to be drawn, from 0: that of the finding, the last one if there is none.
size_t Place(const Arguments& arguments, const Artifact& artifact, const std::string& at,
             const Limits& limits) {
  const size_t count = artifact.program.ops.size();
  if (!at.empty()) return arguments.Number("--at", at, 1, count) - 1;
  ProbeClient client(ProbeBuild::kPlain);
  ProbeRequest request = artifact.Request();
  request.limits = limits;
  const Trial trial = client.Try(request);
  return std::min(trial.place(), count - 1);
}

}  // namespace

int GraphVerb(const Words& words) {
  std::string file;
  std::string out;
  std::string at;
  Arguments arguments("graph", "Draws the state after an operation, as each MMU stores it.",
                      "rmapdiff graph bug.ops --at=3 -o state.svg");
  arguments.File(&file, "a program, as text or bytes; - is standard input");
  arguments.Option("--at", "N", &at, "after operation N [that of the finding, or the last]");
  arguments.Option("-o,--output", "OUT", &out, "OUT.svg, drawn by Graphviz, or its input OUT.dot",
                   /*required=*/true);
  const MapsOption maps(&arguments);
  const LimitOptions limit_options(&arguments);
  if (const auto code = arguments.Take(words)) return *code;
  maps.Choose(arguments);
  if (const auto code = arguments.Checked()) return *code;
  const bool svg = out.ends_with(".svg");
  if (!svg && !out.ends_with(".dot")) {
    arguments.Reject("--output: '" + out + "': expected a name that ends in .svg or .dot");
  }
  const Limits limits = limit_options.Checked(arguments);
  const Artifact artifact = ReadArtifact(file);
  if (artifact.program.ops.empty()) {
    throw Failure(kExitUsage, Printable(file) + ": has no operation, expected at least one");
  }
  const size_t place = Place(arguments, artifact, at, limits);
  const std::string text = GraphFromChild(artifact, place, limits);
  if (!svg) {
    WriteFile(out, text);
    return kExitDone;
  }
  const std::optional<std::string> drawn = Filtered({"dot", "-Tsvg"}, text, limits);
  if (!drawn || drawn->empty()) {
    const std::string dot = out.substr(0, out.size() - 4) + ".dot";
    WriteFile(dot, text);
    throw Failure(kExitEnvironment, fmt::format("dot: cannot draw, expected Debian's package "
                                                "graphviz; its input is in {}",
                                                Printable(dot)));
  }
  WriteFile(out, *drawn);
  return kExitDone;
}

}  // namespace rmapdiff
