// Fuzzes the whole MMU, every step of which fails for want of memory before it succeeds.
#include "fuzzers/fuzz_target.h"

const rmapdiff::TargetKind& rmapdiff::ThisTarget() { return TargetNamed("oom_fuzzer"); }
