// Runs all cases in list_cases.h and guest_cases.h once, on every map of maps.h, for callgrind.
// Callgrind counts the instructions of rmapdiff_measured alone, and dumps them at the end of each
// call.
//
//   valgrind --tool=callgrind --collect-atstart=no --toggle-collect=rmapdiff_measured
//       --dump-after=rmapdiff_measured --callgrind-out-file=OUT rmap_steps
//
// Prints one line for each call, in their order: OPERATION MAP N OPERATIONS. N is 0 for a workload.
#include <cstdio>

#include "bench/maps.h"

extern "C" [[gnu::noinline]] void rmapdiff_measured(rmapdiff::Prepared* prepared) {
  prepared->Run();
}

namespace rmapdiff {
namespace {

constexpr int kLists = 2;

void Step(const BenchMap& map, const Case& measured, const Shape& shape) {
  const auto prepared = measured.prepare(shape);
  // Runs once before that. Costs of the first Run alone (memory of vectors) are not the map's.
  prepared->Run();
  prepared->Restore();
  rmapdiff_measured(prepared.get());
  std::printf("%s %s %d %d\n", measured.name.c_str(), map.name.c_str(),
              measured.guest ? 0 : shape.n, prepared->operations());
}

void StepAll(const BenchMap& map, const Case& measured) {
  for (const int n : kLengths) {
    Step(map, measured, {n, Layout::kPacked, kLists});
    if (measured.guest) break;
  }
}

}  // namespace
}  // namespace rmapdiff

int main() {
  for (const rmapdiff::BenchMap& map : rmapdiff::AllMaps()) {
    for (const rmapdiff::Case& measured : map.cases) rmapdiff::StepAll(map, measured);
  }
  return 0;
}
