#include "fuzzers/graph_voice.h"
#include "fuzzers/voice.h"
#include "legacy_mmu/descriptor_map.h"
#include "mmu/sibling_map.h"

namespace rmapdiff {

const std::vector<Engine>& AllEngines() {
  static const std::vector<Engine>* engines = new std::vector<Engine>{
      {"legacy", MakeGraphVoice<DescriptorMap>},
      {"sibling", MakeGraphVoice<SiblingMap>},
  };
  return *engines;
}

}  // namespace rmapdiff
