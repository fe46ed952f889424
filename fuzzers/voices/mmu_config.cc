#include "fuzzers/voices/mmu_config.h"

#include "fuzzers/program/quirk_modes.h"

namespace rmapdiff {
namespace {

constexpr uint64_t kStepsToWrap = 6;
// Frames of more than 32 bits, and with the highest of the 40 bits that an spte has for them. Many
// generations follow before those have no room in an spte.
constexpr uint64_t kGenerationNear32 = (uint64_t{1} << (32 - Host::kHvaBits)) - kStepsToWrap;
constexpr uint64_t kGenerationNear64 = uint64_t{1} << (39 - Host::kHvaBits);

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
  switch (header.counters) {
    case CountersMode::kZero:
      break;
    case CountersMode::kNear32:
      config.first_count = (uint64_t{1} << 32) - kStepsToWrap;
      config.first_generation = kGenerationNear32;
      break;
    case CountersMode::kNear64:
      config.first_count = ~uint64_t{0} - kStepsToWrap;
      config.first_generation = kGenerationNear64;
      break;
  }
  return config;
}

}  // namespace rmapdiff
