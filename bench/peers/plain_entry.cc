// A fuzz target as a user would write it at first. It takes bytes, and libFuzzer sees nothing but
// the coverage of the code. It runs the same programs by the same RunProgram.
#include "fuzzers/fuzz_target.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  return rmapdiff::FuzzOne(data, size, rmapdiff::ThisTarget());
}
