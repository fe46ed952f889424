// The bits of a shadow pte, and the questions that the MMU asks about them.
//
// A slot that maps nothing holds one of two non-present words, `trap` and `notrap`
// (shadow_trap_nonpresent_pte and shadow_notrap_nonpresent_pte). With bypass_guest_pf the trap word
// has the present bit SET. So a test of that bit does not say whether an spte is present. An spte
// is present if it is neither word (is_shadow_present_pte).
//
// Source: arch/x86/kvm/mmu.c of Linux 2.6.36. Not covered: memory types.
#ifndef RMAPDIFF_MMU_BASE_SPTE_H_
#define RMAPDIFF_MMU_BASE_SPTE_H_

#include "mmu/base/types.h"

namespace rmapdiff {

inline constexpr Spte kSptePresent = 1ull << 0;
inline constexpr Spte kSpteWritable = 1ull << 1;
inline constexpr Spte kSpteUser = 1ull << 2;
inline constexpr Spte kSpteAccessed = 1ull << 5;
inline constexpr Spte kSpteDirty = 1ull << 6;
inline constexpr Spte kSpteHuge = 1ull << 7;              // PT_PAGE_SIZE_MASK
inline constexpr Spte kSpteHostWritable = 1ull << 9;      // SPTE_HOST_WRITEABLE
inline constexpr Spte kSpteAddress = 0xffffffffff000ull;  // PT64_BASE_ADDR_MASK, bits 12..51

// The masks of one host. The kernel chooses them by kvm_mmu_set_mask_ptes, kvm_mmu_set_base_ptes
// and kvm_mmu_set_nonpresent_ptes.
struct SpteMasks {
  Spte trap = 0;
  Spte notrap = 0;
  Spte base = kSptePresent;  // in every leaf (shadow_base_present_pte)
  Spte user = kSpteUser;
  Spte accessed = kSpteAccessed;  // 0: the hardware keeps no accessed bit (EPT of that time)
  Spte dirty = kSpteDirty;
  Spte nx = 1ull << 63;  // in a leaf that must not be executed ...
  Spte exec = 0;         // ... or this one in a leaf that may be

  friend bool operator==(const SpteMasks&, const SpteMasks&) = default;
};

// Shadow paging: accessed and dirty bits, one non-present word.
inline constexpr SpteMasks kShadowMasks{};
// Shadow paging on VMX with bypass_guest_pf: the trap word looks present to the hardware.
inline constexpr SpteMasks kBypassMasks{.trap = ~0xffeull};
// EPT of 2.6.36: R and W in every leaf, X in executable ones, no accessed and no dirty bit.
inline constexpr SpteMasks kEptMasks{
    .base = kSptePresent | kSpteWritable, .user = 0, .accessed = 0, .dirty = 0, .nx = 0, .exec = 4};

constexpr bool IsPresent(const SpteMasks& masks, Spte spte) {
  return spte != masks.trap && spte != masks.notrap;
}
constexpr bool IsWritable(Spte spte) { return (spte & kSpteWritable) != 0; }
constexpr bool IsHuge(Spte spte) { return (spte & kSpteHuge) != 0; }

// is_last_spte: a present spte that maps memory instead of another shadow page.
// REQUIRES: IsPresent(masks, spte).
constexpr bool IsLeaf(Spte spte, int level) { return level == kPageTableLevel || IsHuge(spte); }

constexpr Pfn PfnOf(Spte spte) { return (spte & kSpteAddress) >> 12; }

// The leaf that set_spte builds for an executable user page whose host page is writable. It has the
// accessed bit unless the mapping is speculative, and the huge bit above level 1. With EPT it is
// writable whatever `writable` says, because masks.base has W. There only write protection and
// change_pte take W from a leaf.
constexpr Spte MakeLeaf(const SpteMasks& masks, Pfn pfn, int level, bool writable,
                        bool speculative) {
  Spte spte = masks.base | masks.dirty | masks.exec | masks.user | kSpteHostWritable | (pfn << 12);
  if (writable) spte |= kSpteWritable;
  if (!speculative) spte |= masks.accessed;
  if (level > kPageTableLevel) spte |= kSpteHuge;
  return spte;
}

// The flags of an spte that points at another shadow page (link_shadow_page). The kernel has a
// literal P|A|W|U there and ignores the masks. __direct_map makes its own links, and obeys the
// masks.
inline constexpr Spte kLinkFlags = kSptePresent | kSpteAccessed | kSpteWritable | kSpteUser;

}  // namespace rmapdiff

#endif  // RMAPDIFF_MMU_BASE_SPTE_H_
