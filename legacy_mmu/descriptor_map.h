// The reverse maps of Linux 2.6.36: tagged words, descriptors of four, chains of five.
//
//   rmap word     0 ............. empty
//                 bit 0 clear ... the one spte
//                 bit 0 set ..... ┌──────────────┐   ┌──────────────┐
//                                 │ a  d  c  -   │   │ e  f  g  h   │   any descriptor may have
//                                 │ more ────────┼──▶│ more = null  │   holes, only at its end
//                                 └──────────────┘   └──────────────┘
//   parents       !multimapped .. the one spte, or null
//                 multimapped ... a list of chains of five, the newest chain first
//
// Add fills the first hole that it finds, in whichever descriptor that is. Remove moves the last
// entry of the same descriptor into the hole. A list of descriptors never turns back into a single
// pointer; it ends when it is empty. A list of chains does the same.
//
// Invariants
//  1. The used entries of a descriptor or chain come first, without a gap. An empty one is freed.
//  2. Descriptors and chains come from the vcpu's caches, which were topped up before the lock. To
//     find a cache empty is a BUG (L1). A freed object goes back to its pool, not to the cache.
//  3. Add returns 4 * (number of full descriptors that it passed). From the second entry on that is
//     less than the exact number (D1). AddReturnAgrees accepts every value that is possible.
//
// Source: rmap_add, rmap_desc_remove_entry, rmap_remove, rmap_next, mmu_page_add_parent_pte,
// mmu_page_remove_parent_pte, mmu_parent_walk, kvm_mmu_unlink_parents of arch/x86/kvm/mmu.c.
#ifndef RMAPDIFF_LEGACY_MMU_DESCRIPTOR_MAP_H_
#define RMAPDIFF_LEGACY_MMU_DESCRIPTOR_MAP_H_

#include <cstdint>
#include <string>
#include <vector>

#include "mmu/base/host_memory.h"
#include "mmu/graph/limits.h"
#include "mmu/graph/shadow_page.h"

namespace rmapdiff {

template <class L>
class DescriptorMap {
 public:
  using Limits = L;

  // struct kvm_rmap_desc.
  struct Descriptor {
    Spte* sptes[L::kDescriptorEntries];
    Descriptor* more;
  };
  // struct kvm_pte_chain; `next` and `pprev` are its hlist_node.
  struct Chain {
    Spte* parent_ptes[L::kChainEntries];
    Chain* next;
    Chain** pprev;
  };

  using Head = uintptr_t;
  struct Page : ShadowPage {
    bool multimapped = false;
    union {
      Spte* parent_pte = nullptr;  // !multimapped
      Chain* parent_ptes;          // multimapped
    };
  };
  struct Caches {
    MemoryCache chains;
    MemoryCache descriptors;
  };

  static constexpr int kPageCacheMin = 8;
  static constexpr int kChainCacheMin = 4;
  static constexpr int kDescriptorCacheMin = 4;

  explicit DescriptorMap(HostMemory& memory)
      : descriptor_pool_(memory, sizeof(Descriptor), "descriptors"),
        chain_pool_(memory, sizeof(Chain), "chains") {}

  // ---- Rmaps ----

  int Add(Caches& caches, Head& head, Spte* sptep) {
    if (head == 0) {
      head = Single(sptep);
      return 0;
    }
    if (!IsMany(head)) {
      Descriptor* desc = NewDescriptor(caches);
      desc->sptes[0] = FirstOf(head);
      desc->sptes[1] = sptep;
      head = Many(desc);
      return 0;
    }
    return AddToChain(caches, DescriptorOf(head), sptep);
  }

  // The number of full descriptors that Add passed, times their size. The descriptor where the walk
  // stops is not counted, even when it is full. So the number is exact for the first entry only.
  static bool AddReturnAgrees(int returned, int exact) {
    if (returned == 0) return true;
    return returned > 0 && returned < exact && returned % L::kDescriptorEntries == 0;
  }

