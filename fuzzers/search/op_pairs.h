// The operations on a whole MMU that make sense one after the other. One makes a state, the next
// shows or disturbs it. Draws by weight alone hit most of these pairs seldom.
//
// In the manner of syzkaller's choice table, but written by hand: the pairs are known.
#ifndef RMAPDIFF_FUZZERS_SEARCH_OP_PAIRS_H_
#define RMAPDIFF_FUZZERS_SEARCH_OP_PAIRS_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <variant>

#include "fuzzers/program/ops.h"

namespace rmapdiff {

// A kind of operation: its position in Op.
template <typename AnyOp>
constexpr size_t kKind = Op(std::in_place_type<AnyOp>).index();

// A kind of operation, and how often it comes beside others of its row.
struct Choice {
  size_t kind;
  uint32_t weight;
};

// The kinds that follow an operation of this kind; empty if none does in particular.
std::span<const Choice> ChoicesAfter(size_t kind);

// The kinds that happen in the middle of an operation of this kind, if a race precedes it.
std::span<const Choice> ChoicesInARace(size_t kind);

}  // namespace rmapdiff

#endif  // RMAPDIFF_FUZZERS_SEARCH_OP_PAIRS_H_
