// The state of one voice as a canonical value, and the comparison of two such values.
//
// Canonical means: entries sorted, addresses replaced by page ids, list order gone, duplicates kept
// (a double insert must show). Two MMUs that do the same have equal observations, whatever their
// reverse maps look like inside. All functions here are pure; nothing here knows an MMU.
//
// Not covered, on purpose (docs/contract.md): list order (D3, D4), raw rmap words (D14), cache
// levels (D6, D7).
#ifndef RMAPDIFF_FUZZERS_STATE_OBSERVATION_H_
#define RMAPDIFF_FUZZERS_STATE_OBSERVATION_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fuzzers/state/difference.h"
#include "fuzzers/state/facts.h"
#include "fuzzers/state/outcome.h"
#include "fuzzers/state/rows.h"
#include "mmu/base/types.h"

namespace rmapdiff {

// The effects of one operation on the host, beside the change of state.
struct Events {
  std::vector<Pfn> dirtied;   // kvm_set_pfn_dirty: sorted, unique
  std::vector<Pfn> accessed;  // kvm_set_pfn_accessed, mark_page_accessed: sorted, unique
  uint32_t remote_flushes = 0;

  void Clear() {
    dirtied.clear();
    accessed.clear();
    remote_flushes = 0;
  }

  friend bool operator==(const Events&, const Events&) = default;
};

// Counters since the program began.
struct Stats {
  uint32_t cache_miss = 0;  // pages allocated
  uint32_t zapped = 0;      // mmu_shadow_zapped
  uint32_t recycled = 0;    // calls of rmap_recycle, which the kernel does not count
  uint32_t reloads = 0;     // kvm_reload_remote_mmus
  uint32_t unsync = 0;      // mmu_unsync, pages out of sync now
  int32_t lpages = 0;       // lpages, as inexact as the kernel's (B6)
  uint32_t live_pages = 0;  // allocated and not freed, zapped ones included

  friend bool operator==(const Stats&, const Stats&) = default;
};

// The state of one slot. Non-leaf words have the child's id in place of its address.
struct SlotValue {
  enum class Kind : uint8_t { kTrap, kNotrap, kLeaf, kLink };
  Kind kind = Kind::kTrap;
  uint64_t word = 0;  // leaf: the spte; link: its flags; else 0
  PageId child = 0;   // link: the page it points at

  friend bool operator==(const SlotValue&, const SlotValue&) = default;
};

struct SlotObservation {
  SpteRef ref;
  SlotValue value;

  friend bool operator==(const SlotObservation&, const SlotObservation&) = default;
};

struct RmapObservation {
  RmapId id;
  std::vector<SpteRef> entries;  // sorted, duplicates kept

  friend bool operator==(const RmapObservation&, const RmapObservation&) = default;
};

struct PageObservation {
  PageId id = 0;
  Role role;
  Gfn gfn = 0;
  uint32_t root_count = 0;
  bool zapped = false;  // on the list of zapped pages
  bool unsync = false;
  std::vector<SpteRef> parents;           // sorted, duplicates kept
  std::vector<uint16_t> unsync_children;  // set bits, ascending. MMUs only: see Comparison.

  friend bool operator==(const PageObservation&, const PageObservation&) = default;
};

// One write_count of a memslot's large page.
struct WriteCount {
  RmapId id;
  int32_t count = 0;

  friend bool operator==(const WriteCount&, const WriteCount&) = default;
};

// The state that an operation touched, or everything: all vectors sorted by their id.
struct Observation {
  Outcome outcome;
  Events events;
  Stats stats;
  Rows<RmapObservation> rmaps;  // complete: the non-empty ones only
  Rows<PageObservation> pages;
  std::vector<SlotObservation> slots;    // complete: all but trap
  std::vector<WriteCount> write_counts;  // complete only: all of them
  std::vector<PageId> active;            // complete only: the active list, head first
  std::vector<Fact> facts;               // of a whole MMU; not complete: counters only
};

// The parts to observe: all that an operation can have changed, by the model's account.
struct Touched {
  std::vector<RmapId> rmaps;
  std::vector<PageId> pages;
  std::vector<SpteRef> slots;

  void Clear();
  void SortAndDedupe();
};

// kModel leaves out what the model does not restate: the lazily repaired unsync bitmaps.
enum class Comparison : uint8_t { kModel, kMmu };

// A list of sptes: a reverse map, or the parents of a page.
struct ListId {
  std::optional<RmapId> rmap;
  PageId parents_of = 0;

  friend bool operator==(const ListId&, const ListId&) = default;
};

struct FieldDifference {
  Difference difference;
  std::optional<ListId> list;  // if the field is one
};

struct GuestLayout;
// The first difference in the order of importance (outcome, rmaps, parents, slots, pages, events,
// stats ...), or nothing. REQUIRES: both observations are of what the same `Touched` names, or both
// are complete.
std::optional<Difference> Compare(const Observation& expected, const Observation& actual,
                                  Comparison comparison, const GuestLayout& layout);
// The same for all differences, at most `most`. A page that only one side has is one difference.
std::vector<FieldDifference> CompareAll(const Observation& expected, const Observation& actual,
                                        Comparison comparison, const GuestLayout& layout,
                                        size_t most);

// True if nothing differs. Makes no string and takes no memory.
bool Equal(const Observation& expected, const Observation& actual, Comparison comparison);
// Whether the lazily repaired bitmaps are equal. Two observations that are equal to the model's can
// differ in nothing else.
bool SameUnsyncChildren(const Observation& a, const Observation& b);
// Compare for outcomes alone: after a BUG, a voice has no other state to compare.
std::optional<Difference> CompareOutcomes(const Outcome& expected, const Outcome& actual);

// "page 3 [17]", "{ page 3 [17], page 5 [0] }", "rmap(gfn 0x42, level 1)", and so on.
std::string ToString(const SpteRef& ref);
std::string ToString(const std::vector<SpteRef>& refs);
std::string ToString(const RmapId& id, const GuestLayout& layout);
std::string ToString(const ListId& list, const GuestLayout& layout);
// "gfn 0x42": its first gfn inside the memslot; "slot 0" where memslots change.
std::string FrameName(const RmapId& id, const GuestLayout& layout);
// "write_count(gfn 0x40, level 2)"
std::string WriteCountName(const RmapId& id, const GuestLayout& layout);
std::string ToString(const Outcome& outcome);
std::string ToString(const SlotValue& value);

// A hash of a complete observation, the same on every platform and in every process.
uint64_t Hash(const Observation& observation);

}  // namespace rmapdiff

#endif  // RMAPDIFF_FUZZERS_STATE_OBSERVATION_H_