  void Remove(Head& head, Spte* sptep) {
    if (head == 0) RaiseBug(BugClass::kRmapRemove, "rmap_remove: 0->BUG");
    if (!IsMany(head)) {
      if (FirstOf(head) != sptep) RaiseBug(BugClass::kRmapRemove, "rmap_remove: 1->BUG");
      head = 0;
      return;
    }
    WalkBound bound;
    Descriptor* prev = nullptr;
    for (Descriptor* desc = DescriptorOf(head); desc != nullptr; desc = desc->more) {
      bound.Step();
      for (int i = 0; i < L::kDescriptorEntries && desc->sptes[i] != nullptr; ++i) {
        if (desc->sptes[i] != sptep) continue;
        RemoveEntry(head, desc, i, prev);
        return;
      }
      prev = desc;
    }
    RaiseBug(BugClass::kRmapRemove, "rmap_remove: many->many");
  }

  // Searches for cur from the head on, so a traversal costs the square of the length.
  Spte* Next(const Head& head, Spte* cur) const {
    if (head == 0) return nullptr;
    if (!IsMany(head)) return cur == nullptr ? FirstOf(head) : nullptr;
    WalkBound bound;
    Spte* prev = nullptr;
    for (const Descriptor* desc = DescriptorOf(head); desc != nullptr; desc = desc->more) {
      bound.Step();
      for (int i = 0; i < L::kDescriptorEntries && desc->sptes[i] != nullptr; ++i) {
        if (prev == cur) return desc->sptes[i];
        prev = desc->sptes[i];
      }
    }
    return nullptr;
  }

  // The counting loop of count_rmaps.
  int Count(const Head& head) const {
    if (head == 0) return 0;
    if (!IsMany(head)) return 1;
    WalkBound bound;
    int count = 0;
    for (const Descriptor* desc = DescriptorOf(head); desc != nullptr; desc = desc->more) {
      bound.Step();
      for (int i = 0; i < L::kDescriptorEntries && desc->sptes[i] != nullptr; ++i) ++count;
    }
    return count;
  }

  // ---- Parents ----

  void InitParents(Page& page, Spte* sptep) {
    page.multimapped = false;
    page.parent_pte = sptep;
  }

  void AddParent(Caches& caches, Page& page, Spte* sptep) {
    if (sptep == nullptr) return;
    if (!page.multimapped) {
      Spte* old = page.parent_pte;
      if (old == nullptr) {
        page.parent_pte = sptep;
        return;
      }
      page.multimapped = true;
      page.parent_ptes = nullptr;
      InsertChain(page, NewChain(caches))->parent_ptes[0] = old;
    }
    if (FillHole(page, sptep)) return;
    InsertChain(page, NewChain(caches))->parent_ptes[0] = sptep;
  }

  void RemoveParent(Page& page, Spte* sptep) {
    if (!page.multimapped) {
      if (page.parent_pte != sptep) {
        RaiseBug(BugClass::kRemoveParent, "mmu_page_remove_parent_pte: parent_pte != parent_pte");
      }
      page.parent_pte = nullptr;
      return;
    }
    WalkBound bound;
    for (Chain* chain = page.parent_ptes; chain != nullptr; chain = chain->next) {
      bound.Step();
      for (int i = 0; i < L::kChainEntries && chain->parent_ptes[i] != nullptr; ++i) {
        if (chain->parent_ptes[i] != sptep) continue;
        RemoveChainEntry(page, chain, i);
        return;
      }
    }
    RaiseBug(BugClass::kRemoveParent, "mmu_page_remove_parent_pte: BUG");
  }

  template <class Visit>
  void ForEachParent(const Page& page, Visit&& visit) const {
    if (!page.multimapped) {
      if (page.parent_pte != nullptr) visit(page.parent_pte);
      return;
    }
    WalkBound bound;
    for (const Chain* chain = page.parent_ptes; chain != nullptr; chain = chain->next) {
      bound.Step();
      for (int i = 0; i < L::kChainEntries && chain->parent_ptes[i] != nullptr; ++i) {
        visit(chain->parent_ptes[i]);
      }
    }
  }

