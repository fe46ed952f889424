#include "fuzzers/state/difference.h"

#include <iterator>

namespace rmapdiff {

std::string_view FindingName(Finding finding) {
  // In the order of Finding.
  static constexpr std::string_view kNames[] = {"none",
                                                "outcome",
                                                "bug",
                                                "cycle",
                                                "dangling",
                                                "wild",
                                                "rmap-missing",
                                                "rmap-extra",
                                                "rmap-duplicate",
                                                "rmap-splice",
                                                "parent-missing",
                                                "parent-extra",
                                                "parent-duplicate",
                                                "spte",
                                                "page",
                                                "unsync",
                                                "dirty",
                                                "accessed",
                                                "flush",
                                                "stats",
                                                "write-count",
                                                "active-list",
                                                "add-return",
                                                "map-audit",
                                                "leak",
                                                "tlb",
                                                "vcpu",
                                                "memory",
                                                "dirty-log",
                                                "truth"};
  static_assert(std::size(kNames) == static_cast<size_t>(Finding::kTruth) + 1);
  const auto place = static_cast<size_t>(finding);
  return place < std::size(kNames) ? kNames[place] : "?";
}

}  // namespace rmapdiff
