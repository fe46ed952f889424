// The sibling list with its length kept in the rmap head: what rmap_add costs if it need not count.
//
//   head    63      48 47                    0
//          ┌──────────┬───────────────────────┐
//          │  length  │  the first entry      │ ──▶ links as in mmu/sibling_map.h
//          └──────────┴───────────────────────┘
//
// The patch walks the whole list on every add, only to tell whether the list is too long. Here add
// is a push and an addition. All else, parents, links and memory, is the sibling list itself.
//
// Where the length is in a kernel: in the 16 bits of a 64-bit pointer that only repeat bit 47. The
// head is the word that it was, no page grows, nothing is allocated; the price is a shift and a
// mask wherever a head is read. With five-level paging (57 bits) the 16 bits are 7: ten with the
// three that alignment leaves, enough to tell 1000. On a 32-bit host there is no such room, and the
// head takes a second word: 4 bytes for every frame of the guest, mapped or not. A plain counter
// beside the pointer would cost 8 bytes a frame everywhere, 2 MiB for each GiB of guest memory.
//
// Invariants, beside those of SiblingMap
//  1. The length is the number of entries as long as that is less than kFull; the recycle point is
//     far below. A list of kFull entries or more says kFull, and is counted by walking it.
//
// Not part of the patch, and not of any kernel: an answer to what the patch costs (docs/claims.md).
#ifndef RMAPDIFF_MORE_MAPS_COUNTED_SIBLING_MAP_H_
#define RMAPDIFF_MORE_MAPS_COUNTED_SIBLING_MAP_H_

#include <algorithm>
#include <cstdint>

#include "mmu/sibling_map.h"

namespace rmapdiff {

template <class L>
class CountedSiblingMap : public SiblingMap<L> {
  using Base = SiblingMap<L>;

 public:
  static constexpr int kFull = (1 << 16) - 1;

  class Head {
   public:
    Head() = default;
    Head(Spte* first, int length)
        : word_(uint64_t{reinterpret_cast<uintptr_t>(first)} |
                static_cast<uint64_t>(std::min(length, kFull)) << kAddressBits) {}

    Spte* first() const {
      return reinterpret_cast<Spte*>(static_cast<uintptr_t>(word_ << 16 >> 16));
    }
    int length() const { return static_cast<int>(word_ >> kAddressBits); }

   private:
    static constexpr unsigned kAddressBits = 48;
    uint64_t word_ = 0;
  };

  using Base::Base;

  int Add(typename Base::Caches&, Head& head, Spte* sptep) {
    const int before = Count(head);
    Spte* first = head.first();
    Base::Push(first, sptep);
    head = {first, before + 1};
    return before;
  }

  void Remove(Head& head, Spte* sptep) {
    const int before = Count(head);
    Spte* first = head.first();
    if (!Base::Unlink(first, sptep)) RaiseBug(BugClass::kRmapRemove, "rmap_remove: BUG");
    head = {first, before - 1};
  }

  Spte* Next(const Head& head, Spte* cur) const { return Base::Next(head.first(), cur); }

  int Count(const Head& head) const {
    return head.length() < kFull ? head.length() : Base::Count(head.first());
  }
};

}  // namespace rmapdiff

#endif  // RMAPDIFF_MORE_MAPS_COUNTED_SIBLING_MAP_H_
