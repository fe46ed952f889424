// Fuzzes the whole MMU, every step of which fails for want of memory before it succeeds.
#include "fuzzers/fuzz_target.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  return rmapdiff::FuzzOne(data, size, [](const rmapdiff::Header& header) {
    return header.whole_mmu() && header.oom && header.quirk == rmapdiff::QuirkMode::kNone;
  });
}
