// The latent bugs of Linux 2.6.36's shadow MMU that this engine can show. Each has a switch.
//
// Under random traffic most of them end a run early, or let a guest see an illegal state. So they
// are fixed by default. A true switch restores the behaviour of that kernel. The B numbers are the
// project's own. Other bugs have the name of the commit that fixed them upstream. Every switch has
// a directed test in tests/mmu/shadow_quirks_test.cc.
// Not covered: the bugs of one reverse map (L1, S1 ...), which need no switch.
#ifndef RMAPDIFF_MMU_SHADOW_QUIRKS_H_
#define RMAPDIFF_MMU_SHADOW_QUIRKS_H_

#include <iterator>

namespace rmapdiff {

struct Quirks {
  // B1. Where a large page turns out to be write-protected, set_spte drops the slot. The slot may
  // map nothing. The drop raises a BUG, or searches another list, which garbage in gfns[] selects.
  bool drop_absent_spte = false;
  // B2 (CVE-2026-46113, CVE-2026-53359). The function fetch follows a link. It does not check that
  // the page behind it is still the one of the guest's entry.
  bool keep_stale_child = false;
  // B3. mmu_set_spte takes an spte for rmapped if the host frame is the same. With two slots on one
  // host page the guest frame may differ.
  bool rmapped_by_pfn = false;
  // B4 (404381c5839d). __direct_map walks through a large spte above the target level.
  bool direct_map_through_large = false;
  // B5 (e49146dce8c3). slot_remove_write_access clears W in links as well.
  bool protect_links = false;
  // B6, the second half. When a small page moves, change_pte writes it into the large sptes around
  // it.
  bool change_pte_in_large = false;
  // B7. Reclaim never ends when only pinned roots are left. Here it raises BugClass::kLivelock.
  bool reclaim_pinned_forever = false;
  // B9 (649497d1a367). The gfn of direct PAE roots is wrong: 0 without paging, i << 30 with TDP.
  bool wrong_direct_root_gfn = false;
  // b1bd5cba3306 (CVE-2021-38198). Pages above the leaf get the access rights of the whole walk.
  // Paths with different rights then share one page.
  bool inherit_walk_access = false;
  // c22885050e65. A supervisor's write with CR0.WP = 0 becomes writable after the direct page was
  // chosen. The spte is writable in a page that other paths share as read-only, and a dirty bit is
  // missed.
  bool wp0_after_choosing_page = false;
  // 6dbf79e7164e, f81602958c11. Where sync or set_spte take a writable spte away, they flush the
  // current vcpu only. The next write protection finds nothing to protect, and flushes no vcpu at
  // all.
  bool flush_only_this_vcpu = false;
  // edde99ce0529. The dirty log write-protects the slot before it swaps the bitmaps.
  bool protect_before_swap = false;
  // 12d6e7538e2d. A slot that moves keeps its shadow pages, rmaps and write counts.
  bool move_slot_in_place = false;
  // If one of four roots cannot be allocated, those allocated before it stay pinned for ever.
  bool leak_partial_roots = false;
  // The role does not have CR4.PSE. After the guest switches PSE, the MMU still maps large pages
  // where entries now point at tables, or vice versa. Upstream has PSE in kvm_mmu_extended_role.
  bool share_across_pse = false;
  // The function slot_remove_write_access takes W from an spte and does not report the dirty frame
  // to the host. Once W is gone, no later function reports it.
  bool log_forgets_dirty_frames = false;
  // 0e0fee5c539b. Two vcpus store into one entry of a table, and both stores are emulated. The vcpu
  // that takes the MMU lock last updates the spte. It uses the value of its own store, even if that
  // is the older one.
  bool apply_overtaken_store = false;
  // 65855ed8b034. A table is linked at a new place while pages below it are out of sync. They are
  // synchronised when the vcpu that linked it enters the guest. Until then another vcpu with the
  // same root walks through stale entries.
  bool link_before_sync = false;
  // walk_addr reports a fetch as soon as EFER.NX is on. In 32-bit paging, where no entry has an NX
  // bit, the processor does not.
  bool fetch_bit_without_pae = false;
  // The processor runs the guest with the host's EFER.NX. So a fault that goes straight into the
  // guest (bypass_guest_pf) reports a fetch, even if the guest has NX off.
  bool bypass_reports_fetch = false;
  // kvm_mmu_access_page marks the spte that the last guess filled. It does not check what the slot
  // maps by now, and an invlpg marks it as well. So a frame is young that no guest has accessed.
  bool guess_marks_stranger = false;
  // cd9ae5fe47df. Bits 5 and 6 of a PDPTE are not checked. In long mode bit 8 of the links of the
  // two topmost levels is reserved, which the processor ignores.
  bool old_reserved_bits = false;
  // Not of 2.6.36, which has no SMAP, but of Linux 4.1 and later. Without CR0.WP, the kernel's
  // store with EFLAGS.AC set makes a read-only user page the kernel's own. Then SMAP does not
  // protect that page from accesses with AC clear.
  bool wp0_page_loses_smap = false;

