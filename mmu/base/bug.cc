#include "mmu/base/bug.h"

namespace rmapdiff {

const char* BugName(BugClass bug) {
  switch (bug) {
    case BugClass::kNone:
      return "none";
    case BugClass::kRmapRemove:
      return "rmap_remove";
    case BugClass::kRemoveParent:
      return "remove_parent";
    case BugClass::kSetGfn:
      return "set_gfn";
    case BugClass::kWriteProtectAbsent:
      return "write_protect_absent";
    case BugClass::kWriteProtectNotHuge:
      return "write_protect_not_huge";
    case BugClass::kUnmapAbsent:
      return "unmap_absent";
    case BugClass::kCacheEmpty:
      return "cache_empty";
    case BugClass::kNoSlot:
      return "no_slot";
    case BugClass::kSyncDirect:
      return "sync_direct";
    case BugClass::kReservedSpte:
      return "reserved_spte";
    case BugClass::kLivelock:
      return "livelock";
    case BugClass::kBeyondPage:
      return "beyond_page";
    case BugClass::kMapMisused:
      return "map_misused";
    case BugClass::kCycle:
      return "cycle";
    case BugClass::kDangling:
      return "dangling";
    case BugClass::kWild:
      return "wild";
  }
  return "?";
}

void RaiseBug(BugClass bug, const char* wording) { throw BugError(bug, wording); }

}  // namespace rmapdiff
