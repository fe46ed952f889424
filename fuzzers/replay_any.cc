// A fuzz target for every program that some fuzz target of programs takes: the header says how it
// is to be run. For replay only; a fuzzer would make programs of all kinds at once, and none well.
#include <cstddef>
#include <cstdint>

#include "fuzzers/fuzz_target.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const rmapdiff::TargetKind any = {"replay", [](const rmapdiff::Header& header) {
                                             return rmapdiff::TargetKindFor(header) != nullptr;
                                           }};
  return rmapdiff::FuzzOne(data, size, any);
}