  static constexpr Quirks Fixed() { return {}; }
  static constexpr Quirks AsIn2_6_36();

  friend bool operator==(const Quirks&, const Quirks&) = default;
};

struct NamedQuirk {
  const char* name;
  bool Quirks::* on;
};

// All other code about quirks derives from this table. Only append to it: files with programs store
// a quirk's place in it.
inline constexpr NamedQuirk kQuirks[] = {
    {"drop_absent_spte", &Quirks::drop_absent_spte},
    {"keep_stale_child", &Quirks::keep_stale_child},
    {"rmapped_by_pfn", &Quirks::rmapped_by_pfn},
    {"direct_map_through_large", &Quirks::direct_map_through_large},
    {"protect_links", &Quirks::protect_links},
    {"change_pte_in_large", &Quirks::change_pte_in_large},
    {"reclaim_pinned_forever", &Quirks::reclaim_pinned_forever},
    {"wrong_direct_root_gfn", &Quirks::wrong_direct_root_gfn},
    {"inherit_walk_access", &Quirks::inherit_walk_access},
    {"wp0_after_choosing_page", &Quirks::wp0_after_choosing_page},
    {"flush_only_this_vcpu", &Quirks::flush_only_this_vcpu},
    {"protect_before_swap", &Quirks::protect_before_swap},
    {"move_slot_in_place", &Quirks::move_slot_in_place},
    {"leak_partial_roots", &Quirks::leak_partial_roots},
    {"share_across_pse", &Quirks::share_across_pse},
    {"log_forgets_dirty_frames", &Quirks::log_forgets_dirty_frames},
    {"apply_overtaken_store", &Quirks::apply_overtaken_store},
    {"link_before_sync", &Quirks::link_before_sync},
    {"fetch_bit_without_pae", &Quirks::fetch_bit_without_pae},
    {"bypass_reports_fetch", &Quirks::bypass_reports_fetch},
    {"guess_marks_stranger", &Quirks::guess_marks_stranger},
    {"old_reserved_bits", &Quirks::old_reserved_bits},
    {"wp0_page_loses_smap", &Quirks::wp0_page_loses_smap},
};

constexpr Quirks Quirks::AsIn2_6_36() {
  Quirks quirks;
  for (const NamedQuirk& quirk : kQuirks) quirks.*quirk.on = true;
  return quirks;
}

// Whether kQuirks has each member of Quirks once.
consteval bool EachQuirkHasOneName() {
  Quirks seen;
  for (const NamedQuirk& quirk : kQuirks) seen.*quirk.on = false;
  for (const NamedQuirk& quirk : kQuirks) {
    if (seen.*quirk.on) return false;
    seen.*quirk.on = true;
  }
  return sizeof(Quirks) == std::size(kQuirks) * sizeof(bool);
}
static_assert(EachQuirkHasOneName());

}  // namespace rmapdiff

#endif  // RMAPDIFF_MMU_SHADOW_QUIRKS_H_
