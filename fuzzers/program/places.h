// Page numbers beside boundaries, and numbers of pages. They make up the geometry of memslots.
//
// Boundaries are the multiples of a block of level 2 or 3, and the ends of address spaces. Those
// are the guest's with PAE and with long tables, its physical memory, and the host's. An argument
// (PlaceArg, SizeArg) is an index into a table. The tables of both limits have one length. The page
// numbers are sorted, so the next index is the next number. The tables never change, because
// programs store the indexes.
//
// A gfn and a host page are drawn from the same table. So a slot is aligned alike with its host
// pages at both levels, at one, or at none.
#ifndef RMAPDIFF_FUZZERS_PROGRAM_PLACES_H_
#define RMAPDIFF_FUZZERS_PROGRAM_PLACES_H_

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "fuzzers/program/guest_layout.h"

namespace rmapdiff {

inline constexpr size_t kPlaces = 128;
inline constexpr size_t kSizes = 16;

// Collects numbers once each until there are enough.
class PlaceCollector {
 public:
  constexpr void Add(uint64_t number) {
    if (count_ == kPlaces || number >> 32 != 0) return;
    for (size_t i = 0; i < count_; ++i) {
      if (places_[i] == number) return;
    }
    places_[count_++] = static_cast<uint32_t>(number);
  }
  constexpr std::array<uint32_t, kPlaces> Take() {
    for (uint64_t next = boot::kDataPages; count_ < kPlaces; ++next) Add(next);
    std::sort(places_.begin(), places_.end());
    return places_;
  }

 private:
  std::array<uint32_t, kPlaces> places_{};
  size_t count_ = 0;
};

constexpr std::array<uint32_t, kPlaces> MakePlaces(const GuestLayout& layout) {
  const uint64_t block = layout.frames(2), huge = layout.frames(3);
  PlaceCollector collector;
  // The pages and slots that a program begins with.
  for (const uint32_t page : {0u, 3u, 4u, 16u, 17u, 18u, 19u, 32u, 33u, 64u, 65u, 72u, 96u}) {
    collector.Add(layout.gfn(page));
  }
  for (const SlotLayout& slot : layout.slots) {
    collector.Add(slot.base_gfn);
    collector.Add(slot.base_gfn + slot.npages);
  }
  const unsigned bits = layout.level_bits;
  const uint64_t ends[] = {uint64_t{4} << (2 * bits), uint64_t{1} << (4 * bits), uint64_t{1} << 28,
                           uint64_t{1} << 22, uint64_t{1} << 32};
  for (const uint64_t end : ends) {
    for (const uint64_t before : {uint64_t{0}, uint64_t{1}, block, huge}) {
      collector.Add(end - before);
    }
  }
  for (uint64_t i = 1; i <= 4; ++i) {
    for (const uint64_t place :
         {i * huge - block, i * huge - 1, i * huge, i * huge + 1, i * huge + block}) {
      collector.Add(place);
    }
  }
  for (uint64_t i = 1; i <= 20; ++i) {
    for (const uint64_t place : {i * block - 1, i * block, i * block + 1}) collector.Add(place);
  }
  return collector.Take();
}

// By LimitsMode.
inline constexpr std::array<uint32_t, kPlaces> kPlaceTables[] = {MakePlaces(kMmuProductionLayout),
                                                                 MakePlaces(kMmuTinyLayout)};
inline constexpr std::array<uint32_t, kSizes> kSizeTables[] = {
    {0, 1, 2, 3, 4, 7, 8, 16, 511, 512, 513, 520, 1023, 1024, 1025, 1536},
    {0, 1, 2, 3, 4, 7, 8, 9, 15, 16, 17, 63, 64, 65, 72, 128}};

}  // namespace rmapdiff

#endif  // RMAPDIFF_FUZZERS_PROGRAM_PLACES_H_
