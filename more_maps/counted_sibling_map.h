// The sibling list with its length in the rmap head, so that rmap_add need not count.
//
//   head    63      48 47                    0
//          ┌──────────┬───────────────────────┐
//          │  length  │  the first entry      │ ──▶ links as in mmu/sibling_map.h
//          └──────────┴───────────────────────┘
//
// On every add the patch walks the whole list, only to see whether it is too long. Here an add is a
// push and an addition. Everything else (parents, links and memory) is the sibling list itself.
//
// In a kernel the length would be in the 16 bits of a 64-bit pointer that only repeat bit 47. The
// head stays one word, no page grows, and nothing is allocated. The price is a shift and a mask at
// each read of a head. Five-level paging (57 bits) leaves only 7 of the 16 bits free. Alignment
// frees 3 more, and 10 bits can hold 1000.
//
// A 32-bit host has no such room, so the head takes a second word. That is 4 bytes for every frame
// of the guest, mapped or not. A plain counter beside the pointer would cost 8 bytes a frame on
// every host. That is 2 MiB for each GiB of guest memory.
//
// Invariants, beside those of SiblingMap
//  1. The length is the number of entries as long as that is less than kFull. (The recycle point is
//     far below.) A list of kFull entries or more has the length kFull, and Count walks it.
//
// This map is not part of the patch, and not of any kernel. It answers the costs of the patch
// (docs/claims.md).
#ifndef RMAPDIFF_MORE_MAPS_COUNTED_SIBLING_MAP_H_
#define RMAPDIFF_MORE_MAPS_COUNTED_SIBLING_MAP_H_

#include <algorithm>
#include <cstdint>
#include <string>

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

  std::string AuditRmap(const Head& head) const {
    const int entries = Base::Count(head.first());
    if (head.length() == std::min(entries, kFull)) return "";
    return "its head says " + std::to_string(head.length()) + " entries, the walk finds " +
           std::to_string(entries);
  }
  std::string AuditParents(const typename Base::Page&) const { return ""; }
};

}  // namespace rmapdiff

#endif  // RMAPDIFF_MORE_MAPS_COUNTED_SIBLING_MAP_H_
