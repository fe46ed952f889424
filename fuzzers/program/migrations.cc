#include "fuzzers/program/migrations.h"

#include <algorithm>

namespace rmapdiff {
namespace {

// Later versions have appended arguments to these operations on a whole MMU. In a record of version
// 1 the bytes from there on had no meaning.
struct Record1 {
  uint8_t opcode;
  uint8_t bytes;  // that had a meaning, the opcode among them
};
constexpr Record1 kShorter[] = {{0, 7},   // access
                                {3, 3},   // load_cr3
                                {4, 7}};  // set_mode

void ClearMeaningless(uint8_t opcode, std::span<uint8_t> record) {
  for (const Record1& shorter : kShorter) {
    if (opcode != shorter.opcode || record.size() <= shorter.bytes) continue;
    std::fill(record.begin() + shorter.bytes, record.end(), uint8_t{0});
  }
}

}  // namespace

std::vector<uint8_t> FromVersion1(std::span<const uint8_t> bytes) {
  constexpr size_t kHeaderBytes = 8, kRecordBytes = 8;
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
  for (size_t at = kHeaderBytes; whole_mmu && at < result.size(); at += kRecordBytes) {
    const size_t length = std::min(kRecordBytes, result.size() - at);
    ClearMeaningless(result[at] % kMmuOpcodes, std::span(result).subspan(at, length));
  }
  return result;
}

}  // namespace rmapdiff
