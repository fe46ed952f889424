#include "fuzzers/guest/guest_boot.h"

#include <span>

#include "fuzzers/guest/boot_tables.h"

namespace rmapdiff {

PagingMode BootPaging(const Header& header) {
  switch (header.mode) {
    case MmuMode::kLong:
      return PagingMode::kLong;
    case MmuMode::kPae:
      return PagingMode::kPae;
    case MmuMode::k32Bit:
      return PagingMode::k32Bit;
    default:
      return PagingMode::kNonPaging;
  }
}

GuestMode BootMode(const Header& header) {
  const PagingMode paging = BootPaging(header);
  const bool smep = header.protect == ProtectMode::kSmep || header.protect == ProtectMode::kBoth;
  const bool smap = header.protect == ProtectMode::kSmap || header.protect == ProtectMode::kBoth;
  return {
      .paging = paging, .wp = true, .nx = IsPae(paging), .pse = true, .smep = smep, .smap = smap};
}

std::optional<PagingMode> SecondPaging(const Header& header) {
  switch (header.second) {
    case SecondMode::kLong:
      return PagingMode::kLong;
    case SecondMode::kPae:
      return PagingMode::kPae;
    case SecondMode::k32Bit:
      return PagingMode::k32Bit;
    case SecondMode::kNone:
      break;
  }
  return std::nullopt;
}

uint8_t SecondRoot(const Header& header) {
  return header.mode == MmuMode::kNonPaging ? boot::kRoot : boot::kSecondRoot;
}

namespace {

// Collects entries of one size.
class Tables {
 public:
  Tables(const Header& header, PagingMode paging, std::vector<BootEntry>& entries)
      : layout_(header.layout()), bytes_(GpteBytes(paging)), entries_(entries) {}

  void Set(uint32_t table, uint32_t entry, uint32_t page, uint8_t flags) {
    const Gpte gfn = layout_.gfn(page);
    entries_.push_back({table, entry, gfn << kPageShift | GpteBits(flags), bytes_});
  }
  void SetLinks(std::span<const boot::Link> links) {
    for (const boot::Link& link : links) Set(link.table, link.entry, link.page, link.flags);
  }
  // An entry of a root of 32-bit paging, which GvaOf numbers within a quarter.
  void SetInQuarter(uint32_t root, uint32_t quarter, const boot::Link& link) {
    const uint32_t entries = 2 * layout_.sptes_per_page();
    Set(root, quarter * entries / 4 + link.entry % 4, link.page, link.flags);
  }
  void SetWindow(uint32_t window, uint32_t like) {
    constexpr uint8_t kFlags = boot::kKernel | GpteFlagsArg::kDirty;
    for (uint32_t i = 0; i < boot::kEntries; ++i) {
      Set(window, i, boot::PageIn(static_cast<uint8_t>(like), i), kFlags);
    }
  }
  void SetLeaf(uint8_t leaf, bool all_writable = true) {
    for (uint32_t i = 0; i < boot::kEntries; ++i) {
      const bool writable = all_writable || i >= boot::kEntries / 2;
      Set(leaf, i, boot::PageIn(leaf, i), writable ? boot::kUser : boot::kUserReads);
    }
  }

