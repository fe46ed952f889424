// Memory slots: the guest frames that have memory, and the reverse map heads of each.
//
// A slot has a head for each of its frames (level 1). Its lpage_info has a head and a write_count
// for each large page of levels 2 and 3 that it touches. If write_count > 0, the large page may not
// be mapped as one. The count is the number of shadowed guest page tables in the page. It is 1 more
// in two cases. The slot begins or ends in the middle of the page, or guest and host addresses are
// not aligned alike.
//
// Source: struct kvm_memory_slot, __kvm_set_memory_region, gfn_to_memslot, gfn_to_rmap,
// account_shadowed, unaccount_shadowed of Linux 2.6.36; KVM_MEM_READONLY of Linux 3.7.
// Not covered: invalid slots (KVM_MEMSLOT_INVALID), which no fault can see here.
#ifndef RMAPDIFF_MMU_GRAPH_MEMSLOTS_H_
#define RMAPDIFF_MMU_GRAPH_MEMSLOTS_H_

#include <cstdint>
#include <vector>

#include "mmu/base/bug.h"
#include "mmu/base/types.h"
#include "mmu/graph/limits.h"

namespace rmapdiff {

// Frames per page of `level`, as a shift: KVM_HPAGE_GFN_SHIFT.
template <class Limits>
constexpr unsigned GfnShift(int level) {
  return static_cast<unsigned>(Limits::kLevelBits * (level - 1));
}

// The first frame of the page of `level` (1..5) that `gfn` is in. Level 5 is the range of a whole
// level 4 page. In a 32-bit build that is more than a gfn can name.
template <class Limits>
constexpr Gfn AlignGfn(Gfn gfn, int level) {
  const uint64_t wide = gfn;
  return static_cast<Gfn>(wide >> GfnShift<Limits>(level) << GfnShift<Limits>(level));
}

template <class Head, class Limits>
struct LargePageInfo {
  Head rmap{};  // rmap_pde
  int write_count = 0;
};

template <class Head, class Limits>
class Memslot {
 public:
  // A slot of `npages` > 0 frames; `user_gfn` is userspace_addr >> PAGE_SHIFT.
  Memslot(uint32_t id, Gfn base_gfn, Gfn npages, Gfn user_gfn)
      : id_(id), base_gfn_(base_gfn), npages_(npages), user_gfn_(user_gfn), rmap_(npages) {
    for (int level = kDirectoryLevel; level <= kRmapLevels; ++level) {
      InitLargePages(level, user_gfn);
    }
  }

  uint32_t id() const { return id_; }
  Gfn base_gfn() const { return base_gfn_; }
  Gfn npages() const { return npages_; }
  Gfn user_gfn() const { return user_gfn_; }
  // True of a slot that was deleted, or never set.
  bool empty() const { return npages_ == 0; }
  // KVM_MEM_READONLY: the guest reads the slot's pages, and its stores are MMIO.
  bool read_only() const { return read_only_; }
  void set_read_only(bool read_only) { read_only_ = read_only; }
  // gfn_to_hva, in pages. REQUIRES: Contains(gfn).
  Gfn UserGfn(Gfn gfn) const { return user_gfn_ + (gfn - base_gfn_); }
  bool Contains(Gfn gfn) const { return gfn >= base_gfn_ && gfn - base_gfn_ < npages_; }

  // Number of heads at `level` (1..3).
  uint32_t heads(int level) const {
    return static_cast<uint32_t>(level == kPageTableLevel ? rmap_.size() : lpages(level).size());
  }
  uint32_t IndexOf(Gfn gfn, int level) const {
    const unsigned shift = GfnShift<Limits>(level);
    return static_cast<uint32_t>((gfn >> shift) - (base_gfn_ >> shift));
  }

  Head& rmap(uint32_t index, int level) {
    return level == kPageTableLevel ? rmap_[index] : lpages(level)[index].rmap;
  }
  const Head& rmap(uint32_t index, int level) const {
    return const_cast<Memslot*>(this)->rmap(index, level);
  }
  // Calls visit(level, index, head) for each head of the slot, in the order of (level, index).
  template <class Visit>
  void ForEachRmap(Visit&& visit) const {
    for (uint32_t i = 0; i < rmap_.size(); ++i) visit(kPageTableLevel, i, rmap_[i]);
    for (int level = kDirectoryLevel; level <= kRmapLevels; ++level) {
      for (uint32_t i = 0; i < lpages(level).size(); ++i) visit(level, i, lpages(level)[i].rmap);
    }
  }
  // REQUIRES: level is 2 or 3.
  int& write_count(uint32_t index, int level) { return lpages(level)[index].write_count; }
  int write_count(uint32_t index, int level) const { return lpages(level)[index].write_count; }

