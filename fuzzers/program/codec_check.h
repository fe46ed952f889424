// The codec's promises for every input (program.h, invariants 1 and 3), tested on one input.
//
// Not covered: the canonical bytes and texts themselves. tests/fuzzers/program/program_test.cc pins
// those.
#ifndef RMAPDIFF_FUZZERS_PROGRAM_CODEC_CHECK_H_
#define RMAPDIFF_FUZZERS_PROGRAM_CODEC_CHECK_H_

#include <cstdint>
#include <span>
#include <string>

namespace rmapdiff {

// Reads `input` as bytes and as text, and takes each resulting program once around every form.
// Returns the first promise that is broken, in words, or "".
std::string FindCodecFault(std::span<const uint8_t> input);

}  // namespace rmapdiff

#endif  // RMAPDIFF_FUZZERS_PROGRAM_CODEC_CHECK_H_