 private:
  const GuestLayout& layout_;
  const int bytes_;
  std::vector<BootEntry>& entries_;
};

void SetTables(const Header& header, PagingMode paging, std::vector<BootEntry>& entries) {
  Tables tables(header, paging, entries);
  switch (paging) {
    case PagingMode::kLong:
      tables.SetLinks(boot::kLongLinks);
      tables.SetLinks(boot::kDirectoryLinks);
      break;
    case PagingMode::kPae:
      tables.SetLinks(boot::kPaeRoots);
      tables.SetLinks(boot::kDirectoryLinks);
      break;
    case PagingMode::k32Bit:
      for (const uint8_t root : {boot::kRoot, boot::kOtherRoot}) {
        for (const boot::Link& link : boot::kDirectoryLinks) {
          tables.SetInQuarter(root, link.table == boot::kSecondDirectory ? 1 : 0, link);
        }
      }
      break;
    case PagingMode::kNonPaging:
      return;
  }
  tables.SetLeaf(boot::kLeaf);
  tables.SetLeaf(boot::kReadOnlyLeaf, /*all_writable=*/false);
  tables.SetLeaf(boot::kRepeatLeaf);
  for (const uint8_t window : {boot::kWindow, boot::kHighWindow}) tables.SetWindow(window, window);
}

void SetSecondTables(const Header& header, PagingMode paging, std::vector<BootEntry>& entries) {
  Tables tables(header, paging, entries);
  const bool narrow_below = header.mode == MmuMode::k32Bit;
  if (boot::HasOwnWindows(header)) {
    tables.SetWindow(boot::kSecondWindow, boot::kWindow);
    tables.SetWindow(boot::kSecondHighWindow, boot::kHighWindow);
  }
  switch (paging) {
    case PagingMode::kLong:
      if (narrow_below) {
        tables.SetLinks(boot::kLongOver32Bit);
      } else {
        tables.SetLinks(boot::kLongOverPae);
      }
      break;
    case PagingMode::kPae:
      if (narrow_below) {
        tables.SetLinks(boot::kPaeOver32Bit);
      } else {
        tables.SetLinks(boot::kPaeOverLong);
      }
      break;
    case PagingMode::k32Bit:
      for (const boot::Link& link : boot::k32BitOverWide) {
        tables.SetInQuarter(boot::kSecondRoot, link.entry / 4, link);
      }
      break;
    case PagingMode::kNonPaging:
      break;
  }
  if (!narrow_below) return;
  tables.SetLinks(boot::kDirectoriesOver32Bit);
  for (uint32_t i = 0; i < boot::kEntries; ++i) {
    tables.Set(boot::kUpper, i, boot::kDataPages + i, boot::kUser);
  }
}

}  // namespace

std::vector<BootEntry> BootTables(const Header& header) {
  std::vector<BootEntry> entries;
  if (header.tdp()) return entries;
  SetTables(header, BootPaging(header), entries);
  const std::optional<PagingMode> second = SecondPaging(header);
  if (!second || *second == BootPaging(header)) return entries;
  if (header.mode == MmuMode::kNonPaging) {
    SetTables(header, *second, entries);
  } else {
    SetSecondTables(header, *second, entries);
  }
  return entries;
}

Gva GvaOf(const GuestLayout& layout, PagingMode paging, bool direct, VaArg va) {
  const unsigned bits = layout.level_bits;
  const Gva quarter = va.top() << 1 | va.third();
  Gva page = 0;
  if (direct || paging == PagingMode::kNonPaging) {
    page = layout.gfn(va.value % GuestLayout::kGfnIndexes);
  } else if (paging == PagingMode::kLong) {
    page = ((Gva{va.top()} << bits | va.third()) << bits | va.directory()) << bits |
           va.table() % layout.sptes_per_page();
  } else if (paging == PagingMode::kPae) {
    page = (quarter << bits | va.directory()) << bits | va.table() % layout.sptes_per_page();
  } else {
    const Gva entries = Gva{2} << bits;
    const Gva half = va.table() >= boot::kEntries ? entries / 2 : 0;
    page =
        (quarter * (entries / 4) + va.directory()) * entries + half + va.table() % boot::kEntries;
  }
  return page << kPageShift;
}

Gva WindowOf(const GuestLayout& layout, PagingMode paging, bool direct, uint32_t table) {
  if (direct || paging == PagingMode::kNonPaging) return Gva{layout.gfn(table)} << kPageShift;
  const uint8_t window = table < boot::kEntries ? boot::kWindow : boot::kHighWindow;
  return GvaOf(layout, paging, direct,
               {static_cast<uint8_t>(boot::kWays[window] | table % boot::kEntries)});
}

}  // namespace rmapdiff
