// ShadowMmu: reclaim of shadow pages. Included by shadow_mmu_functions.h.
//
// Pages are taken from the tail of the active list. A pinned root can only be emptied. It moves to
// the head and does not count. Such roots may be all that is left.
#ifndef RMAPDIFF_MMU_SHADOW_SHADOW_MMU_RECLAIM_H_
#define RMAPDIFF_MMU_SHADOW_SHADOW_MMU_RECLAIM_H_

#include "mmu/shadow/shadow_mmu.h"

namespace rmapdiff {

// Zaps from the tail until `wanted` pages are won, or until no more can be. Returns the number won.
template <ReverseMap R>
int ShadowMmu<R>::ZapFromTail(int wanted) {
  const PageList& active = graph_.active_pages();
  PageList zapped;
  int won = 0;
  size_t fruitless = 0;
  while (won < wanted && !active.empty()) {
    const int more = graph_.PrepareZap(static_cast<Page&>(*active.back()), zapped);
    won += more;
    fruitless = more == 0 ? fruitless + 1 : 0;
    if (fruitless <= active.size()) continue;
    if (config_.quirks.reclaim_pinned_forever) {
      RaiseBug(BugClass::kLivelock, "only pinned roots are left to reclaim");
    }
    break;
  }
  graph_.CommitZap(zapped);
  return won;
}

// kvm_mmu_free_some_pages.
template <ReverseMap R>
void ShadowMmu<R>::FreeSomePages() {
  if (free_pages() >= Limits::kMinFreePages) return;
  ZapFromTail(Limits::kRefillPages - free_pages());
  ++stats_.reclaimed;
}

// kvm_mmu_change_mmu_pages.
template <ReverseMap R>
void ShadowMmu<R>::ChangeMmuPages(int pages) {
  const int used = graph_.pages();
  if (used > pages) pages = used - ZapFromTail(used - pages);
  n_alloc_mmu_pages_ = pages;
}

template <ReverseMap R>
MmuCode ShadowMmu<R>::SetQuota(int pages) {
  if (pages < Limits::kMinAllocPages) return MmuCode::kInvalid;
  ChangeMmuPages(pages);
  n_requested_mmu_pages_ = n_alloc_mmu_pages_;
  return MmuCode::kOk;
}

template <ReverseMap R>
int ShadowMmu<R>::Shrink() {
  const int pages = graph_.pages();
  if (pages > 0) graph_.Shrink(1);
  return pages;
}

template <ReverseMap R>
void ShadowMmu<R>::ZapAll() {
  const PageList& active = graph_.active_pages();
  PageList zapped;
  bool again = true;
  while (again) {
    again = false;
    for (auto it = active.begin(); it != active.end() && !again;) {
      Page& page = static_cast<Page&>(**it);
      ++it;
      again = graph_.PrepareZap(page, zapped) != 0;
    }
  }
  graph_.CommitZap(zapped);
  ReloadAll();
}

template <ReverseMap R>
bool ShadowMmu<R>::UnprotectPage(Gfn gfn) {
  PageList zapped;
  bool any = false;
  for (Page* page = graph_.FirstPageOf(gfn); page != nullptr; page = graph_.NextPageOf(*page)) {
    if (!IsShadowed(*page)) continue;
    graph_.PrepareZap(*page, zapped);
    any = true;
  }
  graph_.CommitZap(zapped);
  return any;
}

template <ReverseMap R>
bool ShadowMmu<R>::UnprotectVirt(int vcpu_index, Gva gva) {
  if (config_.tdp) return false;
  Processor& vcpu = vcpus_[static_cast<size_t>(vcpu_index)];
  uint32_t error_code = 0;
  gva = PageNumber(vcpu, gva) << kPageShift;
  const std::optional<Gva> gpa = GvaToGpa(vcpu, {.gva = gva}, &error_code);
  return gpa && UnprotectPage(static_cast<Gfn>(*gpa >> kPageShift));
}

template <ReverseMap R>
void ShadowMmu<R>::Teardown() {
  for (Processor& vcpu : vcpus_) FreeRoots(vcpu);
  ZapAll();
  for (Processor& vcpu : vcpus_) graph_.Drain(vcpu.caches);
}

}  // namespace rmapdiff

#endif  // RMAPDIFF_MMU_SHADOW_SHADOW_MMU_RECLAIM_H_
