#include "fuzzers/voices/more_engines.h"

namespace rmapdiff {

const std::vector<Engine>& MoreEngines() {
  static const std::vector<Engine>* engines = new std::vector<Engine>{
      {"counted", MakeCountedVoice},
  };
  return *engines;
}

}  // namespace rmapdiff
