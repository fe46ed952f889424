// MakeVoice<Map>: the voice on reverse map `Map<limits>` that a header asks for, a page graph's or
// a whole MMU's. The body of an Engine::make.
#ifndef RMAPDIFF_FUZZERS_VOICES_MAKE_VOICE_H_
#define RMAPDIFF_FUZZERS_VOICES_MAKE_VOICE_H_

#include <memory>

#include "fuzzers/voices/built_for.h"
#include "fuzzers/voices/graph_voice.h"
#include "fuzzers/voices/mmu_voice.h"

namespace rmapdiff {

template <template <class> class Map>
std::unique_ptr<Voice> MakeVoice(const Header& header) {
  if constexpr (kBuiltForGraphs) {
    if (!header.whole_mmu()) return MakeGraphVoice<Map>(header);
  }
  if constexpr (kBuiltForMmus) {
    if (header.whole_mmu()) return MakeMmuVoice<Map>(header);
  }
  NotBuiltFor(header);
}

}  // namespace rmapdiff

#endif  // RMAPDIFF_FUZZERS_VOICES_MAKE_VOICE_H_
