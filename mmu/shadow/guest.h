// The definitions of the guest's processor: table entries, paging modes, error codes, addresses.
//
// A guest virtual address is a page number above 12 bits of offset. The page number is split into
// indexes of Limits::kLevelBits (in 32-bit paging one bit more). With tiny limits tables have 8
// entries. Even so the address field of every entry is a frame number << 12. A 4 KiB page of the
// guest has as many 8-byte words as a table has 8-byte entries. Bytes beyond those words do not
// exist.
//
//   mode          levels  entries       page number
//   kNonPaging    -       -             2 + 2 * kLevelBits bits, the frame number itself
//   k32Bit        2       4 bytes, 2n   (kLevelBits + 1) + (kLevelBits + 1)
//   kPae          3       8 bytes, n    2 + kLevelBits + kLevelBits; the four pdptrs are registers
//   kLong         4       8 bytes, n    4 * kLevelBits
//
// Source: arch/x86/kvm/mmu.h, paging_tmpl.h and reset_rsvds_bits_mask of Linux 2.6.36. SMEP is
// as of Linux 3.1, SMAP as of 3.16, each with its later fixes. A guest has them only if it asks for
// them. The reserved bits of cr3 are as of Linux 4.17.
// Not covered: PSE-36, PCIDs, global pages, memory types, protection keys.
#ifndef RMAPDIFF_MMU_SHADOW_GUEST_H_
#define RMAPDIFF_MMU_SHADOW_GUEST_H_

#include <cstdint>

#include "mmu/base/types.h"

namespace rmapdiff {

using Gva = uint64_t;
using Gpte = uint64_t;

inline constexpr unsigned kPageShift = 12;
inline constexpr Gva kPageOffset = 0xfff;

inline constexpr Gpte kGptePresent = 1ull << 0;
inline constexpr Gpte kGpteWritable = 1ull << 1;
inline constexpr Gpte kGpteUser = 1ull << 2;
inline constexpr Gpte kGpteAccessed = 1ull << 5;
inline constexpr Gpte kGpteDirty = 1ull << 6;
inline constexpr Gpte kGpteHuge = 1ull << 7;
inline constexpr Gpte kGpteGlobal = 1ull << 8;
inline constexpr Gpte kGpteNx = 1ull << 63;
inline constexpr Gpte kGpteAddress = 0xffffffffff000ull;
inline constexpr unsigned kMaxPhysicalBits = 40;  // cpuid_maxphyaddr

// PFERR_*: the error code of a #PF.
inline constexpr uint32_t kFaultPresent = 1;
inline constexpr uint32_t kFaultWrite = 2;
inline constexpr uint32_t kFaultUser = 4;
inline constexpr uint32_t kFaultReserved = 8;
inline constexpr uint32_t kFaultFetch = 16;

enum class PagingMode : uint8_t { kNonPaging, k32Bit, kPae, kLong };

// The mode that the control registers select.
struct GuestMode {
  PagingMode paging = PagingMode::kNonPaging;
  bool wp = true;   // CR0.WP
  bool nx = false;  // EFER.NX
  bool pse = true;  // CR4.PSE; it matters in 32-bit paging only
  // CR4.SMEP and CR4.SMAP: the supervisor does not execute user pages, and does not read or write
  // them. A user page is one whose entries have U at every level. Without paging both do nothing.
  bool smep = false;
  bool smap = false;

  friend bool operator==(const GuestMode&, const GuestMode&) = default;
};

constexpr bool IsPae(PagingMode mode) {
  return mode == PagingMode::kPae || mode == PagingMode::kLong;
}

// The level of the guest's root table; 0 without paging.
constexpr int GuestRootLevel(PagingMode mode) {
  switch (mode) {
    case PagingMode::kNonPaging:
      return 0;
    case PagingMode::k32Bit:
      return 2;
    case PagingMode::kPae:
      return 3;
    case PagingMode::kLong:
      return 4;
  }
  return 0;
}

constexpr int GpteBytes(PagingMode mode) { return IsPae(mode) ? 8 : 4; }

constexpr uint64_t LowBits(unsigned count) {
  return count >= 64 ? ~uint64_t{0} : (uint64_t{1} << count) - 1;
}
// Bits first..last, both included; none if first > last.
constexpr uint64_t BitRange(unsigned first, unsigned last) {
  return first > last ? 0 : LowBits(last + 1) & ~LowBits(first);
}

// Addresses and entries in one paging mode.
template <class Limits>
struct GuestPaging {
  PagingMode mode;

  constexpr unsigned index_bits() const {
    return Limits::kLevelBits + (mode == PagingMode::k32Bit ? 1u : 0u);
  }
  // The number of frames that an entry of `level` spans, as a shift.
  constexpr unsigned FrameShift(int level) const {
    return index_bits() * static_cast<unsigned>(level - 1);
  }
  // The number of bits of a page number.
  constexpr unsigned page_bits() const {
    return mode == PagingMode::kLong ? 4u * Limits::kLevelBits : 2u + 2u * Limits::kLevelBits;
  }
  constexpr Gva PageOf(Gva gva) const { return gva >> kPageShift & LowBits(page_bits()); }

  // PT_INDEX; level 3 of PAE: which of the four pdptrs.
  constexpr uint32_t Index(Gva gva, int level) const {
    return static_cast<uint32_t>(PageOf(gva) >> FrameShift(level) & LowBits(index_bits()));
  }

  // gpte_to_gfn_lvl.
  constexpr Gfn GfnOf(Gpte gpte, int level) const {
    return static_cast<Gfn>((gpte & kGpteAddress) >> kPageShift & ~LowBits(FrameShift(level)));
  }
  // The number of frames between the first one of a large page and the one that `gva` is in.
  constexpr Gfn FrameOffset(Gva gva, int level) const {
    return static_cast<Gfn>(PageOf(gva) & LowBits(FrameShift(level)));
  }

  // Whether the walk ends at this entry.
  constexpr bool IsLast(const GuestMode& guest, Gpte gpte, int level) const {
    if (level == kPageTableLevel) return true;
    if ((gpte & kGpteHuge) == 0) return false;
    if (level == kDirectoryLevel) return IsPae(mode) || guest.pse;
    return level == 3 && mode == PagingMode::kLong;
  }

  // rsvd_bits_mask: the bits that must be zero in this entry.
  constexpr uint64_t Reserved(const GuestMode& guest, Gpte gpte, int level) const {
    const bool huge = (gpte & kGpteHuge) != 0;
    const uint64_t below = BitRange(kPageShift + 1, kPageShift + FrameShift(level) - 1);
    const uint64_t nx = guest.nx ? 0 : kGpteNx;
    switch (mode) {
      case PagingMode::kNonPaging:
        return 0;
      case PagingMode::k32Bit:
        return level == kDirectoryLevel && huge && guest.pse ? below : 0;
      case PagingMode::kPae:
        if (level == 3) return BitRange(kMaxPhysicalBits, 63) | BitRange(5, 8) | BitRange(1, 2);
        return nx | BitRange(kMaxPhysicalBits, 62) | (level == kDirectoryLevel && huge ? below : 0);
      case PagingMode::kLong:
        if (level == kRootLevel) return nx | BitRange(kMaxPhysicalBits, 51) | kGpteHuge;
        return nx | BitRange(kMaxPhysicalBits, 51) | (level > 1 && huge ? below : 0);
    }
    return 0;
  }
};

}  // namespace rmapdiff

#endif  // RMAPDIFF_MMU_SHADOW_GUEST_H_
