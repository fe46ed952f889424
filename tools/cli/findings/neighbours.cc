#include "tools/cli/findings/neighbours.h"

#include <algorithm>
#include <utility>

#include "fuzzers/finding/simpler.h"
#include "fuzzers/program/target_kinds.h"
#include "fuzzers/search/mutator.h"

namespace rmapdiff {
namespace {

constexpr size_t kMoreOps = 8;  // that a changed copy may have

// Changed copies of what a fuzz target runs if no bug is put back.
std::vector<Program> Changed(Program program, size_t count) {
  const Header header = program.header;
  program.header.quirk = QuirkMode::kNone;
  const TargetKind* kind = TargetKindFor(program.header);
  if (kind == nullptr || program.ops.empty()) return {};
  const Mutator mutator(*kind, Search{.fresh = false});
  std::vector<Program> all;
  for (uint64_t seed = 1; seed <= count; ++seed) {
    Program child = mutator.Mutate(program, program.ops.size() + kMoreOps, seed);
    child.header = header;
    child = Decode(Encode(child));  // values that are out of range in this world come into it
    all.push_back(std::move(child));
  }
  return all;
}

}  // namespace

std::vector<Program> Neighbours(const Program& program, size_t shorter, size_t changed) {
  if (program.ops.size() < 2) return Changed(program, changed);
  Program before = program;
  const Op last = before.ops.back();
  before.ops.pop_back();
  const size_t count = before.ops.size();
  std::vector<Program> all = Changed(before, changed);
  const size_t stretch = shorter > 0 ? (count + shorter - 1) / shorter : 0;
  for (size_t begin = 0; stretch > 0 && begin < count; begin += stretch) {
    all.push_back(Without(before, begin, std::min(stretch, count - begin)));
  }
  for (Program& one : all) one.ops.push_back(last);
  std::erase(all, program);
  return all;
}

}  // namespace rmapdiff
