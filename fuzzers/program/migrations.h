// The bytes of programs of older versions, as bytes of a later one. Decode (program.h) uses it for
// inputs that come along, `rmapdiff corpus migrate` for those that are kept.
//
// Each function is frozen: it depends on no table that grows.
#ifndef RMAPDIFF_FUZZERS_PROGRAM_MIGRATIONS_H_
#define RMAPDIFF_FUZZERS_PROGRAM_MIGRATIONS_H_

#include <cstdint>
#include <span>
#include <vector>

namespace rmapdiff {

// Version 1, read modulo the opcodes that it had, as version 2. In version 1 the bytes 5 to 7 of
// the header had no meaning. The quirk "as_in_2_6_36" was the number after the last quirk. Any byte
// string will do, whatever its first byte is.
std::vector<uint8_t> FromVersion1(std::span<const uint8_t> bytes);

}  // namespace rmapdiff

#endif  // RMAPDIFF_FUZZERS_PROGRAM_MIGRATIONS_H_
