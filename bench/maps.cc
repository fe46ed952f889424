#include "bench/maps.h"

namespace rmapdiff {

const std::vector<BenchMap>& AllMaps() {
  static const std::vector<BenchMap>* maps = new std::vector<BenchMap>{
      LegacyMap(),
      SiblingListMap(),
      CountedMap(),
  };
  return *maps;
}

}  // namespace rmapdiff
