// ShadowMmu: synchronises unsync pages with the guest's tables again. Included by
// shadow_mmu_functions.h.
//
// Only level 1 pages go out of sync. The MMU synchronises them where the guest has to flush anyway
// (cr3, invlpg). It also does so before a link at a new place relies on them. Only present sptes
// are synchronised. A page without any is zapped.
#ifndef RMAPDIFF_MMU_SHADOW_SHADOW_MMU_SYNC_H_
#define RMAPDIFF_MMU_SHADOW_SHADOW_MMU_SYNC_H_

#include "mmu/shadow/shadow_mmu.h"

namespace rmapdiff {

// Synchronises one present spte of a page. True if it is still present afterwards.
template <ReverseMap R>
bool ShadowMmu<R>::SyncSpte(Processor& vcpu, Page& page, uint32_t index, Gpte gpte,
                            bool clear_unsync) {
  Spte* sptep = &page.spt[index];
  const bool present = (gpte & kGptePresent) != 0;
  const Gfn gfn = paging(vcpu).GfnOf(gpte, kPageTableLevel);
  if (IsReserved(vcpu, gpte, kPageTableLevel) || gfn != page.gfns[index] || !present ||
      (gpte & kGpteAccessed) == 0) {
    const bool notrap = !present && clear_unsync;
    graph_.DropSpte(sptep, notrap ? graph_.masks().notrap : trap());
    if (!config_.quirks.flush_only_this_vcpu) graph_.FlushRemote();
    return false;
  }
  MappingRequest mapping;
  mapping.access = page.role.access & GpteAccess(vcpu, gpte);
  mapping.host_writable = (*sptep & kSpteHostWritable) != 0;
  if (!mapping.host_writable) mapping.access &= ~kAccessWrite;
  mapping.dirty = (gpte & kGpteDirty) != 0;
  mapping.gfn = gfn;
  mapping.pfn = PfnOf(*sptep);
  mapping.speculative = true;
  mapping.can_unsync = false;
  SetSpte(vcpu, sptep, mapping);
  return true;
}

// sync_page of the mode. True: the caller has to zap the page. BUGs: kSyncDirect.
template <ReverseMap R>
bool ShadowMmu<R>::SyncPage(Processor& vcpu, Page& page, bool clear_unsync) {
  if (IsDirect(vcpu)) return true;
  if (page.role.direct) RaiseBug(BugClass::kSyncDirect, "sync_page: sp->role.direct");
  ++stats_.synced;
  const bool pae = IsPae(vcpu.mode.paging);
  const uint32_t first = page.role.quadrant * static_cast<uint32_t>(kEntries);
  int present = 0;
  for (uint32_t i = 0; i < kEntries; ++i) {
    if (!Present(page.spt[i])) continue;
    const std::optional<Gpte> gpte = ReadGpte(page.gfn, first + i, pae);
    if (!gpte) return true;
    if (SyncSpte(vcpu, page, i, *gpte, clear_unsync)) ++present;
  }
  return present == 0;
}

// __kvm_sync_page. True: it zapped the page. False: the page agrees with the table, and is marked
// in sync if clear_unsync is set.
// REQUIRES: its gfn is write-protected, or the page stays unsync.
template <ReverseMap R>
bool ShadowMmu<R>::SyncPageOrZap(Processor& vcpu, Page& page, PageList& zapped, bool clear_unsync) {
  if ((page.role.cr4_pae != 0) != IsPae(vcpu.mode.paging)) {
    graph_.PrepareZap(page, zapped);
    return true;
  }
  if (clear_unsync) graph_.MarkSynced(page);
  if (SyncPage(vcpu, page, clear_unsync)) {
    graph_.PrepareZap(page, zapped);
    return true;
  }
  FlushTlb(vcpu);
  return false;
}

// kvm_sync_page_transient: makes the page agree with the table now; it stays unsync.
template <ReverseMap R>
bool ShadowMmu<R>::SyncPageTransient(Processor& vcpu, Page& page) {
  PageList zapped;
  if (!SyncPageOrZap(vcpu, page, zapped, false)) return false;
  graph_.CommitZap(zapped);
  return true;
}

// kvm_sync_pages: synchronises all unsync pages of a frame that has just become a table of a higher
// level.
// REQUIRES: the gfn is write-protected.
template <ReverseMap R>
void ShadowMmu<R>::SyncPages(Processor& vcpu, Gfn gfn) {
  PageList zapped;
  bool flush = false;
  for (Page* page = graph_.FirstPageOf(gfn); page != nullptr; page = graph_.NextPageOf(*page)) {
    if (!IsShadowed(*page) || !page->unsync) continue;
    const bool same_size = (page->role.cr4_pae != 0) == IsPae(vcpu.mode.paging);
    if (!same_size || SyncPage(vcpu, *page, true)) {
      graph_.PrepareZap(*page, zapped);
      continue;
    }
    graph_.MarkSynced(*page);
    flush = true;
  }
  graph_.CommitZap(zapped);
  if (flush) FlushTlb(vcpu);
}

// mmu_sync_children: each batch is write-protected as a whole before any of its pages is in sync.
// With can_yield the lock may be dropped between batches. Then the caller has to keep `root` alive.
template <ReverseMap R>
void ShadowMmu<R>::SyncChildren(Processor& vcpu, Page& root, bool can_yield) {
  PageList zapped;
  bool write_protected = false;
  const auto protect = [&](Page& child) {
    if (graph_.RmapWriteProtect(child.gfn)) write_protected = true;
  };
  const auto sync = [&](Page& child) {
    if (write_protected) graph_.FlushRemote();
    write_protected = false;
    SyncPageOrZap(vcpu, child, zapped, true);
  };
  const auto commit = [&] {
    graph_.CommitZap(zapped);
    if (can_yield) Window();
  };
  graph_.ForEachUnsyncBatch(root, protect, sync, commit);
}

// mmu_sync_roots.
template <ReverseMap R>
void ShadowMmu<R>::SyncRoots(Processor& vcpu) {
  if (!vcpu.root_valid) return;
  if (vcpu.root != nullptr) SyncChildren(vcpu, *vcpu.root, /*can_yield=*/true);
  for (Page* root : vcpu.pae_root) {
    if (root != nullptr) SyncChildren(vcpu, *root, /*can_yield=*/true);
  }
}

}  // namespace rmapdiff

#endif  // RMAPDIFF_MMU_SHADOW_SHADOW_MMU_SYNC_H_
