#include "fuzzers/engines.h"

namespace rmapdiff {

const std::vector<Engine>& AllEngines() {
  static const std::vector<Engine>* engines = new std::vector<Engine>{
      {"legacy", MakeLegacyVoice},
      {"sibling", MakeSiblingVoice},
  };
  return *engines;
}

}  // namespace rmapdiff
