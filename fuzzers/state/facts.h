// The state of a whole MMU beyond its shadow pages, as numbered facts: vcpus, TLBs, memory,
// counters.
//
// The comparison of two MMUs goes fact by fact. So a new fact needs only a kind and a name. A
// missing fact counts as one with another value.
#ifndef RMAPDIFF_FUZZERS_STATE_FACTS_H_
#define RMAPDIFF_FUZZERS_STATE_FACTS_H_

#include <compare>
#include <cstdint>
#include <string>

namespace rmapdiff {

enum class FactKind : uint8_t {
  kCounter,    // what: position in kCounterNames
  kVcpu,       // who: vcpu; what: position in kVcpuFieldNames
  kRoot,       // who: vcpu; what: which of its roots; value: the page's id
  kTlb,        // who: vcpu; what: page << 2 | level; value: the spte
  kTlbRights,  // who: vcpu; what: page << 2 | level; value: writable | user << 1 | executable << 2
  kDirtyBit,   // who: memslot; what: gfn; value: 1
  kMemory,     // what: host page; value: a hash of its words
};

struct FactId {
  FactKind kind = FactKind::kCounter;
  uint32_t who = 0;
  uint64_t what = 0;

  friend auto operator<=>(const FactId&, const FactId&) = default;
};

struct Fact {
  FactId id;
  uint64_t value = 0;

  friend bool operator==(const Fact&, const Fact&) = default;
};

inline constexpr const char* kCounterNames[] = {
    "pf_fixed",     "pte_write",      "pte_updated", "pde_zapped", "flooded",
    "reclaimed",    "tlb_flush",      "invlpg",      "emulated",   "synced",
    "notifier_seq", "notifier_count", "quota"};
inline constexpr const char* kVcpuFieldNames[] = {"mode",    "cr3",     "pdptr 0",  "pdptr 1",
                                                  "pdptr 2", "pdptr 3", "requests", "root_valid"};

// "tlb of vcpu 1, page 0x203, level 1".
std::string ToString(const FactId& id);

}  // namespace rmapdiff

#endif  // RMAPDIFF_FUZZERS_STATE_FACTS_H_
