// The guest that programs on a whole MMU begin with. A little walk over its tables, written anew,
// finds behind every address the page that guest_boot.h names.
#include "fuzzers/guest/guest_boot.h"

#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "fuzzers/guest/boot_routes.h"
#include "fuzzers/program/program.h"
#include "mmu/graph/limits.h"

namespace rmapdiff {
namespace {

// Where a walk ends.
struct Found {
  Gfn gfn = 0;
  bool writable = true;
  bool user = true;
  int level = 1;

  friend bool operator==(const Found&, const Found&) = default;
};

std::ostream& operator<<(std::ostream& out, const Found& found) {
  return out << std::hex << "gfn 0x" << found.gfn << (found.writable ? " w" : "")
             << (found.user ? " u" : "") << " level " << found.level;
}

// The tables in memory, and the way from an address to a frame as the manuals have it.
class Walk {
 public:
  explicit Walk(const Header& header)
      : header_(header), bits_(header.layout().level_bits), layout_(header.layout()) {
    for (const BootEntry& entry : BootTables(header)) {
      const bool first = entries_.emplace(std::pair{entry.table, entry.entry}, entry.gpte).second;
      EXPECT_TRUE(first) << "entry " << entry.entry << " of table " << entry.table << " twice";
      EXPECT_LT(entry.entry, header.guest_entries());
      EXPECT_LT(entry.table, TableArg::kCount);
      EXPECT_NE(entry.gpte, 0u);
      if (header.mode == MmuMode::k32Bit) EXPECT_LT(entry.gpte, Gpte{1} << 32);
    }
  }

  // By level, the table and entry that a walk goes through.
  using Way = std::map<int, std::pair<uint32_t, uint32_t>>;

  std::optional<Found> From(uint32_t root, Gva gva, Way* way = nullptr) const {
    const PagingMode paging = BootPaging(header_);
    const bool wide = paging != PagingMode::k32Bit;
    const unsigned bits = wide ? bits_ : bits_ + 1;
    const int top = paging == PagingMode::kLong ? 4 : wide ? 3 : 2;
    const Gva page = gva >> 12;
    Found found;
    uint32_t table = root;
    for (int level = top; level >= 1; --level) {
      const unsigned shift = bits * static_cast<unsigned>(level - 1);
      const unsigned width = paging == PagingMode::kPae && level == 3 ? 2 : bits;
      const auto index = static_cast<uint32_t>(page >> shift & ((1u << width) - 1));
      if (way != nullptr) (*way)[level] = {table, index};
      const auto entry = entries_.find({table, index});
      if (entry == entries_.end() || (entry->second & 1) == 0) return std::nullopt;
      const Gpte gpte = entry->second;
      const Gfn gfn = static_cast<Gfn>((gpte & ~kGpteNx) >> 12);
      // The four entries of a PAE root have no rights.
      if (paging != PagingMode::kPae || level != 3) {
        found.writable = found.writable && (gpte & 2) != 0;
        found.user = found.user && (gpte & 4) != 0;
      }
      if (level == 1 || (gpte & 0x80) != 0) {
        found.gfn = gfn + static_cast<Gfn>(page & ((Gva{1} << shift) - 1));
        found.level = level;
        return found;
      }
      table = TableAt(gfn);
    }
    return std::nullopt;
  }

  // By the indexes of a walk, as operations name an address.
  std::optional<Found> From(uint32_t root, uint32_t top, uint32_t third, uint32_t directory,
                            uint32_t table) const {
    const VaArg va{static_cast<uint8_t>(top << 7 | third << 6 | directory << 4 | table)};
    return From(root, GvaOf(layout_, BootPaging(header_), false, va));
  }

  Gfn gfn(uint32_t page) const { return layout_.gfn(page); }

 private:
  uint32_t TableAt(Gfn gfn) const {
    for (uint32_t table = 0; table < TableArg::kCount; ++table) {
      if (layout_.gfn(table) == gfn) return table;
    }
    ADD_FAILURE() << "no table at gfn " << gfn;
    return 0;
  }

