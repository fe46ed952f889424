// Which operations on a whole MMU make sense one after the other: one makes a state, the next shows
// or disturbs it. Drawing both by weight alone hits most of these pairs seldom.
//
// In the manner of syzkaller's choice table, but written by hand: what belongs together is known.
#ifndef RMAPDIFF_FUZZERS_SEARCH_OP_PAIRS_H_
#define RMAPDIFF_FUZZERS_SEARCH_OP_PAIRS_H_

#include <cstddef>
#include <cstdint>
#include <span>

namespace rmapdiff {

// A kind of operation (position in Op) and how often it comes, beside others of its row.
struct Choice {
  size_t kind;
  uint32_t weight;
};

// What follows an operation of this kind; empty where nothing in particular does.
std::span<const Choice> ChoicesAfter(size_t kind);

// What happens in the middle of an operation of this kind that was made ready for a race.
std::span<const Choice> ChoicesInARace(size_t kind);

}  // namespace rmapdiff

#endif  // RMAPDIFF_FUZZERS_SEARCH_OP_PAIRS_H_
