#include "fuzzers/program/target_kinds.h"

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

}  // namespace rmapdiff
