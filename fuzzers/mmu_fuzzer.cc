// Fuzzes the whole MMU in all modes with the production limits.
#include "fuzzers/fuzz_target.h"

const rmapdiff::TargetKind& rmapdiff::ThisTarget() { return TargetNamed("mmu_fuzzer"); }
