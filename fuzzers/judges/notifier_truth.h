// The judge of the host's questions about its pages, and of its orders to let go of them.
//
// The judge reads the leaves of a host page from the words of all shadow pages. It looks at every
// level, and through every memslot that has the page. The memslots are those that userspace asked
// for (GuestSlots). So no list, no slot and no counter of the MMU has a say.
//
//   age         the answer is whether a leaf was accessed; none is accessed afterwards, nothing
//               else has changed, and no TLB can hide the next access. Without accessed bits the
//               answer is whether there was a leaf, and none is left
//   test        the answer is whether a leaf is accessed, without these bits no; nothing changes
//   unmap       no leaf and no TLB has the pages afterwards
//   change_pte  each leaf of the page has the new frame, read-only; no TLB has the old one
//   settled     each leaf has the frame that the host has there now, fits into the host's
//               block, and is writable only where the host's page is
//
// Not covered: which frames the host is told are accessed or dirty; flushes without need.
#ifndef RMAPDIFF_FUZZERS_JUDGES_NOTIFIER_TRUTH_H_
#define RMAPDIFF_FUZZERS_JUDGES_NOTIFIER_TRUTH_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "fuzzers/judges/guest_slots.h"
#include "fuzzers/judges/mmu_words.h"
#include "fuzzers/program/guest_layout.h"
#include "mmu/base/spte.h"
#include "mmu/shadow/host.h"

namespace rmapdiff {

// Host pages, [begin, end).
struct HostRange {
  uint64_t begin = 0;
  uint64_t end = 0;

  static constexpr HostRange OfPage(Hva hva) { return {hva, uint64_t{hva} + 1}; }
};

class NotifierTruth {
 public:
  using Wrong = std::optional<std::string>;

  struct Leaf {
    SpteRef ref;
    int level = 0;
    Gfn gfn = 0;
    Spte spte = 0;

    friend bool operator==(const Leaf&, const Leaf&) = default;
  };
  using Leaves = std::vector<Leaf>;

  // All four have to live as long as the judge.
  NotifierTruth(const Host& host, const GuestSlots& slots, const SpteMasks& masks,
                const GuestLayout& layout)
      : host_(host), slots_(slots), masks_(masks), layout_(layout) {}

  // All leaves that map a page of the range, in the order of the pages.
  Leaves LeavesOf(const MmuWords& words, HostRange range) const;

  // Verdicts. `before`: the leaves of the range before the operation.
  Wrong Aged(Hva hva, const Leaves& before, const MmuWords& now, bool young) const;
  Wrong Tested(Hva hva, const Leaves& before, const MmuWords& now, bool young) const;
  Wrong Unmapped(HostRange range, const Leaves& before, const MmuWords& now) const;
  Wrong Changed(Hva hva, const Leaves& before, const MmuWords& now) const;
  // About all leaves.
  Wrong Settled(const MmuWords& words) const;

 private:
  bool IsYoung(const Leaf& leaf) const { return (leaf.spte & masks_.accessed) != 0; }
  const char* WhatIsWrong(const Leaf& leaf) const;
  Wrong Cached(Hva hva, const Leaves& before, const MmuWords& now, const char* why) const;
  template <class Visit>
  void ForEachLeaf(const PageWords& page, uint32_t first, uint32_t end, Visit&& visit) const;

  const Host& host_;
  const GuestSlots& slots_;
  const SpteMasks& masks_;
  const GuestLayout& layout_;
};

}  // namespace rmapdiff

#endif  // RMAPDIFF_FUZZERS_JUDGES_NOTIFIER_TRUTH_H_
