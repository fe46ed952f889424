// Programs from programs: a fuzz target of ours mutates these instead of bytes.
//
// Works on decoded operations. An inserted operation is drawn to fit the state after those before
// it (op_drawer.h), so that it mostly applies.
//
// Invariants: a child is accepted by the target, has at most `max_ops` operations, and survives
// Encode and Decode. Same parents, same seed: same child.
// Not covered: mutations of bytes, which are libFuzzer's.
#ifndef RMAPDIFF_FUZZERS_SEARCH_MUTATOR_H_
#define RMAPDIFF_FUZZERS_SEARCH_MUTATOR_H_

#include <cstddef>
#include <cstdint>

#include "fuzzers/program/program.h"
#include "fuzzers/program/target_kinds.h"
#include "fuzzers/search/random.h"
#include "fuzzers/search/techniques.h"

namespace rmapdiff {

class Mutator {
 public:
  // Keeps a reference to `kind`.
  explicit Mutator(const TargetKind& kind, const Search& search = {})
      : kind_(kind), search_(search) {}

  // Mostly a new random program, else a changed copy. Always a new one if the parent is empty or is
  // for another target.
  Program Mutate(const Program& parent, size_t max_ops, uint64_t seed) const;
  // Mostly a new random program. Else the beginning of one, then a part of the other, in the world
  // of the first.
  Program CrossOver(const Program& one, const Program& other, size_t max_ops, uint64_t seed) const;
  // A new random program.
  Program Fresh(size_t max_ops, uint64_t seed) const;

 private:
  bool BeginsAnew(Random* random) const;

  const TargetKind& kind_;
  const Search search_;
};

}  // namespace rmapdiff

#endif  // RMAPDIFF_FUZZERS_SEARCH_MUTATOR_H_
