// PageGraph: the end of shadow pages. Included by page_graph_functions.h.
//
// The graph zaps in two steps, so that one flush of all vcpus serves many pages. PrepareZap empties
// and unlinks a page, marks it invalid and moves it to a list. CommitZap flushes and frees. A page
// that serves as a root cannot be freed. PrepareZap empties it, and it stays on the active list,
// invalid, until the last vcpu unpins it.
#ifndef RMAPDIFF_MMU_GRAPH_PAGE_GRAPH_ZAP_H_
#define RMAPDIFF_MMU_GRAPH_PAGE_GRAPH_ZAP_H_

#include "mmu/graph/page_graph.h"

namespace rmapdiff {

template <ReverseMap R>
int PageGraph<R>::PrepareZap(Page& page, PageList& zapped) {
  ++stats_.zapped;
  int count = ForEachUnsyncChild(page, [&](Page& child) { PrepareZap(child, zapped); });
  UnlinkChildren(page);
  UnlinkParents(page);
  if (!page.role.invalid && !page.role.direct) slots_.AccountShadowed(page.gfn, -1);
  if (page.unsync) MarkSynced(page);
  if (page.root_count == 0) {
    ++count;
    zapped.splice(zapped.begin(), active_pages_, page.position);
  } else {
    active_pages_.splice(active_pages_.begin(), active_pages_, page.position);
    ++stats_.reloads;
  }
  page.role.invalid = true;
  return count;
}

template <ReverseMap R>
int PageGraph<R>::CommitZap(PageList& zapped) {
  if (zapped.empty()) return 0;
  FlushRemote();
  int freed = 0;
  for (ShadowPage* page : zapped) {
    FreePage(static_cast<Page&>(*page));
    ++freed;
  }
  zapped.clear();
  return freed;
}

template <ReverseMap R>
int PageGraph<R>::Shrink(int count) {
  PageList zapped;
  int total = 0;
  for (int i = 0; i < count && !active_pages_.empty(); ++i) {
    total += PrepareZap(static_cast<Page&>(*active_pages_.back()), zapped);
  }
  CommitZap(zapped);
  return total;
}

template <ReverseMap R>
void PageGraph<R>::Unpin(Page& page) {
  if (--page.root_count != 0 || !page.role.invalid) return;
  PageList zapped;
  PrepareZap(page, zapped);
  CommitZap(zapped);
}

}  // namespace rmapdiff

#endif  // RMAPDIFF_MMU_GRAPH_PAGE_GRAPH_ZAP_H_
