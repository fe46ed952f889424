// The vocabulary of the shadow MMU: frame numbers, levels, roles and references as plain values.
//
// Everything here is a value type without behaviour. The MMUs share it with the model and the
// auditor that judge them. Beside it they share only spte.h and bug.h.
//
// Names and ranges follow arch/x86/include/asm/kvm_host.h of Linux 2.6.36.
#ifndef RMAPDIFF_MMU_BASE_TYPES_H_
#define RMAPDIFF_MMU_BASE_TYPES_H_

#include <compare>
#include <cstdint>
#include <type_traits>

namespace rmapdiff {

// A guest frame number. gfn_t of 2.6.36 has 8 bytes on every host. In older kernels it is an
// unsigned long, and so it is here if RMAPDIFF_LONG_GFN is defined (--config=long-gfn). The
// difference exists in 32-bit code only: see SiblingMap::kSharedGfns.
#if defined(RMAPDIFF_LONG_GFN)
using Gfn = std::conditional_t<sizeof(void*) == 4, uint32_t, uint64_t>;
#else
using Gfn = uint64_t;
#endif

// A host frame number.
using Pfn = uint64_t;

// A shadow page table entry, as the hardware reads it.
using Spte = uint64_t;

// Page table levels: 1 is the page table (4 KiB leaves), 4 the root of a long mode guest.
inline constexpr int kPageTableLevel = 1;
inline constexpr int kDirectoryLevel = 2;
inline constexpr int kRootLevel = 4;
// KVM_NR_PAGE_SIZES: leaves, and so reverse maps, exist at levels 1 to 3.
inline constexpr int kRmapLevels = 3;

// ACC_* of mmu.c.
inline constexpr unsigned kAccessExec = 1;
inline constexpr unsigned kAccessWrite = 2;
inline constexpr unsigned kAccessUser = 4;
inline constexpr unsigned kAccessAll = 7;

// union kvm_mmu_page_role. Two pages are interchangeable if gfn and role are equal, so a role is
// compared as a whole.
struct Role {
  uint32_t level : 4 = 0;
  uint32_t cr4_pae : 1 = 0;
  uint32_t quadrant : 2 = 0;
  uint32_t direct : 1 = 0;
  uint32_t access : 3 = 0;
  uint32_t invalid : 1 = 0;
  uint32_t nxe : 1 = 0;
  uint32_t cr0_wp : 1 = 0;
  uint32_t cr4_pse : 1 = 0;  // of 32-bit paging; not in 2.6.36, see Quirks::share_across_pse
  // Not in 2.6.36: set by guests with SMEP or SMAP only, see ShadowMmu::InitContext.
  uint32_t smep_andnot_wp : 1 = 0;
  uint32_t smap_andnot_wp : 1 = 0;

  friend bool operator==(const Role&, const Role&) = default;
};

// Names one shadow page for as long as it lives. The caller of PageGraph::AllocPage chooses it.
using PageId = uint32_t;

// Names one spte slot by value: entry `index` of shadow page `page`.
struct SpteRef {
  PageId page = 0;
  uint32_t index = 0;

  friend auto operator<=>(const SpteRef&, const SpteRef&) = default;
};

// Names one reverse map by value: the head that memslot `slot` keeps for its `index`-th frame of
// `level`'s page size.
struct RmapId {
  uint32_t slot = 0;
  uint32_t level = 0;
  uint32_t index = 0;

  friend auto operator<=>(const RmapId&, const RmapId&) = default;
};

}  // namespace rmapdiff

#endif  // RMAPDIFF_MMU_BASE_TYPES_H_
