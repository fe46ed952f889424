#include "fuzzers/voices/more_engines.h"

namespace rmapdiff {

const std::vector<Engine>& MoreEngines() {
  static const std::vector<Engine>* engines = new std::vector<Engine>{
      {"counted", "more_maps/counted_sibling_map.h", MapRule::kEither, MakeCountedVoice},
  };
  return *engines;
}

}  // namespace rmapdiff
