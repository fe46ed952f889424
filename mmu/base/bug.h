// The kernel's BUG() as a value: what an MMU says when it finds its own state impossible.
//
// A BUG is an outcome to be compared, not an abort: both MMUs must raise the same class at the same
// operation. The wording is the MMU's own and is shown, never compared (D10 in docs/contract.md).
// kLivelock and the classes from kCycle on have no counterpart in the kernel: there the loop would
// never end, or would follow a pointer into freed memory. They are raised by the bounds that every
// list walk has.
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
  kLivelock,             // a loop under the MMU lock waits for what cannot happen (B7)
  kMapMisused,           // what the ReverseMap concept forbids; only the plain map looks
  kCycle,                // a list walk exceeded its bound
  kDangling,             // a list entry points into a page that is no shadow page any more
  kWild,                 // a list entry is no address of the arena at all
};

// The stable name of a class, as it appears in reports and signatures: "rmap_remove", "cycle" ...
const char* BugName(BugClass bug);

// Thrown at a BUG() site. The MMU that threw is not to be used again, except to be destroyed.
class BugError : public std::exception {
 public:
  // `wording` is not copied: a literal.
  BugError(BugClass bug, const char* wording) : bug_(bug), wording_(wording) {}

  BugClass bug() const { return bug_; }
  // The message of the kernel's printk, or the condition of its BUG_ON.
  const char* what() const noexcept override { return wording_; }

 private:
  BugClass bug_;
  const char* wording_;
};

[[noreturn]] void RaiseBug(BugClass bug, const char* wording);

// Bounds one list walk. No list of one MMU can be longer than `kMaxSteps`, so whoever takes more
// steps runs in a circle.
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
