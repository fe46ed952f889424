// Fuzzes the whole MMU in all modes with the tiny limits.
#include "fuzzers/fuzz_target.h"

const rmapdiff::TargetKind& rmapdiff::ThisTarget() { return TargetNamed("tiny_mmu_fuzzer"); }
