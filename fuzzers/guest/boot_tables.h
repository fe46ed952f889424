// The page tables that a guest begins with: the one table of their entries.
//
// Three users derive from it: the guest's entries (guest_boot.h), the routes through them
// (boot_routes.h), and the draws of operations. Names of tables and pages: program/guest_layout.h.
// Flags of entries are bits of GpteFlagsArg.
//
// Long mode has all of kLongLinks and kDirectoryLinks. PAE has kPaeRoots in place of kLongLinks.
// With 32-bit paging both roots have the entries of kDirectory and, in their second quarter, those
// of kSecondDirectory. The last level, of which the first boot::kEntries entries are in use, is the
// same in all modes (PageIn).
//
// A header's second mode adds a root for that mode. Most tables below that root are tables of the
// first mode. Modes of 8-byte entries share the windows. Beside a mode of 4-byte entries, the
// second mode has windows of its own. An 8-byte entry is two 4-byte ones there, the second of which
// is absent. A leaf table of one mode is also a directory of the other one. Its leaf tables are
// pages of data.
#ifndef RMAPDIFF_FUZZERS_GUEST_BOOT_TABLES_H_
#define RMAPDIFF_FUZZERS_GUEST_BOOT_TABLES_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "fuzzers/program/args.h"
#include "fuzzers/program/guest_layout.h"
#include "fuzzers/program/program.h"

namespace rmapdiff::boot {

using Flags = GpteFlagsArg;

inline constexpr uint8_t kKernel = Flags::kPresent | Flags::kWritable | Flags::kAccessed;
inline constexpr uint8_t kUser = kKernel | Flags::kUser;
inline constexpr uint8_t kUserReads = kUser & ~Flags::kWritable;

// An entry above the last level.
struct Link {
  uint8_t table;
  uint8_t entry;
  uint8_t page;  // the table below, or the first frame of a large page
  uint8_t flags = kUser;

