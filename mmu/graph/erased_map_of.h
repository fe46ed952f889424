// ErasedMapOf<R>: the reverse map R behind an AnyMap. kMapMaker<Map> makes one.
//
// Only this file is compiled for each map. The page graph and the shadow MMU are not.
#ifndef RMAPDIFF_MMU_GRAPH_ERASED_MAP_OF_H_
#define RMAPDIFF_MMU_GRAPH_ERASED_MAP_OF_H_

#include <cstdio>

#include "mmu/graph/any_map.h"

namespace rmapdiff {

// UBSan skips the functions that only pass a call on. It watches the map's own functions.
#if defined(__clang__)
#pragma clang attribute push(__attribute__((no_sanitize("undefined"))), apply_to = function)
#endif

template <ReverseMap R>
class ErasedMapOf final : public ErasedMap {
  using Head = typename R::Head;
  using Page = typename R::Page;
  using Caches = typename R::Caches;

  static_assert(sizeof(Head) <= AnyHead::kBytes && alignof(Head) <= alignof(AnyHead),
                "raise AnyHead::kBytes");
  static_assert(sizeof(Page) <= sizeof(AnyPage) && alignof(Page) <= alignof(AnyPage),
                "raise AnyPage::kBytes");
  static_assert(sizeof(Caches) <= AnyCaches::kBytes && alignof(Caches) <= alignof(AnyCaches),
                "raise AnyCaches::kBytes");
  static_assert(std::is_trivially_copyable_v<Head>, "memslots move their heads");
  static_assert(std::is_trivially_destructible_v<Page> && std::is_trivially_destructible_v<Caches>,
                "nothing is destroyed: the host's memory is taken back as a whole");

 public:
  explicit ErasedMapOf(HostMemory& memory) : map_(memory) {
    static const bool kZeroed = (CheckZeroes(), true);
    (void)kZeroed;
  }

  int Add(AnyCaches& caches, AnyHead& head, Spte* sptep) override {
    return map_.Add(Own(caches), Own(head), sptep);
  }
  bool AddReturnAgrees(int returned, int exact) const override {
    return R::AddReturnAgrees(returned, exact);
  }
  void Remove(AnyHead& head, Spte* sptep) override { map_.Remove(Own(head), sptep); }
  Spte* Next(const AnyHead& head, Spte* cur, AnyCursor& cursor) const override {
    if constexpr (HasCursor<R>) {
      using Cursor = typename R::Cursor;
      static_assert(sizeof(Cursor) <= AnyCursor::kBytes && alignof(Cursor) <= alignof(AnyCursor),
                    "raise AnyCursor::kBytes");
      static_assert(std::is_trivially_copyable_v<Cursor>, "a cursor is forgotten without notice");
      return map_.Next(Own(head), cur, *reinterpret_cast<Cursor*>(cursor.bytes));
    } else {
      return map_.Next(Own(head), cur);
    }
  }
  int Count(const AnyHead& head) const override { return map_.Count(Own(head)); }

  void InitParents(AnyPage& page, Spte* sptep) override { map_.InitParents(Own(page), sptep); }
  void AddParent(AnyCaches& caches, AnyPage& page, Spte* sptep) override {
    map_.AddParent(Own(caches), Own(page), sptep);
  }
  void RemoveParent(AnyPage& page, Spte* sptep) override { map_.RemoveParent(Own(page), sptep); }
  void ForEachParent(const AnyPage& page, Visit visit) const override {
    map_.ForEachParent(Own(page), visit);
  }
  void UnlinkParents(AnyPage& page, Visit store) override { map_.UnlinkParents(Own(page), store); }

  int page_cache_min() const override { return R::kPageCacheMin; }
  bool TopUp(AnyCaches& caches) override { return map_.TopUp(Own(caches)); }
  void Drain(AnyCaches& caches) override { map_.Drain(Own(caches)); }
  void AllocStorage(MemoryCache& pages, AnyPage& page, bool direct) override {
    constexpr size_t kUnused = sizeof(AnyPage) - sizeof(Page);
    PoisonMemory(reinterpret_cast<std::byte*>(&page) + sizeof(Page), kUnused);
    map_.AllocStorage(pages, Own(page), direct);
  }
  void FreeStorage(Pool& page_pool, AnyPage& page, bool direct) override {
    map_.FreeStorage(page_pool, Own(page), direct);
  }
  void ForEachPool(VisitPool visit) const override { map_.ForEachPool(visit); }

  std::string AuditRmap(const AnyHead& head) const override {
    if constexpr (HasAudits<R>) return map_.AuditRmap(Own(head));
    return "";
  }
  std::string AuditParents(const AnyPage& page) const override {
    if constexpr (HasAudits<R>) return map_.AuditParents(Own(page));
    return "";
  }

  bool has_objects() const override { return kHasObjects; }
  int rmap_block() const override { return RmapBlockOf<R>(); }
  int parent_block() const override { return ParentBlockOf<R>(); }
  std::vector<uint32_t> DescriptorSizes(const AnyHead& head) const override {
    if constexpr (kHasObjects) return map_.DescriptorSizes(Own(head));
    return {};
  }
  std::vector<uint32_t> ChainSizes(const AnyPage& page) const override {
    if constexpr (kHasObjects) return map_.ChainSizes(Own(page));
    return {};
  }

 private:
  static constexpr bool kHasObjects = requires(const R& map, const Head& head, const Page& page) {
    map.DescriptorSizes(head);
    map.ChainSizes(page);
  };

  // Constructing a head or a page in zero bytes has to leave them zero.
  static void CheckZeroes() {
    static constexpr std::byte kZeroes[sizeof(AnyPage)] = {};
    alignas(Head) std::byte head[sizeof(Head)] = {};
    alignas(Page) std::byte page[sizeof(Page)] = {};
    new (head) Head{};
    new (page) Page{};
    Expect(std::memcmp(head, kZeroes, sizeof head) == 0, "an empty head");
    constexpr size_t kHeader = sizeof(ShadowPage);
    Expect(std::memcmp(page + kHeader, kZeroes, sizeof page - kHeader) == 0, "a new page");
  }
  static void Expect(bool zero, const char* what) {
    if (zero) return;
    std::fprintf(stderr, "expected %s of this reverse map to be zero in all its bytes\n", what);
    std::abort();
  }

  static Head& Own(AnyHead& head) { return *reinterpret_cast<Head*>(head.bytes); }
  static const Head& Own(const AnyHead& head) { return *reinterpret_cast<const Head*>(head.bytes); }
  static Page& Own(AnyPage& page) { return static_cast<Page&>(static_cast<ShadowPage&>(page)); }
  static const Page& Own(const AnyPage& page) {
    return static_cast<const Page&>(static_cast<const ShadowPage&>(page));
  }
  static Caches& Own(AnyCaches& caches) {
    if (!caches.made) new (caches.bytes) Caches{};
    caches.made = true;
    return *reinterpret_cast<Caches*>(caches.bytes);
  }

  R map_;
};

#if defined(__clang__)
#pragma clang attribute pop
#endif

template <template <class> class Map, class Limits>
std::unique_ptr<ErasedMap> MakeErasedMap(HostMemory& memory) {
  return std::make_unique<ErasedMapOf<Map<Limits>>>(memory);
}

template <template <class> class Map>
inline constexpr MapMaker kMapMaker = {
    .production = MakeErasedMap<Map, ProductionLimits>,
    .tiny = MakeErasedMap<Map, TinyLimits>,
};

}  // namespace rmapdiff

#endif  // RMAPDIFF_MMU_GRAPH_ERASED_MAP_OF_H_
