// The functions of PageGraph, for callers that compile it on a reverse map of their own.
#ifndef RMAPDIFF_MMU_GRAPH_PAGE_GRAPH_FUNCTIONS_H_
#define RMAPDIFF_MMU_GRAPH_PAGE_GRAPH_FUNCTIONS_H_

#include "mmu/graph/page_graph.h"         // IWYU pragma: export
#include "mmu/graph/page_graph_pages.h"   // IWYU pragma: export
#include "mmu/graph/page_graph_rmap.h"    // IWYU pragma: export
#include "mmu/graph/page_graph_unsync.h"  // IWYU pragma: export
#include "mmu/graph/page_graph_zap.h"     // IWYU pragma: export

#endif  // RMAPDIFF_MMU_GRAPH_PAGE_GRAPH_FUNCTIONS_H_
