// The model's reverse map: what a reverse map means, and nothing else.
//
// Lists are vectors, searched from the front. On a whole MMU the model is a ShadowMmu on this map.
// It decides as the MMUs under test decide. Where they differ, the map that is plainly right says
// which one is wrong. (The auditor and GuestTruth judge the engine, which all of them share.)
//
// It also watches each spte slot. A slot may be on the rmap of its frame, or among the parents of
// its child page. It leaves one list before it goes to another. No page is freed while a slot of it
// is listed. BUGs: kMapMisused.
//
// Covers the ReverseMap concept, see mmu/graph/reverse_map.h. Takes nothing from the object caches.
#ifndef RMAPDIFF_FUZZERS_VOICES_PLAIN_MAP_H_
#define RMAPDIFF_FUZZERS_VOICES_PLAIN_MAP_H_

#include <algorithm>
#include <set>
#include <vector>

#include "mmu/base/host_memory.h"
#include "mmu/graph/limits.h"
#include "mmu/graph/shadow_page.h"

namespace rmapdiff {

template <class L>
class PlainMap {
 public:
  using Limits = L;
  using Head = std::vector<Spte*>;
  struct Page : ShadowPage {
    size_t list = 0;  // of its parents, in the map: pages are freed without a destructor
  };
  struct Caches {};
  static constexpr int kPageCacheMin = 8;

  explicit PlainMap(HostMemory&) {}

  // ---- Rmaps ----
  int Add(Caches&, Head& head, Spte* sptep) {
    Push(head, sptep);
    return Count(head) - 1;
  }
  static bool AddReturnAgrees(int returned, int exact) { return returned == exact; }
  void Remove(Head& head, Spte* sptep) {
    if (!Erase(head, sptep)) RaiseBug(BugClass::kRmapRemove, "rmap_remove: not listed");
  }
  Spte* Next(const Head& head, Spte* cur) const {
    if (cur == nullptr) return head.empty() ? nullptr : head.front();
    const auto found = std::find(head.begin(), head.end(), cur);
    if (found == head.end()) RaiseBug(BugClass::kMapMisused, "iterated on from what is not listed");
    return found + 1 == head.end() ? nullptr : *(found + 1);
  }
  int Count(const Head& head) const { return static_cast<int>(head.size()); }

  // ---- Parents ----
  void InitParents(Page& page, Spte* sptep) {
    lists_[page.list].clear();
    if (sptep != nullptr) Push(lists_[page.list], sptep);
  }
  void AddParent(Caches&, Page& page, Spte* sptep) {
    if (sptep != nullptr) Push(lists_[page.list], sptep);
  }
  void RemoveParent(Page& page, Spte* sptep) {
    if (!Erase(lists_[page.list], sptep))
      RaiseBug(BugClass::kRemoveParent, "no parent of the page");
  }
  template <class Visit>
  void ForEachParent(const Page& page, Visit&& visit) const {
    for (Spte* sptep : lists_[page.list]) visit(sptep);
  }
  template <class Store>
  void UnlinkParents(Page& page, Store&& store) {
    for (Spte* sptep : lists_[page.list]) {
      store(sptep);
      listed_.erase(sptep);
    }
    lists_[page.list].clear();
  }

  // ---- Memory ----
  bool TopUp(Caches&) { return true; }
  void Drain(Caches&) {}
  void AllocStorage(MemoryCache& pages, Page& page, bool direct) {
    if (unused_.empty()) {
      unused_.push_back(lists_.size());
      lists_.emplace_back();
    }
    page.list = unused_.back();
    unused_.pop_back();
    if (direct) return;
    page.gfns = static_cast<Gfn*>(pages.Take(kSptesPerPage<L> * sizeof(Gfn), kGfnPattern));
  }
  void FreeStorage(Pool& page_pool, Page& page, bool direct) {
    const auto first = listed_.lower_bound(page.spt);
    if (first != listed_.end() && *first < page.spt + kSptesPerPage<L>) {
      RaiseBug(BugClass::kMapMisused, "a page is freed while an spte of it is listed");
    }
    unused_.push_back(page.list);
    if (!direct) page_pool.Release(page.gfns);
  }
  template <class Visit>
  void ForEachPool(Visit&&) const {}

 private:
  static constexpr uint8_t kGfnPattern = 0x6f;

  void Push(std::vector<Spte*>& list, Spte* sptep) {
    if (!listed_.insert(sptep).second) RaiseBug(BugClass::kMapMisused, "listed already");
    list.push_back(sptep);
  }
  bool Erase(std::vector<Spte*>& list, Spte* sptep) {
    const auto found = std::find(list.begin(), list.end(), sptep);
    if (found == list.end()) return false;
    list.erase(found);
    listed_.erase(sptep);
    return true;
  }

  std::vector<std::vector<Spte*>> lists_;
  std::vector<size_t> unused_;  // of lists_
  std::set<const Spte*> listed_;
};

}  // namespace rmapdiff

#endif  // RMAPDIFF_FUZZERS_VOICES_PLAIN_MAP_H_
