// The configuration that a header asks of a whole MMU. Beside the MMU, this file alone knows the
// quirks that are off by default.
#ifndef RMAPDIFF_FUZZERS_VOICES_MMU_CONFIG_H_
#define RMAPDIFF_FUZZERS_VOICES_MMU_CONFIG_H_

#include "fuzzers/program/program.h"
#include "mmu/shadow/shadow_mmu.h"

namespace rmapdiff {

// REQUIRES: a header of a whole MMU.
MmuConfig ConfigOf(const Header& header);

}  // namespace rmapdiff

#endif  // RMAPDIFF_FUZZERS_VOICES_MMU_CONFIG_H_
