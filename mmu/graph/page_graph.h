// The page graph: shadow pages, the sptes that map and link, and all uses of a reverse map.
//
// PageGraph<R> is the part of the shadow MMU that the patch touches, on the reverse map R. It
// allocates and frees shadow pages, links them, and maps frames. It finds the sptes of a frame to
// protect, unmap, age or move them. It keeps track of unsync pages, and it zaps. ShadowMmu decides
// which translations to install, and when. The graph knows nothing of guests, vcpus or faults.
//
// Invariants, whenever no function is running
//  1. Each present leaf is on the rmap of (gfn of the slot, level of its page) and nowhere else.
//     Each present link is on the parent list of the page that it points at and nowhere else.
//  2. The counter unsync_children is the number of bits in unsync_child_bitmap. Bit i is set if
//     link i leads to a child that is unsync or has unsync children. A set bit may be stale.
//  3. A page is on the active list or on one list of zapped pages. Zapped pages are empty, unlinked
//     and invalid. An invalid page on the active list is pinned (root_count > 0).
//  4. Every object comes from Caches, which are topped up before the MMU lock is taken.
//  5. A page is in the hash bucket of its gfn from its allocation until it is freed, zapped or not.
//
// This header declares. page_graph_*.h define the functions, and page_graph_functions.h includes
// those. A caller needs them to compile the graph on a map of its own. On AnyMap the graph is
// compiled already (mmu/shadow/any_mmu.h).
//
// Each function's comment names the function of Linux 2.6.36, arch/x86/kvm/mmu.c, that it restates.
// Where the kernel would BUG(), the function throws BugError. Then the graph may only be destroyed.
#ifndef RMAPDIFF_MMU_GRAPH_PAGE_GRAPH_H_
#define RMAPDIFF_MMU_GRAPH_PAGE_GRAPH_H_

#include <array>
#include <cstdint>
#include <new>
#include <vector>

#include "mmu/base/bug.h"
#include "mmu/base/function_ref.h"
#include "mmu/base/host_memory.h"
#include "mmu/base/spte.h"
#include "mmu/graph/memslots.h"
#include "mmu/graph/reverse_map.h"

namespace rmapdiff {

// How the graph decides that a list is too long.
// - Under kExact it counts exactly, so that two MMUs decide alike.
// - Under kNative it takes the number that the reverse map's Add returned, as the kernel does (D2).
enum class RecyclePolicy : uint8_t { kExact, kNative };

// The events that reach the host. They are the calls of kvm_set_pfn_dirty, kvm_set_pfn_accessed and
// kvm_flush_remote_tlbs, and the pages that were freed. The reader clears them.
struct HostEvents {
  std::vector<Pfn> dirtied;
  std::vector<Pfn> accessed;
  uint32_t remote_flushes = 0;
  std::vector<PageId> freed;

  void Clear() {
    dirtied.clear();
    accessed.clear();
    remote_flushes = 0;
    freed.clear();
  }
};

struct GraphStats {
  uint32_t cache_miss = 0;
  uint32_t zapped = 0;
  uint32_t recycled = 0;  // calls of rmap_recycle; not mmu_recycled, see MmuStats::reclaimed
  uint32_t reloads = 0;
  uint32_t unsync = 0;
  int32_t lpages = 0;
};

template <ReverseMap R>
class PageGraph {
 public:
  using Limits = typename R::Limits;
  using Page = typename R::Page;
  using Head = typename R::Head;
  using Slots = Memslots<Head, Limits>;
  static constexpr int kEntries = kSptesPerPage<Limits>;

  // The caches of one vcpu.
  struct Caches {
    MemoryCache pages;
    MemoryCache headers;
    typename R::Caches map;
    bool refused = false;  // the last TopUp failed
  };
  static constexpr int kHeaderCacheMin = 4;

  // `map_args`: the arguments of the map's constructor after the memory.
  template <class... MapArgs>
  PageGraph(HostMemory& memory, const SpteMasks& masks, RecyclePolicy recycle,
            const MapArgs&... map_args);
  PageGraph(const PageGraph&) = delete;
  PageGraph& operator=(const PageGraph&) = delete;

