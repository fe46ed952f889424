#include "fuzzers/voices/voice.h"

#include <algorithm>

namespace rmapdiff {

const Engine* FindEngine(std::string_view name) {
  const std::vector<Engine>& all = AllEngines();
  const auto found = std::find_if(all.begin(), all.end(),
                                  [name](const Engine& engine) { return engine.name == name; });
  return found != all.end() ? &*found : nullptr;
}

}  // namespace rmapdiff
