// The types of the operations' arguments: each is one number, `value`, from a small domain.
//
// kDomain holds everything about the type that its consumers need. Bytes, text, draws, mutations,
// simplifications and drafts of tests are derived from it. A new type is a struct here. Only a new
// Form, Limit or Step needs a line elsewhere, and the compiler names the place.
//
// A value outside the domain cannot be written down. Its meaning may depend on the header of the
// program (a gfn on its limits), never on state.
#ifndef RMAPDIFF_FUZZERS_PROGRAM_ARGS_H_
#define RMAPDIFF_FUZZERS_PROGRAM_ARGS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "fuzzers/program/guest_layout.h"
#include "fuzzers/program/places.h"
#include "mmu/base/types.h"

namespace rmapdiff {

struct Domain {
  // The text of a value.
  enum class Form : uint8_t {
    kNumber,        // `3`
    kNumberOrNone,  // `3`, or `none` for kNone
    kGfn,           // the gfn that the value is an index of (guest_layout.h): `0x42`
    kWalk,          // the indexes of a walk: `0/0/1/15`
    kLetters,       // the letters of the bits that are set: `pw`; `-` for none
    kWord,          // one of `words`
    kListed,        // the number in that place of `listed`: `0x1ff`
  };
  // The number in the program's header that may be lower than `count`.
  enum class Limit : uint8_t { kNone, kSptesPerPage, kGuestEntries, kVcpus };
  // How a mutation changes one value alone.
  enum class Step : uint8_t {
    kNone,
    kOther,     // of two values, the other one
    kNext,      // one more or one less, around the ends; the number of values is a power of two
    kBoundary,  // a length at which lists change their form
    kBit,       // one bit flips
  };
  // The kind of thing that an argument names: operations meet where they name the same.
  enum class Names : uint8_t {
    kNothing,
    kPage,
    kIndex,
    kGfn,
    kVcpu,
    kAddress,
    kTable,
    kEntry,
    kSlot,
    kPlace,
  };
  static constexpr uint8_t kNone = 0xff;

  const char* what;  // for messages: "a page id"; of kWord, null if the words say it
  Form form = Form::kNumber;
  uint32_t first = 0;  // the values are first .. first + count - 1
  uint32_t count = 0;
  Limit limit = Limit::kNone;
  // The hot pool: the first `hot` values make up three quarters of the draws. 0: all values are
  // equal. A whole MMU has its own hot gfns, and a 32-bit table hot entries in both its halves.
  uint32_t hot = 0;
  // A byte with one of these bits set falls into the hot pool, so that random bytes collide often.
  uint8_t hot_bits = 0;
  Step step = Step::kNone;
  Names names = Names::kNothing;
  std::span<const std::string_view> words = {};
  std::array<std::span<const uint32_t>, 2> listed = {};  // by LimitsMode; sorted
  // Its operation is older than it. A text without it means 0, and so does a byte 0; text of 0 is
  // not printed. Three quarters of the draws are 0.
  bool appended = false;