  constexpr bool large() const { return (flags & Flags::kHuge) != 0; }
};

inline constexpr Link kLongLinks[] = {
    {kRoot, 0, kUpper},
    {kRoot, 1, kSecondUpper},
    {kOtherRoot, 0, kUpper},
    {kOtherRoot, 1, kUpper},
    {kUpper, 0, kDirectory},
    {kUpper, 1, kSecondDirectory},
    {kSecondUpper, 0, kSecondDirectory, kUserReads},
    {kSecondUpper, 1, kDirectory},
};
inline constexpr Link kPaeRoots[] = {
    {kRoot, 0, kDirectory, Flags::kPresent},
    {kRoot, 1, kSecondDirectory, Flags::kPresent},
    {kOtherRoot, 0, kDirectory, Flags::kPresent},
    {kOtherRoot, 1, kDirectory, Flags::kPresent},
};
inline constexpr Link kDirectoryLinks[] = {
    {kDirectory, 0, kLeaf},
    {kDirectory, 1, kReadOnlyLeaf},
    {kDirectory, 2, kHighWindow},
    {kDirectory, 3, kWindow},
    {kSecondDirectory, 0, kLargePage, kUser | Flags::kHuge},
    {kSecondDirectory, 1, kLargePage, kUserReads | Flags::kHuge},
    {kSecondDirectory, 2, kRepeatLeaf},
    {kSecondDirectory, 3, kLeaf, kUserReads},
};

// ---- The second mode ----

// A long root over tables of PAE. A leaf table takes the place of a directory.
inline constexpr Link kLongOverPae[] = {
    {kSecondRoot, 0, kUpper},      {kSecondRoot, 1, kSecondUpper}, {kUpper, 0, kDirectory},
    {kUpper, 1, kSecondDirectory}, {kSecondUpper, 0, kLeaf},       {kSecondUpper, 1, kDirectory},
};
inline constexpr Link kPaeOverLong[] = {
    {kSecondRoot, 0, kDirectory, Flags::kPresent},
    {kSecondRoot, 1, kLeaf, Flags::kPresent},
    {kSecondRoot, 2, kSecondDirectory, Flags::kPresent},
    {kSecondRoot, 3, kReadOnlyLeaf, Flags::kPresent},
};
// From the fourth entry on they are in the second quarter of the root.
inline constexpr Link k32BitOverWide[] = {
    {kSecondRoot, 0, kLeaf},
    {kSecondRoot, 1, kReadOnlyLeaf},
    {kSecondRoot, 2, kSecondHighWindow},
    {kSecondRoot, 3, kSecondWindow},
    {kSecondRoot, 4, kDirectory},
    {kSecondRoot, 5, kLargePage, kUser | Flags::kHuge},
    {kSecondRoot, 6, kRepeatLeaf},
    {kSecondRoot, 7, kSecondDirectory},
};
// Below a root of 8-byte entries, where the guest's own entries have 4 bytes. Here kUpper is a leaf
// table of 8-byte entries.
inline constexpr Link kDirectoriesOver32Bit[] = {
    {kDirectory, 0, kUpper},
    {kDirectory, 1, kEmptyLeaf},
    {kDirectory, 2, kSecondHighWindow},
    {kDirectory, 3, kSecondWindow},
    {kSecondDirectory, 0, kLargePage, kUser | Flags::kHuge},
    {kSecondDirectory, 1, kReadOnlyLeaf},
    {kSecondDirectory, 2, kUpper, kUserReads},
    {kSecondDirectory, 3, kRoot},
};
inline constexpr Link kPaeOver32Bit[] = {
    {kSecondRoot, 0, kDirectory, Flags::kPresent},
    {kSecondRoot, 1, kSecondDirectory, Flags::kPresent},
    {kSecondRoot, 2, kLeaf, Flags::kPresent},
};
inline constexpr Link kLongOver32Bit[] = {
    {kSecondRoot, 0, kSecondUpper},
    {kSecondRoot, 1, kSecondUpper, kUserReads},
    {kSecondUpper, 0, kDirectory},
    {kSecondUpper, 1, kSecondDirectory},
};

// Whether the modes have entries of different sizes.
constexpr bool HasOwnWindows(const Header& header) {
  return (header.mode == MmuMode::k32Bit) != (header.second == SecondMode::k32Bit);
}

// The page behind an entry of a leaf table that is in use.
constexpr uint8_t PageIn(uint8_t leaf, uint32_t entry) {
  const uint32_t page = leaf == kWindow       ? entry
                        : leaf == kHighWindow ? kEntries + entry
                        : leaf == kRepeatLeaf ? kDataPages
                                              : kDataPages + entry;
  return static_cast<uint8_t>(page);
}

// The tables through which the guest writes to its tables.
constexpr bool IsWindow(uint32_t table) { return table == kWindow || table == kHighWindow; }

// The level of each table in long mode; of an empty table, the one that it is for.
inline constexpr auto kLevels = [] {
  std::array<uint8_t, TableArg::kCount> levels;
  levels.fill(1);
  for (const uint8_t root : {kRoot, kOtherRoot, kEmptyRoot}) levels[root] = 4;
  for (const uint8_t upper : {kUpper, kSecondUpper}) levels[upper] = 3;
  for (const uint8_t directory : {kDirectory, kSecondDirectory}) levels[directory] = 2;
  return levels;
}();

// kBelow[table][entry] is the table to which an entry above the last level leads in long mode. A
// large page counts as kRepeatLeaf.
inline constexpr auto kBelow = [] {
  std::array<std::array<uint8_t, 4>, TableArg::kCount> below{};
  for (const Link& link : kLongLinks) below[link.table][link.entry] = link.page;
  for (const Link& link : kDirectoryLinks) {
    below[link.table][link.entry] = link.large() ? kRepeatLeaf : link.page;
  }
  return below;
}();

// kWays[table] is the first address (VaArg) that leads to the table in long mode; 0 if none does.
inline constexpr auto kWays = [] {
  std::array<uint8_t, TableArg::kCount> ways{};
  std::array<bool, TableArg::kCount> found{};
  found[kRoot] = true;
  const auto follow = [&](const Link& link) {
    if (!found[link.table] || link.large() || found[link.page]) return;
    const unsigned shift = VaArg::kShift[4 - kLevels[link.table]];
    ways[link.page] = static_cast<uint8_t>(ways[link.table] | link.entry << shift);
    found[link.page] = true;
  };
  for (const Link& link : kLongLinks) follow(link);
  for (const Link& link : kDirectoryLinks) follow(link);
  return ways;
}();

// Whether an entry of kDirectory leads to a window. Two entries of eight do, in a 32-bit root too.
inline constexpr unsigned kWindowBits = 6;
constexpr bool LeadsToWindow(unsigned entry) { return (entry & kWindowBits) == 2; }
static_assert([] {
  for (const Link& link : kDirectoryLinks) {
    if (link.table == kDirectory && IsWindow(link.page) != LeadsToWindow(link.entry)) return false;
  }
  return true;
}());

}  // namespace rmapdiff::boot

#endif  // RMAPDIFF_FUZZERS_GUEST_BOOT_TABLES_H_
