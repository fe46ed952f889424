#include "fuzzers/engines.h"
#include "fuzzers/graph_voice.h"
#include "fuzzers/mmu_voice.h"
#include "mmu/sibling_map.h"

namespace rmapdiff {

std::unique_ptr<Voice> MakeSiblingVoice(const Header& header) {
  return header.whole_mmu() ? MakeMmuVoice<SiblingMap>(header) : MakeGraphVoice<SiblingMap>(header);
}

}  // namespace rmapdiff
