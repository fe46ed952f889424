// Two faulty third maps in place of the sibling list. The suite knows no more of them than their
// lines here. The fault of one is a verdict; the other uses memory after it was freed.
#include <vector>

#include "fuzzers/voices/make_voice.h"
#include "tests/power/faulty_engine.h"

namespace rmapdiff {

const std::vector<Engine>& AllEngines() {
  static const std::vector<Engine>* engines = new std::vector<Engine>{
      {"legacy", "legacy_mmu/descriptor_map.h", MapRule::kOld, MakeVoice<DescriptorMap>},
      FaultyEngine<LostTail>("loser"),
      FaultyEngine<FreedDescriptorLinked>("user"),
  };
  return *engines;
}

}  // namespace rmapdiff
