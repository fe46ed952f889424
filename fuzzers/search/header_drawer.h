// Headers at random, for the programs of one fuzz target.
#ifndef RMAPDIFF_FUZZERS_SEARCH_HEADER_DRAWER_H_
#define RMAPDIFF_FUZZERS_SEARCH_HEADER_DRAWER_H_

#include "fuzzers/program/program.h"
#include "fuzzers/program/target_kinds.h"
#include "fuzzers/search/random.h"

namespace rmapdiff {

// A random header that the target accepts. Limits are tiny where it has both. Headers that end
// programs early (misuse, native recycling) are rare.
Header DrawHeader(const TargetKind& kind, Random& random);

}  // namespace rmapdiff

#endif  // RMAPDIFF_FUZZERS_SEARCH_HEADER_DRAWER_H_
