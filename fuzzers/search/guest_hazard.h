// Hazards: all the steps to one kind of mistake in keeping vcpus, tables and TLBs in step. They
// come in the order in which the mistake shows. Each hazard stands for a class of bugs that KVM has
// had. Random programs come to its last step only once in thousands.
//
// A hazard goes by the boot tables, and may be wrong. The judges decide what is wrong with the
// result. For the leftovers of a single change, aftermath.h has probes.
#ifndef RMAPDIFF_FUZZERS_SEARCH_GUEST_HAZARD_H_
#define RMAPDIFF_FUZZERS_SEARCH_GUEST_HAZARD_H_

#include <vector>

#include "fuzzers/guest/boot_routes.h"
#include "fuzzers/program/program.h"
#include "fuzzers/search/random.h"

namespace rmapdiff {

// One of those that a guest of this header can come to.
std::vector<Op> DrawHazard(Random& random, const Header& header, const BootRoutes& map);

}  // namespace rmapdiff

#endif  // RMAPDIFF_FUZZERS_SEARCH_GUEST_HAZARD_H_
