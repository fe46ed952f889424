#include "fuzzers/search/aftermath.h"

namespace rmapdiff {
namespace {

using Flags = GpteFlagsArg;

constexpr uint8_t kAllRights = Flags::kPresent | Flags::kWritable | Flags::kUser | Flags::kAccessed;
constexpr uint8_t kNotForUsers = boot::kWays[boot::kHighWindow];  // an address

}  // namespace

ops::Access Aftermath::Use(uint8_t va) {
  ops::Access use;
  use.vcpu = Vcpu();
  use.va.value = va;
  use.type.value = static_cast<uint8_t>(random_.Below(2));
  use.user.value = OneIn(2);
  return use;
}

std::vector<Op> Aftermath::AfterStore(const ops::SetGpte& store) {
  return OneIn(4) ? StoreInARace(store) : FlushAfter(store);
}

// The address is used, a vcpu flushes, and the address is used again. In between the host takes a
// page away, which no vcpu may use after that, or another vcpu goes first.
std::vector<Op> Aftermath::FlushAfter(const ops::SetGpte& store) {
  std::vector<Op> probe;
  const ops::Access use = Use(recent_.va);
  const uint8_t table = recent_.place.table;
  const uint8_t pages[] = {table, table, recent_.former_page, recent_.page};
  const GfnArg page{pages[random_.Below(4)]};
  if (map_.LevelOf(table) == 1 && OneIn(2)) {
    probe.push_back(WithAllRights(store));
    probe.push_back(use);
    probe.push_back(WithFewerRights(store));
  } else if (OneIn(2)) {
    probe.push_back(use);
  }
  if (OneIn(3)) probe.push_back(ops::InvalidatePage{page});
  if (OneIn(3)) probe.push_back(ops::MovePage{page});
  probe.push_back(use);
  if (OneIn(2)) probe.push_back(ops::LoadCr3{Vcpu(), TableArg{recent_.root}});
  switch (random_.Below(3)) {
    case 0:
      probe.push_back(ops::Invlpg{use.vcpu, use.va});
      break;
    case 1:
      probe.push_back(ops::LoadCr3{use.vcpu, TableArg{recent_.root}});
      break;
    default:
      GoToOtherRoot(use.vcpu, Vcpu(), probe);
  }
  probe.push_back(use);
  return probe;
}

// While KVM handles a fault at the address, or a store into that entry, an entry on its way
// changes.
std::vector<Op> Aftermath::StoreInARace(const ops::SetGpte& store) {
  std::vector<Op> probe;
  const ops::Access use = Use(recent_.va);
  const int level = OneIn(2) ? 1 : 2 + static_cast<int>(random_.Below(3));
  const BootRoutes::Place place = map_.PlaceOn(use.va, level);
  ops::SetGpte change = level == 1 ? WithFewerRights(store) : store;
  change.vcpu = After(use.vcpu);
  change.table.value = place.table;
  change.entry.value = place.entry;
  change.via.value = OneIn(2) ? ViaArg::kHypercall : ViaArg::kGuest;
  if (level != 1) {
    change.gfn.value = map_.TablesOf(map_.LevelOf(place.table) - 1)[random_.Below(4)];
  }
  const bool overtakes = OneIn(3);
  if (overtakes) {
    probe.push_back(use);  // so that the table has a shadow
    if (level == 1 && OneIn(2)) change.gfn.value = recent_.former_page;
  } else if (OneIn(2)) {
    change.flags.value |= kAllRights;
  }
  if (OneIn(2)) probe.push_back(ops::InvalidatePage{GfnArg{recent_.page}});
  probe.push_back(ops::Race{});
  if (overtakes) {
    ops::SetGpte overtaken = WithAllRights(change);
    overtaken.vcpu = use.vcpu;
    overtaken.gfn = store.gfn;
    overtaken.via.value = ViaArg::kHypercall;  // emulated, whatever the state of the table
    probe.push_back(overtaken);
  } else {
    probe.push_back(use);
  }
  probe.push_back(change);
  if (OneIn(2)) probe.push_back(ops::Invlpg{use.vcpu, use.va});
  probe.push_back(use);
  return probe;
}

// The same entry once more, with all rights; and without one of them.
ops::SetGpte Aftermath::WithAllRights(const ops::SetGpte& store) {
  ops::SetGpte all = store;
  all.flags.value = kAllRights | Flags::kDirty;
  return all;
}
ops::SetGpte Aftermath::WithFewerRights(const ops::SetGpte& store) {
  static constexpr uint8_t kRights[] = {Flags::kPresent, Flags::kWritable, Flags::kUser,
                                        Flags::kUser};
  ops::SetGpte fewer = WithAllRights(store);
  fewer.vcpu = Vcpu();
  fewer.flags.value = static_cast<uint8_t>(fewer.flags.value & ~kRights[random_.Below(4)]);
  return fewer;
}

// Both go to the other root, where the second one is the first to store: into a root, which is
// write-protected, so that KVM walks and links for it, and it does not enter the guest. The first
// one has entered it before, for an access that faults in the guest, so that nothing was linked.
void Aftermath::GoToOtherRoot(VcpuArg first, VcpuArg second, std::vector<Op>& probe) {
  const TableArg root{
      static_cast<uint8_t>(recent_.root == boot::kRoot ? boot::kOtherRoot : boot::kRoot)};
  probe.push_back(ops::LoadCr3{second, root});
  probe.push_back(ops::LoadCr3{first, root});
  if (OneIn(2))
    probe.push_back(ops::Access{first, {kNotForUsers}, {AccessArg::kRead}, {true}, {}, {}});
  probe.push_back(ops::SetGpte{second, {boot::kRoot}, {7}, {}, {}, {}});
}

// A large page is used, then something forbids it, and another frame of it is used: it is dropped.
// At last the host takes a frame of it away that nothing maps any more, and it is used again.
std::vector<Op> Aftermath::AtLargePage() {
  std::vector<Op> probe;
  VaArg va{recent_.va};
  const bool direct = header_.mode >= MmuMode::kNonPaging;
  if (direct) {
    va.value = static_cast<uint8_t>(recent_.large + random_.Below(8));  // an address is a frame
  } else {
    MapLarge(va, probe);
  }
  const ops::Access use = Use(va.value);
  ops::Access other = Use(static_cast<uint8_t>(va.value ^ random_.Below(8)));
  other.type.value = AccessArg::kWrite;
  other.user.value = use.user.value;
  if (OneIn(2)) other.vcpu = After(use.vcpu);
  probe.push_back(use);
  ForbidLarge(va, probe);
  probe.push_back(other);
  const GfnArg frame{static_cast<uint8_t>(recent_.large + (va.value & 7u))};
  if (!OneIn(4)) probe.push_back(ops::MovePage{frame});
  probe.push_back(use);
  return probe;
}

// One entry of the directory on the way of `va`, mostly not dirty yet: such a page is mapped for
// reading only, and nothing that looks for writable ones sees it.
void Aftermath::MapLarge(VaArg va, std::vector<Op>& probe) {
  const BootRoutes::Place place = map_.PlaceOn(va, 2);
  uint8_t flags = kAllRights | Flags::kHuge;
  if (OneIn(3)) flags |= Flags::kDirty;
  if (OneIn(4)) probe.push_back(ops::ZapAll{});
  probe.push_back(ops::SetGpte{Vcpu(), {place.table}, {place.entry}, {recent_.large}, {flags}, {}});
}

// A table in it that comes into use; a log; or a table instead of it, of which userspace does not
// tell the MMU, so that a vcpu drops it when it comes along.
void Aftermath::ForbidLarge(VaArg va, std::vector<Op>& probe) {
  if (OneIn(3)) probe.push_back(ops::LogDirty{{recent_.logged}, {OneIn(2)}});
  if (header_.mode == MmuMode::kNonPaging) {
    ops::SetMode paging{Vcpu(), {PagingArg::kLong}, {true}, {true}, {true}, {}};
    ops::Access walk = Use(0);
    walk.vcpu = paging.vcpu;
    probe.push_back(paging);
    probe.push_back(walk);
  } else if (header_.mode < MmuMode::kNonPaging && OneIn(2)) {
    const BootRoutes::Place place = map_.PlaceOn(va, 2);
    const GfnArg table{static_cast<uint8_t>(OneIn(2) ? boot::kLeaf : boot::kReadOnlyLeaf)};
    probe.push_back(
        ops::SetGpte{{}, {place.table}, {place.entry}, table, {kAllRights}, {ViaArg::kHost}});
  } else if (header_.mode < MmuMode::kNonPaging) {
    static constexpr VaArg kTurns[] = {VaArg::Of(0, 0, 1, 0), VaArg::Of(0, 1, 0, 0),
                                       VaArg::Of(0, 1, 2, 0), VaArg::Of(1, 0, 0, 0)};
    probe.push_back(Use(static_cast<uint8_t>(va.value ^ kTurns[random_.Below(4)].value)));
  }
}

}  // namespace rmapdiff
