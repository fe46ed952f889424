#include "fuzzers/search/random_program.h"

#include "fuzzers/search/op_drawer.h"

namespace rmapdiff {
namespace {

constexpr size_t kStretch = 256;  // operations that are drawn from one set of kinds

Header DrawAnyHeader(Random& random) {
  Header header;
  header.limits = random.Below(4) != 0 ? LimitsMode::kTiny : LimitsMode::kProduction;
  header.reuse = static_cast<ReuseMode>(random.Below(2));
  header.masks = static_cast<MasksMode>(random.Below(3));
  if (random.Below(2) == 0) {
    header.recycle = random.Below(8) == 0 ? RecycleMode::kNative : RecycleMode::kExact;
    header.misuse = random.Below(8) == 0;
    return header;
  }
  header.mode = static_cast<MmuMode>(1 + random.Below(static_cast<uint32_t>(MmuMode::kTdp32)));
  header.more_vcpus = static_cast<uint8_t>(random.Below(VcpuArg::kMax));
  header.oos = random.Below(4) != 0;
  header.large = static_cast<LargeMode>(random.Below(3));
  header.log = random.Below(4) == 0;
  header.oom = random.Below(4) == 0;
  if (random.Below(4) == 0) header.counters = static_cast<CountersMode>(1 + random.Below(2));
  if (!header.tdp() && random.Below(3) == 0) {
    header.second = static_cast<SecondMode>(1 + random.Below(3));
  }
  if (!header.tdp() && random.Below(3) == 0) {
    header.protect = static_cast<ProtectMode>(1 + random.Below(3));
  }
  return header;
}

}  // namespace

Header DrawHeader(const TargetKind& kind, Random& random) {
  Header header = DrawAnyHeader(random);
  while (!kind.accepts(header)) header = DrawAnyHeader(random);
  return header;
}

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