  // The length of a value in a record.
  constexpr size_t bytes() const { return count > 256 ? 2 : 1; }
};

template <typename Type>
concept Argument = requires(Type arg) {
  arg.value;
  Type::kDomain;
};

template <Argument Type>
constexpr bool operator==(const Type& a, const Type& b) {
  return a.value == b.value;
}

// ---- For all programs ----

// A page id.
struct PageArg {
  static constexpr uint32_t kCount = 32;
  static constexpr Domain kDomain{.what = "a page id",
                                  .count = kCount,
                                  .hot = 4,
                                  .hot_bits = 0x60,
                                  .names = Domain::Names::kPage};
  uint8_t value = 0;
};
// A page id or none.
struct MaybePageArg {
  static constexpr uint8_t kNone = Domain::kNone;
  static constexpr Domain kDomain{.what = "a page id",
                                  .form = Domain::Form::kNumberOrNone,
                                  .count = PageArg::kCount,
                                  .hot = 4,
                                  .hot_bits = 0x60,
                                  .names = Domain::Names::kPage};
  uint8_t value = kNone;
  bool none() const { return value == kNone; }
};
// An spte index; 0..7 with tiny limits.
struct IndexArg {
  static constexpr Domain kDomain{.what = "an spte index",
                                  .count = 512,
                                  .limit = Domain::Limit::kSptesPerPage,
                                  .hot = 8,
                                  .hot_bits = 0xc0,
                                  .step = Domain::Step::kNext,
                                  .names = Domain::Names::kIndex};
  uint16_t value = 0;
};
// An index into the guest's gfns (guest_layout.h).
struct GfnArg {
  static constexpr Domain kDomain{.what = "a gfn of the guest",
                                  .form = Domain::Form::kGfn,
                                  .count = GuestLayout::kGfnIndexes,
                                  .hot = 4,
                                  .hot_bits = 0x80,
                                  .step = Domain::Step::kNext,
                                  .names = Domain::Names::kGfn};
  uint8_t value = 0;
};
// A page table level.
struct LevelArg {
  static constexpr Domain kDomain{.what = "a level", .first = 1, .count = kRootLevel};
  uint8_t value = 1;
};
// A level that has reverse maps.
struct RmapLevelArg {
  static constexpr Domain kDomain{.what = "a level", .first = 1, .count = kRmapLevels};
  uint8_t value = 1;
};
// How often the host has moved a page: selects its host frame (HostPfn).
struct HostArg {
  static constexpr Domain kDomain{.what = "a number", .count = 256, .hot = 4};
  uint8_t value = 0;
};
struct CountArg {
  static constexpr uint32_t kMax = 64;
  static constexpr Domain kDomain{
      .what = "a count", .first = 1, .count = kMax, .hot = 8, .step = Domain::Step::kBoundary};
  uint8_t value = 1;
};
inline constexpr std::string_view kNoYes[] = {"no", "yes"};
struct FlagArg {
  static constexpr Domain kDomain{.what = "yes or no",
                                  .form = Domain::Form::kWord,
                                  .count = 2,
                                  .step = Domain::Step::kOther,
                                  .words = kNoYes};
  bool value = false;
};

// ---- For programs of a whole MMU ----

// A vcpu, from 0 to one less than the header says.
struct VcpuArg {
  static constexpr uint32_t kMax = 4;
  static constexpr Domain kDomain{.what = "a vcpu",
                                  .count = kMax,
                                  .limit = Domain::Limit::kVcpus,
                                  .names = Domain::Names::kVcpu};
  uint8_t value = 0;
};
// A guest virtual page, by the indexes of its walk (guest_boot.h: GvaOf), top level first: 0..1,
// 0..1, 0..3, 0..15.
struct VaArg {
  static constexpr Domain kDomain{.what = "the indexes of a walk, 0/0/0/0 to 1/1/3/15",
                                  .form = Domain::Form::kWalk,
                                  .count = 256,
                                  .hot = 64,
                                  .step = Domain::Step::kNext,
                                  .names = Domain::Names::kAddress};
  // The bits of the four indexes, and of each its place and the largest one.
  static constexpr uint8_t kTop = 0x80;
  static constexpr uint8_t kThird = 0x40;
  static constexpr uint8_t kDirectory = 0x30;
  static constexpr uint8_t kTable = 0x0f;
  static constexpr unsigned kShift[] = {7, 6, 4, 0};
  static constexpr unsigned kMost[] = {1, 1, 3, 15};
  uint8_t value = 0;
  static constexpr VaArg Of(unsigned top, unsigned third, unsigned directory, unsigned table) {
    return {static_cast<uint8_t>(top << 7 | third << 6 | directory << 4 | table)};
  }
  constexpr uint32_t top() const { return Index(0); }
  constexpr uint32_t third() const { return Index(1); }
  constexpr uint32_t directory() const { return Index(2); }
  constexpr uint32_t table() const { return Index(3); }

