// Where the boot tables (guest_boot.h) lead: what a table is for, which entry an address is walked
// through, and which address leads through an entry.
//
// A guess for the code that draws operations. It says how the guest began. Of what has been stored
// since it knows only the pages behind entries of the last level, as far as it is told
// (PageBehind).
#ifndef RMAPDIFF_FUZZERS_GUEST_BOOT_ROUTES_H_
#define RMAPDIFF_FUZZERS_GUEST_BOOT_ROUTES_H_

#include <algorithm>
#include <array>
#include <cstdint>

#include "fuzzers/program/program.h"

namespace rmapdiff {

// Bits of GpteFlagsArg, without a type, so that they can be put together.
enum GpteBit : uint8_t {
  kGptePresent = 1,
  kGpteWritable = 2,
  kGpteUser = 4,
  kGpteAccessed = 8,
  kGpteDirty = 0x10,
  kGpteHuge = 0x20,
  kGpteNoExecute = 0x40,
  kGpteReserved = 0x80,
};

class BootRoutes {
 public:
  struct Place {
    uint8_t table;
    uint16_t entry;
    friend bool operator==(const Place&, const Place&) = default;
  };

  // Keeps the reference.
  explicit BootRoutes(const Header& header) : header_(header) {
    for (auto& table : pages_) table.fill(16);
    for (uint8_t entry = 0; entry < 8; ++entry) {
      pages_[3][entry] = pages_[4][entry] = static_cast<uint8_t>(16 + entry);
    }
  }

  // What an entry of level 1 maps, as far as is known: an index into the guest's gfns.
  uint8_t& PageBehind(Place place) { return pages_[place.table % 16][place.entry % 16]; }

  // The tables through which the guest writes to its tables.
  static bool IsWindow(uint32_t table) { return table == 5 || table == 6; }

  // By paging mode, the level of the table; of the root, the mode's own.
  int LevelOf(uint32_t table) const {
    static constexpr int kLevels[TableArg::kCount] = {4, 3, 2, 1, 1, 1, 1, 4,
                                                      1, 1, 1, 1, 2, 3, 4, 1};
    return std::min(kLevels[table], TopLevel());
  }
  // Another frame on the same host page as this page of data, by the memslots that programs begin
  // with; the page itself if there is none.
  uint8_t AliasOf(uint8_t page) const {
    const bool tiny = header_.limits == LimitsMode::kTiny;
    const uint8_t alias = FirstAlias(), pages = tiny ? 4 : 16;
    if (page >= 16 && page < 16 + pages) return static_cast<uint8_t>(page - 16 + alias);
    if (page >= alias && page < alias + pages) return static_cast<uint8_t>(page - alias + 16);
    return page;
  }
  // The page of memslot 2 that is on page 16's host page.
  uint8_t FirstAlias() const { return header_.limits == LimitsMode::kTiny ? 60 : 96; }
  // Tables of this level, 1..3, that are in use or empty: one in four is a fair draw.
  static const std::array<uint8_t, 4>& TablesOf(int level) {
    static constexpr std::array<uint8_t, 4> kTables[3] = {
        {3, 4, 8, 9}, {2, 2, 12, 12}, {1, 13, 1, 13}};
    return kTables[level - 1];
  }
  int TopLevel() const {
    return header_.mode == MmuMode::k32Bit ? 2 : header_.mode == MmuMode::kPae ? 3 : 4;
  }

  // The entry of `level`, or of the root below it, that the address led through.
  Place PlaceOn(VaArg va, int level) const {
    static constexpr uint8_t kTables[2][4] = {{3, 4, 6, 5}, {8, 8, 8, 3}};
    const uint32_t second = va.top() ^ va.third();  // the way through table 12, not 2
    const uint32_t quarter = va.top() << 1 | va.third();
    const auto place = [](uint32_t table, uint32_t entry) {
      return Place{static_cast<uint8_t>(table), static_cast<uint16_t>(entry)};
    };
    if (level == 1) {
      return place(kTables[second][va.directory()], va.table() % header_.guest_entries());
    }
    if (level == 2 && TopLevel() > 2) return place(second != 0 ? 12 : 2, va.directory());
    if (level == 3 && TopLevel() > 3) return place(va.top() != 0 ? 13 : 1, va.third());
    if (TopLevel() == 2) return place(0, quarter * header_.guest_entries() / 4 + va.directory());
    return place(0, TopLevel() == 3 ? quarter : va.top());
  }
  // An address that led through that entry.
  static uint8_t VaOf(uint32_t table, uint32_t entry) {
    switch (table) {
      case 3:
        return static_cast<uint8_t>(entry & 15u);
      case 4:
        return static_cast<uint8_t>(0x10 | (entry & 15u));
      case 8:
      case 9:
        return static_cast<uint8_t>(0x60 | (entry & 15u));
      case 12:
        return static_cast<uint8_t>(0x40 | (entry & 3u) << 4 | (entry >> 2 & 3u));
      case 1:
        return static_cast<uint8_t>((entry & 1u) << 6);
      case 13:
        return static_cast<uint8_t>(0x80 | (entry & 1u) << 6);
      default:
        return static_cast<uint8_t>((entry & 3u) << 4);
    }
  }

 private:
  const Header& header_;
  std::array<std::array<uint8_t, 16>, TableArg::kCount> pages_;
};

}  // namespace rmapdiff

#endif  // RMAPDIFF_FUZZERS_GUEST_BOOT_ROUTES_H_
