#include "fuzzers/target_kinds.h"

namespace rmapdiff {
namespace {

bool IsGraph(const Header& header, LimitsMode limits) {
  return !header.whole_mmu() && header.limits == limits;
}

// A whole MMU as it should be: no latent bug put back, and allocations that fail only by an
// operation of their own.
bool IsMmu(const Header& header) {
  return header.whole_mmu() && header.quirk == QuirkMode::kNone && !header.oom;
}

bool IsMmu(const Header& header, LimitsMode limits) {
  return IsMmu(header) && header.limits == limits;
}

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

const std::vector<TargetKind>& TargetKinds() {
  static const auto* kinds = new std::vector<TargetKind>{
      {"rmap_fuzzer", [](const Header& h) { return IsGraph(h, LimitsMode::kProduction); }},
      {"tiny_rmap_fuzzer", [](const Header& h) { return IsGraph(h, LimitsMode::kTiny); }},
      {"mmu_fuzzer", [](const Header& h) { return IsMmu(h, LimitsMode::kProduction); }},
      {"tiny_mmu_fuzzer", [](const Header& h) { return IsMmu(h, LimitsMode::kTiny); }},
      // Where no guest tables are walked: no paging, and TDP.
      {"direct_fuzzer", [](const Header& h) { return IsMmu(h) && h.mode >= MmuMode::kNonPaging; }},
      {"dirty_log_fuzzer", [](const Header& h) { return IsMmu(h) && h.log; }},
      {"oom_fuzzer",
       [](const Header& h) { return h.whole_mmu() && h.oom && h.quirk == QuirkMode::kNone; }},
  };
  return *kinds;
}

const TargetKind* FindTargetKind(std::string_view name) {
  for (const TargetKind& kind : TargetKinds()) {
    if (kind.name == name) return &kind;
  }
  return nullptr;
}

const TargetKind* TargetKindFor(const Header& header) {
  for (const TargetKind& kind : TargetKinds()) {
    if (kind.accepts(header)) return &kind;
  }
  return nullptr;
}

Header DrawHeader(const TargetKind& kind, Random& random) {
  Header header = DrawAnyHeader(random);
  while (!kind.accepts(header)) header = DrawAnyHeader(random);
  return header;
}

}  // namespace rmapdiff