  // Takes each parent off the list before it stores to it, so every state in between is sound.
  template <class Store>
  void UnlinkParents(Page& page, Store&& store) {
    WalkBound bound;
    while (page.multimapped || page.parent_pte != nullptr) {
      bound.Step();
      Spte* sptep = page.multimapped ? page.parent_ptes->parent_ptes[0] : page.parent_pte;
      RemoveParent(page, sptep);
      store(sptep);
    }
  }

  // ---- For pictures: the entries in each object of a list. A single pointer has no object. ----

  std::vector<uint32_t> DescriptorSizes(const Head& head) const {
    std::vector<uint32_t> sizes;
    if (!IsMany(head)) return sizes;
    WalkBound bound;
    const Descriptor* next = DescriptorOf(head);
    for (; next != nullptr; bound.Step(), next = next->more) sizes.push_back(SizeOf(next->sptes));
    return sizes;
  }

  std::vector<uint32_t> ChainSizes(const Page& page) const {
    std::vector<uint32_t> sizes;
    if (!page.multimapped) return sizes;
    WalkBound bound;
    const Chain* next = page.parent_ptes;
    for (; next != nullptr; bound.Step(), next = next->next) {
      sizes.push_back(SizeOf(next->parent_ptes));
    }
    return sizes;
  }

  // ---- The first invariant, in words ----

  std::string AuditRmap(const Head& head) const {
    std::string complaint;
    const Descriptor* next = IsMany(head) ? DescriptorOf(head) : nullptr;
    for (; next != nullptr && complaint.empty(); next = next->more) {
      complaint = AuditEntries("descriptor", next->sptes, L::kDescriptorEntries);
    }
    return complaint;
  }

  std::string AuditParents(const Page& page) const {
    if (!page.multimapped) return "";
    if (page.parent_ptes == nullptr) return "it is multimapped and has no chain";
    std::string complaint;
    Chain* const* link = &page.parent_ptes;
    for (; *link != nullptr && complaint.empty(); link = &(*link)->next) {
      complaint = AuditEntries("chain", (*link)->parent_ptes, L::kChainEntries);
      if ((*link)->pprev != link) complaint = "a chain's back pointer leads elsewhere";
    }
    return complaint;
  }

  // ---- Memory ----

  bool TopUp(Caches& caches) {
    constexpr int kFull = Limits::kCacheObjects;
    return caches.chains.TopUp(chain_pool_, kChainCacheMin, kFull) &&
           caches.descriptors.TopUp(descriptor_pool_, kDescriptorCacheMin, kFull);
  }

  void Drain(Caches& caches) {
    caches.chains.Drain(chain_pool_);
    caches.descriptors.Drain(descriptor_pool_);
  }

  void AllocStorage(MemoryCache& pages, Page& page, bool direct) {
    if (direct) return;
    page.gfns = static_cast<Gfn*>(pages.Take(kSptesPerPage<L> * sizeof(Gfn), kGfnPattern));
  }

  void FreeStorage(Pool& page_pool, Page& page, bool direct) {
    if (!direct) page_pool.Release(page.gfns);
  }

  template <class Visit>
  void ForEachPool(Visit&& visit) const {
    visit(descriptor_pool_);
    visit(chain_pool_);
  }

 protected:
  static constexpr uint8_t kGfnPattern = 0x6f;

  static bool IsMany(Head head) { return (head & 1) != 0; }
  static Head Single(Spte* sptep) { return reinterpret_cast<Head>(sptep); }
  static Head Many(Descriptor* desc) { return reinterpret_cast<Head>(desc) | 1; }
  static Spte* FirstOf(Head head) { return reinterpret_cast<Spte*>(head); }
  static Descriptor* DescriptorOf(Head head) {
    return reinterpret_cast<Descriptor*>(head & ~Head{1});
  }

