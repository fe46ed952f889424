// Fuzzes the reverse maps with the production limits.
#include "fuzzers/fuzz_target.h"

const rmapdiff::TargetKind& rmapdiff::ThisTarget() { return TargetNamed("rmap_fuzzer"); }
