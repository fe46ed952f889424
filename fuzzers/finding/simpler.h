// Simpler programs, one change at a time. Operations are left out, get other values in place of
// those that they name, or the header gets simpler. An argument is a number; its kind is the thing
// that it names (args.h).
#ifndef RMAPDIFF_FUZZERS_FINDING_SIMPLER_H_
#define RMAPDIFF_FUZZERS_FINDING_SIMPLER_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "fuzzers/program/program.h"

namespace rmapdiff {

// A page, a gfn, a vcpu, an index ... that operations name.
using Named = std::pair<Domain::Names, uint32_t>;

// The arguments as numbers, in order: the smaller, the simpler.
std::vector<uint32_t> NumbersOf(Op op);
// The operation with another number in one place.
Op WithNumber(Op op, size_t which, uint32_t value);
// Numbers to try instead of a number, simplest first: all are smaller.
std::vector<uint32_t> SmallerThan(uint32_t number);

// Without `count` operations from `first` on.
Program Without(Program program, size_t first, size_t count = 1);

// Everything that the operation names; flags, levels, counts and choices name nothing.
std::vector<Named> NamesIn(Op op);
bool IsNamedBy(const Named& name, const Op& op);
// `name` by another value of the same kind, wherever the program says it.
Program Renamed(Program program, const Named& name, uint32_t value);
// A page in place of another: where the program names `page` it names `other`, by entry `index`.
Program WithPageMerged(Program program, uint32_t page, uint32_t other, uint32_t index);
// Pages called 0, 1, 2 ... in the order in which the program mentions them.
Program WithPagesInOrder(Program program);

// An operation that does less of the same: `map` for `map_many`.
std::optional<Op> LesserOp(const Op& op);
// One operation for two, or nothing. `map_many` stands for two mappings of a gfn by slots of one
// page. `alloc_page` stands for a page and its first link.
std::optional<Op> JoinedOps(const Op& a, const Op& b);

// The distance of a header from the simplest: keys that are not at their default, more vcpus.
size_t Rank(const Header& header);
// Every header with one key set to another value that ranks lower. The mode, the limits and a bug
// that is put back stay: the finding can depend on them.
std::vector<Header> SimplerHeaders(const Header& header);

}  // namespace rmapdiff

#endif  // RMAPDIFF_FUZZERS_FINDING_SIMPLER_H_