  const Header header_;
  const unsigned bits_;
  const GuestLayout& layout_;
  std::map<std::pair<uint32_t, uint32_t>, Gpte> entries_;
};

class GuestBootTest : public testing::TestWithParam<Header> {};

std::string NameOf(const testing::TestParamInfo<Header>& info) {
  static constexpr const char* kModes[] = {"None", "Long", "Pae", "32Bit", "NonPaging"};
  return kModes[static_cast<size_t>(info.param.mode)] +
         std::string(info.param.limits == LimitsMode::kTiny ? "Tiny" : "Production");
}

INSTANTIATE_TEST_SUITE_P(
    Modes, GuestBootTest,
    testing::Values(Header{.mode = MmuMode::kLong},
                    Header{.mode = MmuMode::kLong, .limits = LimitsMode::kTiny},
                    Header{.mode = MmuMode::kPae},
                    Header{.mode = MmuMode::kPae, .limits = LimitsMode::kTiny},
                    Header{.mode = MmuMode::k32Bit},
                    Header{.mode = MmuMode::k32Bit, .limits = LimitsMode::kTiny}),
    NameOf);

// The routes are a guess from the same table, so they agree with each walk that gets through.
TEST_P(GuestBootTest, TheRouteOfAnAddressIsTheWayOfItsWalk) {
  const Header header = GetParam();
  const Walk walk(header);
  const BootRoutes routes(header);
  std::set<uint32_t> leaves;
  for (uint32_t path = 0; path < 256; ++path) {
    const VaArg va{static_cast<uint8_t>(path)};
    Walk::Way way;
    if (!walk.From(0, GvaOf(header.layout(), BootPaging(header), false, va), &way)) continue;
    for (const auto& [level, place] : way) {
      const auto& [table, entry] = place;
      EXPECT_EQ(routes.PlaceOn(va, level),
                (BootRoutes::Place{static_cast<uint8_t>(table), static_cast<uint16_t>(entry)}))
          << path << " level " << level;
      EXPECT_EQ(routes.LevelOf(table), level) << table;
      if (level == 1) leaves.insert(table);
    }
  }
  EXPECT_EQ(leaves, (std::set<uint32_t>{3, 4, 5, 6, 8}));
}

// The other way round, for the tables that operations mostly aim at.
TEST_P(GuestBootTest, TheAddressOfAnEntryLeadsThroughIt) {
  const Header header = GetParam();
  const BootRoutes routes(header);
  std::vector<uint8_t> tables = {3, 4, 8};
  if (header.mode != MmuMode::k32Bit) tables.insert(tables.end(), {2, 12});
  if (header.mode == MmuMode::kLong) tables.insert(tables.end(), {1, 13});
  for (const uint8_t table : tables) {
    const int level = routes.LevelOf(table);
    const uint16_t entries = level == 1 ? 8 : level == 2 ? 4 : 2;
    for (uint16_t entry = 0; entry < entries; ++entry) {
      const VaArg va{BootRoutes::VaOf(table, entry)};
      EXPECT_EQ(routes.PlaceOn(va, level), (BootRoutes::Place{table, entry}))
          << int{table} << "[" << entry << "]";
    }
  }
}

TEST_P(GuestBootTest, TheFirstTableMapsEightDataPagesForUsers) {
  const Walk walk(GetParam());
  for (uint32_t i = 0; i < 8; ++i) {
    EXPECT_EQ(walk.From(0, 0, 0, 0, i), (Found{walk.gfn(16 + i), true, true, 1})) << i;
  }
}

TEST_P(GuestBootTest, TheSecondTableMapsTheSameAndTheFirstFourReadOnly) {
  const Walk walk(GetParam());
  for (uint32_t i = 0; i < 8; ++i) {
    EXPECT_EQ(walk.From(0, 0, 0, 1, i), (Found{walk.gfn(16 + i), i >= 4, true, 1})) << i;
  }
}

TEST_P(GuestBootTest, TheWindowReachesEveryTableForTheKernelOnly) {
  const Header header = GetParam();
  const Walk walk(header);
  for (const uint32_t root : {0u, 7u}) {
    for (uint32_t table = 0; table < TableArg::kCount; ++table) {
      const Gva gva = WindowOf(header.layout(), BootPaging(header), false, table);
      EXPECT_EQ(walk.From(root, gva), (Found{walk.gfn(table), true, false, 1})) << table;
    }
  }
}

TEST_P(GuestBootTest, TheSecondQuarterHasALargePageWritableAndReadOnly) {
  const Walk walk(GetParam());
  for (const uint32_t i : {0u, 5u}) {
    EXPECT_EQ(walk.From(0, 0, 1, 0, i), (Found{walk.gfn(32) + i, true, true, 2}));
    EXPECT_EQ(walk.From(0, 0, 1, 1, i), (Found{walk.gfn(32) + i, false, true, 2}));
  }
}

TEST_P(GuestBootTest, OneTableMapsOnePageEightTimesAndOneIsReachedByAReadOnlyWayToo) {
  const Walk walk(GetParam());
  for (uint32_t i = 0; i < 8; ++i) {
    EXPECT_EQ(walk.From(0, 0, 1, 2, i), (Found{walk.gfn(16), true, true, 1})) << i;
    EXPECT_EQ(walk.From(0, 0, 1, 3, i), (Found{walk.gfn(16 + i), false, true, 1})) << i;
  }
}

// Long and PAE: the other root has the first directory in both its entries. With 32-bit paging it
// is another table with the same entries.
TEST_P(GuestBootTest, TheOtherRootLeadsToTheSamePagesByOtherWays) {
  const Header header = GetParam();
  const Walk walk(header);
  for (uint32_t i = 0; i < 8; ++i) {
    const auto data = walk.From(0, 0, 0, 0, i);
    EXPECT_EQ(walk.From(7, 0, 0, 0, i), data) << i;
    if (header.mode == MmuMode::kPae) EXPECT_EQ(walk.From(7, 0, 1, 0, i), data) << i;
    if (header.mode == MmuMode::kLong) EXPECT_EQ(walk.From(7, 1, 0, 0, i), data) << i;
    if (header.mode == MmuMode::k32Bit) {
      EXPECT_EQ(walk.From(7, 0, 1, 0, i), walk.From(0, 0, 1, 0, i)) << i;
    }
  }
}

TEST_P(GuestBootTest, OnlyLongModeHasAThirdWayToTheDirectories) {
  const Header header = GetParam();
  const Walk walk(header);
  const auto large = walk.From(0, 1, 0, 0, 3);
  const auto data = walk.From(0, 1, 1, 0, 3);
  if (header.mode == MmuMode::kLong) {
    EXPECT_EQ(large, (Found{walk.gfn(32) + 3, false, true, 2})) << "read-only by this way";
    EXPECT_EQ(data, walk.From(0, 0, 0, 0, 3));
  } else {
    EXPECT_EQ(large, std::nullopt);
    EXPECT_EQ(data, std::nullopt);
  }
}

TEST_P(GuestBootTest, AddressesBeyondTheEightEntriesLeadNowhere) {
  const Header header = GetParam();
  const Walk walk(header);
  // With tiny limits a table ends there, and the index begins anew.
  const bool wraps = header.limits == LimitsMode::kTiny && header.mode != MmuMode::k32Bit;
  for (uint32_t i = 8; i < 16; ++i) {
    EXPECT_EQ(walk.From(0, 0, 0, 0, i), wraps ? walk.From(0, 0, 0, 0, i - 8) : std::nullopt) << i;
  }
}

TEST_P(GuestBootTest, DifferentAddressesAreDifferentPages) {
  const Header header = GetParam();
  std::map<Gva, uint32_t> pages;
  const bool wraps = header.limits == LimitsMode::kTiny && header.mode != MmuMode::k32Bit;
  for (uint32_t path = 0; path < 256; ++path) {
    if (wraps && (path & 8) != 0) continue;
    const Gva gva = GvaOf(header.layout(), BootPaging(header), false, {static_cast<uint8_t>(path)});
    EXPECT_EQ(gva & kPageOffset, 0u);
    EXPECT_TRUE(pages.emplace(gva, path).second) << path << " is " << pages[gva];
  }
}

TEST_P(GuestBootTest, OnlyTheNamedTablesHaveEntries) {
  std::map<uint32_t, int> entries;
  for (const BootEntry& entry : BootTables(GetParam())) ++entries[entry.table];
  std::map<uint32_t, int> expected{{0, 2}, {2, 4}, {3, 8}, {4, 8}, {5, 8},
                                   {6, 8}, {7, 2}, {8, 8}, {12, 4}};
  if (GetParam().mode == MmuMode::kLong) expected[1] = expected[13] = 2;
  if (GetParam().mode == MmuMode::k32Bit) {
    expected.erase(2);
    expected.erase(12);
    expected[0] = expected[7] = 8;
  }
  EXPECT_EQ(entries, expected);
}

// ---- The second mode ----

// Guest memory with the entries of both modes, by byte offsets.
class Memory {
 public:
  explicit Memory(const Header& header) : layout_(header.layout()) {
    for (const BootEntry& entry : BootTables(header)) {
      for (int i = 0; i < entry.bytes; ++i) {
        const uint64_t at = entry.entry * static_cast<uint64_t>(entry.bytes);
        const auto byte = static_cast<uint8_t>(entry.gpte >> (i * 8));
        const auto place = std::pair{layout_.gfn(entry.table), at + static_cast<uint64_t>(i)};
        EXPECT_TRUE(bytes_.emplace(place, byte).second)
            << "table " << entry.table << " has two entries at byte " << place.second;
      }
    }
  }

