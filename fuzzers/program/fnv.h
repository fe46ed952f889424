// FNV-1a, to tell contents apart: small, and the same on every machine. Not against an adversary.
#ifndef RMAPDIFF_FUZZERS_PROGRAM_FNV_H_
#define RMAPDIFF_FUZZERS_PROGRAM_FNV_H_

#include <cstdint>
#include <span>
#include <string_view>

namespace rmapdiff {

inline uint64_t Fnv64(std::span<const uint8_t> bytes) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const uint8_t byte : bytes) hash = (hash ^ byte) * 0x100000001b3;
  return hash;
}

inline uint32_t Fnv32(std::string_view text) {
  uint32_t hash = 0x811c9dc5;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x01000193;
  return hash;
}

}  // namespace rmapdiff

#endif  // RMAPDIFF_FUZZERS_PROGRAM_FNV_H_
