// What a fuzz target of programs does with one input, so that a target is one call.
//
// If the environment variable RMAPDIFF_STATS names a file, live figures are kept in it, through a
// shared mapping: a supervisor can read them at any time, several processes add to the same ones,
// and they survive a crash. Layout, in the machine's byte order: 8 bytes "RMAPDIFF", then as uint64
// the version (1), execs, ops, findings. A file that is neither empty nor such a block is left
// alone.
#ifndef RMAPDIFF_FUZZERS_FUZZ_TARGET_H_
#define RMAPDIFF_FUZZERS_FUZZ_TARGET_H_

#include <cstddef>
#include <cstdint>

#include "fuzzers/program.h"

namespace rmapdiff {

// Runs the program that the bytes are. On a divergence prints the report and a line
// "SIGNATURE: rmap-missing/drop/sibling" to stderr and aborts. Returns 0; or -1, which keeps the
// input out of the corpus, if the program is one for other limits.
int FuzzOne(const uint8_t* data, size_t size, LimitsMode limits);

}  // namespace rmapdiff

#endif  // RMAPDIFF_FUZZERS_FUZZ_TARGET_H_
