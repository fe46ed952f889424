// Random headers and programs: integer arithmetic on SplitMix64, so the same on every platform.
#ifndef RMAPDIFF_FUZZERS_SEARCH_RANDOM_PROGRAM_H_
#define RMAPDIFF_FUZZERS_SEARCH_RANDOM_PROGRAM_H_

#include <cstddef>
#include <cstdint>

#include "fuzzers/program/program.h"
#include "fuzzers/program/target_kinds.h"
#include "fuzzers/search/random.h"

namespace rmapdiff {

// A random header that the target accepts. Limits are tiny where it has both. Headers that end
// programs early (misuse, native recycling) are rare.
Header DrawHeader(const TargetKind& kind, Random& random);

// `count` operations drawn by weight, with arguments mostly from the hot pools, mostly such that
// the operation applies. The same header, count and seed have the same program.
Program RandomProgram(const Header& header, size_t count, uint64_t seed);

}  // namespace rmapdiff

#endif  // RMAPDIFF_FUZZERS_SEARCH_RANDOM_PROGRAM_H_
