// The work of a fuzz target of programs, so that a target is one line.
//
// If the environment variable RMAPDIFF_STATS names a file, FuzzOne keeps live figures in it. It
// does so through a shared mapping (live_counters.h), which several processes may add to. A file
// that is neither empty nor such a block is left alone.
//
// RMAPDIFF_MAPS names the reverse maps to compare, "legacy,sibling,counted" (voices/voice.h).
// RMAPDIFF_SEARCH switches techniques of the search off, "no-splice,no-bytes"
// (search/techniques.h).
#ifndef RMAPDIFF_FUZZERS_FUZZ_TARGET_H_
#define RMAPDIFF_FUZZERS_FUZZ_TARGET_H_

#include <cstddef>
#include <cstdint>

#include "fuzzers/program/target_kinds.h"

namespace rmapdiff {

// Defined by each fuzz target; fuzz_entry.cc, the functions that libFuzzer calls, asks for it.
const TargetKind& ThisTarget();

// The kind of that name, which must be one.
const TargetKind& TargetNamed(std::string_view name);

// Runs the program that the bytes are. On a divergence it prints the report and the lines
// "CHECK: model" and "SIGNATURE: rmap-missing/drop/sibling" to stderr and aborts. One program in a
// hundred, chosen by its bytes, is run twice. It must come to the same state and verdict. Returns
// 0; or -1, which keeps the input out of the corpus, if the program is for another target.
//
// The first call prints "ENGINES: legacy=legacy_mmu/descriptor_map.h ...", the engines that are
// compared and the sources of their maps.
int FuzzOne(const uint8_t* data, size_t size, const TargetKind& kind);

}  // namespace rmapdiff

#endif  // RMAPDIFF_FUZZERS_FUZZ_TARGET_H_
