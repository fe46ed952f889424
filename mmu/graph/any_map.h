// AnyMap<L>: a reverse map whose class only the running program knows.
//
//   PageGraph<AnyMap<L>>  ──▶  ErasedMap          a virtual interface without types of a map
//     compiled once, for        ▲
//     all maps                  ErasedMapOf<R>    the map R behind it: a small object file each
//
// PageGraph and ShadowMmu are templates over the map. With sanitizers they take a minute of the
// processor to compile. On AnyMap they are compiled once, and each map by itself in a second.
// Benchmarks compile the templates on the map itself, so that they time no call in between.
//
// AnyHead, AnyPage and AnyCaches are memory of a fixed size. ErasedMapOf<R> keeps the objects of R
// in it. A map that needs more does not compile, and the message names the constant to raise.
//
// Invariants
//  1. Zero bytes are an empty head of R, and the fields of R in a new page. The kernel zeroes its
//     slab objects as well. ErasedMapOf<R> checks both.
//  2. AddressSanitizer finds accesses beyond the last field of a page of R. The room in AnyPage for
//     larger maps does not hide them.
// Not covered: maps whose heads or pages need a destructor (fuzzers/voices/plain_map.h).
#ifndef RMAPDIFF_MMU_GRAPH_ANY_MAP_H_
#define RMAPDIFF_MMU_GRAPH_ANY_MAP_H_

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <string>
#include <type_traits>
#include <vector>

#include "mmu/base/function_ref.h"
#include "mmu/graph/limits.h"
#include "mmu/graph/reverse_map.h"

namespace rmapdiff {

// The head of one frame: 8 bytes, the word that the kernel spends on it.
struct AnyHead {
  static constexpr size_t kBytes = 8;
  alignas(uint64_t) std::byte bytes[kBytes];  // 0 once it is value-initialised
};

struct AnyPage : ShadowPage {
  static constexpr size_t kBytes = 32;  // beside the ShadowPage
  alignas(uint64_t) std::byte bytes[kBytes]{};
};

struct AnyCaches {
  static constexpr size_t kBytes = 3 * sizeof(MemoryCache);
  bool made = false;  // `bytes` are caches of the map
  alignas(MemoryCache) std::byte bytes[kBytes];
};

struct AnyCursor {
  static constexpr size_t kBytes = 32;
  alignas(uint64_t) std::byte bytes[kBytes];  // 0 once it is value-initialised
};

// The functions of a reverse map, see reverse_map.h.
class ErasedMap {
 public:
  using Visit = FunctionRef<void(Spte*)>;
  using VisitPool = FunctionRef<void(const Pool&)>;

  virtual ~ErasedMap() = default;

  virtual int Add(AnyCaches& caches, AnyHead& head, Spte* sptep) = 0;
  virtual bool AddReturnAgrees(int returned, int exact) const = 0;
  virtual void Remove(AnyHead& head, Spte* sptep) = 0;
  virtual Spte* Next(const AnyHead& head, Spte* cur, AnyCursor& cursor) const = 0;
  virtual int Count(const AnyHead& head) const = 0;

  virtual void InitParents(AnyPage& page, Spte* sptep) = 0;
  virtual void AddParent(AnyCaches& caches, AnyPage& page, Spte* sptep) = 0;
  virtual void RemoveParent(AnyPage& page, Spte* sptep) = 0;
  virtual void ForEachParent(const AnyPage& page, Visit visit) const = 0;
  virtual void UnlinkParents(AnyPage& page, Visit store) = 0;

  virtual int page_cache_min() const = 0;
  virtual bool TopUp(AnyCaches& caches) = 0;
  virtual void Drain(AnyCaches& caches) = 0;
  virtual void AllocStorage(MemoryCache& pages, AnyPage& page, bool direct) = 0;
  virtual void FreeStorage(Pool& page_pool, AnyPage& page, bool direct) = 0;
  virtual void ForEachPool(VisitPool visit) const = 0;

  virtual std::string AuditRmap(const AnyHead& head) const = 0;
  virtual std::string AuditParents(const AnyPage& page) const = 0;

