// The functions of ShadowMmu and PageGraph, for callers that compile them on a reverse map of their
// own.
#ifndef RMAPDIFF_MMU_SHADOW_SHADOW_MMU_FUNCTIONS_H_
#define RMAPDIFF_MMU_SHADOW_SHADOW_MMU_FUNCTIONS_H_

#include "mmu/graph/page_graph_functions.h"   // IWYU pragma: export
#include "mmu/shadow/shadow_mmu.h"            // IWYU pragma: export
#include "mmu/shadow/shadow_mmu_async.h"      // IWYU pragma: export
#include "mmu/shadow/shadow_mmu_fault.h"      // IWYU pragma: export
#include "mmu/shadow/shadow_mmu_hardware.h"   // IWYU pragma: export
#include "mmu/shadow/shadow_mmu_host.h"       // IWYU pragma: export
#include "mmu/shadow/shadow_mmu_page.h"       // IWYU pragma: export
#include "mmu/shadow/shadow_mmu_pte_write.h"  // IWYU pragma: export
#include "mmu/shadow/shadow_mmu_reclaim.h"    // IWYU pragma: export
#include "mmu/shadow/shadow_mmu_requests.h"   // IWYU pragma: export
#include "mmu/shadow/shadow_mmu_roots.h"      // IWYU pragma: export
#include "mmu/shadow/shadow_mmu_slots.h"      // IWYU pragma: export
#include "mmu/shadow/shadow_mmu_sync.h"       // IWYU pragma: export
#include "mmu/shadow/shadow_mmu_walk.h"       // IWYU pragma: export

#endif  // RMAPDIFF_MMU_SHADOW_SHADOW_MMU_FUNCTIONS_H_