  // dirty_bitmap: kept while the slot is logged, one bit a frame.
  bool logged() const { return !dirty_bitmap_.empty(); }
  void SetLogged(bool logged) { dirty_bitmap_.assign(logged ? npages_ : 0, false); }
  std::vector<bool>& dirty_bitmap() { return dirty_bitmap_; }
  const std::vector<bool>& dirty_bitmap() const { return dirty_bitmap_; }

  // Gives the slot another base_gfn and leaves everything else as it is, as 2.6.36 moves slots.
  void MoveKeepingMaps(Gfn base_gfn) {
    base_gfn_ = base_gfn;
    for (int level = kDirectoryLevel; level <= kRmapLevels; ++level) {
      const size_t needed = IndexOf(base_gfn_ + npages_ - 1, level) + 1;
      if (lpages(level).size() < needed) lpages(level).resize(needed);  // the kernel overruns
    }
  }

 private:
  using LargePages = std::vector<LargePageInfo<Head, Limits>>;

  LargePages& lpages(int level) { return lpage_info_[level - kDirectoryLevel]; }
  const LargePages& lpages(int level) const { return lpage_info_[level - kDirectoryLevel]; }

  void InitLargePages(int level, Gfn user_gfn) {
    const Gfn last = base_gfn_ + npages_ - 1;
    const Gfn mask = (Gfn{1} << GfnShift<Limits>(level)) - 1;
    LargePages& pages = lpages(level);
    if (npages_ == 0) return;
    pages.resize(IndexOf(last, level) + 1);
    if ((base_gfn_ & mask) != 0) pages.front().write_count = 1;
    if (((last + 1) & mask) != 0) pages.back().write_count = 1;
    if (((base_gfn_ ^ user_gfn) & mask) == 0) return;
    for (auto& page : pages) page.write_count = 1;
  }

  uint32_t id_;
  Gfn base_gfn_;
  Gfn npages_;
  Gfn user_gfn_;
  bool read_only_ = false;
  std::vector<Head> rmap_;
  LargePages lpage_info_[kRmapLevels - 1];
  std::vector<bool> dirty_bitmap_;
};

template <class Head, class Limits>
class Memslots {
 public:
  using Slot = Memslot<Head, Limits>;

  // Adds a slot with the next id. REQUIRES: it overlaps no other slot, and there are fewer than 64.
  void Add(Gfn base_gfn, Gfn npages, Gfn user_gfn) {
    slots_.emplace_back(static_cast<uint32_t>(slots_.size()), base_gfn, npages, user_gfn);
  }

  // Replaces slot `id` by a new one, as Add makes it. `npages` 0: by an empty one.
  // REQUIRES: id < 64, no head of the slot has an entry.
  void Set(uint32_t id, Gfn base_gfn, Gfn npages, Gfn user_gfn) {
    while (slots_.size() <= id) {
      slots_.emplace_back(static_cast<uint32_t>(slots_.size()), Gfn{0}, Gfn{0}, Gfn{0});
    }
    slots_[id] = Slot(id, base_gfn, npages, user_gfn);
  }

  // In the order of ids; empty slots included.
  const std::vector<Slot>& all() const { return slots_; }
  std::vector<Slot>& all() { return slots_; }

  // gfn_to_memslot: null if no slot has the gfn.
  Slot* Find(Gfn gfn) {
    for (Slot& slot : slots_) {
      if (slot.Contains(gfn)) return &slot;
    }
    return nullptr;
  }

  const Slot* Find(Gfn gfn) const { return const_cast<Memslots*>(this)->Find(gfn); }

  // Like Find, for callers that follow the result. BUGs: kNoSlot.
  Slot& Get(Gfn gfn) {
    Slot* slot = Find(gfn);
    if (slot == nullptr) RaiseBug(BugClass::kNoSlot, "gfn_to_memslot: NULL");
    return *slot;
  }

  // gfn_to_rmap. BUGs: kNoSlot.
  Head& Rmap(Gfn gfn, int level) {
    Slot& slot = Get(gfn);
    return slot.rmap(slot.IndexOf(gfn, level), level);
  }

  // account_shadowed (+1) and unaccount_shadowed (-1). BUGs: kNoSlot.
  void AccountShadowed(Gfn gfn, int change) {
    Slot& slot = Get(gfn);
    for (int level = kDirectoryLevel; level <= kRmapLevels; ++level) {
      slot.write_count(slot.IndexOf(gfn, level), level) += change;
    }
  }

 private:
  std::vector<Slot> slots_;
};

}  // namespace rmapdiff

#endif  // RMAPDIFF_MMU_GRAPH_MEMSLOTS_H_
