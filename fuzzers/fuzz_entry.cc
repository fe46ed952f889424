// The functions by which libFuzzer, and engines that take its targets, know a fuzz target.
#include <algorithm>
#include <vector>

#include "fuzzers/fuzz_target.h"
#include "fuzzers/search/mutator.h"
#include "fuzzers/this_search.h"

// libFuzzer's own mutations; other engines have none to offer.
extern "C" __attribute__((weak)) size_t LLVMFuzzerMutate(uint8_t* data, size_t size,
                                                         size_t max_size);

namespace rmapdiff {
namespace {

const Mutator& ThisMutator() {
  static const Mutator mutator(ThisTarget(), ThisSearch());
  return mutator;
}

size_t MaxOps(size_t max_size) {
  return max_size < kHeaderBytes ? 0 : (max_size - kHeaderBytes) / kRecordBytes;
}

// Bytes that do not fit are cut off, as always when there are too few.
size_t Put(const Program& program, uint8_t* out, size_t max_size) {
  const std::vector<uint8_t> bytes = Encode(program);
  const size_t size = std::min(bytes.size(), max_size);
  std::copy_n(bytes.begin(), size, out);
  return size;
}

constexpr unsigned kBytesOneIn = 10;  // mutations are libFuzzer's own

}  // namespace
}  // namespace rmapdiff

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  return rmapdiff::FuzzOne(data, size, rmapdiff::ThisTarget());
}

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size,
                                          unsigned seed) {
  const rmapdiff::Search& search = rmapdiff::ThisSearch();
  const bool bytes = search.bytes && seed % rmapdiff::kBytesOneIn == 0;
  if (bytes && LLVMFuzzerMutate != nullptr) {
    return LLVMFuzzerMutate(data, size, max_size);
  }
  const rmapdiff::Program parent = rmapdiff::Decode({data, size});
  return rmapdiff::Put(rmapdiff::ThisMutator().Mutate(parent, rmapdiff::MaxOps(max_size), seed),
                       data, max_size);
}

extern "C" size_t LLVMFuzzerCustomCrossOver(const uint8_t* data1, size_t size1,
                                            const uint8_t* data2, size_t size2, uint8_t* out,
                                            size_t max_size, unsigned seed) {
  const rmapdiff::Search& search = rmapdiff::ThisSearch();
  if (!search.splice) {  // no crossover: what else would happen to the first
    const size_t size = std::min(size1, max_size);
    std::copy_n(data1, size, out);
    return LLVMFuzzerCustomMutator(out, size, max_size, seed);
  }
  const rmapdiff::Program child = rmapdiff::ThisMutator().CrossOver(
      rmapdiff::Decode({data1, size1}), rmapdiff::Decode({data2, size2}),
      rmapdiff::MaxOps(max_size), seed);
  return rmapdiff::Put(child, out, max_size);
}
