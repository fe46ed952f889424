// Fuzzes the codec: every input is bytes of a program, and a text that may be one.
#include <cstdio>
#include <cstdlib>

#include "fuzzers/program/codec_check.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string fault = rmapdiff::FindCodecFault({data, size});
  if (fault.empty()) return 0;
  std::fprintf(stderr, "%s\n", fault.c_str());
  std::abort();
}
