// A probe as a program of its own, to be built with sanitizers: requests on standard input, answers
// on standard output. Not for people; `rmapdiff repro` and `rmapdiff minimize` start it.
#include <link.h>
#include <unistd.h>

#include <cstddef>
#include <vector>

#include "fuzzers/finding/probe.h"

// None of this is to be counted itself, and the counters are of a kind that no sanitizer knows.
#define RMAPDIFF_UNWATCHED __attribute__((no_sanitize("address", "undefined", "coverage")))

namespace rmapdiff {
namespace {

// The compiler's tables: a counter for each block of code, and a pair of its address and flags.
struct BlockTable {
  char* begin = nullptr;
  char* end = nullptr;
  const uintptr_t* addresses = nullptr;
};
BlockTable table;

RMAPDIFF_UNWATCHED uintptr_t BaseAddress() {
  uintptr_t base = 0;
  const auto first = [](dl_phdr_info* info, size_t, void* result) {
    *static_cast<uintptr_t*>(result) = info->dlpi_addr;
    return 1;  // the program itself comes first
  };
  dl_iterate_phdr(first, &base);
  return base;
}

RMAPDIFF_UNWATCHED void Reset() {
  for (char* counter = table.begin; counter != table.end; ++counter) *counter = 0;
}

RMAPDIFF_UNWATCHED void Collect(std::vector<uint64_t>* blocks) {
  if (table.addresses == nullptr) return;
  // First what ran, then the list of it: that runs blocks itself.
  std::vector<char> ran(table.begin, table.end);
  const uintptr_t base = BaseAddress();
  for (size_t i = 0; i < ran.size(); ++i) {
    if (ran[i] != 0) blocks->push_back(table.addresses[2 * i] - base);
  }
}

}  // namespace
}  // namespace rmapdiff

extern "C" {

// The compiler's own hooks: called once before main, with all there is in a program that is linked
// statically.
RMAPDIFF_UNWATCHED void __sanitizer_cov_8bit_counters_init(char* begin, char* end) {
  rmapdiff::table.begin = begin;
  rmapdiff::table.end = end;
}
RMAPDIFF_UNWATCHED void __sanitizer_cov_pcs_init(const uintptr_t* begin, const uintptr_t*) {
  rmapdiff::table.addresses = begin;
}
}

int main() {
  const rmapdiff::BlockWatch watch{rmapdiff::Reset, rmapdiff::Collect};
  return rmapdiff::ServeProbe(STDIN_FILENO, STDOUT_FILENO, &watch);
}