  // The frame at the end of the walk from a root; rights are not looked at.
  std::optional<Gfn> Walk(PagingMode mode, uint32_t root, Gva gva) const {
    const GuestPaging<TinyLimits> tiny{mode};
    const GuestPaging<ProductionLimits> production{mode};
    const bool is_tiny = layout_.level_bits == TinyLimits::kLevelBits;
    Gfn table = layout_.gfn(root);
    for (int level = GuestRootLevel(mode);; --level) {
      const uint32_t index = is_tiny ? tiny.Index(gva, level) : production.Index(gva, level);
      const uint64_t gpte = Entry(table, index, static_cast<uint64_t>(GpteBytes(mode)));
      if ((gpte & kGptePresent) == 0) return std::nullopt;
      table = static_cast<Gfn>((gpte & kGpteAddress) >> kPageShift);
      if (level == 1) return table;
      if ((gpte & kGpteHuge) == 0) continue;
      return table + (is_tiny ? tiny.FrameOffset(gva, level) : production.FrameOffset(gva, level));
    }
  }

 private:
  uint64_t Entry(Gfn table, uint32_t index, uint64_t size) const {
    uint64_t gpte = 0;
    for (uint64_t i = 0; i < size; ++i) {
      const auto byte = bytes_.find({table, index * size + i});
      if (byte != bytes_.end()) gpte |= uint64_t{byte->second} << (i * 8);
    }
    return gpte;
  }

