// rmapdiff repro FILE: from an artifact to what is wrong, and the commands to go on with.
#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <optional>

#include "fuzzers/voices/voice.h"
#include "tools/cli/base/arguments.h"
#include "tools/cli/base/exit_codes.h"
#include "tools/cli/base/limit_options.h"
#include "tools/cli/base/maps_option.h"
#include "tools/cli/base/output.h"
#include "tools/cli/base/process.h"
#include "tools/cli/base/text.h"
#include "tools/cli/base/verbs.h"
#include "tools/cli/findings/artifact.h"
#include "tools/cli/findings/guilty_code.h"
#include "tools/cli/findings/probe_client.h"
#include "tools/cli/findings/repro_json.h"
#include "tools/cli/findings/runs.h"
#include "tools/cli/programs/trace_table.h"

namespace rmapdiff {
namespace {

constexpr uint64_t kMaxRuns = 1000;

struct ReproWords {
  std::string file;
  std::string runs = "10";
  std::string engine;
  std::string until;
  bool trace = false;
  bool gdb = false;
  bool plain = false;
  bool full = false;
  bool json = false;
  bool no_code = false;
};

[[noreturn]] void StartDebugger(const std::string& file, const std::string& maps,
                                const std::string& engine, size_t op) {
  if (!maps.empty()) setenv(kMapsVariable, maps.c_str(), 1);
  const char* named = std::getenv("RMAPDIFF_DEBUG");
  const std::string program = named != nullptr && *named != '\0' ? named : "/proc/self/exe";
  char self[4096] = {};
  const ssize_t length = readlink(program.c_str(), self, sizeof self - 1);
  const std::string target = program == "/proc/self/exe" && length > 0 ? self : program;
  Execvp({"gdb", "-q", "-ex", "set breakpoint pending on", "-ex", "break rmapdiff::BeforeOperation",
          "-ex", "run", "-ex", "up", "--args", target, kStepWord, file, engine,
          fmt::format("{}", op + 1)});
  throw Failure(kExitEnvironment, fmt::format("gdb: cannot be started: {}, expected Debian's "
                                              "package gdb",
                                              std::strerror(errno)));
}

// The trace of a run with these limits; its last line says so if they, or a signal, cut it.
void ShowTrace(const Program& program, const ProbeRequest& like) {
  const Limits& limits = like.limits;
  RunOptions options;
  options.engines = EnginesOf(like);
  const ExitStatus status = RunInChild(limits, [&] {
    TraceTable table(program, options.engines);
    const auto write = [](const std::string& text) { OffTheClock([&] { WriteOut(text); }); };
    write(table.Head());
    options.trace = [&](const TraceStep& step) { write(table.Rows(step)); };
    RunProgram(program, options);
  });
  if (status.ok()) return;
  WriteOut(fmt::format("the trace ends here: the next operation {}\n", EndText(status, limits)));
}

void CheckEngine(const Arguments& arguments, const std::string& name) {
  if (name.empty() || FindEngine(name) != nullptr) return;
  std::vector<std::string> names;
  for (const Engine& engine : AllEngines()) names.emplace_back(engine.name);
  arguments.Reject(fmt::format("--engine: no engine '{}', expected one of {}", name, Join(names)));
}

}  // namespace

int ReproVerb(const Words& words) {
  ReproWords given;
  Arguments arguments("repro",
                      "Runs an artifact again, and says what is wrong and how it came to be.",
                      "rmapdiff repro crash-3f2a");
  arguments.File(&given.file, "an artifact of a fuzz target, or a program as text");
  arguments.Option("-k,--runs", "N", &given.runs, "how often, each time in a fresh process [10]");
  arguments.Option("--engine", "NAME", &given.engine,
                   "compare only this engine with the reference");
  arguments.Option("--until", "N", &given.until, "only the first N operations");
  const MapsOption maps(&arguments);
  const LimitOptions limit_options(&arguments);
  arguments.Flag("--trace", &given.trace, "also each operation and the lists that it touched");
  arguments.Flag("--gdb", &given.gdb, "start gdb and stop before the operation at fault");
  arguments.Flag("--plain", &given.plain, "without sanitizers, even if they are there");
  arguments.Flag("--full", &given.full, "check everything after each operation");
  arguments.Flag("--json", &given.json, "one JSON object");
  arguments.Flag("--no-code", &given.no_code, "without the lines of code, which can take seconds");
  arguments.Excludes("--json", "--trace");
  arguments.Excludes("--json", "--gdb");
  if (const auto code = arguments.Take(words)) return *code;
  maps.Choose(arguments);
  const uint64_t count = arguments.Number("--runs", given.runs, 1, kMaxRuns);
  const Limits limits = limit_options.Checked(arguments);
  CheckEngine(arguments, given.engine);
  const uint64_t until =
      given.until.empty() ? UINT32_MAX : arguments.Number("--until", given.until, 1, UINT32_MAX);
  if (const auto code = arguments.Checked()) return *code;

  Artifact artifact = ReadArtifact(given.file);
  if (!given.json) WriteOut(artifact.Describe() + "\n");
  if (until < artifact.program.ops.size()) artifact.program.ops.resize(until);
  const ProbeBuild build = given.plain ? ProbeBuild::kPlain : BestBuild();
  ProbeRequest request = artifact.Request();
  request.engine = given.engine;
  request.limits = limits;
  request.full = given.full;
  request.story = true;
  request.leaks = true;
  const Runs runs = RunAll(artifact.program, request, build, count);
  const std::string usual = runs.Usual();
  const Trial& trial = runs.UsualTrial();
  const auto code = [&] {
    return given.no_code ? GuiltyCode{} : FindGuiltyCode(artifact.program, trial, request);
  };
  if (given.json) {
    WriteOut(ReproJson(artifact, artifact.program, runs, code()));
    return usual.empty() ? kExitDone : kExitFinding;
  }
  WriteOut(RunsText(runs));
  if (given.trace) ShowTrace(artifact.program, request);
  WriteOut("\n" + TrialReport(artifact.program, trial, code()));
  if (usual.empty()) return kExitDone;
  if (given.gdb) {
    const std::string engine = trial.ending == Ending::kVerdict ? trial.story.engine : trial.engine;
    StartDebugger(given.file, given.engine.empty() ? artifact.maps : given.engine, engine,
                  trial.place());
  }
  WriteOut(NextCommands(given.file, artifact.maps));
  return kExitFinding;
}

}  // namespace rmapdiff