  // ---- State ----
  Slots& slots() { return slots_; }
  const Slots& slots() const { return slots_; }
  const R& map() const { return map_; }
  const SpteMasks& masks() const { return masks_; }
  const PageList& active_pages() const { return active_pages_; }
  // Pages that are allocated and not freed, zapped ones included.
  int pages() const { return pages_; }
  // mmu_page_hash: the newest page of `gfn`, and the next older one; null at the end. Between two
  // calls the caller may zap pages, but not free them.
  Page* FirstPageOf(Gfn gfn) const { return SameGfn(page_hash_[gfn % kHashBuckets], gfn); }
  Page* NextPageOf(const Page& page) const { return SameGfn(page.hash_next, page.gfn); }
  // How often all vcpus were flushed. Unlike the event, it is never cleared.
  uint64_t flushes() const { return flushes_; }
  // Lets the counters that others compare begin at `first`, cut to their bits. REQUIRES: a new
  // graph.
  void CountFrom(uint64_t first) {
    flushes_ = first;
    stats_.zapped = stats_.reloads = static_cast<uint32_t>(first);
  }
  HostEvents& events() { return events_; }
  const HostEvents& events() const { return events_; }
  const GraphStats& stats() const { return stats_; }
  // Whether each rmap_add so far returned a number that its reverse map's rule allows. It is
  // checked only under RecyclePolicy::kExact, which counts exactly anyway.
  bool add_returns_ok() const { return add_returns_ok_; }
  // Calls visit(pool) for each pool of the graph and of its reverse map.
  template <class Visit>
  void ForEachPool(Visit&& visit) const;

  // ---- Memory ----
  // mmu_topup_memory_caches. False: out of memory, and the caller may allocate nothing before a
  // TopUp succeeds. BUGs: an allocation before that raises kCacheEmpty, even if the caches have
  // enough objects.
  bool TopUp(Caches& caches);
  // Makes the nth TopUp from now on fail, once, whatever the caches hold. 1: the next one; 0: none.
  // Reverse maps allocate at different times (D6), but a TopUp fails at the same time for all of
  // them.
  void FailTopUp(uint64_t nth) { fail_top_up_in_ = nth; }
  // mmu_free_memory_caches.
  void Drain(Caches& caches);

  // ---- Pages (page_graph_pages.h) ----
  // kvm_mmu_alloc_page, and the rest of kvm_mmu_get_page after a miss. The new page is at the head
  // of the active list. Its first parent is `parent_pte`, which may be null. An indirect page is
  // accounted. All entries are trap. LinkPage writes the parent slot. REQUIRES: an indirect page's
  // gfn has a memslot.
  Page* AllocPage(Caches& caches, PageId id, Gfn gfn, Role role, Spte* parent_pte);
  // kvm_mmu_get_page on a hit: the page gets one more parent, and its parents learn that it is
  // unsync.
  void AddParent(Caches& caches, Page& page, Spte* parent_pte);
  // link_shadow_page. REQUIRES: parent_pte was registered as a parent of `page`.
  void LinkPage(Spte* parent_pte, const Page& page);
  // kvm_mmu_put_page: takes parent_pte off the parents of `page`. The slot keeps its value.
  void PutPage(Page& page, Spte* parent_pte);
  // mmu_page_remove_parent_pte for the page that the link points at. The slot becomes trap.
  void UnlinkChild(Spte* parent_pte);
  // kvm_mmu_page_unlink_children. Returns how many slots were present.
  int UnlinkChildren(Page& page);
  // kvm_mmu_unlink_parents. Returns how many parents there were.
  int UnlinkParents(Page& page);
  // mmu_parent_walk: visit(parent_pte).
  template <class Visit>
  void ForEachParent(const Page& page, Visit&& visit) const {
    map_.ForEachParent(page, visit);
  }

