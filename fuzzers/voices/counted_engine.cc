#include "fuzzers/voices/make_voice.h"
#include "fuzzers/voices/more_engines.h"
#include "more_maps/counted_sibling_map.h"

namespace rmapdiff {

std::unique_ptr<Voice> MakeCountedVoice(const Header& header) {
  return MakeVoice<CountedSiblingMap>(header);
}

}  // namespace rmapdiff
