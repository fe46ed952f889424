#include "tools/cli/libfuzzer/sighting.h"

#include <nlohmann/json.hpp>

#include "tools/cli/base/files.h"
#include "tools/cli/base/json_fields.h"
#include "tools/cli/base/output.h"

namespace rmapdiff {

using Json = nlohmann::ordered_json;

std::string FactsPath(const std::string& artifact) { return artifact + ".json"; }

void WriteFacts(const std::string& artifact, const LogFacts& facts) {
  const Json json = {{"signature", facts.signature},
                     {"own", facts.own},
                     {"kind", facts.kind},
                     {"report", facts.report}};
  WriteFile(FactsPath(artifact), json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
}

LogFacts ReadFacts(const std::string& artifact) {
  const nlohmann::json json = ParseJson(FileContents(FactsPath(artifact)));
  return {TextOf(json, "signature"), FlagOf(json, "own"), TextOf(json, "kind"),
          TextOf(json, "report")};
}

}  // namespace rmapdiff
