// The audit of a whole MMU, beyond that of its page graph (auditor.h). It checks shadow pages,
// vcpus, TLBs, memslots and dirty logs against each other.
//
//   roots      a page's root_count is the number of vcpus that use it as a root
//   hash       the hash table finds every page once, and no page is left zapped
//   tables     no spte and no TLB lets a frame be written that holds a table with a synchronised
//              shadow page (a TLB only where the host page has no second gfn)
//   unsync     no page is out of sync whose frame is a table of a higher level as well
//   dirty log  in a slot that is logged nothing is mapped large (__kvm_set_memory_region destroys
//              such mappings), and what is writable is dirty
//   tlb        no vcpu has an address in two sizes: it may use either of them
//   range      nothing maps a host page of the range that is being invalidated (mmu_notifier.h)
//
// Sees values only. Not covered: whether translations are right (guest_truth.h).
#ifndef RMAPDIFF_FUZZERS_JUDGES_MMU_AUDITOR_H_
#define RMAPDIFF_FUZZERS_JUDGES_MMU_AUDITOR_H_

#include <optional>

#include "fuzzers/state/observation.h"
#include "fuzzers/state/raw_state.h"

namespace rmapdiff {

// The first violation, or nothing. REQUIRES: the page graph has passed its own audit.
std::optional<Difference> AuditMmu(const RawState& state);

}  // namespace rmapdiff

#endif  // RMAPDIFF_FUZZERS_JUDGES_MMU_AUDITOR_H_
