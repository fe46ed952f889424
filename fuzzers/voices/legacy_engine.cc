#include "fuzzers/voices/engines.h"
#include "fuzzers/voices/make_voice.h"
#include "legacy_mmu/descriptor_map.h"

namespace rmapdiff {

std::unique_ptr<Voice> MakeLegacyVoice(const Header& header) {
  return MakeVoice<DescriptorMap>(header);
}

}  // namespace rmapdiff