  // mmu_alloc_rmap_desc, mmu_alloc_pte_chain: slab objects are zeroed when the cache is topped up.
  static Descriptor* NewDescriptor(Caches& caches) {
    return static_cast<Descriptor*>(caches.descriptors.Take(sizeof(Descriptor), 0));
  }
  static Chain* NewChain(Caches& caches) {
    return static_cast<Chain*>(caches.chains.Take(sizeof(Chain), 0));
  }

  template <int kEntries>
  static uint32_t SizeOf(Spte* const (&entries)[kEntries]) {
    uint32_t size = 0;
    for (const Spte* entry : entries) size += entry != nullptr ? 1 : 0;
    return size;
  }

  static std::string AuditEntries(const char* object, Spte* const* entries, int size) {
    int used = 0;
    while (used < size && entries[used] != nullptr) ++used;
    if (used == 0) return std::string("an empty ") + object + " is on the list";
    for (int i = used; i < size; ++i) {
      if (entries[i] != nullptr) return std::string("a ") + object + " has a gap before an entry";
    }
    return "";
  }

  static bool IsFull(const Descriptor& desc) {
    return desc.sptes[L::kDescriptorEntries - 1] != nullptr;
  }

  int AddToChain(Caches& caches, Descriptor* desc, Spte* sptep) {
    WalkBound bound;
    int count = 0;
    while (IsFull(*desc) && desc->more != nullptr) {
      bound.Step();
      desc = desc->more;
      count += L::kDescriptorEntries;
    }
    if (IsFull(*desc)) {
      desc->more = NewDescriptor(caches);
      desc = desc->more;
    }
    int i = 0;
    while (desc->sptes[i] != nullptr) ++i;
    desc->sptes[i] = sptep;
    return count;
  }

  // rmap_desc_remove_entry: the last entry of the descriptor takes the place of entry i.
  void RemoveEntry(Head& head, Descriptor* desc, int i, Descriptor* prev) {
    int last = L::kDescriptorEntries - 1;
    while (desc->sptes[last] == nullptr && last > i) --last;
    desc->sptes[i] = desc->sptes[last];
    desc->sptes[last] = nullptr;
    if (last != 0) return;
    if (prev != nullptr) {
      prev->more = desc->more;
    } else {
      head = desc->more == nullptr ? 0 : Many(desc->more);
    }
    descriptor_pool_.Release(desc);
  }

  static Chain* InsertChain(Page& page, Chain* chain) {
    chain->next = page.parent_ptes;
    chain->pprev = &page.parent_ptes;
    if (chain->next != nullptr) chain->next->pprev = &chain->next;
    page.parent_ptes = chain;
    return chain;
  }

  static void DeleteChain(Chain* chain) {
    *chain->pprev = chain->next;
    if (chain->next != nullptr) chain->next->pprev = chain->pprev;
  }

  // Puts sptep into the first chain with room, searching from the newest; false if all are full.
  static bool FillHole(Page& page, Spte* sptep) {
    WalkBound bound;
    for (Chain* chain = page.parent_ptes; chain != nullptr; chain = chain->next) {
      bound.Step();
      for (Spte*& entry : chain->parent_ptes) {
        if (entry != nullptr) continue;
        entry = sptep;
        return true;
      }
    }
    return false;
  }

  // The later entries of the chain move up. An empty chain is freed. With the last chain,
  // multimapped ends.
  void RemoveChainEntry(Page& page, Chain* chain, int i) {
    while (i + 1 < L::kChainEntries && chain->parent_ptes[i + 1] != nullptr) {
      chain->parent_ptes[i] = chain->parent_ptes[i + 1];
      ++i;
    }
    chain->parent_ptes[i] = nullptr;
    if (i != 0) return;
    DeleteChain(chain);
    chain_pool_.Release(chain);
    if (page.parent_ptes == nullptr) {
      page.multimapped = false;
      page.parent_pte = nullptr;
    }
  }

  Pool descriptor_pool_;
  Pool chain_pool_;
};

}  // namespace rmapdiff

#endif  // RMAPDIFF_LEGACY_MMU_DESCRIPTOR_MAP_H_
