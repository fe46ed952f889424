// The contents of an MMU, word by word, as plain values: the auditor's only source.
//
// Spt words are as the hardware reads them. A list holds what the MMU's own iteration yields, in
// that order. Pointers are only compared and looked up, never followed.
#ifndef RMAPDIFF_FUZZERS_STATE_RAW_STATE_H_
#define RMAPDIFF_FUZZERS_STATE_RAW_STATE_H_

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "fuzzers/program/program.h"
#include "fuzzers/state/difference.h"
#include "fuzzers/state/observation.h"
#include "fuzzers/state/rows.h"
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

struct RawSlot {
  uint32_t id = 0;
  Gfn base_gfn = 0;
  Gfn npages = 0;
  Gfn user_gfn = 0;
  const std::vector<bool>* dirty_bitmap = nullptr;  // null: not logged
};

// One translation in a vcpu's TLB.
struct RawTranslation {
  uint32_t vcpu = 0;
  uint32_t level = 0;
  uint64_t page = 0;  // guest page number, the first of the translation
  Pfn pfn = 0;        // its frame
  Gfn host_page = 0;  // what the host has on that frame
  bool writable = false;
};

// Host pages, [begin, begin + npages).
struct RawRange {
  Gfn begin = 0;
  Gfn npages = 0;
};

struct RawState {
  Header header;
  Rows<RawPage> pages;  // sorted by id, zapped ones included
  Rows<RawRmap> rmaps;  // the non-empty ones, sorted by id
  std::vector<WriteCount> write_counts;
  std::vector<PageId> active;  // head first
  std::vector<RawSlot> slots;  // those that exist, by id
  // The first complaint of the reverse map about a list of its own, if it has one.
  std::optional<Difference> complaint;

  // Of a whole MMU.
  std::vector<PageId> roots;   // one for each use of a page by a vcpu
  std::vector<PageId> hashed;  // what the hash table finds under the pages' gfns, sorted
  std::vector<RawTranslation> tlb;
  RawRange open_range;  // between the host's invalidate_range_start and _end
};

// A reverse map may keep its lists in objects of several entries. This is the number of entries in
// each object, in the order of the list. A list that is missing here is in no object.
struct ListShapes {
  uint32_t rmap_capacity = 0;  // of an object, a descriptor of the legacy MMU; 0: it has none
  uint32_t parent_capacity = 0;
  std::vector<std::pair<RmapId, std::vector<uint32_t>>> rmaps;
  std::vector<std::pair<PageId, std::vector<uint32_t>>> parents;
};

}  // namespace rmapdiff

#endif  // RMAPDIFF_FUZZERS_STATE_RAW_STATE_H_
