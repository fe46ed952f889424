// The reverse maps that are measured: those of more_maps/maps.bzl. Each is compiled in a file of
// its own.
#ifndef RMAPDIFF_BENCH_MAPS_H_
#define RMAPDIFF_BENCH_MAPS_H_

#include <string>
#include <vector>

#include "bench/facts.h"
#include "bench/prepared.h"

namespace rmapdiff {

struct BenchMap {
  std::string name;
  std::vector<Case> cases;
  Facts facts;
};

// In the order of their lines in reports.
const std::vector<BenchMap>& AllMaps();

}  // namespace rmapdiff

#endif  // RMAPDIFF_BENCH_MAPS_H_
