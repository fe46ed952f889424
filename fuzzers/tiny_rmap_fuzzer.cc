// Fuzzes the reverse maps with the tiny limits.
#include "fuzzers/fuzz_target.h"

const rmapdiff::TargetKind& rmapdiff::ThisTarget() { return TargetNamed("tiny_rmap_fuzzer"); }
