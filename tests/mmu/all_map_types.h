// The maps of more_maps/maps.bzl as lists of types for typed tests.
#ifndef RMAPDIFF_TESTS_MMU_ALL_MAP_TYPES_H_
#define RMAPDIFF_TESTS_MMU_ALL_MAP_TYPES_H_

#include <gtest/gtest.h>

#include "more_maps/all_maps.h"
#include "tests/mmu/map_fixture.h"

namespace rmapdiff {

template <class Templates>
struct TypesOf;

template <template <class> class... Map>
struct TypesOf<MapTemplates<Map...>> {
  // Every map with both limits, and `More` maps.
  template <class... More>
  using Maps = testing::Types<Map<ProductionLimits>..., Map<TinyLimits>..., More...>;
  // Both kinds of list of each.
  template <class... More>
  using Lists = testing::Types<RmapList<Map<ProductionLimits>>..., RmapList<Map<TinyLimits>>...,
                               ParentList<Map<ProductionLimits>>..., ParentList<Map<TinyLimits>>...,
                               RmapList<More>..., ParentList<More>...>;
};

using AllMapTypes = TypesOf<AllMapTemplates>;

}  // namespace rmapdiff

#endif  // RMAPDIFF_TESTS_MMU_ALL_MAP_TYPES_H_
