#include "fuzzers/target_kinds.h"

#include "fuzzers/fuzz_target.h"

namespace rmapdiff {
namespace {
bool Rmap(const Header& h) { return IsGraph(h, LimitsMode::kProduction); }
bool TinyRmap(const Header& h) { return IsGraph(h, LimitsMode::kTiny); }
bool TinyMmu(const Header& h) { return IsMmu(h, LimitsMode::kTiny); }
bool Mmu(const Header& h) { return IsMmu(h, LimitsMode::kProduction); }
bool Oom(const Header& h) { return h.whole_mmu() && h.oom && h.quirk == QuirkMode::kNone; }
}  // namespace

const std::vector<TargetKind>& TargetKinds() {
  static const std::vector<TargetKind>* kinds =
      new std::vector<TargetKind>{{"rmap_fuzzer", Rmap},
                                  {"tiny_rmap_fuzzer", TinyRmap},
                                  {"mmu_fuzzer", Mmu},
                                  {"tiny_mmu_fuzzer", TinyMmu},
                                  {"oom_fuzzer", Oom}};
  return *kinds;
}

}  // namespace rmapdiff
