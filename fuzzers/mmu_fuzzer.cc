// Fuzzes the whole MMU in all modes with the production limits.
#include "fuzzers/fuzz_target.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  return rmapdiff::FuzzOne(data, size, [](const rmapdiff::Header& header) {
    return IsMmu(header, rmapdiff::LimitsMode::kProduction);
  });
}
