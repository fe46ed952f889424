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

#include "fuzzers/program/ops.h"
#include "fuzzers/program/program.h"

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
// text of the value. A visitor takes the names as a std::initializer_list. Keys of one kind of
// program are left out of the headers of the other, `mode` of those on a page graph; a visitor that
// has `all_keys` gets them all.
template <typename AnyHeader, typename Visitor>
void ForEachHeaderField(AnyHeader& header, Visitor&& visitor) {
  const bool all = requires { visitor.all_keys; };
  const bool mmu = header.whole_mmu();
  if (all || mmu) {
    visitor("mode", header.mode, {"none", "long", "pae", "32bit", "nonpaging", "tdp", "tdp32"});
  }
  visitor("limits", header.limits, {"production", "tiny"});
  visitor("reuse", header.reuse, {"quarantine", "lifo"});
  visitor("masks", header.masks, {"shadow", "bypass", "ept"});
  if (all || !mmu) {
    visitor("recycle", header.recycle, {"exact", "native"});
    visitor("misuse", header.misuse, {"no", "yes"});
  }
  if (!all && !mmu) return;
  visitor("vcpus", header.more_vcpus, {"1", "2", "3", "4"});
  visitor("oos", header.oos, {"no", "yes"});
  visitor("large", header.large, {"4k", "2m", "1g"});
  visitor("log", header.log, {"no", "yes"});
  visitor("oom", header.oom, {"no", "yes"});
  visitor("quirk", header.quirk,
          {"none",
           "drop_absent_spte",
           "keep_stale_child",
           "rmapped_by_pfn",
           "direct_map_through_large",
           "protect_links",
           "change_pte_in_large",
           "reclaim_pinned_forever",
           "wrong_direct_root_gfn",
           "inherit_walk_access",
           "wp0_after_choosing_page",
           "flush_only_this_vcpu",
           "protect_before_swap",
           "move_slot_in_place",
           "leak_partial_roots",
           "share_across_pse",
           "log_forgets_dirty_frames",
           "apply_overtaken_store",
           "link_before_sync",
           "as_in_2_6_36"});
}

// An operation's own numbering: the opcodes of one kind of program are kinds of Op in a row.
struct OpcodeRange {
  size_t first;
  size_t count;
};
constexpr OpcodeRange OpcodesOf(bool whole_mmu) {
  size_t graph = 0;
  for (const Op& op : kDefaultOps) {
    graph += std::visit([](const auto& one) { return IsMmuGroup(one.kGroup) ? size_t{0} : 1; }, op);
  }
  return whole_mmu ? OpcodeRange{graph, kOpKinds - graph} : OpcodeRange{0, graph};
}

}  // namespace rmapdiff

#endif  // RMAPDIFF_FUZZERS_PROGRAM_FIELDS_H_
