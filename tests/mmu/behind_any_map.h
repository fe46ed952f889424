// Behind<Map, Limits>: a reverse map behind AnyMap. It has the face of the map itself, for tests
// that are typed by their map.
#ifndef RMAPDIFF_TESTS_MMU_BEHIND_ANY_MAP_H_
#define RMAPDIFF_TESTS_MMU_BEHIND_ANY_MAP_H_

#include "mmu/graph/any_map.h"
#include "mmu/graph/erased_map_of.h"

namespace rmapdiff {

template <template <class> class Map, class Limits>
class Behind : public AnyMap<Limits> {
 public:
  static constexpr int kPageCacheMin = Map<Limits>::kPageCacheMin;
  static constexpr int kRmapBlock = RmapBlockOf<Map<Limits>>();
  static constexpr int kParentBlock = ParentBlockOf<Map<Limits>>();

  explicit Behind(HostMemory& memory) : AnyMap<Limits>(memory, kMapMaker<Map>) {}

  static bool AddReturnAgrees(int returned, int exact) {
    return Map<Limits>::AddReturnAgrees(returned, exact);
  }
};

}  // namespace rmapdiff

#endif  // RMAPDIFF_TESTS_MMU_BEHIND_ANY_MAP_H_
