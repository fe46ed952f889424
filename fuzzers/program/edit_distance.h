// How far a mistyped word is from one that was meant.
#ifndef RMAPDIFF_FUZZERS_PROGRAM_EDIT_DISTANCE_H_
#define RMAPDIFF_FUZZERS_PROGRAM_EDIT_DISTANCE_H_

#include <cstddef>
#include <string_view>

namespace rmapdiff {

// The number of letters to insert, delete, replace, or swap with a neighbour to make `a` into `b`.
// Takes the product of the lengths in time and memory.
size_t EditDistance(std::string_view a, std::string_view b);

}  // namespace rmapdiff

#endif  // RMAPDIFF_FUZZERS_PROGRAM_EDIT_DISTANCE_H_
