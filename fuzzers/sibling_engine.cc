#include "fuzzers/engines.h"
#include "fuzzers/make_voice.h"
#include "mmu/sibling_map.h"

namespace rmapdiff {

std::unique_ptr<Voice> MakeSiblingVoice(const Header& header) {
  return MakeVoice<SiblingMap>(header);
}

}  // namespace rmapdiff