  const GuestLayout& layout_;
  std::map<std::pair<Gfn, uint64_t>, uint8_t> bytes_;
};

std::vector<Header> HeadersWithASecondMode() {
  std::vector<Header> headers;
  for (const MmuMode mode : {MmuMode::kLong, MmuMode::kPae, MmuMode::k32Bit, MmuMode::kNonPaging}) {
    for (const SecondMode second : {SecondMode::kLong, SecondMode::kPae, SecondMode::k32Bit}) {
      for (const LimitsMode limits : {LimitsMode::kProduction, LimitsMode::kTiny}) {
        Header header{.mode = mode, .limits = limits};
        header.second = second;
        if (SecondPaging(header) != BootPaging(header)) headers.push_back(header);
      }
    }
  }
  return headers;
}

TEST(SecondModeTest, ItsRootReachesEveryTableByItsWindow) {
  for (const Header& header : HeadersWithASecondMode()) {
    const Memory memory(header);
    const PagingMode paging = SecondPaging(header).value();
    for (uint32_t table = 0; table < TableArg::kCount; ++table) {
      const Gva gva = WindowOf(header.layout(), paging, false, table);
      EXPECT_EQ(memory.Walk(paging, SecondRoot(header), gva), header.layout().gfn(table))
          << Print({header, {}}) << "table " << table;
    }
  }
}

TEST(SecondModeTest, TheTablesOfTheFirstModeStayAsTheyAre) {
  for (const Header& header : HeadersWithASecondMode()) {
    Header alone = header;
    alone.second = SecondMode::kNone;
    const Memory memory(header), expected(alone);
    for (uint32_t path = 0; path < 256 && header.mode != MmuMode::kNonPaging; ++path) {
      const Gva gva =
          GvaOf(header.layout(), BootPaging(header), false, {static_cast<uint8_t>(path)});
      EXPECT_EQ(memory.Walk(BootPaging(header), boot::kRoot, gva),
                expected.Walk(BootPaging(header), boot::kRoot, gva))
          << Print({header, {}}) << path;
    }
  }
}

TEST(SecondModeTest, ItsTablesAreDirectoriesOfOneModeAndLeavesOfTheOther) {
  Header header{.mode = MmuMode::kLong, .limits = LimitsMode::kTiny};
  header.second = SecondMode::k32Bit;
  // The entries of kDirectory as leaves: the first one's low half is kLeaf.
  const Gva directory_as_leaf = GvaOf(header.layout(), PagingMode::k32Bit, false, {1 << 6});
  EXPECT_EQ(Memory(header).Walk(PagingMode::k32Bit, boot::kSecondRoot, directory_as_leaf),
            header.layout().gfn(boot::kLeaf));
  header.second = SecondMode::kPae;
  // kLeaf as a directory: its tables are data pages, which are empty.
  const Gva leaf_as_directory = GvaOf(header.layout(), PagingMode::kPae, false, {1 << 6});
  EXPECT_EQ(Memory(header).Walk(PagingMode::kPae, boot::kSecondRoot, leaf_as_directory),
            std::nullopt);
}

TEST(GuestBootWithoutTablesTest, AnAddressIsAFrame) {
  for (const LimitsMode limits : {LimitsMode::kProduction, LimitsMode::kTiny}) {
    for (const MmuMode mode : {MmuMode::kNonPaging, MmuMode::kTdp, MmuMode::kTdp32}) {
      const Header header{.mode = mode, .limits = limits};
      const bool direct = mode != MmuMode::kNonPaging;
      EXPECT_TRUE(BootTables(header).empty());
      EXPECT_EQ(BootPaging(header), PagingMode::kNonPaging);
      for (const uint8_t path : {0, 1, 31, 32, 64, 127}) {
        const Gva gva = GvaOf(header.layout(), BootPaging(header), direct, {path});
        EXPECT_EQ(gva >> 12, header.layout().gfn(path)) << int{path};
      }
      EXPECT_EQ(WindowOf(header.layout(), BootPaging(header), direct, 5),
                Gva{header.layout().gfn(5)} << 12);
    }
  }
}

// Whatever paging mode the guest of a TDP program is in, its own tables are not looked at.
TEST(GuestBootWithoutTablesTest, WithTdpAnAddressIsAFrameInEveryMode) {
  const GuestLayout& layout = kMmuTinyLayout;
  EXPECT_EQ(GvaOf(layout, PagingMode::kLong, true, {40}) >> 12, layout.gfn(40));
  EXPECT_EQ(WindowOf(layout, PagingMode::kPae, true, 9) >> 12, layout.gfn(9));
}

TEST(GuestBootModeTest, EverythingIsOnThatTheModeHas) {
  const GuestMode wide{.paging = PagingMode::kLong, .wp = true, .nx = true, .pse = true};
  EXPECT_EQ(BootMode({.mode = MmuMode::kLong}), wide);
  EXPECT_EQ(BootMode({.mode = MmuMode::kPae}).nx, true);
  EXPECT_EQ(BootMode({.mode = MmuMode::kPae}).paging, PagingMode::kPae);
  EXPECT_EQ(BootMode({.mode = MmuMode::k32Bit}).nx, false);
  EXPECT_EQ(BootMode({.mode = MmuMode::k32Bit}).paging, PagingMode::k32Bit);
  EXPECT_EQ(BootMode({.mode = MmuMode::kNonPaging}).paging, PagingMode::kNonPaging);
}

}  // namespace
}  // namespace rmapdiff
