// How graph_ops.h and mmu_ops.h declare an operation: one entry of the table says everything once.
//
//   RMAPDIFF_OPERATION(Touch, "touch", kLeaf, 6, "let the guest access memory through page[index]",
//                      (PageArg, page), (IndexArg, index), (FlagArg, write));
//
// declares the struct ops::Touch. The entry has the name in texts, the group, the weight in random
// programs, and one sentence of help. Then it has at most seven arguments, each a type of args.h
// and a name.
//
// The struct has a member for each argument, in this order. It can be compared, and
// Touch::Fields(touch, visitor) calls visitor(name, member) for each member.
#ifndef RMAPDIFF_FUZZERS_PROGRAM_OPERATION_H_
#define RMAPDIFF_FUZZERS_PROGRAM_OPERATION_H_

#include <cstddef>
#include <cstdint>
#include <iterator>

#include "fuzzers/program/args.h"

namespace rmapdiff {

// The subject of an operation. Those up to kMisuse work on a page graph, the others on a whole MMU.
enum class OpGroup : uint8_t {
  kPage,
  kParent,
  kLeaf,
  kRmap,
  kUnsync,
  kZap,
  kMisuse,
  kGuest,
  kHost,
  kFault,
};
inline constexpr const char* kGroupNames[] = {"page", "parent", "leaf",  "rmap", "unsync",
                                              "zap",  "misuse", "guest", "host", "fault"};
static_assert(std::size(kGroupNames) == static_cast<size_t>(OpGroup::kFault) + 1);
constexpr bool IsMmuGroup(OpGroup group) { return group >= OpGroup::kGuest; }

}  // namespace rmapdiff

#define RMAPDIFF_OPERATION(Type, name, group, weight, help, ...)                               \
  struct Type {                                                                                \
    static constexpr const char* kName = name;                                                 \
    static constexpr OpGroup kGroup = OpGroup::group;                                          \
    static constexpr int kWeight = weight;                                                     \
    static constexpr const char* kHelp = help;                                                 \
    RMAPDIFF_EACH(RMAPDIFF_MEMBER, __VA_ARGS__)                                                \
    static constexpr void Fields([[maybe_unused]] auto& op, [[maybe_unused]] auto&& visitor) { \
      RMAPDIFF_EACH(RMAPDIFF_VISIT, __VA_ARGS__)                                               \
    }                                                                                          \
    friend bool operator==(const Type&, const Type&) = default;                                \
  }
#define RMAPDIFF_MEMBER(Type, name) Type name{};
#define RMAPDIFF_VISIT(Type, name) visitor(#name, op.name);

// RMAPDIFF_EACH(USE, (A, a), (B, b)) is USE(A, a) USE(B, b). A macro cannot call itself, so each
// number of arguments has one.
#define RMAPDIFF_EACH(USE, ...) __VA_OPT__(RMAPDIFF_EACH_7(USE, __VA_ARGS__))
#define RMAPDIFF_EACH_7(USE, arg, ...) USE arg __VA_OPT__(RMAPDIFF_EACH_6(USE, __VA_ARGS__))
#define RMAPDIFF_EACH_6(USE, arg, ...) USE arg __VA_OPT__(RMAPDIFF_EACH_5(USE, __VA_ARGS__))
#define RMAPDIFF_EACH_5(USE, arg, ...) USE arg __VA_OPT__(RMAPDIFF_EACH_4(USE, __VA_ARGS__))
#define RMAPDIFF_EACH_4(USE, arg, ...) USE arg __VA_OPT__(RMAPDIFF_EACH_3(USE, __VA_ARGS__))
#define RMAPDIFF_EACH_3(USE, arg, ...) USE arg __VA_OPT__(RMAPDIFF_EACH_2(USE, __VA_ARGS__))
#define RMAPDIFF_EACH_2(USE, arg, ...) USE arg __VA_OPT__(RMAPDIFF_EACH_1(USE, __VA_ARGS__))
#define RMAPDIFF_EACH_1(USE, arg) USE arg

#endif  // RMAPDIFF_FUZZERS_PROGRAM_OPERATION_H_
