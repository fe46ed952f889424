#include "fuzzers/voices/any_voice.h"
#include "fuzzers/voices/mmu_voice.h"
#include "mmu/shadow/any_mmu.h"

namespace rmapdiff {

std::unique_ptr<Voice> MakeTinyMmuVoice(const MapMaker& maker, const Header& header) {
  using MmuOfMap = MmuVoice<AnyMap<TinyLimits>>;
  return std::make_unique<MmuOfMap>(header, MmuOfMap::Judge::kNo, maker);
}

}  // namespace rmapdiff
