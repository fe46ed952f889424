// Fuzzes the whole MMU where it maps without guest tables: no paging, and TDP.
#include "fuzzers/fuzz_target.h"

const rmapdiff::TargetKind& rmapdiff::ThisTarget() { return TargetNamed("direct_fuzzer"); }
