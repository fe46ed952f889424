#include "fuzzers/voices/mmu_config.h"

#include <cstddef>
#include <iterator>

namespace rmapdiff {
namespace {

Quirks QuirksOf(QuirkMode mode) {
  if (mode == QuirkMode::kAsIn2_6_36) return Quirks::AsIn2_6_36();
  Quirks quirks;
  bool* const switches[] = {nullptr,
                            &quirks.drop_absent_spte,
                            &quirks.keep_stale_child,
                            &quirks.rmapped_by_pfn,
                            &quirks.direct_map_through_large,
                            &quirks.protect_links,
                            &quirks.change_pte_in_large,
                            &quirks.reclaim_pinned_forever,
                            &quirks.wrong_direct_root_gfn,
                            &quirks.inherit_walk_access,
                            &quirks.wp0_after_choosing_page,
                            &quirks.flush_only_this_vcpu,
                            &quirks.protect_before_swap,
                            &quirks.move_slot_in_place,
                            &quirks.leak_partial_roots,
                            &quirks.share_across_pse,
                            &quirks.log_forgets_dirty_frames,
                            &quirks.apply_overtaken_store,
                            &quirks.link_before_sync};
  static_assert(std::size(switches) == static_cast<size_t>(QuirkMode::kAsIn2_6_36));
  if (mode != QuirkMode::kNone) *switches[static_cast<size_t>(mode)] = true;
  return quirks;
}

}  // namespace

MmuConfig ConfigOf(const Header& header) {
  MmuConfig config;
  config.tdp = header.tdp();
  config.tdp_level = header.mode == MmuMode::kTdp32 ? 3 : kRootLevel;
  config.masks = header.spte_masks();
  config.vcpus = static_cast<int>(header.vcpus());
  config.oos_shadow = header.oos;
  config.max_large_level = static_cast<int>(header.large) + 1;
  config.quirks = QuirksOf(header.quirk);
  return config;
}

}  // namespace rmapdiff
