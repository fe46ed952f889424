// The header's quirk: none, one of kQuirks (mmu/shadow/quirks.h) by its place, or all of them.
//
// Apart from program.h, which the judges include: they know of no quirk.
#ifndef RMAPDIFF_FUZZERS_PROGRAM_QUIRK_MODES_H_
#define RMAPDIFF_FUZZERS_PROGRAM_QUIRK_MODES_H_

#include <array>
#include <cstddef>
#include <iterator>
#include <string_view>

#include "fuzzers/program/program.h"
#include "mmu/shadow/quirks.h"

namespace rmapdiff {

// All of them, beyond the last one.
inline constexpr auto kAsIn2_6_36 = static_cast<QuirkMode>(std::size(kQuirks) + 1);

// The mode that puts one quirk back.
consteval QuirkMode QuirkModeOf(bool Quirks::* quirk) {
  size_t place = 0;
  while (kQuirks[place].on != quirk) ++place;
  return static_cast<QuirkMode>(place + 1);
}

constexpr Quirks QuirksOf(QuirkMode mode) {
  if (mode == kAsIn2_6_36) return Quirks::AsIn2_6_36();
  Quirks quirks;
  if (mode != QuirkMode::kNone) quirks.*kQuirks[static_cast<size_t>(mode) - 1].on = true;
  return quirks;
}

// kQuirkWords[mode] is the text of the mode.
inline constexpr auto kQuirkWords = [] {
  std::array<std::string_view, std::size(kQuirks) + 2> words;
  words.front() = "none";
  for (size_t i = 0; i < std::size(kQuirks); ++i) words[i + 1] = kQuirks[i].name;
  words.back() = "as_in_2_6_36";
  return words;
}();

}  // namespace rmapdiff

#endif  // RMAPDIFF_FUZZERS_PROGRAM_QUIRK_MODES_H_