  // For pictures of maps whose lists have objects beside their entries; see DescriptorMap.
  virtual bool has_objects() const = 0;
  virtual int rmap_block() const = 0;
  virtual int parent_block() const = 0;
  virtual std::vector<uint32_t> DescriptorSizes(const AnyHead& head) const = 0;
  virtual std::vector<uint32_t> ChainSizes(const AnyPage& page) const = 0;
};

// Makes a map, with either limits.
struct MapMaker {
  std::unique_ptr<ErasedMap> (*production)(HostMemory& memory);
  std::unique_ptr<ErasedMap> (*tiny)(HostMemory& memory);

  template <class Limits>
  std::unique_ptr<ErasedMap> Make(HostMemory& memory) const {
    return std::is_same_v<Limits, TinyLimits> ? tiny(memory) : production(memory);
  }
};

// UBSan skips the functions that only pass a call on. It watches the map's own functions.
#if defined(__clang__)
#pragma clang attribute push(__attribute__((no_sanitize("undefined"))), apply_to = function)
#endif

// A ReverseMap of the limits L. (The class has L so that PageGraph is compiled for it.)
template <class L>
class AnyMap {
 public:
  using Limits = L;
  using Head = AnyHead;
  using Page = AnyPage;
  using Caches = AnyCaches;
  using Cursor = AnyCursor;

  AnyMap(HostMemory& memory, const MapMaker& maker)
      : map_(maker.Make<L>(memory)), kPageCacheMin(map_->page_cache_min()) {}

  int Add(Caches& caches, Head& head, Spte* sptep) { return map_->Add(caches, head, sptep); }
  bool AddReturnAgrees(int returned, int exact) const {
    return map_->AddReturnAgrees(returned, exact);
  }
  void Remove(Head& head, Spte* sptep) { map_->Remove(head, sptep); }
  Spte* Next(const Head& head, Spte* cur) const {
    Cursor cursor{};
    return map_->Next(head, cur, cursor);
  }
  Spte* Next(const Head& head, Spte* cur, Cursor& cursor) const {
    return map_->Next(head, cur, cursor);
  }
  int Count(const Head& head) const { return map_->Count(head); }

  void InitParents(Page& page, Spte* sptep) { map_->InitParents(page, sptep); }
  void AddParent(Caches& caches, Page& page, Spte* sptep) { map_->AddParent(caches, page, sptep); }
  void RemoveParent(Page& page, Spte* sptep) { map_->RemoveParent(page, sptep); }
  void ForEachParent(const Page& page, ErasedMap::Visit visit) const {
    map_->ForEachParent(page, visit);
  }
  void UnlinkParents(Page& page, ErasedMap::Visit store) { map_->UnlinkParents(page, store); }

  bool TopUp(Caches& caches) { return map_->TopUp(caches); }
  void Drain(Caches& caches) { map_->Drain(caches); }
  void AllocStorage(MemoryCache& pages, Page& page, bool direct) {
    map_->AllocStorage(pages, page, direct);
  }
  void FreeStorage(Pool& page_pool, Page& page, bool direct) {
    map_->FreeStorage(page_pool, page, direct);
  }
  void ForEachPool(ErasedMap::VisitPool visit) const { map_->ForEachPool(visit); }

  std::string AuditRmap(const Head& head) const { return map_->AuditRmap(head); }
  std::string AuditParents(const Page& page) const { return map_->AuditParents(page); }

  bool has_objects() const { return map_->has_objects(); }
  int rmap_block() const { return map_->rmap_block(); }
  int parent_block() const { return map_->parent_block(); }
  std::vector<uint32_t> DescriptorSizes(const Head& head) const {
    return map_->DescriptorSizes(head);
  }
  std::vector<uint32_t> ChainSizes(const Page& page) const { return map_->ChainSizes(page); }

 private:
  const std::unique_ptr<ErasedMap> map_;

 public:
  const int kPageCacheMin;  // a constant of the class for other maps
};

#if defined(__clang__)
#pragma clang attribute pop
#endif

}  // namespace rmapdiff

#endif  // RMAPDIFF_MMU_GRAPH_ANY_MAP_H_
