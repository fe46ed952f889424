// MAP_TEST(Suite, Name): a test for each reverse map of more_maps/maps.bzl, with both limits.
//
// The map is a value behind AnyMap and only the limits are a type. So the compiler reads a test
// twice, however many maps there are. Suite<Limits> is a fixture whose constructor takes the maker
// of the map.
#ifndef RMAPDIFF_TESTS_MMU_MAP_TEST_H_
#define RMAPDIFF_TESTS_MMU_MAP_TEST_H_

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "mmu/graph/erased_map_of.h"
#include "more_maps/all_maps.h"
#include "more_maps/map_list.h"

namespace rmapdiff {

struct NamedMaker {
  const char* name;
  const MapMaker* maker;
};

template <template <class> class... Map>
std::vector<NamedMaker> MakersOf(MapTemplates<Map...>) {
  std::vector<NamedMaker> makers = {{nullptr, &kMapMaker<Map>}...};
  size_t at = 0;
#define RMAPDIFF_NAME(map) makers[at++].name = #map;
  RMAPDIFF_EACH_MAP(RMAPDIFF_NAME)
#undef RMAPDIFF_NAME
  return makers;
}

template <template <class> class Suite, template <class> class Test, class Limits>
void RegisterMapTest(const NamedMaker& map, const std::string& suite, const char* limits,
                     const char* name, const char* file, int line) {
  const MapMaker& maker = *map.maker;
  testing::RegisterTest((suite + "/" + map.name + limits).c_str(), name, nullptr, nullptr, file,
                        line, [&maker]() -> Suite<Limits>* { return new Test<Limits>(maker); });
}

template <template <class> class Suite, template <class> class Test>
bool RegisterMapTests(const char* suite, const char* name, const char* file, int line) {
  for (const NamedMaker& map : MakersOf(AllMapTemplates{})) {
    RegisterMapTest<Suite, Test, ProductionLimits>(map, suite, "", name, file, line);
    RegisterMapTest<Suite, Test, TinyLimits>(map, suite, "_tiny", name, file, line);
  }
  return true;
}

}  // namespace rmapdiff

// The body that follows has `L`, the limits.
#define MAP_TEST(Suite, Name)                                                     \
  template <class L>                                                              \
  struct Suite##_##Name : Suite<L> {                                              \
    using Suite<L>::Suite;                                                        \
    void TestBody() override;                                                     \
  };                                                                              \
  [[maybe_unused]] const bool Suite##_##Name##_registered =                       \
      RegisterMapTests<Suite, Suite##_##Name>(#Suite, #Name, __FILE__, __LINE__); \
  template <class L>                                                              \
  void Suite##_##Name<L>::TestBody()

#endif  // RMAPDIFF_TESTS_MMU_MAP_TEST_H_
