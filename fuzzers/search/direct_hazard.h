// Hazards (guest_hazard.h) of guests whose addresses are frames: without paging, and with TDP.
#ifndef RMAPDIFF_FUZZERS_SEARCH_DIRECT_HAZARD_H_
#define RMAPDIFF_FUZZERS_SEARCH_DIRECT_HAZARD_H_

#include <vector>

#include "fuzzers/guest/boot_routes.h"
#include "fuzzers/program/program.h"
#include "fuzzers/search/random.h"

namespace rmapdiff {

// REQUIRES: the header is one of these.
std::vector<Op> DrawDirectHazard(Random& random, const Header& header, const BootRoutes& map);

}  // namespace rmapdiff

#endif  // RMAPDIFF_FUZZERS_SEARCH_DIRECT_HAZARD_H_
