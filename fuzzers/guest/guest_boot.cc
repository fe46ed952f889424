#include "fuzzers/guest/guest_boot.h"

namespace rmapdiff {
namespace {

constexpr Gpte kKernel = kGptePresent | kGpteWritable | kGpteAccessed;
constexpr Gpte kUser = kKernel | kGpteUser;
constexpr uint32_t kDataPages = 16;  // the first of them
constexpr uint32_t kWindowEntries = 8;

// Builds the entries of one guest.
class Tables {
 public:
  explicit Tables(const Header& header) : header_(header) {}

  std::vector<BootEntry> Build() {
    switch (header_.mode) {
      case MmuMode::kLong:
        Roots(1, 13, kUser);
        Set(1, 0, 2, kUser);
        Set(1, 1, 12, kUser);
        Set(13, 0, 12, kUser & ~kGpteWritable);
        Set(13, 1, 2, kUser);
        break;
      case MmuMode::kPae:
        Roots(2, 12, kGptePresent);
        break;
      case MmuMode::k32Bit:
        for (const uint32_t root : {0u, 7u}) {
          Directory(root, 0);
          SecondDirectory(root, header_.guest_entries() / 4);
        }
        break;
      default:
        return {};
    }
    if (header_.mode != MmuMode::k32Bit) {
      Directory(2, 0);
      SecondDirectory(12, 0);
    }
    LastLevel();
    return entries_;
  }

 private:
  void Set(uint32_t table, uint32_t entry, uint32_t page, Gpte flags) {
    const Gpte gfn = header_.layout().gfn(page);
    entries_.push_back({table, entry, gfn << kPageShift | flags});
  }

  void Roots(uint32_t first, uint32_t second, Gpte flags) {
    Set(0, 0, first, flags);
    Set(0, 1, second, flags);
    Set(7, 0, first, flags);
    Set(7, 1, first, flags);
  }

  void Directory(uint32_t table, uint32_t entry) {
    Set(table, entry, 3, kUser);
    Set(table, entry + 1, 4, kUser);
    Set(table, entry + 2, 6, kUser);
    Set(table, entry + 3, 5, kUser);
  }

  void SecondDirectory(uint32_t table, uint32_t entry) {
    Set(table, entry, 32, kUser | kGpteHuge);
    Set(table, entry + 1, 32, (kUser | kGpteHuge) & ~kGpteWritable);
    Set(table, entry + 2, 8, kUser);
    Set(table, entry + 3, 3, kUser & ~kGpteWritable);
  }

  void LastLevel() {
    for (uint32_t i = 0; i < kWindowEntries; ++i) {
      Set(3, i, kDataPages + i, kUser);
      Set(4, i, kDataPages + i, i < 4 ? kUser & ~kGpteWritable : kUser);
      Set(8, i, kDataPages, kUser);
      Set(5, i, i, kKernel | kGpteDirty);
      Set(6, i, kWindowEntries + i, kKernel | kGpteDirty);
    }
  }

  const Header& header_;
  std::vector<BootEntry> entries_;
};

}  // namespace

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

std::vector<BootEntry> BootTables(const Header& header) { return Tables(header).Build(); }

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
    const Gva half = va.table() >= kWindowEntries ? entries / 2 : 0;
    page =
        (quarter * (entries / 4) + va.directory()) * entries + half + va.table() % kWindowEntries;
  }
  return page << kPageShift;
}

Gva WindowOf(const GuestLayout& layout, PagingMode paging, bool direct, uint32_t table) {
  if (direct || paging == PagingMode::kNonPaging) return Gva{layout.gfn(table)} << kPageShift;
  const uint32_t directory = table < kWindowEntries ? 3 : 2;
  return GvaOf(layout, paging, direct,
               {static_cast<uint8_t>(directory << 4 | table % kWindowEntries)});
}

}  // namespace rmapdiff
