// A fuzz target as one would write it at first: bytes in, nothing told to libFuzzer but the
// coverage of the code. The same programs, the same RunProgram.
#include "fuzzers/fuzz_target.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  return rmapdiff::FuzzOne(data, size, rmapdiff::ThisTarget());
}
