// The guest that a program on a whole MMU begins with: its page tables and virtual addresses.
//
// The page tables are boot_tables.h's; tables without a row there are empty. Table n and page n are
// the guest's frame layout.gfn(n). The window (boot::kWindow, boot::kHighWindow), writable for the
// kernel, is how the guest writes its own tables. Without paging and with TDP there are no tables;
// an address is a frame. The host has large pages behind boot::kLargePage and
// boot::kOtherLargePage.
//
// Covers values only: the voice that boots writes the entries.
#ifndef RMAPDIFF_FUZZERS_GUEST_GUEST_BOOT_H_
#define RMAPDIFF_FUZZERS_GUEST_GUEST_BOOT_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "fuzzers/program/program.h"
#include "mmu/shadow/guest.h"

namespace rmapdiff {

// The processor's bits for the flags of GpteFlagsArg; not kNoExecute and kReserved, which depend on
// the paging mode.
constexpr Gpte GpteBits(uint8_t flags) {
  constexpr unsigned kLow = GpteFlagsArg::kPresent | GpteFlagsArg::kWritable | GpteFlagsArg::kUser;
  constexpr unsigned kHigh = GpteFlagsArg::kAccessed | GpteFlagsArg::kDirty | GpteFlagsArg::kHuge;
  return (flags & kLow) | Gpte{flags & kHigh} << 2;
}
static_assert(GpteBits(GpteFlagsArg::kUser | GpteFlagsArg::kHuge) == (kGpteUser | kGpteHuge));

// The bits of cr3 for those of Cr3Arg.
constexpr uint64_t Cr3Bits(Cr3Arg bits) {
  uint64_t value = 0;
  if (bits.Has(Cr3Arg::kLow)) value |= 1ull << 1;
  if (bits.Has(Cr3Arg::kCache)) value |= 3ull << 3;
  if (bits.Has(Cr3Arg::kUpper)) value |= 1ull << 33;
  if (bits.Has(Cr3Arg::kHigh)) value |= 1ull << 45;
  if (bits.Has(Cr3Arg::kTop)) value |= 1ull << 63;
  return value;
}

// The paging mode that a header's guest begins in.
PagingMode BootPaging(const Header& header);

// The control registers: everything on that the mode has.
GuestMode BootMode(const Header& header);

// The mode of the header's second tables; no value if it has none.
std::optional<PagingMode> SecondPaging(const Header& header);
// The root of these. Without paging at first they are the only ones, as if it was the boot mode.
uint8_t SecondRoot(const Header& header);

struct BootEntry {
  uint32_t table = 0;
  uint32_t entry = 0;  // counted in entries of that size
  Gpte gpte = 0;
  int bytes = 8;
};
// All entries that are not zero, those of the second mode last.
std::vector<BootEntry> BootTables(const Header& header);

// The address of a page for a vcpu that is in `paging` now. `direct`: addresses are physical. With
// 32-bit paging the indexes are spread over all quadrants. Top and third select the quarter of the
// root. Table indexes above 7 are in the second half of a table.
Gva GvaOf(const GuestLayout& layout, PagingMode paging, bool direct, VaArg va);

// The address through which the guest reaches table `table` (0..15).
Gva WindowOf(const GuestLayout& layout, PagingMode paging, bool direct, uint32_t table);

}  // namespace rmapdiff

#endif  // RMAPDIFF_FUZZERS_GUEST_GUEST_BOOT_H_