 private:
  constexpr uint32_t Index(size_t i) const { return value >> kShift[i] & kMost[i]; }
};
// A guest page that holds a page table: one of the first gfns.
struct TableArg {
  static constexpr uint32_t kCount = 16;
  static constexpr Domain kDomain{.what = "a gfn",
                                  .form = Domain::Form::kGfn,
                                  .count = kCount,
                                  .hot = 12,
                                  .names = Domain::Names::kTable};
  uint8_t value = 0;
};
// The index of an entry of a guest's table: as IndexArg, but twice as many with 32-bit paging.
struct EntryArg {
  static constexpr Domain kDomain{.what = "an entry's index",
                                  .count = 1024,
                                  .limit = Domain::Limit::kGuestEntries,
                                  .hot = 8,
                                  .hot_bits = 0xc0,
                                  .step = Domain::Step::kNext,
                                  .names = Domain::Names::kEntry};
  uint16_t value = 0;
};
// The bits of a guest's entry. The processor's bits have other places: guest.h.
struct GpteFlagsArg {
  enum Bit : uint8_t {
    kPresent = 1,
    kWritable = 2,
    kUser = 4,
    kAccessed = 8,
    kDirty = 0x10,
    kHuge = 0x20,
    kNoExecute = 0x40,
    kReserved = 0x80,
  };
  // Of the bits, from the lowest.
  static constexpr std::string_view kLetters[] = {"p", "w", "u", "a", "d", "h", "x", "r"};
  static constexpr Domain kDomain{.what = "some of the letters pwuadhxr, or -",
                                  .form = Domain::Form::kLetters,
                                  .count = 256,
                                  .step = Domain::Step::kBit,
                                  .words = kLetters};
  uint8_t value = 0;
  constexpr bool Has(Bit bit) const { return (value & bit) != 0; }
};
// The bits of CR4 that protect user pages: e (SMEP, execution) and a (SMAP, access).
struct Cr4Arg {
  enum Bit : uint8_t { kSmep = 1, kSmap = 2 };
  static constexpr std::string_view kLetters[] = {"e", "a"};
  static constexpr Domain kDomain{.what = "some of the letters ea, or -",
                                  .form = Domain::Form::kLetters,
                                  .count = 4,
                                  .step = Domain::Step::kBit,
                                  .words = kLetters,
                                  .appended = true};
  uint8_t value = 0;
  constexpr bool Has(Bit bit) const { return (value & bit) != 0; }
};
// Bits of a value for cr3 beside the table's. Two are below it: one means nothing, one is the cache
// policy. Three are in the upper half: below the physical width, above it, and the topmost.
struct Cr3Arg {
  enum Bit : uint8_t { kLow = 1, kCache = 2, kUpper = 4, kHigh = 8, kTop = 0x10 };
  static constexpr std::string_view kLetters[] = {"l", "c", "u", "h", "t"};
  static constexpr Domain kDomain{.what = "some of the letters lcuht, or -",
                                  .form = Domain::Form::kLetters,
                                  .count = 32,
                                  .step = Domain::Step::kBit,
                                  .words = kLetters,
                                  .appended = true};
  uint8_t value = 0;
  constexpr bool Has(Bit bit) const { return (value & bit) != 0; }
};
struct SlotArg {
  static constexpr uint32_t kCount = 4;
  static constexpr Domain kDomain{
      .what = "a memslot", .count = kCount, .hot = 3, .names = Domain::Names::kSlot};
  uint8_t value = 0;
};

// Any memslot that userspace may ask for, and some that it may not.
struct AnySlotArg {
  static constexpr uint32_t kCount = 34;
  static constexpr Domain kDomain{
      .what = "a memslot", .count = kCount, .hot = 6, .names = Domain::Names::kSlot};
  uint8_t value = 0;
};
// A page number of the guest or the host beside a boundary (places.h).
struct PlaceArg {
  static constexpr Domain kDomain{.what = "a page number of the list for these limits",
                                  .form = Domain::Form::kListed,
                                  .count = kPlaces,
                                  .step = Domain::Step::kNext,
                                  .names = Domain::Names::kPlace,
                                  .listed = {kPlaceTables[0], kPlaceTables[1]}};
  uint8_t value = 0;
};
// A number of pages, around the sizes of blocks.
struct SizeArg {
  static constexpr Domain kDomain{.what = "a number of pages of the list for these limits",
                                  .form = Domain::Form::kListed,
                                  .count = kSizes,
                                  .step = Domain::Step::kNext,
                                  .listed = {kSizeTables[0], kSizeTables[1]}};
  uint8_t value = 0;
};

// ---- Choices ----

constexpr Domain ChoiceOf(std::span<const std::string_view> words) {
  return {.what = nullptr,
          .form = Domain::Form::kWord,
          .count = static_cast<uint32_t>(words.size()),
          .hot = 2,
          .words = words};
}
constexpr Domain AppendedChoiceOf(std::span<const std::string_view> words) {
  Domain domain = ChoiceOf(words);
  domain.appended = true;
  return domain;
}

struct AccessArg {
  enum Value : uint8_t { kRead, kWrite, kFetch };
  static constexpr std::string_view kWords[] = {"read", "write", "fetch"};
  static constexpr Domain kDomain = ChoiceOf(kWords);
  uint8_t value = kRead;
};
// For whom the processor makes an access. Mostly it is an instruction, with EFLAGS.AC clear or set.
// An implicit access is the processor's own, to a system structure such as the GDT.
struct AccessKindArg {
  enum Value : uint8_t { kPlain, kAc, kImplicit };
  static constexpr std::string_view kWords[] = {"plain", "ac", "implicit"};
  static constexpr Domain kDomain = AppendedChoiceOf(kWords);
  uint8_t value = kPlain;
};
// How an entry of a guest's table is written. The guest stores it through its mapping of the table:
// whole, in halves, or byte by byte. Or a hypercall writes it, or userspace behind the MMU's back.
struct ViaArg {
  enum Value : uint8_t { kGuest, kHalves, kBytes, kHypercall, kHost };
  static constexpr std::string_view kWords[] = {"guest", "halves", "bytes", "hypercall", "host"};
  static constexpr Domain kDomain = ChoiceOf(kWords);
  uint8_t value = kGuest;
};
// The change of a host page. It stays, moves to another frame, or goes. Or it moves to a read-only
// frame, of its own (protect) or shared by equal pages (merge). Or its block becomes a large page.
struct ChangeArg {
  enum Value : uint8_t { kStay, kMove, kUnmap, kProtect, kMerge, kLarge, kHuge };
  static constexpr std::string_view kWords[] = {"stay",  "move",  "unmap", "protect",
                                                "merge", "large", "huge"};
  static constexpr Domain kDomain = ChoiceOf(kWords);
  uint8_t value = kStay;
};
// The notifiers that tell the MMU of a change.
struct NotifierArg {
  enum Value : uint8_t { kRange, kInvalidatePage, kChangePte };
  static constexpr std::string_view kWords[] = {"range", "invalidate_page", "change_pte"};
  static constexpr Domain kDomain = ChoiceOf(kWords);
  uint8_t value = kRange;
};
// A range of a slot's dirty log. A word is the granularity of clear_dirty_log. `rest` is all but
// the first word. `tail` is the part of a word that the slot ends with; if there is none, the last
// word. `odd` begins in the middle of a word, and `short` ends in one. `over` ends behind the slot,
// and `beyond` begins there.
struct LogRangeArg {
  enum Value : uint8_t { kAll, kWord, kRest, kTail, kNone, kOdd, kShort, kOver, kBeyond };
  static constexpr std::string_view kWords[] = {"all", "word",  "rest", "tail",  "none",
                                                "odd", "short", "over", "beyond"};
  static constexpr Domain kDomain = ChoiceOf(kWords);
  uint8_t value = kAll;
};
// The part of the header's paging mode that the guest's control registers switch.
struct PagingArg {
  enum Value : uint8_t { kOn, kOff, kLong, kPae, k32Bit };
  static constexpr std::string_view kWords[] = {"on", "off", "long", "pae", "32bit"};
  static constexpr Domain kDomain = ChoiceOf(kWords);
  uint8_t value = kOn;
};

}  // namespace rmapdiff

#endif  // RMAPDIFF_FUZZERS_PROGRAM_ARGS_H_
