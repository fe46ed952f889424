#include "fuzzers/voices/any_voice.h"
#include "fuzzers/voices/graph_voice.h"
#include "mmu/shadow/any_mmu.h"

namespace rmapdiff {

std::unique_ptr<Voice> MakeProductionGraphVoice(const MapMaker& maker, const Header& header) {
  return std::make_unique<GraphVoice<AnyMap<ProductionLimits>>>(header, maker);
}

}  // namespace rmapdiff
