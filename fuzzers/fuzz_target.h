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
// input out of the corpus, if `accepts` says that a program with this header is for another target.
int FuzzOne(const uint8_t* data, size_t size, bool (*accepts)(const Header& header));

// Whether the program is one on a page graph, or on a whole MMU as it should be (no latent bug put
// back, allocations that fail only by an operation of their own), with these limits.
inline bool IsGraph(const Header& header, LimitsMode limits) {
  return !header.whole_mmu() && header.limits == limits;
}
inline bool IsMmu(const Header& header, LimitsMode limits) {
  return header.whole_mmu() && header.limits == limits && header.quirk == QuirkMode::kNone &&
         !header.oom;
}

}  // namespace rmapdiff

#endif  // RMAPDIFF_FUZZERS_FUZZ_TARGET_H_
