// The guest that every program runs in: its memslots, its frame numbers, its host frames.
//
// A fixed little world, so that operations name things by small indexes and collide often. The
// model and the MMUs' drivers both read it from here; it is values only. Programs on a whole MMU
// begin in it and may change their memslots and frames.
//
// Gfn index g (0..127) is offset g % 32 in region g / 32. A region starts every `region_gfns`, a
// whole large page of level 2. Memslots begin and end in the middle of a large page, and large
// pages straddle slots. Some gfns have no slot at all.
#ifndef RMAPDIFF_FUZZERS_PROGRAM_GUEST_LAYOUT_H_
#define RMAPDIFF_FUZZERS_PROGRAM_GUEST_LAYOUT_H_

#include <array>
#include <cstdint>
#include <optional>

#include "mmu/base/types.h"

namespace rmapdiff {

// The pages that a guest with page tables begins with, by their indexes. Their entries are those of
// fuzzers/guest/boot_tables.h.
namespace boot {

// The tables. Those without a name are empty.
inline constexpr uint8_t kRoot = 0;
inline constexpr uint8_t kUpper = 1;  // of level 3
inline constexpr uint8_t kDirectory = 2;
inline constexpr uint8_t kLeaf = 3;  // data pages, writable for users
inline constexpr uint8_t kReadOnlyLeaf = 4;
inline constexpr uint8_t kWindow = 5;  // the guest's mapping of its tables 0 .. 7
inline constexpr uint8_t kHighWindow = 6;
inline constexpr uint8_t kOtherRoot = 7;
inline constexpr uint8_t kRepeatLeaf = 8;  // one data page in every entry
inline constexpr uint8_t kEmptyLeaf = 9;
inline constexpr uint8_t kSecondDirectory = 12;
inline constexpr uint8_t kSecondUpper = 13;
inline constexpr uint8_t kEmptyRoot = 14;
// With a second paging mode; else they are empty.
inline constexpr uint8_t kSecondRoot = kEmptyRoot;
inline constexpr uint8_t kSecondWindow = 10;
inline constexpr uint8_t kSecondHighWindow = 15;

inline constexpr uint8_t kDataPages = 16;  // the first of them
inline constexpr uint8_t kLargePage = 32;  // the first frame of one
inline constexpr uint8_t kOtherLargePage = 64;

inline constexpr uint32_t kEntries = 8;   // in use of a table of the last level
inline constexpr uint8_t kAliasSlot = 2;  // a memslot on the host pages of data pages

}  // namespace boot

struct SlotLayout {
  Gfn base_gfn = 0;
  Gfn npages = 0;
  Gfn user_gfn = 0;  // of a whole MMU: the host page behind the first frame
};

// Numbers a program's world depends on; they equal those of the MMU built with the same limits.
struct GuestLayout {
  static constexpr int kRegions = 4;
  static constexpr uint32_t kRegionIndexes = 32;
  static constexpr uint32_t kGfnIndexes = kRegions * kRegionIndexes;
  static constexpr uint32_t kSlots = 3;

  uint32_t level_bits = 9;            // an spte index has this many bits
  uint32_t recycle_threshold = 1000;  // an rmap longer than this before an add is recycled
  Gfn region_gfns = 512;
  bool slots_change = false;  // the memslots are only those that a program begins with
  SlotLayout slots[kSlots];

  uint32_t sptes_per_page() const { return 1u << level_bits; }
  // Frames that one leaf of `level` maps. Level 5 stands for a whole page of level 4, which has
  // more than a 32-bit Gfn holds.
  constexpr uint64_t frames(int level) const {
    return uint64_t{1} << (level_bits * uint32_t(level - 1));
  }
  constexpr Gfn gfn(uint32_t gfn_index) const {
    return region_gfns * (gfn_index / kRegionIndexes) + gfn_index % kRegionIndexes;
  }
  // The index of a gfn, if it has one. Wider than Gfn, so that no number wraps into one.
  constexpr std::optional<uint32_t> IndexOf(uint64_t gfn) const {
    const uint64_t region = gfn / region_gfns;
    const uint64_t offset = gfn % region_gfns;
    if (region >= kRegions || offset >= kRegionIndexes) return std::nullopt;
    return static_cast<uint32_t>(region * kRegionIndexes + offset);
  }
  // Of a whole MMU: the index of the frame that shares boot::kDataPages' host page.
  constexpr uint8_t FirstAlias() const {
    return static_cast<uint8_t>(*IndexOf(slots[boot::kAliasSlot].base_gfn));
  }
};

// Production: slot 0 covers regions 0 and 1 and ends in the middle of a large page. Slot 1 begins
// in the middle of region 2's large page. Slot 2 ends half-way through region 3.
inline constexpr GuestLayout kProductionLayout{
    .slots = {{0x0, 0x220}, {0x408, 0x18}, {0x600, 0x10}}};

// Tiny limits: 8 sptes a page, so a large page is 8 frames, a level 3 page 64.
inline constexpr GuestLayout kTinyLayout{.level_bits = 3,
                                         .recycle_threshold = 6,
                                         .region_gfns = 32,
                                         .slots = {{0x0, 0x3c}, {0x44, 0x1c}, {0x60, 0x10}}};

// Whole MMUs. Guest tables are in the first 16 frames (TableArg). Host page n is behind gfn n, but
// boot::kAliasSlot is an alias of the data pages.
// Production: slot 0 has a large page without a table. Slot 1 begins and ends in the middle of one.
inline constexpr GuestLayout kMmuProductionLayout{
    .slots_change = true,
    .slots = {{0x0, 0x400, 0x0}, {0x408, 0x18, 0x408}, {0x600, 0x10, boot::kDataPages}}};

// Tiny limits: slot 0 ends in the middle of a large page. Slot 1 is a whole page of level 3.
inline constexpr GuestLayout kMmuTinyLayout{
    .level_bits = 3,
    .recycle_threshold = 6,
    .region_gfns = 32,
    .slots_change = true,
    .slots = {{0x0, 0x3c, 0x0}, {0x40, 0x40, 0x40}, {0x3c, 0x4, boot::kDataPages}}};

// The frames that programs on a whole MMU name most.
inline constexpr std::array<uint8_t, 16> kHotMmuGfns = {
    // Data, with both limits' alias of the first page.
    boot::kDataPages, boot::kDataPages + 1, kMmuTinyLayout.FirstAlias(),
    kMmuProductionLayout.FirstAlias(),
    // Large pages: with tiny limits the third begins one.
    boot::kLargePage, boot::kLargePage + 1, boot::kLargePage + 8, boot::kOtherLargePage,
    // Tables; the last two are empty.
    boot::kUpper, boot::kDirectory, boot::kLeaf, boot::kReadOnlyLeaf, boot::kRepeatLeaf,
    boot::kEmptyLeaf, 10, 11};

// The host frame behind `gfn`, the first frame of its page, after the host has moved it
// `generation` times. Distinct arguments have distinct frames, so that a wrong frame shows.
constexpr Pfn HostPfn(Gfn gfn, uint32_t generation) {
  return (Pfn{generation} << 24) + 0x100000 + gfn;
}

}  // namespace rmapdiff

#endif  // RMAPDIFF_FUZZERS_PROGRAM_GUEST_LAYOUT_H_
