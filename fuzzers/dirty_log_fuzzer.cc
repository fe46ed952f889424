// Fuzzes the whole MMU of a guest whose memory is logged from the start.
#include "fuzzers/fuzz_target.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  return rmapdiff::FuzzOne(data, size, [](const rmapdiff::Header& header) {
    return IsMmu(header, header.limits) && header.log;
  });
}
