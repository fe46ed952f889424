// rmapdiff maps: the reverse maps that can be compared, and where they are.
#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "fuzzers/voices/voice.h"
#include "tools/cli/base/arguments.h"
#include "tools/cli/base/exit_codes.h"
#include "tools/cli/base/output.h"
#include "tools/cli/base/verbs.h"

namespace rmapdiff {

int MapsVerb(const Words& words) {
  bool json = false;
  Arguments arguments("maps", "Prints the reverse maps that --maps can name, and their sources.",
                      "rmapdiff maps");
  arguments.Flag("--json", &json, "an array of {\"name\", \"source\", \"by_default\"}");
  if (const auto code = arguments.Parse(words)) return *code;
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  for (const Engine& engine : AllEngines()) {
    rows.push_back(
        {{"name", engine.name}, {"source", engine.source}, {"by_default", engine.by_default}});
    const char* when = engine.by_default ? "by default" : "with --maps";
    if (!json) WriteOut(fmt::format("{:<10} {}  {}\n", engine.name, when, engine.source));
  }
  if (json) WriteOut(rows.dump(2) + "\n");
  return kExitDone;
}

}  // namespace rmapdiff
