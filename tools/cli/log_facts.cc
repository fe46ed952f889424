#include "tools/cli/log_facts.h"

#include <nlohmann/json.hpp>

#include "tools/cli/folders.h"
#include "tools/cli/output.h"

namespace rmapdiff {
namespace {

using Json = nlohmann::ordered_json;

}  // namespace

std::string FactsPath(const std::string& artifact) { return artifact + ".json"; }

void WriteFacts(const std::string& artifact, const LogFacts& facts) {
  const Json json = {{"signature", facts.signature},
                     {"own", facts.own},
                     {"kind", facts.kind},
                     {"report", facts.report}};
  WriteFile(FactsPath(artifact), json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
}

LogFacts ReadFacts(const std::string& artifact) {
  const Json json =
      Json::parse(FileContents(FactsPath(artifact)), nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return {};
  try {
    return {json.value("signature", ""), json.value("own", false), json.value("kind", ""),
            json.value("report", "")};
  } catch (const Json::exception&) {
    return {};
  }
}

}  // namespace rmapdiff
