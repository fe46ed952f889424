#include "fuzzers/voices/engines.h"
#include "fuzzers/voices/make_voice.h"
#include "mmu/sibling_map.h"

namespace rmapdiff {

std::unique_ptr<Voice> MakeSiblingVoice(const Header& header) {
  return MakeVoice<SiblingMap>(header);
}

}  // namespace rmapdiff
