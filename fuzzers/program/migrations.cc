#include "fuzzers/program/migrations.h"

#include <algorithm>

namespace rmapdiff {

std::vector<uint8_t> FromVersion1(std::span<const uint8_t> bytes) {
  constexpr size_t kHeaderBytes = 8;
  constexpr uint8_t kLastMode = 6;
  constexpr uint8_t kOldAllQuirks = 19, kAllQuirks = 0xff;
  constexpr uint8_t kGraphOpcodes = 29, kMmuOpcodes = 37;

  std::vector<uint8_t> result(bytes.begin(), bytes.end());
  result.resize(std::max(result.size(), kHeaderBytes));
  const bool whole_mmu = result[2] != 0 && result[2] <= kLastMode;
  uint8_t& quirk = result[4];
  if (quirk >= kOldAllQuirks) quirk = quirk == kOldAllQuirks ? kAllQuirks : 0;
  result[0] = 2;
  result[5] = whole_mmu ? kMmuOpcodes : kGraphOpcodes;
  result[6] = 0;
  result[7] = 0;
  return result;
}

}  // namespace rmapdiff
