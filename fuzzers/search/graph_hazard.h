// Hazards of page graphs: all the steps to one kind of mistake, in the order in which it shows. For
// those of a whole MMU see guest_hazard.h.
//
// A hazard makes its own pages, under ids that random operations seldom use. It may fail where
// another page is in the way. The model decides what is wrong with the result.
#ifndef RMAPDIFF_FUZZERS_SEARCH_GRAPH_HAZARD_H_
#define RMAPDIFF_FUZZERS_SEARCH_GRAPH_HAZARD_H_

#include <vector>

#include "fuzzers/program/ops.h"
#include "fuzzers/search/random.h"

namespace rmapdiff {

std::vector<Op> DrawGraphHazard(Random& random);

}  // namespace rmapdiff

#endif  // RMAPDIFF_FUZZERS_SEARCH_GRAPH_HAZARD_H_
