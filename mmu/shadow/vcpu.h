// One virtual processor: its mode, its roots, its caches, and its TLB.
//
// Roots are pinned pages: one of level 4, or up to four of level 2 (pae_root), or none yet. The TLB
// holds the translations that the hardware may still use. An entry stays until a flush or an invlpg
// takes it, whatever happens to the sptes. A fault drops the entry of its address, as the processor
// does.
// Not covered: paging-structure caches, global pages, a TLB's capacity.
#ifndef RMAPDIFF_MMU_SHADOW_VCPU_H_
#define RMAPDIFF_MMU_SHADOW_VCPU_H_

#include <array>
#include <map>
#include <utility>

#include "mmu/graph/page_graph.h"
#include "mmu/shadow/guest.h"

namespace rmapdiff {

// A cached translation: the leaf as it was, and the rights that all levels together gave.
struct TlbEntry {
  Spte spte = 0;
  bool writable = false;
  bool user = false;
  bool executable = false;

  friend bool operator==(const TlbEntry&, const TlbEntry&) = default;
};

class Tlb {
 public:
  // (level, first page of the translation).
  using Key = std::pair<int, Gva>;

  explicit Tlb(unsigned level_bits) : level_bits_(level_bits) {}

  // The translation of a guest page; null if there is none. Large ones are found first.
  const TlbEntry* Find(Gva page, int* level) const {
    for (*level = kRmapLevels; *level >= kPageTableLevel; --*level) {
      const auto found = entries_.find(KeyOf(page, *level));
      if (found != entries_.end()) return &found->second;
    }
    return nullptr;
  }
  void Insert(Gva page, int level, const TlbEntry& entry) {
    entries_.insert_or_assign(KeyOf(page, level), entry);
  }
  void Erase(Gva page) {
    for (int level = kPageTableLevel; level <= kRmapLevels; ++level) {
      entries_.erase(KeyOf(page, level));
    }
  }
  void Clear() { entries_.clear(); }

  const std::map<Key, TlbEntry>& entries() const { return entries_; }

 private:
  Key KeyOf(Gva page, int level) const {
    const unsigned shift = level_bits_ * static_cast<unsigned>(level - 1);
    return {level, page >> shift << shift};
  }

  unsigned level_bits_;
  std::map<Key, TlbEntry> entries_;
};

// vcpu->requests.
struct VcpuRequests {
  bool reload = false;  // KVM_REQ_MMU_RELOAD
  bool sync = false;    // KVM_REQ_MMU_SYNC
  bool flush = false;   // KVM_REQ_TLB_FLUSH

  friend bool operator==(const VcpuRequests&, const VcpuRequests&) = default;
};

// vcpu->arch.update_pte: the frame that a write to a page table probably maps.
struct GuessedFrame {
  bool valid = false;
  Gfn gfn = 0;
  Pfn pfn = 0;
  uint64_t mmu_seq = 0;
};

// struct kvm_arch_async_pf: an access whose host page was away.
struct AsyncFault {
  bool pending = false;
  Gva gva = 0;
  Gfn gfn = 0;
  Gfn cr3 = 0;
  bool direct = false;  // direct_map
};

template <ReverseMap R>
struct Vcpu {
  using Page = typename R::Page;

  explicit Vcpu(int number) : index(number), tlb(R::Limits::kLevelBits) {}

  int index;
  GuestMode mode;
  Gfn cr3 = 0;
  std::array<Gpte, 4> pdptrs{};

  // struct kvm_mmu.
  Role base_role;
  int root_level = 0;
  int shadow_root_level = 0;
  bool root_valid = false;          // VALID_PAGE(root_hpa)
  Page* root = nullptr;             // iff shadow_root_level is 4
  std::array<Page*, 4> pae_root{};  // else; null: the pdptr is absent

  typename PageGraph<R>::Caches caches;
  Gfn last_pt_write_gfn = 0;
  int last_pt_write_count = 0;
  Spte* last_pte_updated = nullptr;
  Gfn last_pte_gfn = 0;
  GuessedFrame update_pte;
  AsyncFault async_fault;

  VcpuRequests requests;
  Tlb tlb;

  // The values of the graph's counters that the vcpu has acted upon (ShadowMmu::Refresh).
  uint64_t seen_flushes = 0;
  uint32_t seen_reloads = 0;
  uint32_t seen_zaps = 0;
};

}  // namespace rmapdiff

#endif  // RMAPDIFF_MMU_SHADOW_VCPU_H_
