#include "fuzzers/state/facts.h"

#include <fmt/format.h>

#include "fuzzers/state/observation.h"

namespace rmapdiff {
namespace {

Finding FindingOf(FactKind kind) {
  switch (kind) {
    case FactKind::kTlb:
    case FactKind::kTlbRights:
      return Finding::kTlb;
    case FactKind::kDirtyBit:
      return Finding::kDirtyLog;
    case FactKind::kMemory:
      return Finding::kMemory;
    case FactKind::kVcpu:
    case FactKind::kRoot:
      return Finding::kVcpu;
    case FactKind::kCounter:
      return Finding::kStats;
  }
  return Finding::kStats;
}

}  // namespace

std::string ToString(const FactId& id) {
  switch (id.kind) {
    case FactKind::kCounter:
      return fmt::format("counter {}", kCounterNames[id.what]);
    case FactKind::kVcpu:
      return fmt::format("{} of vcpu {}", kVcpuFieldNames[id.what], id.who);
    case FactKind::kRoot:
      return fmt::format("root {} of vcpu {}", id.what, id.who);
    case FactKind::kTlb:
      return fmt::format("tlb of vcpu {}, page {:#x}, level {}", id.who, id.what >> 2, id.what & 3);
    case FactKind::kTlbRights:
      return fmt::format("tlb rights of vcpu {}, page {:#x}, level {}", id.who, id.what >> 2,
                         id.what & 3);
    case FactKind::kDirtyBit:
      return fmt::format("dirty log of memslot {}, gfn {:#x}", id.who, id.what);
    case FactKind::kMemory:
      return fmt::format("contents of host page {:#x}", id.what);
  }
  return "?";
}

std::optional<Difference> CompareFacts(const std::vector<Fact>& expected,
                                       const std::vector<Fact>& actual) {
  auto e = expected.begin();
  auto a = actual.begin();
  while (e != expected.end() && a != actual.end() && *e == *a) ++e, ++a;
  const bool has_e = e != expected.end() && (a == actual.end() || e->id <= a->id);
  const bool has_a = a != actual.end() && (e == expected.end() || a->id <= e->id);
  if (!has_e && !has_a) return std::nullopt;
  const FactId& id = has_e ? e->id : a->id;
  const auto render = [](bool there, uint64_t value) {
    return there ? fmt::format("{:#x}", value) : std::string("none");
  };
  return Difference{FindingOf(id.kind), ToString(id), render(has_e, has_e ? e->value : 0),
                    render(has_a, has_a ? a->value : 0), ""};
}

}  // namespace rmapdiff
