#include "fuzzers/state/difference.h"

namespace rmapdiff {

std::string_view FindingName(Finding finding) {
  switch (finding) {
    case Finding::kNone:
      return "none";
    case Finding::kOutcome:
      return "outcome";
    case Finding::kBugClass:
      return "bug";
    case Finding::kCycle:
      return "cycle";
    case Finding::kDangling:
      return "dangling";
    case Finding::kWild:
      return "wild";
    case Finding::kRmapMissing:
      return "rmap-missing";
    case Finding::kRmapExtra:
      return "rmap-extra";
    case Finding::kRmapDuplicate:
      return "rmap-duplicate";
    case Finding::kRmapSplice:
      return "rmap-splice";
    case Finding::kParentMissing:
      return "parent-missing";
    case Finding::kParentExtra:
      return "parent-extra";
    case Finding::kParentDuplicate:
      return "parent-duplicate";
    case Finding::kSlot:
      return "spte";
    case Finding::kPage:
      return "page";
    case Finding::kUnsync:
      return "unsync";
    case Finding::kDirty:
      return "dirty";
    case Finding::kAccessed:
      return "accessed";
    case Finding::kFlush:
      return "flush";
    case Finding::kStats:
      return "stats";
    case Finding::kWriteCount:
      return "write-count";
    case Finding::kActiveList:
      return "active-list";
    case Finding::kAddReturn:
      return "add-return";
    case Finding::kLeak:
      return "leak";
    case Finding::kTlb:
      return "tlb";
    case Finding::kVcpu:
      return "vcpu";
    case Finding::kMemory:
      return "memory";
    case Finding::kDirtyLog:
      return "dirty-log";
    case Finding::kTruth:
      return "truth";
  }
  return "?";
}

}  // namespace rmapdiff
