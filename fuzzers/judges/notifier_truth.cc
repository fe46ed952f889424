#include "fuzzers/judges/notifier_truth.h"

#include <algorithm>

#include "fmt/format.h"

namespace rmapdiff {
namespace {

// Gfns, [begin, end). Wider than a gfn, so that no sum wraps.
struct Frames {
  uint64_t begin = 0;
  uint64_t end = 0;
};

bool Overlap(const Frames& a, const Frames& b) { return a.begin < b.end && b.begin < a.end; }

// The frames that have host pages of the range, slot by slot.
std::vector<Frames> FramesOf(const GuestSlots& slots, HostRange range) {
  std::vector<Frames> frames;
  for (const GuestSlots::Slot& slot : slots.all()) {
    const uint64_t begin = std::max<uint64_t>(range.begin, slot.hva);
    const uint64_t end = std::min<uint64_t>(range.end, uint64_t{slot.hva} + slot.npages);
    if (begin >= end) continue;
    const uint64_t first = slot.base + (begin - slot.hva);
    frames.push_back({first, first + (end - begin)});
  }
  return frames;
}

std::string Describe(const NotifierTruth::Leaf& leaf) {
  return fmt::format("{} (level {}, gfn {:#x}, {:#x})", ToString(leaf.ref), leaf.level, leaf.gfn,
                     leaf.spte);
}

}  // namespace

// visit(leaf) for the leaves at the indexes [first, end).
template <class Visit>
void NotifierTruth::ForEachLeaf(const PageWords& page, uint32_t first, uint32_t end,
                                Visit&& visit) const {
  const int level = static_cast<int>(page.role.level);
  if (level > kRmapLevels) return;
  for (uint32_t i = NextWord(page.spt, first, end, masks_.trap); i < end;
       i = NextWord(page.spt, i + 1, end, masks_.trap)) {
    const Spte spte = page.spt[i];
    if (spte == masks_.notrap || (level > kPageTableLevel && (spte & kSpteHuge) == 0)) continue;
    const Gfn gfn = page.gfns != nullptr ? page.gfns[i]
                                         : static_cast<Gfn>(page.gfn + i * layout_.frames(level));
    visit(Leaf{{page.id, i}, level, gfn, spte});
  }
}

NotifierTruth::Leaves NotifierTruth::LeavesOf(const MmuWords& words, HostRange range) const {
  Leaves leaves;
  const std::vector<Frames> wanted = FramesOf(slots_, range);
  const uint32_t size = layout_.sptes_per_page();
  for (const PageWords& page : words.pages) {
    const int level = static_cast<int>(page.role.level);
    if (level > kRmapLevels) continue;
    const uint64_t frames = layout_.frames(level);
    const auto visit = [&](const Leaf& leaf) {
      const Frames mapped{leaf.gfn, leaf.gfn + frames};
      const auto overlaps = [&](const Frames& one) { return Overlap(one, mapped); };
      if (std::any_of(wanted.begin(), wanted.end(), overlaps)) leaves.push_back(leaf);
    };
    if (page.gfns != nullptr) {
      ForEachLeaf(page, 0, size, visit);
      continue;
    }
    for (const Frames& one : wanted) {  // the place of a gfn in a direct page is known
      if (!Overlap(one, {page.gfn, page.gfn + frames * size})) continue;
      const uint64_t first = (std::max<uint64_t>(one.begin, page.gfn) - page.gfn) / frames;
      const uint64_t last = (one.end - 1 - page.gfn) / frames;
      ForEachLeaf(page, static_cast<uint32_t>(first),
                  static_cast<uint32_t>(std::min<uint64_t>(last + 1, size)), visit);
    }
  }
  return leaves;
}

// Whether a TLB still has a frame of the leaves.
NotifierTruth::Wrong NotifierTruth::Cached(Hva hva, const Leaves& before, const MmuWords& now,
                                           const char* why) const {
  for (const RawTranslation& entry : now.tlb) {
    const Pfn end = entry.pfn + layout_.frames(static_cast<int>(entry.level));
    for (const Leaf& leaf : before) {
      const Pfn first = PfnOf(leaf.spte);
      if (first >= end || entry.pfn >= first + layout_.frames(leaf.level)) continue;
      return fmt::format("host page {:#x} {}, and the TLB of vcpu {} still has frame {:#x}", hva,
                         why, entry.vcpu, entry.pfn);
    }
  }
  return std::nullopt;
}

NotifierTruth::Wrong NotifierTruth::Aged(Hva hva, const Leaves& before, const MmuWords& now,
                                         bool young) const {
  const bool any_young =
      std::any_of(before.begin(), before.end(), [&](const Leaf& leaf) { return IsYoung(leaf); });
  const bool expected = masks_.accessed == 0 ? !before.empty() : any_young;
  if (young != expected) {
    return fmt::format("host page {:#x} was {}, and age_page says that it was {}", hva,
                       expected ? "young" : "old", young ? "young" : "old");
  }
  Leaves aged;
  if (masks_.accessed != 0) aged = before;
  for (Leaf& leaf : aged) leaf.spte &= ~masks_.accessed;
  const Leaves left = LeavesOf(now, HostRange::OfPage(hva));
  if (left != aged) {
    return fmt::format("host page {:#x} was aged: {} leaves were to be old, {} leaves are left{}",
                       hva, aged.size(), left.size(),
                       left.empty() ? "" : ", among them " + Describe(left.front()));
  }
  return expected ? Cached(hva, before, now, "was aged") : std::nullopt;
}

NotifierTruth::Wrong NotifierTruth::Tested(Hva hva, const Leaves& before, const MmuWords& now,
                                           bool young) const {
  const bool expected =
      std::any_of(before.begin(), before.end(), [&](const Leaf& leaf) { return IsYoung(leaf); });
  if (young != expected) {
    return fmt::format("host page {:#x} is {}, and test_young says that it is {}", hva,
                       expected ? "young" : "old", young ? "young" : "old");
  }
  if (LeavesOf(now, HostRange::OfPage(hva)) == before) return std::nullopt;
  return fmt::format("test_young has changed a leaf of host page {:#x}", hva);
}

NotifierTruth::Wrong NotifierTruth::Unmapped(HostRange range, const Leaves& before,
                                             const MmuWords& now) const {
  const Leaves left = LeavesOf(now, range);
  const Hva hva = static_cast<Hva>(range.begin);
  if (!left.empty()) {
    return fmt::format("host pages {:#x} to {:#x} were unmapped, and {} still maps one",
                       range.begin, range.end - 1, Describe(left.front()));
  }
  return Cached(hva, before, now, "was unmapped");
}

NotifierTruth::Wrong NotifierTruth::Changed(Hva hva, const Leaves& before,
                                            const MmuWords& now) const {
  for (const Leaf& leaf : LeavesOf(now, HostRange::OfPage(hva))) {
    if (const char* wrong = WhatIsWrong(leaf); wrong != nullptr) {
      return fmt::format("host page {:#x} has changed its frame, and {}: {}", hva, Describe(leaf),
                         wrong);
    }
  }
  return Cached(hva, before, now, "has changed its frame");
}

// Null: nothing.
const char* NotifierTruth::WhatIsWrong(const Leaf& leaf) const {
  const GuestSlots::Slot* slot = slots_.With(leaf.gfn);
  if (slot == nullptr) return "userspace has given its gfn no memory";
  const Hva hva = slot->PageOf(leaf.gfn);
  if (!host_.Mapped(hva)) return "the host has nothing mapped there";
  if (host_.Frame(hva) != PfnOf(leaf.spte)) return "the host has another frame there";
  if (leaf.level > host_.BackingLevel(hva)) return "it is larger than the host's block";
  if (leaf.level > kPageTableLevel) {
    const Gfn last = static_cast<Gfn>(leaf.gfn + (layout_.frames(leaf.level) - 1));
    if (!slot->Contains(last)) return "it is larger than the memslot";
    if (hva != host_.BlockOf(hva, leaf.level)) return "it begins in the middle of a block";
  }
  if (host_.Writable(hva)) return nullptr;
  if (IsWritable(leaf.spte)) return "it is writable, and the host's page is not";
  if ((leaf.spte & kSpteHostWritable) != 0) return "it may become writable, the host's page not";
  return nullptr;
}

NotifierTruth::Wrong NotifierTruth::Settled(const MmuWords& words) const {
  Wrong wrong;
  for (const PageWords& page : words.pages) {
    ForEachLeaf(page, 0, layout_.sptes_per_page(), [&](const Leaf& leaf) {
      if (wrong) return;
      const char* what = WhatIsWrong(leaf);
      if (what != nullptr) wrong = fmt::format("{}: {}", Describe(leaf), what);
    });
    if (wrong) return wrong;
  }
  return wrong;
}

}  // namespace rmapdiff
