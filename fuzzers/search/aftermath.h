// Probes: sequences of operations on a whole MMU that show the leftovers of a change. Until a vcpu
// flushes, the guest may still use the old entry. GuestTruth (guest_truth.h) decides what it may
// not use. Blind draws hardly ever use, change, flush and use one place in this order.
//
// A probe goes by the boot tables, and may be wrong. A sequence that takes more than one change is
// a hazard (guest_hazard.h).
#ifndef RMAPDIFF_FUZZERS_SEARCH_AFTERMATH_H_
#define RMAPDIFF_FUZZERS_SEARCH_AFTERMATH_H_

#include <cstdint>
#include <vector>

#include "fuzzers/guest/boot_routes.h"
#include "fuzzers/program/program.h"
#include "fuzzers/search/random.h"

namespace rmapdiff {

// The subjects of the last operations; pages and tables as indexes into the guest's gfns.
struct Recent {
  uint8_t va = 0;
  uint8_t page = boot::kDataPages;
  uint8_t former_page = boot::kDataPages + 1;
  uint8_t large = boot::kLargePage;  // the first of a large page
  uint8_t root = boot::kRoot;
  uint8_t logged = 0;  // a slot
  BootRoutes::Place place{boot::kLeaf, 0};
};

class Aftermath {
 public:
  // Keeps the references.
  Aftermath(Random& random, const Header& header, const BootRoutes& map, const Recent& recent)
      : random_(random), header_(header), map_(map), recent_(recent) {}

  // After a store into a guest's table.
  std::vector<Op> AfterStore(const ops::SetGpte& store);
  // After the host has large pages at recent.large.
  std::vector<Op> AtLargePage();

 private:
  bool OneIn(uint32_t n) { return random_.Below(n) == 0; }
  VcpuArg Vcpu() { return {static_cast<uint8_t>(random_.Below(header_.vcpus()))}; }
  VcpuArg After(VcpuArg vcpu) { return {static_cast<uint8_t>((vcpu.value + 1) % header_.vcpus())}; }
  ops::Access Use(uint8_t va);
  std::vector<Op> FlushAfter(const ops::SetGpte& store);
  std::vector<Op> StoreInARace(const ops::SetGpte& store);
  static ops::SetGpte WithAllRights(const ops::SetGpte& store);
  ops::SetGpte WithFewerRights(const ops::SetGpte& store);
  void GoToOtherRoot(VcpuArg first, VcpuArg second, std::vector<Op>& probe);
  void MapLarge(VaArg va, std::vector<Op>& probe);
  void ForbidLarge(VaArg va, std::vector<Op>& probe);

  Random& random_;
  const Header& header_;
  const BootRoutes& map_;
  const Recent& recent_;
};

}  // namespace rmapdiff

#endif  // RMAPDIFF_FUZZERS_SEARCH_AFTERMATH_H_
