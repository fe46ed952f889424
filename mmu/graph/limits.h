// The boundaries: the number of entries at which a structure changes its shape.
//
// With production limits a fuzzer needs dozens of the right operations to fill a chain of
// descriptors. It needs thousands to reach the recycle point. With tiny limits each boundary is a
// few operations away. The code is the same.
#ifndef RMAPDIFF_MMU_GRAPH_LIMITS_H_
#define RMAPDIFF_MMU_GRAPH_LIMITS_H_

namespace rmapdiff {

// Linux 2.6.36.
struct ProductionLimits {
  static constexpr int kDescriptorEntries = 4;    // RMAP_EXT
  static constexpr int kChainEntries = 5;         // NR_PTE_CHAIN_ENTRIES
  static constexpr int kLevelBits = 9;            // PT64_LEVEL_BITS
  static constexpr int kRecycleThreshold = 1000;  // RMAP_RECYCLE_THRESHOLD
  static constexpr int kUnsyncBatch = 16;         // KVM_PAGE_ARRAY_NR
  static constexpr int kMinAllocPages = 64;       // KVM_MIN_ALLOC_MMU_PAGES
  static constexpr int kPermilleMmuPages = 20;    // KVM_PERMILLE_MMU_PAGES: of the slots' frames
  static constexpr int kMinFreePages = 5;         // KVM_MIN_FREE_MMU_PAGES
  static constexpr int kRefillPages = 25;         // KVM_REFILL_PAGES
  static constexpr int kCacheObjects = 40;        // KVM_NR_MEM_OBJS
  static constexpr int kLogWordBits = 64;         // the granularity of KVM_CLEAR_DIRTY_LOG
};

struct TinyLimits {
  static constexpr int kDescriptorEntries = 2;
  static constexpr int kChainEntries = 2;
  static constexpr int kLevelBits = 3;
  static constexpr int kRecycleThreshold = 6;
  static constexpr int kUnsyncBatch = 4;
  static constexpr int kMinAllocPages = 24;
  static constexpr int kPermilleMmuPages = 180;  // the slots of the boot need the least number
  static constexpr int kMinFreePages = 5;        // the need of one fault, as in production
  static constexpr int kRefillPages = 8;
  static constexpr int kCacheObjects = 0;  // no spare object hides a need that was underestimated
  static constexpr int kLogWordBits = 8;
};

// Entries of a shadow page.
template <class Limits>
inline constexpr int kSptesPerPage = 1 << Limits::kLevelBits;

}  // namespace rmapdiff

#endif  // RMAPDIFF_MMU_GRAPH_LIMITS_H_
