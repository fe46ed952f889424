// The kernel's BUG() as a value. An MMU throws it where its own state is impossible.
//
// A BUG does not abort the process. It is an outcome that a run compares: both MMUs must raise the
// same class at the same operation. The wording is each MMU's own. Reports show it, and the run
// does not compare it (D10 in docs/contract.md). The kernel has no counterpart of kLivelock, of
// kBeyondPage, and of the classes from kCycle on. There the loop would never end, or it would
// follow a pointer into freed memory. Here every list walk has a bound (WalkBound), which raises
// them.
#ifndef RMAPDIFF_MMU_BASE_BUG_H_
#define RMAPDIFF_MMU_BASE_BUG_H_

#include <cstdint>
#include <exception>

namespace rmapdiff {

enum class BugClass : uint8_t {
  kNone,
  kRmapRemove,           // rmap_remove: the spte is not on the list of its gfn
  kRemoveParent,         // mmu_page_remove_parent_pte: the spte is not a parent of the page
  kSetGfn,               // kvm_mmu_page_set_gfn: a direct page cannot map that gfn there
  kWriteProtectAbsent,   // rmap_write_protect: a listed spte of any level is not present
  kWriteProtectNotHuge,  // rmap_write_protect: a listed large spte is present, and not large
  kUnmapAbsent,          // kvm_unmap_rmapp, kvm_set_pte_rmapp, kvm_age_rmapp: not present
  kCacheEmpty,           // mmu_memory_cache_alloc: not topped up enough (L1)
  kNoSlot,               // gfn_to_rmap: no memslot covers the gfn (the kernel follows NULL, B12)
  kSyncDirect,           // sync_page: the page is direct
  kReservedSpte,         // make_spte: the word has a bit that the vcpu's shadow tables do not use
  kLivelock,             // a loop under the MMU lock that nothing can end (B7)
  kBeyondPage,           // guest memory was reached beyond the end of a page
  kMapMisused,           // the caller broke the ReverseMap concept; only the plain map checks
  kCycle,                // a list walk exceeded its bound
  kDangling,             // a list entry points into a page that was a shadow page once
  kWild,                 // a list entry points outside the host's memory
};

// The stable name of a class, as it appears in reports and signatures: "rmap_remove", "cycle" ...
const char* BugName(BugClass bug);

// Thrown at a BUG() site. The MMU that threw it may only be destroyed.
class BugError : public std::exception {
 public:
  // `wording` is not copied; it must be a literal.
  BugError(BugClass bug, const char* wording) : bug_(bug), wording_(wording) {}

  BugClass bug() const { return bug_; }
  // The message of the kernel's printk, or the condition of its BUG_ON.
  const char* what() const noexcept override { return wording_; }

 private:
  BugClass bug_;
  const char* wording_;
};

[[noreturn]] void RaiseBug(BugClass bug, const char* wording);

// Bounds one list walk. No list of one MMU can be longer than `kMaxSteps`: a walk with more steps
// runs in a circle.
class WalkBound {
 public:
  static constexpr int kMaxSteps = 1 << 20;

  explicit WalkBound(int max_steps = kMaxSteps) : left_(max_steps) {}
  void Step() {
    if (left_-- == 0) RaiseBug(BugClass::kCycle, "the walk does not end");
  }

 private:
  int left_;
};

}  // namespace rmapdiff

#endif  // RMAPDIFF_MMU_BASE_BUG_H_
