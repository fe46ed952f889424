// The guest that a program on a whole MMU begins with: its page tables, and how its operations name
// virtual addresses.
//
//   table  0  root                [0] -> 1, [1] -> 13 (PAE: 2 and 12)
//          1  level 3, long       [0] -> 2, [1] -> 12
//          2  level 2             [0] -> 3, [1] -> 4, [2] -> 6, [3] -> 5
//          3  level 1             data pages 16 .. 23, writable for users
//          4  level 1             the same, the first four read-only
//          5  level 1             the window: tables 0 .. 7, writable for the kernel
//          6  level 1             the window: tables 8 .. 15
//          7  another root        [0] -> 1, [1] -> 1 (PAE: 2 and 2)
//          8  level 1             data page 16, eight times
//         12  level 2             [0] large page 32, writable, [1] the same, read-only, [2] -> 8,
//                                 [3] -> 3, read-only
//         13  level 3, long       [0] -> 12, read-only, [1] -> 2
//   the others are empty
//
// With 32-bit paging the roots 0 and 7 have the entries of table 2 and, in their second quarter,
// those of table 12. Table n and page n are the guest's frame layout.gfn(n). The window is how the
// guest writes its own tables. Without paging and with TDP there are no tables; an address is a
// frame. The host has large pages behind pages 32 and 64.
//
// Covers values only: whoever boots writes the entries.
#ifndef RMAPDIFF_FUZZERS_GUEST_GUEST_BOOT_H_
#define RMAPDIFF_FUZZERS_GUEST_GUEST_BOOT_H_

#include <cstdint>
#include <vector>

#include "fuzzers/program/program.h"
#include "mmu/shadow/guest.h"

namespace rmapdiff {

// The paging mode that a header's guest begins in.
PagingMode BootPaging(const Header& header);

// The control registers: everything on that the mode has.
GuestMode BootMode(const Header& header);

struct BootEntry {
  uint32_t table = 0;
  uint32_t entry = 0;
  Gpte gpte = 0;
};
// All entries that are not zero. Entries of 32-bit paging are 4 bytes wide.
std::vector<BootEntry> BootTables(const Header& header);

// The address of a page for a vcpu that is in `paging` now. `direct`: addresses are physical. With
// 32-bit paging the indexes are spread over all quadrants: top and third select the quarter of the
// root, table indexes above 7 the second half of a table.
Gva GvaOf(const GuestLayout& layout, PagingMode paging, bool direct, VaArg va);

// The address through which the guest reaches table `table` (0..15).
Gva WindowOf(const GuestLayout& layout, PagingMode paging, bool direct, uint32_t table);

}  // namespace rmapdiff

#endif  // RMAPDIFF_FUZZERS_GUEST_GUEST_BOOT_H_
