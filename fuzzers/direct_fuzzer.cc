// Fuzzes the whole MMU where it maps without guest tables: no paging, and TDP.
#include "fuzzers/fuzz_target.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  return rmapdiff::FuzzOne(data, size, [](const rmapdiff::Header& header) {
    return IsMmu(header, header.limits) && header.mode >= rmapdiff::MmuMode::kNonPaging;
  });
}
