// The reverse maps that are measured. Each is compiled in a file of its own (legacy_map.cc ...). To
// add a map, write such a file of one line, a line here and a line in maps.cc.
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

BenchMap LegacyMap();
BenchMap SiblingListMap();
BenchMap CountedMap();

// In the order of their lines in reports.
const std::vector<BenchMap>& AllMaps();

}  // namespace rmapdiff

#endif  // RMAPDIFF_BENCH_MAPS_H_
