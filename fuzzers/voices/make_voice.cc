#include "fuzzers/voices/make_voice.h"

#include "fuzzers/voices/any_voice.h"

namespace rmapdiff {

std::unique_ptr<Voice> MakeVoiceOn(const MapMaker& maker, const Header& header) {
  const bool tiny = header.limits == LimitsMode::kTiny;
  if (header.whole_mmu()) {
    return tiny ? MakeTinyMmuVoice(maker, header) : MakeProductionMmuVoice(maker, header);
  }
  return tiny ? MakeTinyGraphVoice(maker, header) : MakeProductionGraphVoice(maker, header);
}

}  // namespace rmapdiff
