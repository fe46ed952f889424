// Draws the operations of a program one after another. Kinds are drawn by weight and by the pairs
// of op_pairs.h. Arguments come mostly from the hot pools, and mostly such that the operation
// applies after those before it.
//
// Swarm testing (Groce and others, 2012): some states grow only in a program without the operation
// that undoes them. So a drawer draws from a set of kinds, which changes from program to program.
#ifndef RMAPDIFF_FUZZERS_SEARCH_OP_DRAWER_H_
#define RMAPDIFF_FUZZERS_SEARCH_OP_DRAWER_H_

#include <array>
#include <bitset>
#include <cstddef>
#include <cstdint>

#include "fuzzers/program/program.h"
#include "fuzzers/search/graph_plan.h"
#include "fuzzers/search/guest_plan.h"
#include "fuzzers/search/random.h"

namespace rmapdiff {

using KindSet = std::bitset<kOpKinds>;

// The kinds of operation that programs with this header are made of; misuse only where allowed.
KindSet KindsFor(const Header& header);
// The same, but each left out with a chance of one in four; never empty.
KindSet DrawKinds(const Header& header, Random& random);

class OpDrawer {
 public:
  // `kinds` has at least one kind that fits the header. Keeps references to the others.
  OpDrawer(const Header& header, const KindSet& kinds, Random& random);

  // The next operation.
  Op Next();
  // Records `op` as if Next() had returned it.
  void Follow(const Op& op);

  void set_kinds(const KindSet& kinds);

 private:
  size_t DrawKind();
  size_t DrawByWeight();

  Random& random_;
  const Header& header_;
  GraphPlan graph_;
  GuestPlan guest_;
  std::array<uint32_t, kOpKinds> weights_{};
  uint32_t total_ = 0;
  size_t previous_ = kOpKinds;  // kinds of the last two operations; kOpKinds for none
  size_t before_previous_ = kOpKinds;
};

// Draws each argument of an operation anew, without the plan of a drawer.
void DrawArguments(const Header& header, Random& random, Op* op);

}  // namespace rmapdiff

#endif  // RMAPDIFF_FUZZERS_SEARCH_OP_DRAWER_H_
