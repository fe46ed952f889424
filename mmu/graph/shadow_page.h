// The header of a shadow page: struct kvm_mmu_page without the fields that belong to a reverse map.
//
// Each reverse map derives its own page type and adds fields. The sibling map adds a page of links
// and the head of the parents. The descriptor map adds a pointer to one parent or to chains.
//
// Invariant: page_private of spt's host page points back at the header. Every reverse map finds the
// page of an spte in this way only.
#ifndef RMAPDIFF_MMU_GRAPH_SHADOW_PAGE_H_
#define RMAPDIFF_MMU_GRAPH_SHADOW_PAGE_H_

#include <bitset>
#include <cstdint>
#include <list>

#include "mmu/base/host_memory.h"
#include "mmu/base/spte.h"
#include "mmu/base/types.h"

namespace rmapdiff {

struct ShadowPage {
  PageId id = 0;
  Role role;
  Gfn gfn = 0;
  Spte* spt = nullptr;
  Gfn* gfns = nullptr;       // of each leaf; indirect pages only
  uint64_t slot_bitmap = 0;  // memslots that the page may map
  bool unsync = false;
  int root_count = 0;  // the number of vcpus that use it as a root
  uint32_t unsync_children = 0;
  std::bitset<512> unsync_child_bitmap;
  std::list<ShadowPage*>::iterator position;  // on the active list or on a list of zapped pages
  ShadowPage* hash_next = nullptr;            // hash_link: pages of one bucket, newest first
  ShadowPage** hash_pprev = nullptr;
};

// Active pages or zapped ones. The position in the header belongs to the list that holds the page.
using PageList = std::list<ShadowPage*>;

// page_header(__pa(sptep)). BUGs: kWild and kDangling, see PagePrivate.
inline ShadowPage* PageHeader(const Spte* sptep) {
  return static_cast<ShadowPage*>(PagePrivate(sptep));
}

inline uint32_t IndexOf(const ShadowPage& page, const Spte* sptep) {
  return static_cast<uint32_t>(sptep - page.spt);
}

// The address bits of a link to `page`: __pa(page->spt).
inline Spte LinkAddress(const ShadowPage& page) { return reinterpret_cast<uintptr_t>(page.spt); }

// The shadow page that the link `spte` points at.
inline ShadowPage* ChildOf(Spte spte) {
  return PageHeader(reinterpret_cast<const Spte*>(static_cast<uintptr_t>(spte & kSpteAddress)));
}

}  // namespace rmapdiff

#endif  // RMAPDIFF_MMU_GRAPH_SHADOW_PAGE_H_
