#include "fuzzers/graph_voice.h"
#include "fuzzers/mmu_voice.h"
#include "fuzzers/more_engines.h"
#include "more_maps/counted_sibling_map.h"

namespace rmapdiff {

std::unique_ptr<Voice> MakeCountedVoice(const Header& header) {
  return header.whole_mmu() ? MakeMmuVoice<CountedSiblingMap>(header)
                            : MakeGraphVoice<CountedSiblingMap>(header);
}

}  // namespace rmapdiff
