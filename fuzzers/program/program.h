// Programs: a header and a vector of operations, and their forms as bytes and as text. No other
// code knows these forms.
//
// Bytes: a header of 8 bytes (bytes.cc), then records of 8 bytes: the opcode and seven argument
// bytes. Missing bytes of the header and of the last record read as zero.
// Text (.ops): a first line `program version=2 limits=tiny ...`, then one operation a line,
// `map page=3 index=17 gfn=0x42 write=yes speculative=no`; `#` starts a comment.
//
// The header's mode selects one of two kinds of program: on a page graph, or on a whole MMU. Each
// has operations of its own; a program has those of its kind.
//
// Invariants
//  1. Decode is total: every byte string is a program.
//  2. Decode is stateless: a record means the same wherever it stands.
//  3. Decode(Encode(p)) == p and Parse(Print(p)) == p for every program p that is well-formed. All
//     its operations are of its kind, and all arguments in range. Its header has the defaults of
//     the other kind's keys. Encode(Decode(b)) is the canonical form of b.
//  4. Opcodes, arguments and words are append-only. Appending one changes no canonical bytes, and
//     needs no new version. Any other change of the form does; it comes with a migration
//     (migrations.h).
#ifndef RMAPDIFF_FUZZERS_PROGRAM_PROGRAM_H_
#define RMAPDIFF_FUZZERS_PROGRAM_PROGRAM_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "fuzzers/program/guest_layout.h"
#include "fuzzers/program/ops.h"
#include "mmu/base/spte.h"

namespace rmapdiff {

enum class LimitsMode : uint8_t { kProduction, kTiny };
enum class ReuseMode : uint8_t { kQuarantine, kLifo };      // of freed pages and objects
enum class MasksMode : uint8_t { kShadow, kBypass, kEpt };  // spte.h
enum class RecycleMode : uint8_t { kExact, kNative };       // who decides on recycling, D2

// With kNone a program works on a page graph, one function of the MMU at a time. Else it works on a
// whole MMU, with a guest that begins in this paging mode. With kTdp, two-dimensional paging (EPT)
// maps the guest from a root of level 4. With kTdp32 it does so from four roots of level 2 (a
// 32-bit host).
enum class MmuMode : uint8_t { kNone, kLong, kPae, k32Bit, kNonPaging, kTdp, kTdp32 };
// The largest page that the MMU maps.
enum class LargeMode : uint8_t { k4K, k2M, k1G };
// The latent bug of 2.6.36 that is put back. The others have no names here: quirk_modes.h.
enum class QuirkMode : uint8_t { kNone };
// The begin of the MMU's counters and generations. It is 0, or a few steps before they have more
// than 32 bits, or before they wrap. (Counters of 32 bits wrap in both of these cases.)
enum class CountersMode : uint8_t { kZero, kNear32, kNear64 };
// The paging mode for which the guest has tables beside those of its own (guest_boot.h).
enum class SecondMode : uint8_t { kNone, kLong, kPae, k32Bit };
// The bits of CR4 by which the guest begins to protect user pages from its supervisor.
enum class ProtectMode : uint8_t { kNone, kSmep, kSmap, kBoth };

struct Header {
  MmuMode mode = MmuMode::kNone;
  LimitsMode limits = LimitsMode::kProduction;
  ReuseMode reuse = ReuseMode::kQuarantine;
  MasksMode masks = MasksMode::kShadow;

  // A page graph only. (A whole MMU always recycles by the exact count.)
  RecycleMode recycle = RecycleMode::kExact;
  bool misuse = false;  // misuse operations are carried out

  // A whole MMU only.
  uint8_t more_vcpus = 0;  // 0..3, beside the first one
  bool oos = true;         // oos_shadow: tables of level 1 may go out of sync
  LargeMode large = LargeMode::k1G;
  bool log = false;  // the memslots begin with their dirty log on
  bool oom = false;  // each step first fails for want of memory, at each of its allocations
  QuirkMode quirk = QuirkMode::kNone;
  CountersMode counters = CountersMode::kZero;
  SecondMode second = SecondMode::kNone;     // without TDP, which reads no tables of the guest
  ProtectMode protect = ProtectMode::kNone;  // without TDP

  bool whole_mmu() const { return mode != MmuMode::kNone; }
  bool tdp() const { return mode == MmuMode::kTdp || mode == MmuMode::kTdp32; }
  uint32_t vcpus() const { return more_vcpus + 1u; }
  // Entries of a guest's table.
  uint32_t guest_entries() const {
    return layout().sptes_per_page() * (mode == MmuMode::k32Bit ? 2 : 1);
  }

  const GuestLayout& layout() const {
    const bool tiny = limits == LimitsMode::kTiny;
    if (whole_mmu()) return tiny ? kMmuTinyLayout : kMmuProductionLayout;
    return tiny ? kTinyLayout : kProductionLayout;
  }
  const SpteMasks& spte_masks() const {
    switch (masks) {
      case MasksMode::kBypass:
        return kBypassMasks;
      case MasksMode::kEpt:
        return kEptMasks;
      case MasksMode::kShadow:
        break;
    }
    return kShadowMasks;
  }
  friend bool operator==(const Header&, const Header&) = default;
};

struct Program {
  Header header;
  std::vector<Op> ops;

  friend bool operator==(const Program&, const Program&) = default;
};

inline constexpr int kFormatVersion = 2;
inline constexpr size_t kHeaderBytes = 8;
inline constexpr size_t kRecordBytes = 8;
inline constexpr size_t kOpKinds = std::variant_size_v<Op>;

Program Decode(std::span<const uint8_t> bytes);
std::vector<uint8_t> Encode(const Program& program);

// One line, no newline: "map page=3 index=17 gfn=0x42 write=yes speculative=no". Gfns and index
// ranges depend on the limits of the header.
std::string PrintOp(const Header& header, const Op& op);
// The word of a header's key "mode": "long", "tdp" ...; "" for a page graph.
std::string_view ModeName(MmuMode mode);
std::string Print(const Program& program);

struct ParseError {
  int line = 0;      // from 1
  int column = 0;    // from 1, in bytes
  std::string what;  // "unknown operation 'mpa', did you mean 'map'?"; one line of printable ASCII
};
std::variant<Program, ParseError> Parse(std::string_view text);

// True iff the content is to be read as text: its first word outside comments is `program`.
bool LooksLikeText(std::string_view content);

// One row of the table of operations, derived from ops.h.
struct OpInfo {
  std::string_view name;
  OpGroup group;
  int weight;
  std::string_view help;
  std::vector<std::string_view> arguments;
};
const std::vector<OpInfo>& OpTable();
std::string_view OpName(const Op& op);
std::string_view GroupName(OpGroup group);
// Whether the operation is one of the programs that have this header.
inline bool FitsHeader(const OpInfo& info, const Header& header) {
  return IsMmuGroup(info.group) == header.whole_mmu();
}

}  // namespace rmapdiff

#endif  // RMAPDIFF_FUZZERS_PROGRAM_PROGRAM_H_
