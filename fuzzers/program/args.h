// The types of the operations' arguments: each is a small domain with one byte form, one text form
// and one way of being drawn at random.
//
// What is not in the domain cannot be written down; what a value means may depend on the header of
// the program (a gfn on its limits), never on state.
#ifndef RMAPDIFF_FUZZERS_PROGRAM_ARGS_H_
#define RMAPDIFF_FUZZERS_PROGRAM_ARGS_H_

#include <cstdint>

namespace rmapdiff {

// ---- For all programs ----

// A page id, 0..31. Text: `3`. Hot pool: 0..3.
struct PageArg {
  static constexpr uint32_t kCount = 32;
  uint8_t id = 0;
  friend bool operator==(const PageArg&, const PageArg&) = default;
};
// A page id or none. Text: `3` or `none`.
struct MaybePageArg {
  static constexpr uint8_t kNone = 0xff;
  uint8_t id = kNone;
  bool none() const { return id == kNone; }
  friend bool operator==(const MaybePageArg&, const MaybePageArg&) = default;
};
// An spte index, 0..511 (0..7 with tiny limits). Text: `17`. Hot pool: 0..7.
struct IndexArg {
  uint16_t index = 0;
  friend bool operator==(const IndexArg&, const IndexArg&) = default;
};
// An index into the guest's gfns (guest_layout.h), 0..127. Text: the gfn itself, `0x42`. Hot: 0..3.
struct GfnArg {
  uint8_t index = 0;
  friend bool operator==(const GfnArg&, const GfnArg&) = default;
};
// A page table level, 1..4. Text: `2`.
struct LevelArg {
  uint8_t level = 1;
  friend bool operator==(const LevelArg&, const LevelArg&) = default;
};
// A level that has reverse maps, 1..3. Text: `2`.
struct RmapLevelArg {
  uint8_t level = 1;
  friend bool operator==(const RmapLevelArg&, const RmapLevelArg&) = default;
};
// How often the host has moved a page: selects its host frame (HostPfn), 0..255. Text: `7`.
struct HostArg {
  uint8_t generation = 0;
  friend bool operator==(const HostArg&, const HostArg&) = default;
};
// A count, 1..64. Text: `12`.
struct CountArg {
  static constexpr uint32_t kMax = 64;
  uint8_t count = 1;
  friend bool operator==(const CountArg&, const CountArg&) = default;
};
// Text: `yes` or `no`.
struct FlagArg {
  bool on = false;
  friend bool operator==(const FlagArg&, const FlagArg&) = default;
};

// ---- For programs of a whole MMU ----

// A vcpu, from 0 to one less than the header says. Text: `1`.
struct VcpuArg {
  static constexpr uint32_t kMax = 4;
  uint8_t vcpu = 0;
  friend bool operator==(const VcpuArg&, const VcpuArg&) = default;
};
// A guest virtual page, by the indexes of its walk (guest_layout.h: GvaOf), top level first:
// 0..1, 0..1, 0..3, 0..15. Text: `0/0/1/15`.
struct VaArg {
  uint8_t path = 0;  // bit 7, bit 6, bits 5..4, bits 3..0
  uint32_t top() const { return path >> 7; }
  uint32_t third() const { return path >> 6 & 1u; }
  uint32_t directory() const { return path >> 4 & 3u; }
  uint32_t table() const { return path & 15u; }
  friend bool operator==(const VaArg&, const VaArg&) = default;
};
// A guest page that holds a page table: one of the first 16 gfns. Text: the gfn, `0x3`.
struct TableArg {
  static constexpr uint32_t kCount = 16;
  uint8_t index = 0;
  friend bool operator==(const TableArg&, const TableArg&) = default;
};
// The index of an entry of a guest's table: as IndexArg, but twice as many with 32-bit paging.
struct EntryArg {
  uint16_t index = 0;
  friend bool operator==(const EntryArg&, const EntryArg&) = default;
};
// The bits of a guest's entry. Text: some of the letters of kLetters, or `-` for none.
struct GpteFlagsArg {
  // present, writable, user, accessed, dirty, huge, no-execute, a reserved bit.
  static constexpr char kLetters[] = "pwuadhxr";
  uint8_t bits = 0;
  bool Has(char letter) const {
    for (unsigned i = 0; i < 8; ++i) {
      if (kLetters[i] == letter) return (bits >> i & 1u) != 0;
    }
    return false;
  }
  friend bool operator==(const GpteFlagsArg&, const GpteFlagsArg&) = default;
};
// A memslot, 0..3. Text: `2`.
struct SlotArg {
  static constexpr uint32_t kCount = 4;
  uint8_t slot = 0;
  friend bool operator==(const SlotArg&, const SlotArg&) = default;
};

// ---- Choices: text is one of kNames. ----

struct AccessArg {
  enum Value : uint8_t { kRead, kWrite, kFetch };
  static constexpr const char* kNames[] = {"read", "write", "fetch"};
  uint8_t value = kRead;
  friend bool operator==(const AccessArg&, const AccessArg&) = default;
};
// How an entry of a guest's table is written: by a store of the guest through its mapping of the
// table, whole, in halves, or its bytes one by one; by a hypercall; by userspace behind the MMU's
// back.
struct ViaArg {
  enum Value : uint8_t { kGuest, kHalves, kBytes, kHypercall, kHost };
  static constexpr const char* kNames[] = {"guest", "halves", "bytes", "hypercall", "host"};
  uint8_t value = kGuest;
  friend bool operator==(const ViaArg&, const ViaArg&) = default;
};
// Of the guest's control registers: what of the paging mode of the header is switched.
struct PagingArg {
  enum Value : uint8_t { kOn, kOff, kLong, kPae, k32Bit };
  static constexpr const char* kNames[] = {"on", "off", "long", "pae", "32bit"};
  uint8_t value = kOn;
  friend bool operator==(const PagingArg&, const PagingArg&) = default;
};

// What an operation is about. Those up to kMisuse work on a page graph, the others on a whole MMU.
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
constexpr bool IsMmuGroup(OpGroup group) { return group >= OpGroup::kGuest; }

}  // namespace rmapdiff

#endif  // RMAPDIFF_FUZZERS_PROGRAM_ARGS_H_
