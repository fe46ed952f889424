// Hazards: all that it takes for one kind of mistake in keeping vcpus, tables and TLBs in step, in
// the one order in which it shows. Each stands for a class of bugs that KVM has had, of which
// random programs come to the last step only once in thousands.
//
// A hazard says what to do, as far as the boot tables go, and may be wrong; what is wrong with what
// comes of it is for the judges to say. Probes of what a change just made leaves behind are
// aftermath.h's.
#ifndef RMAPDIFF_FUZZERS_SEARCH_GUEST_HAZARD_H_
#define RMAPDIFF_FUZZERS_SEARCH_GUEST_HAZARD_H_

#include <vector>

#include "fuzzers/guest/boot_routes.h"
#include "fuzzers/program/program.h"
#include "fuzzers/search/random.h"

namespace rmapdiff {

// One of those that such a guest can come to; nothing without paging.
std::vector<Op> DrawHazard(Random& random, const Header& header, const BootRoutes& map);

}  // namespace rmapdiff

#endif  // RMAPDIFF_FUZZERS_SEARCH_GUEST_HAZARD_H_