  // ---- Reverse maps (page_graph_rmap.h) ----
  // kvm_mmu_page_get_gfn, kvm_mmu_page_set_gfn. BUGs: kSetGfn where a direct page maps another gfn.
  Gfn GetGfn(const Page& page, uint32_t index) const;
  void SetGfn(Page& page, uint32_t index, Gfn gfn);
  // The end of mmu_set_spte for a slot that maps nothing: stores `spte` and calls RmapAdd. It
  // recycles the list if the list was too long. Returns whether it recycled.
  bool MapLeaf(Caches& caches, Spte* sptep, Spte spte, Gfn gfn);
  // rmap_add. Returns the number that the reverse map returned, or 0 for an spte that is not
  // present.
  int RmapAdd(Caches& caches, Spte* sptep, Gfn gfn);
  // rmap_remove. BUGs: kRmapRemove.
  void RmapRemove(Spte* sptep);
  // rmap_next.
  Spte* RmapNext(const Head& head, Spte* cur) const {
    if constexpr (HasCursor<R>) {
      return map_.Next(head, cur, cursor_.value);
    } else {
      return map_.Next(head, cur);
    }
  }
  // MapLeaf for a new mapping that is stored already.
  bool AddLeaf(Caches& caches, Spte* sptep, Gfn gfn);
  // update_spte: overwrites a word whose mapping stays on its list.
  void UpdateSpte(Spte* sptep, Spte new_spte);
  // drop_spte. BUGs: kRmapRemove if the slot was on no list, whether it is present or not (B1).
  void DropSpte(Spte* sptep, Spte new_spte);
  // mmu_page_zap_pte for a leaf: --lpages if it is large, then drop_spte.
  void DropLeaf(Spte* sptep, Spte new_spte);
  // rmap_write_protect. True if it protected any spte; then the caller flushes.
  bool RmapWriteProtect(Gfn gfn);
  // kvm_unmap_rmapp. True if it unmapped any spte; then the caller flushes.
  bool RmapUnmap(Head& head);
  // kvm_set_pte_rmapp: the host's page moved to `pfn`. Flushes if any spte mapped it.
  void RmapSetPte(Head& head, Pfn pfn, bool writable);
  // kvm_age_rmapp. True if any leaf was accessed. Without accessed bits: if any was mapped; it is
  // unmapped.
  bool RmapAge(Head& head);
  // kvm_test_age_rmapp (of 2.6.38): whether any leaf was accessed; changes nothing.
  bool RmapTestAge(const Head& head) const;
  // rmap_recycle.
  void RmapRecycle(Head& head);

  // ---- Unsync pages (page_graph_unsync.h) ----
  // mark_unsync for each parent of the page.
  void MarkParentsUnsync(const Page& page);
  // __kvm_unsync_page. REQUIRES: an indirect level 1 page in sync.
  void UnsyncPage(Page& page);
  // kvm_unlink_unsync_page. REQUIRES: the page is unsync.
  void MarkSynced(Page& page);
  // The walk that mmu_sync_children and mmu_zap_unsync_children share. It calls sync(child) for
  // each unsync page below `page`; afterwards the child must be in sync or gone. It clears the bits
  // on the paths that it walked. Returns the number of calls.
  int ForEachUnsyncChild(Page& page, FunctionRef<void(Page&)> sync);
  // The same, batch by batch: protect(child) for each level 1 page of a batch, sync(child) for
  // each, then commit(). The callback sync may zap pages of the batch, but only commit may free
  // them.
  int ForEachUnsyncBatch(Page& page, FunctionRef<void(Page&)> protect,
                         FunctionRef<void(Page&)> sync, FunctionRef<void()> commit);

  // ---- Zapping (page_graph_zap.h) ----
  // kvm_mmu_prepare_zap_page onto `zapped`. Returns the kernel's number: the unsync children that
  // it zapped on the way, plus 1 unless the page is pinned.
  int PrepareZap(Page& page, PageList& zapped);
  // kvm_mmu_commit_zap_page. Returns how many pages were freed.
  int CommitZap(PageList& zapped);
  // Zaps up to `count` pages from the tail of the active list. Returns the sum of the results of
  // PrepareZap.
  int Shrink(int count);
  // mmu_alloc_roots and mmu_free_roots.
  void Pin(Page& page) { ++page.root_count; }
  void Unpin(Page& page);

