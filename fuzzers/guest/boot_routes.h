// The routes through the boot tables (boot_tables.h): from an address to the entries of its walk,
// and back. Also the level of each table.
//
// A guess for the code that draws operations: it knows how the guest began. Of later stores it
// knows only the pages behind entries of the last level that its caller has set (PageBehind).
#ifndef RMAPDIFF_FUZZERS_GUEST_BOOT_ROUTES_H_
#define RMAPDIFF_FUZZERS_GUEST_BOOT_ROUTES_H_

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "fuzzers/guest/boot_tables.h"
#include "fuzzers/program/program.h"

namespace rmapdiff {

class BootRoutes {
 public:
  struct Place {
    uint8_t table;
    uint16_t entry;
    friend bool operator==(const Place&, const Place&) = default;
  };

  // Keeps the reference.
  explicit BootRoutes(const Header& header) : header_(header) {
    for (auto& table : pages_) table.fill(boot::kDataPages);
    for (uint8_t entry = 0; entry < boot::kEntries; ++entry) {
      for (const uint8_t leaf : {boot::kLeaf, boot::kReadOnlyLeaf, boot::kRepeatLeaf}) {
        pages_[leaf][entry] = boot::PageIn(leaf, entry);
      }
    }
  }

  // The page that an entry of level 1 maps, as far as is known: an index into the guest's gfns.
  uint8_t& PageBehind(Place place) {
    return pages_[place.table % TableArg::kCount][place.entry % kEntries];
  }

  // By paging mode, the level of the table; of the root, the mode's own.
  int LevelOf(uint32_t table) const { return std::min<int>(boot::kLevels[table], TopLevel()); }
  // Another frame on the same host page as this page of data, by the first memslots of a program.
  // The page itself if there is none.
  uint8_t AliasOf(uint8_t page) const {
    const uint8_t alias = header_.layout().FirstAlias();
    const auto pages = static_cast<uint8_t>(header_.layout().slots[boot::kAliasSlot].npages);
    const auto moved = [page](uint8_t from, uint8_t to) {
      return static_cast<uint8_t>(page - from + to);
    };
    if (page >= boot::kDataPages && page < boot::kDataPages + pages) {
      return moved(boot::kDataPages, alias);
    }
    if (page >= alias && page < alias + pages) return moved(alias, boot::kDataPages);
    return page;
  }
  // Tables of this level, 1..3, that are in use or empty: one in four is a fair draw.
  static const std::array<uint8_t, 4>& TablesOf(int level) {
    static constexpr std::array<uint8_t, 4> kTables[3] = {
        {boot::kLeaf, boot::kReadOnlyLeaf, boot::kRepeatLeaf, boot::kEmptyLeaf},
        {boot::kDirectory, boot::kDirectory, boot::kSecondDirectory, boot::kSecondDirectory},
        {boot::kUpper, boot::kSecondUpper, boot::kUpper, boot::kSecondUpper}};
    return kTables[level - 1];
  }
  int TopLevel() const {
    return header_.mode == MmuMode::k32Bit ? 2 : header_.mode == MmuMode::kPae ? 3 : 4;
  }

  // The entry of `level`, or of the root below it, that the address led through. Below the root the
  // modes have the same tables.
  Place PlaceOn(VaArg va, int level) const {
    const uint8_t upper = boot::kBelow[boot::kRoot][va.top()];
    const uint8_t directory = boot::kBelow[upper][va.third()];
    const uint32_t quarter = va.top() << 1 | va.third();
    const auto place = [](uint8_t table, uint32_t entry) {
      return Place{table, static_cast<uint16_t>(entry)};
    };
    if (level == 1) {
      return place(boot::kBelow[directory][va.directory()], va.table() % header_.guest_entries());
    }
    if (level == 2 && TopLevel() > 2) return place(directory, va.directory());
    if (level == 3 && TopLevel() > 3) return place(upper, va.third());
    if (TopLevel() == 2) {
      return place(boot::kRoot, quarter * header_.guest_entries() / 4 + va.directory());
    }
    return place(boot::kRoot, TopLevel() == 3 ? quarter : va.top());
  }
  // An address that led through that entry; of other tables, one below the first directory.
  static uint8_t VaOf(uint32_t table, uint32_t entry) {
    switch (table) {
      case boot::kEmptyLeaf:  // taken for a sibling of kRepeatLeaf
        return VaOf(boot::kRepeatLeaf, entry);
      case boot::kLeaf:
      case boot::kReadOnlyLeaf:
      case boot::kRepeatLeaf:
        return static_cast<uint8_t>(boot::kWays[table] | (entry & 15u));
      case boot::kSecondDirectory:
        return static_cast<uint8_t>(boot::kWays[table] | (entry & 3u) << 4 | (entry >> 2 & 3u));
      case boot::kUpper:
      case boot::kSecondUpper:
        return static_cast<uint8_t>(boot::kWays[table] | (entry & 1u) << 6);
      default:
        return static_cast<uint8_t>(boot::kWays[boot::kDirectory] | (entry & 3u) << 4);
    }
  }

 private:
  static constexpr size_t kEntries = 16;  // of a table, that addresses name

  const Header& header_;
  std::array<std::array<uint8_t, kEntries>, TableArg::kCount> pages_;
};

}  // namespace rmapdiff

#endif  // RMAPDIFF_FUZZERS_GUEST_BOOT_ROUTES_H_
