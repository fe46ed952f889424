// The checks that AnyMap adds to the map behind it. reverse_map_test and page_graph_test show that
// maps behind it are reverse maps: they have some among their types.
#include "mmu/graph/any_map.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "legacy_mmu/descriptor_map.h"
#include "mmu/graph/erased_map_of.h"
#include "mmu/sibling_map.h"
#include "tests/mmu/behind_any_map.h"
#include "tests/mmu/map_fixture.h"

namespace rmapdiff {
namespace {

using Sibling = Behind<SiblingMap, TinyLimits>;
using Legacy = Behind<DescriptorMap, TinyLimits>;

TEST(AnyMap, EachMapTellsItsOwnRulesAndNumbers) {
  HostMemory memory(HostMemory::Reuse::kQuarantine);
  const AnyMap<TinyLimits> sibling(memory, kMapMaker<SiblingMap>);
  const AnyMap<TinyLimits> legacy(memory, kMapMaker<DescriptorMap>);
  const AnyMap<ProductionLimits> production(memory, kMapMaker<DescriptorMap>);
  EXPECT_EQ(sibling.kPageCacheMin, 12);
  EXPECT_EQ(legacy.kPageCacheMin, 8);
  EXPECT_TRUE(sibling.AddReturnAgrees(5, 5));
  EXPECT_FALSE(sibling.AddReturnAgrees(2, 5));
  EXPECT_TRUE(legacy.AddReturnAgrees(2, 5)) << "a descriptor of two";
  EXPECT_FALSE(production.AddReturnAgrees(2, 5)) << "a descriptor of four";
}

TEST(AnyMap, OnlyListsOfObjectsHaveSizesToShow) {
  MapHost<Legacy> legacy;
  MapHost<Sibling> sibling;
  AnyHead head{};
  AnyHead sibling_head{};
  for (int i = 0; i < 3; ++i) {
    legacy.TopUp();
    legacy.map.Add(legacy.caches, head, legacy.Slot(i));
    sibling.map.Add(sibling.caches, sibling_head, sibling.Slot(i));
  }
  EXPECT_TRUE(legacy.map.has_objects());
  EXPECT_EQ(legacy.map.DescriptorSizes(head), (std::vector<uint32_t>{2, 1}));
  EXPECT_FALSE(sibling.map.has_objects());
  EXPECT_TRUE(sibling.map.DescriptorSizes(sibling_head).empty());

  AnyPage& page = legacy.NewPage();
  legacy.map.InitParents(page, legacy.Slot(4));
  legacy.map.AddParent(legacy.caches, page, legacy.Slot(5));
  EXPECT_EQ(legacy.map.ChainSizes(page), (std::vector<uint32_t>{2}));
}

// A map that writes one byte behind its page.
template <class L>
struct WritesBehindItsPage : SiblingMap<L> {
  using Base = SiblingMap<L>;
  using Base::Base;
  void InitParents(typename Base::Page& page, Spte* sptep) {
    *reinterpret_cast<volatile char*>(&page + 1) = 1;
    Base::InitParents(page, sptep);
  }
};

#if defined(__has_feature) && __has_feature(address_sanitizer)
TEST(AnyMapDeathTest, AStoreBehindTheFieldsOfAPageIsFoundAndNamesTheMap) {
  MapHost<Behind<WritesBehindItsPage, TinyLimits>> host;
  AnyPage& page = host.NewPage();
  EXPECT_DEATH(host.map.InitParents(page, nullptr), "use-after-poison(.|\n)*WritesBehindItsPage");
}
#else
TEST(AnyMap, ThereIsRoomBehindTheFieldsOfAPage) {
  MapHost<Behind<WritesBehindItsPage, TinyLimits>> host;
  host.map.InitParents(host.NewPage(), nullptr);
}
#endif

struct HeadOfOnes {
  uint32_t length = 1;
};

template <class L>
struct NeverEmpty : SiblingMap<L> {
  using Head = HeadOfOnes;
  using Base = SiblingMap<L>;
  using Base::Base;
  int Add(typename Base::Caches&, Head&, Spte*) { return 0; }
  void Remove(Head&, Spte*) {}
  Spte* Next(const Head&, Spte*) const { return nullptr; }
  int Count(const Head&) const { return 0; }
};

TEST(AnyMapDeathTest, AHeadThatIsNotEmptyWhenItIsZeroIsTold) {
  HostMemory memory(HostMemory::Reuse::kQuarantine);
  EXPECT_DEATH(AnyMap<TinyLimits>(memory, kMapMaker<NeverEmpty>),
               "expected an empty head of this reverse map to be zero");
}

template <class L>
struct NeverFresh : DescriptorMap<L> {
  using Base = DescriptorMap<L>;
  using Base::Base;
  struct Page : Base::Page {
    int parents = -1;
  };
};

TEST(AnyMapDeathTest, APageThatIsNotNewWhenItIsZeroIsTold) {
  HostMemory memory(HostMemory::Reuse::kQuarantine);
  EXPECT_DEATH(AnyMap<TinyLimits>(memory, kMapMaker<NeverFresh>),
               "expected a new page of this reverse map to be zero");
}

TEST(FunctionRef, CallsWhatItRefersTo) {
  int sum = 0;
  auto add = [&sum](int more) { return sum += more; };
  const FunctionRef<int(int)> ref = add;
  const FunctionRef<int(int)> copy = ref;
  EXPECT_EQ(ref(2), 2);
  EXPECT_EQ(copy(3), 5);
}

}  // namespace
}  // namespace rmapdiff
