// rmapdiff status: how a run of rmapdiff fuzz is doing.
#include <ctime>

#include "tools/cli/base/arguments.h"
#include "tools/cli/base/exit_codes.h"
#include "tools/cli/base/output.h"
#include "tools/cli/base/verbs.h"
#include "tools/cli/run_folder/run_status.h"
#include "tools/cli/run_folder/status_text.h"

namespace rmapdiff {

int StatusVerb(const Words& words) {
  std::string folder;
  bool json = false;
  bool metrics = false;
  bool history = false;
  Arguments arguments(
      "status", "Says how a run of rmapdiff fuzz is doing, or how it was doing when it ended.",
      "rmapdiff status out");
  arguments.Positional("DIR", &folder, "the folder of the run (fuzz --dir)");
  arguments.Flag("--json", &json, "one JSON object");
  arguments.Flag("--metrics", &metrics, "for Prometheus: its text format");
  arguments.Flag("--history", &history, "as --json, with the figures over time");
  arguments.Excludes("--json", "--metrics");
  arguments.Excludes("--history", "--metrics");
  if (const auto code = arguments.Parse(words)) return *code;

  const RunStatus status = ReadRun(folder, static_cast<double>(std::time(nullptr)), history);
  WriteOut(json || history ? StatusJson(status, history)
           : metrics       ? StatusMetrics(status)
                           : StatusText(status));
  return kExitDone;
}

}  // namespace rmapdiff
