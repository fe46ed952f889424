#include "fuzzers/voices/mmu_config.h"

#include "fuzzers/program/quirk_modes.h"

namespace rmapdiff {

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
