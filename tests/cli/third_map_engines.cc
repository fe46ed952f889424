// Two faulty third maps in place of the sibling list, of which the suite knows no more than what
// their lines here say: one whose fault is a verdict, one that uses memory after it was freed.
#include <vector>

#include "fuzzers/voices/graph_voice.h"
#include "tests/power/faulty_maps.h"

namespace rmapdiff {

const std::vector<Engine>& AllEngines() {
  static const std::vector<Engine>* engines = new std::vector<Engine>{
      {"legacy", "legacy_mmu/descriptor_map.h", MapRule::kOld, MakeGraphVoice<DescriptorMap>},
      {"loser", "tests/power/faulty_maps.h", MapRule::kEither, MakeGraphVoice<LostTail>},
      {"user", "tests/power/faulty_maps.h", MapRule::kEither,
       MakeGraphVoice<FreedDescriptorLinked>},
  };
  return *engines;
}

}  // namespace rmapdiff