  // kvm_flush_remote_tlbs.
  void FlushRemote() {
    ++events_.remote_flushes;
    ++flushes_;
  }
  // page_header(__pa(sptep)).
  static Page& PageOf(const Spte* sptep) { return static_cast<Page&>(*PageHeader(sptep)); }

 private:
  static constexpr Gfn kHashBuckets = 1024;  // 1 << KVM_MMU_HASH_SHIFT

  struct UnsyncBatch;
  struct UnsyncPath;
  // Of walks along rmaps, if the map has cursors; value-initialised when an rmap changes.
  struct NoCursor {};
  template <class Map>
  struct CursorOf {
    NoCursor value;
  };
  template <HasCursor Map>
  struct CursorOf<Map> {
    typename Map::Cursor value{};
  };

  static void MayAllocate(const Caches& caches);
  Head& RmapOf(const Spte* sptep);
  bool IsLeafSlot(const Page& page, uint32_t index) const;
  void FreePage(Page& page);
  void Hash(Page& page);
  void Unhash(Page& page);
  static Page* SameGfn(ShadowPage* page, Gfn gfn) {
    while (page != nullptr && page->gfn != gfn) page = page->hash_next;
    return static_cast<Page*>(page);
  }
  void SetSpteTrackBits(Spte* sptep, Spte new_spte);
  bool WriteProtectSmall(Head& head);
  bool WriteProtectLarge(Head& head);
  void MarkUnsync(Page& page, uint32_t index);
  int UnsyncWalk(Page& page, UnsyncBatch& batch);
  void ClearUnsyncBit(Page& page, uint32_t index);
  void ClearParents(UnsyncPath& path);

  R map_;
  mutable CursorOf<R> cursor_;
  const SpteMasks masks_;
  const RecyclePolicy recycle_;
  Pool page_pool_;
  Pool header_pool_;
  Slots slots_;
  uint64_t fail_top_up_in_ = 0;
  PageList active_pages_;
  std::array<ShadowPage*, kHashBuckets> page_hash_{};
  int pages_ = 0;
  uint64_t flushes_ = 0;
  HostEvents events_;
  GraphStats stats_;
  bool add_returns_ok_ = true;
};

template <ReverseMap R>
template <class... MapArgs>
PageGraph<R>::PageGraph(HostMemory& memory, const SpteMasks& masks, RecyclePolicy recycle,
                        const MapArgs&... map_args)
    : map_(memory, map_args...),
      masks_(masks),
      recycle_(recycle),
      page_pool_(memory, kPageBytes, "pages"),
      header_pool_(memory, sizeof(Page), "page headers") {}

template <ReverseMap R>
template <class Visit>
void PageGraph<R>::ForEachPool(Visit&& visit) const {
  visit(page_pool_);
  visit(header_pool_);
  map_.ForEachPool(visit);
}

template <ReverseMap R>
bool PageGraph<R>::TopUp(Caches& caches) {
  const bool fails = fail_top_up_in_ != 0 && --fail_top_up_in_ == 0;
  constexpr int kFull = Limits::kCacheObjects;
  const bool done = map_.TopUp(caches.map) &&
                    caches.pages.TopUp(page_pool_, map_.kPageCacheMin, kFull) &&
                    caches.headers.TopUp(header_pool_, kHeaderCacheMin, kFull);
  caches.refused = fails || !done;
  return done && !fails;
}

template <ReverseMap R>
void PageGraph<R>::MayAllocate(const Caches& caches) {
  if (caches.refused) RaiseBug(BugClass::kCacheEmpty, "allocates after a top-up that has failed");
}

template <ReverseMap R>
void PageGraph<R>::Drain(Caches& caches) {
  map_.Drain(caches.map);
  caches.pages.Drain(page_pool_);
  caches.headers.Drain(header_pool_);
}

}  // namespace rmapdiff

#endif  // RMAPDIFF_MMU_GRAPH_PAGE_GRAPH_H_
