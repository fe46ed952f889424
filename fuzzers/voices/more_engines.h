// The maps of more_maps/ as engines. An MMU beside the two of AllEngines costs a run a quarter to a
// third of its speed, so these join where they are asked for: tests/fuzzers/voices/more_maps_test
// runs them beside the others, and built with --config=all-maps they are in AllEngines, so in every
// fuzz target and command.
#ifndef RMAPDIFF_FUZZERS_VOICES_MORE_ENGINES_H_
#define RMAPDIFF_FUZZERS_VOICES_MORE_ENGINES_H_

#include <memory>
#include <vector>

#include "fuzzers/voices/voice.h"

namespace rmapdiff {

std::unique_ptr<Voice> MakeCountedVoice(const Header& header);

const std::vector<Engine>& MoreEngines();

}  // namespace rmapdiff

#endif  // RMAPDIFF_FUZZERS_VOICES_MORE_ENGINES_H_
