// One difference between two states, as a value: its kind, its place, and both sides in words. Not
// covered: the search for it (observation.h), and the engine at fault (fuzzers/run/verdict.h).
#ifndef RMAPDIFF_FUZZERS_STATE_DIFFERENCE_H_
#define RMAPDIFF_FUZZERS_STATE_DIFFERENCE_H_

#include <cstdint>
#include <string>
#include <string_view>

namespace rmapdiff {

// Every kind of finding, with the stable name used in signatures: "rmap-missing" ...
enum class Finding : uint8_t {
  kNone,
  kOutcome,   // "outcome": another outcome code or value
  kBugClass,  // "bug": a BUG where none, or another class, was expected
  kCycle,     // "cycle", "dangling", "wild": a list walk that cannot be
  kDangling,
  kWild,
  kRmapMissing,      // "rmap-missing": an entry that should be listed is not
  kRmapExtra,        // "rmap-extra"
  kRmapDuplicate,    // "rmap-duplicate"
  kRmapSplice,       // "rmap-splice": an entry that belongs to another list
  kParentMissing,    // "parent-missing"
  kParentExtra,      // "parent-extra"
  kParentDuplicate,  // "parent-duplicate"
  kSlot,             // "spte": another word in a slot
  kPage,             // "page": role, gfn, root_count, zapped
  kUnsync,           // "unsync": unsync flag, bitmap or counter
  kDirty,            // "dirty": the set of dirtied host frames
  kAccessed,         // "accessed"
  kFlush,            // "flush": remote TLB flushes
  kStats,            // "stats"
  kWriteCount,       // "write-count"
  kActiveList,       // "active-list"
  kAddReturn,        // "add-return": rmap_add returned what its own rule does not allow
  kMapAudit,         // "map-audit": a reverse map complains about its own invariants
  kLeak,             // "leak": memory or list entries left after teardown
  kTlb,              // "tlb": another translation in a vcpu's TLB
  kVcpu,             // "vcpu": a vcpu's registers, requests or roots
  kMemory,           // "memory": other contents of guest memory
  kDirtyLog,         // "dirty-log"
  kTruth,            // "truth": a guest could see what its tables and the host do not allow
};
std::string_view FindingName(Finding finding);

// One difference. `subject` is the place: "rmap(gfn 0x42, level 1)". Values are for a reader: "{
// page 3 [17], page 5 [0] }". `detail` is the difference in words: "missing: page 5 [0]".
struct Difference {
  Finding finding = Finding::kNone;
  std::string subject;
  std::string expected;
  std::string actual;
  std::string detail;

  friend bool operator==(const Difference&, const Difference&) = default;
};

}  // namespace rmapdiff

#endif  // RMAPDIFF_FUZZERS_STATE_DIFFERENCE_H_
