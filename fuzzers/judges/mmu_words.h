// The words of one MMU at one moment, for the judges of its answers: pages and translations, but no
// list. It costs a pass over the pages, not over their entries.
//
// The pointers are good until the MMU runs again, the other values for ever.
// Not covered: reverse maps, parents, counters; RawState has them.
#ifndef RMAPDIFF_FUZZERS_JUDGES_MMU_WORDS_H_
#define RMAPDIFF_FUZZERS_JUDGES_MMU_WORDS_H_

#include <cstdint>
#include <vector>

#include "fuzzers/state/raw_state.h"
#include "mmu/base/spte.h"
#include "mmu/base/types.h"

namespace rmapdiff {

struct PageWords {
  PageId id = 0;
  Role role;
  Gfn gfn = 0;
  uint32_t root_count = 0;
  bool unsync = false;
  const Spte* spt = nullptr;
  const Gfn* gfns = nullptr;  // null for a direct page

  // It shadows a table of the guest.
  bool shadows() const { return role.direct == 0 && role.invalid == 0; }
};

struct MmuWords {
  std::vector<PageWords> pages;     // the active list, head first
  std::vector<RawTranslation> tlb;  // of all vcpus
};

}  // namespace rmapdiff

#endif  // RMAPDIFF_FUZZERS_JUDGES_MMU_WORDS_H_
