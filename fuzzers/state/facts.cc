#include "fuzzers/state/facts.h"

#include <fmt/core.h>

namespace rmapdiff {

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

}  // namespace rmapdiff
