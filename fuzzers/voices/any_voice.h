// The voices on AnyMap<Limits>, each compiled in a file of its own: graph_voice_*.cc and
// mmu_voice_*.cc.
#ifndef RMAPDIFF_FUZZERS_VOICES_ANY_VOICE_H_
#define RMAPDIFF_FUZZERS_VOICES_ANY_VOICE_H_

#include <memory>

#include "fuzzers/voices/voice.h"
#include "mmu/graph/any_map.h"

namespace rmapdiff {

// REQUIRES: the header asks for these limits, and for a page graph.
std::unique_ptr<Voice> MakeProductionGraphVoice(const MapMaker& maker, const Header& header);
std::unique_ptr<Voice> MakeTinyGraphVoice(const MapMaker& maker, const Header& header);

// ... and for a whole MMU.
std::unique_ptr<Voice> MakeProductionMmuVoice(const MapMaker& maker, const Header& header);
std::unique_ptr<Voice> MakeTinyMmuVoice(const MapMaker& maker, const Header& header);

}  // namespace rmapdiff

#endif  // RMAPDIFF_FUZZERS_VOICES_ANY_VOICE_H_
