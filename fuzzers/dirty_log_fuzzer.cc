// Fuzzes the whole MMU of a guest whose memory is logged from the start.
#include "fuzzers/fuzz_target.h"

const rmapdiff::TargetKind& rmapdiff::ThisTarget() { return TargetNamed("dirty_log_fuzzer"); }
