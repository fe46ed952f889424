// The bugs that are known: corpus/regressions, one program each, named by its cause.
#ifndef RMAPDIFF_TOOLS_CLI_FINDINGS_REGRESSIONS_H_
#define RMAPDIFF_TOOLS_CLI_FINDINGS_REGRESSIONS_H_

#include <map>
#include <string>
#include <string_view>

namespace rmapdiff {

// The line of a regression on the finding that it showed: this, the signature, and a full stop.
inline constexpr std::string_view kShowedLine = "# It showed ";

// Of the workspace that RMAPDIFF_ROOT names, else of the current folder.
std::string RegressionsFolder();

// The causes by signature, of the regressions that say theirs.
std::map<std::string, std::string> KnownRegressions(const std::string& folder);

}  // namespace rmapdiff

#endif  // RMAPDIFF_TOOLS_CLI_FINDINGS_REGRESSIONS_H_
