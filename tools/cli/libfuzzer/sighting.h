// What the log of a fuzz target said of an artifact, kept beside the artifact as <artifact>.json
// until it is taken in: the report of a finding that may never come again.
#ifndef RMAPDIFF_TOOLS_CLI_LIBFUZZER_SIGHTING_H_
#define RMAPDIFF_TOOLS_CLI_LIBFUZZER_SIGHTING_H_

#include <string>

namespace rmapdiff {

struct LogFacts {
  std::string signature;  // may be ""
  bool own = false;       // the target's own, after SIGNATURE:
  std::string kind;
  std::string report;
};

std::string FactsPath(const std::string& artifact);
// Throws a Failure with kExitEnvironment.
void WriteFacts(const std::string& artifact, const LogFacts& facts);
// Empty ones if there is no such file.
LogFacts ReadFacts(const std::string& artifact);

}  // namespace rmapdiff

#endif  // RMAPDIFF_TOOLS_CLI_LIBFUZZER_SIGHTING_H_
