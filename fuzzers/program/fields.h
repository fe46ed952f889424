// How code walks the table of operations: one default value of every kind, one visit of an
// operation's arguments (of a header's keys) in their order, and what a header makes of an
// argument's domain.
//
// For code that handles operations of every kind. Each form of a program (bytes, text, random) is a
// visitor that reads kDomain (args.h), so that new operations and arguments need no line here.
#ifndef RMAPDIFF_FUZZERS_PROGRAM_FIELDS_H_
#define RMAPDIFF_FUZZERS_PROGRAM_FIELDS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <variant>

#include "fuzzers/program/ops.h"
#include "fuzzers/program/program.h"
#include "fuzzers/program/quirk_modes.h"

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

// ---- Domains ----

// How many values of the domain a program with this header may use.
inline uint32_t CountOf(const Domain& domain, const Header& header) {
  switch (domain.limit) {
    case Domain::Limit::kNone:
      break;
    case Domain::Limit::kSptesPerPage:
      return header.layout().sptes_per_page();
    case Domain::Limit::kGuestEntries:
      return header.guest_entries();
    case Domain::Limit::kVcpus:
      return header.vcpus();
  }
  return domain.count;
}

// The number of values in the hot pool; 0 if there is none.
inline uint32_t HotCount(const Domain& domain, const Header& header) {
  const bool mmu_gfn = domain.names == Domain::Names::kGfn && header.whole_mmu();
  return mmu_gfn ? static_cast<uint32_t>(kHotMmuGfns.size()) : domain.hot;
}

// A value of the hot pool, which is not empty, for any number. Hot entries of 32-bit paging are in
// both halves of the table: the second half belongs to every other HotCount() numbers.
inline uint32_t HotValue(const Domain& domain, const Header& header, uint32_t number) {
  const uint32_t place = number % HotCount(domain, header);
  if (domain.names == Domain::Names::kGfn && header.whole_mmu()) return kHotMmuGfns[place];
  const bool halves = domain.names == Domain::Names::kEntry && header.mode == MmuMode::k32Bit;
  const bool second = halves && number / domain.hot % 2 != 0;
  return domain.first + place + (second ? header.guest_entries() / 2 : 0);
}

// Whether the argument is `none`.
constexpr bool IsNone(const Domain& domain, uint32_t value) {
  return domain.form == Domain::Form::kNumberOrNone && value == Domain::kNone;
}
constexpr bool NamesAnything(const Domain& domain, uint32_t value) {
  return domain.names != Domain::Names::kNothing && !IsNone(domain, value);
}

// ---- Headers ----

using HeaderWords = std::span<const std::string_view>;

inline constexpr std::string_view kNoYes[] = {"no", "yes"};
inline constexpr std::string_view kModeWords[] = {"none",      "long", "pae",  "32bit",
                                                  "nonpaging", "tdp",  "tdp32"};
inline constexpr std::string_view kLimitsWords[] = {"production", "tiny"};
inline constexpr std::string_view kReuseWords[] = {"quarantine", "lifo"};
inline constexpr std::string_view kMasksWords[] = {"shadow", "bypass", "ept"};
inline constexpr std::string_view kRecycleWords[] = {"exact", "native"};
inline constexpr std::string_view kVcpusWords[] = {"1", "2", "3", "4"};
inline constexpr std::string_view kLargeWords[] = {"4k", "2m", "1g"};

// Calls visitor(key, value, words) for each key of a header but the version. words[value] is the
// text of the value. Headers leave out the keys of the other kind of program, and `mode` on a page
// graph. A visitor that has `all_keys` gets them all.
template <typename AnyHeader, typename Visitor>
void ForEachHeaderField(AnyHeader& header, Visitor&& visitor) {
  const bool all = requires { visitor.all_keys; };
  const bool mmu = header.whole_mmu();
  if (all || mmu) visitor("mode", header.mode, HeaderWords(kModeWords));
  visitor("limits", header.limits, HeaderWords(kLimitsWords));
  visitor("reuse", header.reuse, HeaderWords(kReuseWords));
  visitor("masks", header.masks, HeaderWords(kMasksWords));
  if (all || !mmu) {
    visitor("recycle", header.recycle, HeaderWords(kRecycleWords));
    visitor("misuse", header.misuse, HeaderWords(kNoYes));
  }
  if (!all && !mmu) return;
  visitor("vcpus", header.more_vcpus, HeaderWords(kVcpusWords));
  visitor("oos", header.oos, HeaderWords(kNoYes));
  visitor("large", header.large, HeaderWords(kLargeWords));
  visitor("log", header.log, HeaderWords(kNoYes));
  visitor("oom", header.oom, HeaderWords(kNoYes));
  visitor("quirk", header.quirk, HeaderWords(kQuirkWords));
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
