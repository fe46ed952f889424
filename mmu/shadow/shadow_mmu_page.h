// ShadowMmu: finding or making the shadow page of a guest table.
// Included by shadow_mmu_functions.h.
//
// A page is found by gfn and role. An unsync page is synchronised before it is linked at a new
// place, because the guest need not flush there. Its parents learn that it is unsync.
#ifndef RMAPDIFF_MMU_SHADOW_SHADOW_MMU_PAGE_H_
#define RMAPDIFF_MMU_SHADOW_SHADOW_MMU_PAGE_H_

#include "mmu/shadow/shadow_mmu.h"

namespace rmapdiff {

// struct kvm_shadow_walk_iterator.
template <ReverseMap R>
struct ShadowMmu<R>::ShadowWalk {
  ShadowWalk(const ShadowMmu& mmu, const Processor& vcpu, Gva gva)
      : page_number(gva >> kPageShift), page(mmu.RootFor(vcpu, gva, &level)) {}

  // shadow_walk_okay: sptep is the slot of this level. A large spte ends a walk only where it leads
  // to level 1. Above that, the caller must not leave a large spte in the way.
  bool Okay() {
    if (level < kPageTableLevel || (page == nullptr && sptep == nullptr)) return false;
    if (level == kPageTableLevel && sptep != nullptr && IsHuge(*sptep)) return false;
    if (page == nullptr) page = static_cast<Page*>(ChildOf(*sptep));
    const Gva index = page_number >> GfnShift<Limits>(level) & (kEntries - 1);
    sptep = &page->spt[index];
    return true;
  }
  // shadow_walk_next.
  void Next() {
    page = nullptr;
    --level;
  }

  int level = 0;
  Gva page_number;
  Page* page;  // of this level; null: behind the link in sptep
  Spte* sptep = nullptr;
};

template <ReverseMap R>
typename ShadowMmu<R>::Page* ShadowMmu<R>::RootFor(const Processor& vcpu, Gva gva,
                                                   int* level) const {
  *level = 0;
  if (!vcpu.root_valid) return nullptr;
  *level = vcpu.shadow_root_level;
  if (*level == kRootLevel) return vcpu.root;
  Page* root = vcpu.pae_root[gva >> kPageShift >> GfnShift<Limits>(3) & 3];
  *level = root == nullptr ? 0 : kDirectoryLevel;
  return root;
}

template <ReverseMap R>
Role ShadowMmu<R>::RoleFor(const Processor& vcpu, Gva gva, int level, bool direct,
                           unsigned access) const {
  Role role = vcpu.base_role;
  role.level = static_cast<uint32_t>(level) & 15;
  role.direct = direct;
  if (direct) role.cr4_pae = 0;
  role.access = access & kAccessAll;
  if (!config_.tdp && vcpu.root_level <= kDirectoryLevel) {
    const Gva quadrant = gva >> kPageShift >> GfnShift<Limits>(level + 1);
    role.quadrant = static_cast<uint32_t>(quadrant & LowBits(static_cast<unsigned>(level))) & 3;
  }
  return role;
}

// kvm_mmu_get_page. The caller links the page, or unregisters the parent with PutPage.
template <ReverseMap R>
typename ShadowMmu<R>::Page& ShadowMmu<R>::GetPage(Processor& vcpu, Gfn gfn, Gva gva, int level,
                                                   bool direct, unsigned access, Spte* parent_pte) {
  const Role role = RoleFor(vcpu, gva, level, direct, access);
  bool need_sync = false;
  for (Page* page = graph_.FirstPageOf(gfn); page != nullptr; page = graph_.NextPageOf(*page)) {
    if (page->unsync) need_sync = true;
    if (page->role != role) continue;
    if (page->unsync && SyncPageTransient(vcpu, *page)) break;
    graph_.AddParent(vcpu.caches, *page, parent_pte);
    if (page->unsync_children != 0) vcpu.requests.sync = true;
    return *page;
  }
  return NewPage(vcpu, gfn, role, need_sync, parent_pte);
}

template <ReverseMap R>
typename ShadowMmu<R>::Page& ShadowMmu<R>::NewPage(Processor& vcpu, Gfn gfn, Role role,
                                                   bool need_sync, Spte* parent_pte) {
  Page& page = *graph_.AllocPage(vcpu.caches, next_page_++, gfn, role, parent_pte);
  if (!role.direct) {
    if (graph_.RmapWriteProtect(gfn)) graph_.FlushRemote();
    if (role.level > kPageTableLevel && need_sync) SyncPages(vcpu, gfn);
    if (graph_.masks().trap != graph_.masks().notrap) PrefetchPage(page);
  }
  return page;
}

// prefetch_page: faults on entries that are not present in the guest need not reach the MMU. The
// entries are read only now, when the table is write-protected and cannot change unseen.
template <ReverseMap R>
void ShadowMmu<R>::PrefetchPage(Page& page) {
  const bool pae = page.role.cr4_pae != 0;
  if (!pae && page.role.level > kPageTableLevel) return;
  const uint32_t first = page.role.quadrant * static_cast<uint32_t>(kEntries);
  for (uint32_t i = 0; i < kEntries; ++i) {
    const std::optional<Gpte> gpte = ReadGpte(page.gfn, first + i, pae);
    if (gpte && (*gpte & kGptePresent) == 0) page.spt[i] = graph_.masks().notrap;
  }
}

}  // namespace rmapdiff

#endif  // RMAPDIFF_MMU_SHADOW_SHADOW_MMU_PAGE_H_
