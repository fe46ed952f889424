// A fuzz target that reads uninitialised memory, if its input is not empty. memcheck_test must see
// that.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t*, size_t size) {
  const std::unique_ptr<uint64_t> spte(new uint64_t);
  if (size == 0) *spte = 0;
  if ((*spte & 1) != 0) std::fprintf(stderr, "present\n");
  return 0;
}
