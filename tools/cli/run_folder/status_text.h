// How the status of a run is shown: pure functions. Names that come from files are Printable.
#ifndef RMAPDIFF_TOOLS_CLI_RUN_FOLDER_STATUS_TEXT_H_
#define RMAPDIFF_TOOLS_CLI_RUN_FOLDER_STATUS_TEXT_H_

#include <string>

#include "tools/cli/run_folder/run_status.h"

namespace rmapdiff {

std::string StatusText(const RunStatus& status);
// `history`: with the samples over time, some thousands at most.
std::string StatusJson(const RunStatus& status, bool history);
// The text format of Prometheus: HELP and TYPE, base units, counters that end in _total.
std::string StatusMetrics(const RunStatus& status);

}  // namespace rmapdiff

#endif  // RMAPDIFF_TOOLS_CLI_RUN_FOLDER_STATUS_TEXT_H_
