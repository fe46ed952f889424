// What an MMU holds, word by word, as plain values: the auditor's only source.
//
// Nothing here is interpreted: spt words are as the hardware reads them, lists are what the MMU's
// own iteration yields, in that order. Pointers are only compared and looked up, never followed.
#ifndef RMAPDIFF_FUZZERS_RAW_STATE_H_
#define RMAPDIFF_FUZZERS_RAW_STATE_H_

#include <cstdint>
#include <vector>

#include "fuzzers/program.h"
#include "fuzzers/rows.h"
#include "mmu/base/spte.h"
#include "mmu/base/types.h"

namespace rmapdiff {

struct RawPage {
  PageId id = 0;
  Role role;
  Gfn gfn = 0;
  uint64_t spt_address = 0;   // what a link to this page has in its address bits
  const Spte* spt = nullptr;  // layout.sptes_per_page() words, valid while the MMU is not run
  const Gfn* gfns = nullptr;  // as many, or null for a direct page
  uint64_t slot_bitmap = 0;
  uint32_t root_count = 0;
  bool zapped = false;
  bool unsync = false;
  uint32_t unsync_children = 0;
  std::vector<uint16_t> unsync_bits;  // ascending
  std::vector<SpteRef> parents;       // in the MMU's order
};

// The first index from `index` on whose word is not `trap`; `size` if there is none. Complete
// observations and audits look at every slot of every page, and nearly all of them are trap. It is
// not instrumented, for speed: the MMU itself goes over all slots of a page when it zaps it.
#if defined(__clang__)
__attribute__((no_sanitize("address", "undefined", "coverage")))
#endif
inline uint32_t
NextWord(const Spte* spt, uint32_t index, uint32_t size, Spte trap) {
  while (index < size && spt[index] == trap) ++index;
  return index;
}

struct RawRmap {
  RmapId id;
  std::vector<SpteRef> entries;  // in the MMU's order
  uint32_t count = 0;            // the MMU's own count
};

struct RawWriteCount {
  RmapId id;
  int32_t count = 0;

  friend bool operator==(const RawWriteCount&, const RawWriteCount&) = default;
};

struct RawState {
  Header header;
  Rows<RawPage> pages;  // sorted by id, zapped ones included
  Rows<RawRmap> rmaps;  // the non-empty ones, sorted by id
  std::vector<RawWriteCount> write_counts;
  std::vector<PageId> active;  // head first
};

}  // namespace rmapdiff

#endif  // RMAPDIFF_FUZZERS_RAW_STATE_H_
