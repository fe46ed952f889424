#include "fuzzers/engines.h"
#include "fuzzers/graph_voice.h"
#include "fuzzers/mmu_voice.h"
#include "legacy_mmu/descriptor_map.h"

namespace rmapdiff {

std::unique_ptr<Voice> MakeLegacyVoice(const Header& header) {
  return header.whole_mmu() ? MakeMmuVoice<DescriptorMap>(header)
                            : MakeGraphVoice<DescriptorMap>(header);
}

}  // namespace rmapdiff
