// How the engines of AllEngines (voice.h) are made: one function each, in a file of its own, so
// that the templates of the MMUs are compiled side by side.
#ifndef RMAPDIFF_FUZZERS_VOICES_ENGINES_H_
#define RMAPDIFF_FUZZERS_VOICES_ENGINES_H_

#include <memory>

#include "fuzzers/voices/voice.h"

namespace rmapdiff {

std::unique_ptr<Voice> MakeLegacyVoice(const Header& header);
std::unique_ptr<Voice> MakeSiblingVoice(const Header& header);

}  // namespace rmapdiff

#endif  // RMAPDIFF_FUZZERS_VOICES_ENGINES_H_
