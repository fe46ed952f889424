#include "fuzzers/search/random_program.h"

#include "fuzzers/search/op_drawer.h"
#include "fuzzers/search/random.h"

namespace rmapdiff {
namespace {

constexpr size_t kStretch = 256;  // operations that are drawn from one set of kinds

}  // namespace

Program RandomProgram(const Header& header, size_t count, uint64_t seed) {
  Program program{.header = header, .ops = {}};
  program.ops.reserve(count);
  Random random(seed);
  OpDrawer drawer(header, DrawKinds(header, random), random);
  while (program.ops.size() < count) {
    program.ops.push_back(drawer.Next());
    if (program.ops.size() % kStretch == 0) drawer.set_kinds(DrawKinds(header, random));
  }
  return program;
}

}  // namespace rmapdiff
