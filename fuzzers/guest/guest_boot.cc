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
  return {.paging = paging, .wp = true, .nx = IsPae(paging), .pse = true};
}

std::vector<BootEntry> BootTables(const Header& header) {
  std::vector<BootEntry> entries;
  const auto set = [&](uint32_t table, uint32_t entry, uint32_t page, uint8_t flags) {
    const Gpte gfn = header.layout().gfn(page);
    entries.push_back({table, entry, gfn << kPageShift | GpteBits(flags)});
  };
  const auto set_links = [&](std::span<const boot::Link> links) {
    for (const boot::Link& link : links) set(link.table, link.entry, link.page, link.flags);
  };
  switch (header.mode) {
    case MmuMode::kLong:
      set_links(boot::kLongLinks);
      set_links(boot::kDirectoryLinks);
      break;
    case MmuMode::kPae:
      set_links(boot::kPaeRoots);
      set_links(boot::kDirectoryLinks);
      break;
    case MmuMode::k32Bit:
      for (const uint8_t root : {boot::kRoot, boot::kOtherRoot}) {
        for (const boot::Link& link : boot::kDirectoryLinks) {
          const bool second = link.table == boot::kSecondDirectory;
          const uint32_t first = second ? header.guest_entries() / 4 : 0;
          set(root, first + link.entry, link.page, link.flags);
        }
      }
      break;
    default:
      return {};
  }
  constexpr uint8_t kWindowFlags = boot::kKernel | GpteFlagsArg::kDirty;
  const auto set_leaf = [&](uint8_t leaf, uint32_t entry, uint8_t flags) {
    set(leaf, entry, boot::PageIn(leaf, entry), flags);
  };
  for (uint32_t i = 0; i < boot::kEntries; ++i) {
    set_leaf(boot::kLeaf, i, boot::kUser);
    set_leaf(boot::kReadOnlyLeaf, i, i < boot::kEntries / 2 ? boot::kUserReads : boot::kUser);
    set_leaf(boot::kRepeatLeaf, i, boot::kUser);
    set_leaf(boot::kWindow, i, kWindowFlags);
    set_leaf(boot::kHighWindow, i, kWindowFlags);
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
