// How the codec walks the table of operations: one default value of every kind, and one visit of an
// operation's arguments (of a header's keys) in their order.
//
// Private to program*.cc. Each form of a program (bytes, text, random) is a visitor with one
// overload for each argument type, so that a new operation needs no line here.
#ifndef RMAPDIFF_FUZZERS_PROGRAM_FIELDS_H_
#define RMAPDIFF_FUZZERS_PROGRAM_FIELDS_H_

#include <array>
#include <cstddef>
#include <utility>
#include <variant>

#include "fuzzers/ops.h"
#include "fuzzers/program.h"

namespace rmapdiff {

template <size_t... kKinds>
constexpr std::array<Op, kOpKinds> MakeDefaultOps(std::index_sequence<kKinds...>) {
  return {Op(std::in_place_index<kKinds>)...};
}

// kDefaultOps[opcode] is an operation of that kind, its arguments at their defaults.
inline constexpr std::array<Op, kOpKinds> kDefaultOps =
    MakeDefaultOps(std::make_index_sequence<kOpKinds>{});

// Calls visitor(name, argument) for each argument of `op`, which is an Op or a const Op.
template <typename AnyOp, typename Visitor>
constexpr void ForEachField(AnyOp& op, Visitor& visitor) {
  std::visit([&visitor](auto& one) { one.Fields(one, visitor); }, op);
}

// Calls visitor(key, value, names) for each key of a header but the version; names[value] is the
// text of the value. A visitor takes the names as a std::initializer_list.
template <typename AnyHeader, typename Visitor>
void ForEachHeaderField(AnyHeader& header, Visitor&& visitor) {
  visitor("limits", header.limits, {"production", "tiny"});
  visitor("reuse", header.reuse, {"quarantine", "lifo"});
  visitor("masks", header.masks, {"shadow", "bypass", "ept"});
  visitor("recycle", header.recycle, {"exact", "native"});
  visitor("misuse", header.misuse, {"no", "yes"});
}

}  // namespace rmapdiff

#endif  // RMAPDIFF_FUZZERS_PROGRAM_FIELDS_H_
