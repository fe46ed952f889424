#include "fuzzers/search/header_drawer.h"

namespace rmapdiff {
namespace {

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
  return header;
}

}  // namespace

Header DrawHeader(const TargetKind& kind, Random& random) {
  Header header = DrawAnyHeader(random);
  while (!kind.accepts(header)) header = DrawAnyHeader(random);
  return header;
}

}  // namespace rmapdiff
