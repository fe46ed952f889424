// Every field in which two observations differ, where Compare stops at the first.
//
// Works by comparison alone: one field after the other of the expected state is replaced by the
// actual one, and Compare says what that changes. So both speak of a difference in the same words.
// For reports: it copies, and is slow.
#ifndef RMAPDIFF_FUZZERS_FINDING_STATE_DIFF_H_
#define RMAPDIFF_FUZZERS_FINDING_STATE_DIFF_H_

#include <optional>
#include <vector>

#include "fuzzers/state/observation.h"

namespace rmapdiff {

// A list that a reader may want to follow: a reverse map, or the parents of a page.
struct ListId {
  std::optional<RmapId> rmap;
  PageId parents_of = 0;

  friend bool operator==(const ListId&, const ListId&) = default;
};
std::string ToString(const ListId& list, const GuestLayout& layout);

struct FieldDifference {
  Difference difference;
  std::optional<ListId> list;  // if it is one
};

// In the order of Compare; at most `most`. Of a page that only one side has, no more than that.
std::vector<FieldDifference> CompareFieldByField(const Observation& expected,
                                                 const Observation& actual, Comparison comparison,
                                                 const GuestLayout& layout, size_t most);

}  // namespace rmapdiff

#endif  // RMAPDIFF_FUZZERS_FINDING_STATE_DIFF_H_
