// rmapdiff run FILE...: each program through the one loop, and its verdict.
#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "fuzzers/run/report.h"
#include "fuzzers/run/runner.h"
#include "fuzzers/voices/voice.h"
#include "tools/cli/base/arguments.h"
#include "tools/cli/base/exit_codes.h"
#include "tools/cli/base/input.h"
#include "tools/cli/base/maps_option.h"
#include "tools/cli/base/output.h"
#include "tools/cli/base/text.h"
#include "tools/cli/base/verbs.h"
#include "tools/cli/programs/trace_table.h"
#include "tools/cli/programs/verdict_json.h"

namespace rmapdiff {
namespace {

struct RunFlags {
  bool json = false;
  bool trace = false;
  bool full = false;
  bool titles = false;  // more than one program: say which comes
  bool engines = true;  // say which are compared, before the first program
};

Verdict RunOne(const Program& program, const RunFlags& flags) {
  RunOptions options;
  if (flags.full) options.check = CheckLevel::kFull;
  TraceTable table(program, options.engines);
  if (flags.trace) {
    WriteOut(table.Head());
    options.trace = [&table](const TraceStep& step) { WriteOut(table.Rows(step)); };
  }
  return RunProgram(program, options);
}

// Returns the exit code of this file; the run of the others goes on.
int RunFile(const std::string& file, RunFlags* flags) {
  try {
    const Program program = ReadProgram(file);
    if (std::exchange(flags->engines, false)) {
      WriteOut("engines: " + NamesOf(ChosenEngines()) + "\n");
    }
    if (flags->titles && !flags->json) WriteOut("# " + Printable(file) + "\n");
    const Verdict verdict = RunOne(program, *flags);
    ReportOptions report;
    if (file != "-") report.file = file;
    report.maps = ChosenMaps();
    WriteOut(flags->json ? VerdictJson(program, verdict, report.file)
                         : ReportText(program, verdict, report));
    return verdict.kind == VerdictKind::kDivergence ? kExitFinding : kExitDone;
  } catch (const Failure& failure) {
    if (failure.code() != kExitUsage) throw;
    WriteErrorLine(failure.what());
    return failure.code();
  }
}

}  // namespace

int RunVerb(const Words& words) {
  std::vector<std::string> files;
  RunFlags flags;
  Arguments arguments("run",
                      "Runs programs and compares the MMUs and the model after each operation.",
                      "rmapdiff run --trace corpus/rmap_fuzzer/one_to_many.ops");
  arguments.Files(&files, "programs, as text or bytes; - is standard input");
  arguments.Flag("--json", &flags.json, "one JSON object a program, each on one line");
  arguments.Flag("--trace", &flags.trace,
                 "print each operation and how each engine orders the lists touched");
  arguments.Flag("--full", &flags.full, "check everything after each operation");
  const MapsOption maps(&arguments);
  arguments.Excludes("--trace", "--json");
  if (const auto code = arguments.Take(words)) return *code;
  maps.Choose(arguments);
  if (const auto code = arguments.Checked()) return *code;

  flags.titles = files.size() > 1;
  flags.engines = !flags.json;
  int worst = kExitDone;
  for (const std::string& file : files) worst = std::max(worst, RunFile(file, &flags));
  return worst;
}

}  // namespace rmapdiff
