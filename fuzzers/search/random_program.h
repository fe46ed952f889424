// Random programs: integer arithmetic on SplitMix64, so the same on every platform.
#ifndef RMAPDIFF_FUZZERS_SEARCH_RANDOM_PROGRAM_H_
#define RMAPDIFF_FUZZERS_SEARCH_RANDOM_PROGRAM_H_

#include <cstddef>
#include <cstdint>

#include "fuzzers/program/program.h"

namespace rmapdiff {

// `count` operations drawn by weight, arguments mostly from the hot pools and mostly such that the
// operation applies; the same for the same header, count and seed.
Program RandomProgram(const Header& header, size_t count, uint64_t seed);

}  // namespace rmapdiff

#endif  // RMAPDIFF_FUZZERS_SEARCH_RANDOM_PROGRAM_H_
