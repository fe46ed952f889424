// How code walks the table of operations. There is one default value of every kind. One visit
// passes the arguments of an operation, or the keys of a header, in their order.
//
// For code that handles operations of every kind. Each form of a program (bytes, text, random) is a
// visitor that reads kDomain (args.h) and HeaderField. So new operations, arguments and keys need
// no line in it.
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
// both halves of the table. The second half belongs to every other HotCount() numbers.
inline uint32_t HotValue(const Domain& domain, const Header& header, uint32_t number) {
  const uint32_t place = number % HotCount(domain, header);
  if (domain.names == Domain::Names::kGfn && header.whole_mmu()) return kHotMmuGfns[place];
  const bool halves = domain.names == Domain::Names::kEntry && header.mode == MmuMode::k32Bit;
  const bool second = halves && number / domain.hot % 2 != 0;
  return domain.first + place + (second ? header.guest_entries() / 2 : 0);
}

// The number that a value of Form::kListed stands for.
inline uint32_t ListedNumber(const Domain& domain, const Header& header, uint32_t value) {
  return domain.listed[static_cast<size_t>(header.limits)][value];
}

// Whether the argument is `none`.
constexpr bool IsNone(const Domain& domain, uint32_t value) {
  return domain.form == Domain::Form::kNumberOrNone && value == Domain::kNone;
}
constexpr bool NamesAnything(const Domain& domain, uint32_t value) {
  return domain.names != Domain::Names::kNothing && !IsNone(domain, value);
}

// ---- Headers ----

// A key of the header, but for the version.
struct HeaderField {
  // Its bits in a header's bytes. A number beyond the last one reads as value 0.
  struct Place {
    unsigned byte;
    unsigned shift;
    unsigned bits = 1;
    bool last_first = false;  // number 0 is the last value
    bool last_full = false;   // the last value is the number with all bits set: others may follow
  };
  std::string_view name;
  std::span<const std::string_view> words;  // words[value] is the text of the value
  Place place;
  bool fits = true;  // false if only the other kind of program has the key
};

inline constexpr std::string_view kModeWords[] = {"none",      "long", "pae",  "32bit",
                                                  "nonpaging", "tdp",  "tdp32"};
inline constexpr std::string_view kLimitsWords[] = {"production", "tiny"};
inline constexpr std::string_view kReuseWords[] = {"quarantine", "lifo"};
inline constexpr std::string_view kMasksWords[] = {"shadow", "bypass", "ept"};
inline constexpr std::string_view kRecycleWords[] = {"exact", "native"};
inline constexpr std::string_view kVcpusWords[] = {"1", "2", "3", "4"};
inline constexpr std::string_view kLargeWords[] = {"4k", "2m", "1g"};
inline constexpr std::string_view kCountersWords[] = {"zero", "near_32_bits", "near_64_bits"};
inline constexpr std::string_view kSecondWords[] = {"none", "long", "pae", "32bit"};
inline constexpr std::string_view kProtectWords[] = {"none", "smep", "smap", "smep_smap"};

// Calls visitor(field, value) for each key of a header, the mode first: a visitor may set it.
template <typename AnyHeader, typename Visitor>
void ForEachHeaderField(AnyHeader& header, Visitor&& visitor) {
  constexpr bool kLastFirst = true, kLastFull = true;
  visitor(HeaderField{"mode", kModeWords, {2, 0, 8}}, header.mode);
  const bool mmu = header.whole_mmu();
  visitor(HeaderField{"limits", kLimitsWords, {1, 0}}, header.limits);
  visitor(HeaderField{"reuse", kReuseWords, {1, 1}}, header.reuse);
  visitor(HeaderField{"masks", kMasksWords, {1, 2, 2}}, header.masks);
  visitor(HeaderField{"recycle", kRecycleWords, {1, 4}, !mmu}, header.recycle);
  visitor(HeaderField{"misuse", kNoYes, {1, 5}, !mmu}, header.misuse);
  visitor(HeaderField{"vcpus", kVcpusWords, {3, 0, 2}, mmu}, header.more_vcpus);
  visitor(HeaderField{"oos", kNoYes, {3, 2, 1, kLastFirst}, mmu}, header.oos);
  visitor(HeaderField{"large", kLargeWords, {3, 3, 2, kLastFirst}, mmu}, header.large);
  visitor(HeaderField{"log", kNoYes, {3, 5}, mmu}, header.log);
  visitor(HeaderField{"oom", kNoYes, {3, 6}, mmu}, header.oom);
  visitor(HeaderField{"quirk", kQuirkWords, {4, 0, 8, false, kLastFull}, mmu}, header.quirk);
  visitor(HeaderField{"counters", kCountersWords, {6, 0, 2}, mmu}, header.counters);
  visitor(HeaderField{"second", kSecondWords, {6, 2, 2}, mmu && !header.tdp()}, header.second);
  visitor(HeaderField{"protect", kProtectWords, {6, 4, 2}, mmu && !header.tdp()}, header.protect);
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

// The number of opcodes that each kind of program had in version 1 of the format. Never changes.
constexpr size_t FirstOpcodes(bool whole_mmu) { return whole_mmu ? 37 : 29; }
static_assert(OpcodesOf(false).count >= FirstOpcodes(false));
static_assert(OpcodesOf(true).count >= FirstOpcodes(true));

}  // namespace rmapdiff

#endif  // RMAPDIFF_FUZZERS_PROGRAM_FIELDS_H_
