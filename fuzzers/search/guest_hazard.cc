#include "fuzzers/search/guest_hazard.h"

#include <iterator>

#include "fuzzers/search/direct_hazard.h"

namespace rmapdiff {
namespace {

using Flags = GpteFlagsArg;

constexpr uint8_t kRead = Flags::kPresent | Flags::kUser | Flags::kAccessed;
constexpr uint8_t kWrite = kRead | Flags::kWritable;
constexpr uint8_t kEmptyTable = boot::kEmptyLeaf;
constexpr uint8_t kDataPage = boot::kDataPages;

// Two vcpus, one way to a leaf table, and another one.
class Hazard {
 public:
  Hazard(Random& random, const Header& header, const BootRoutes& map)
      : random_(random), header_(header), map_(map) {
    first_.value = static_cast<uint8_t>(random.Below(header.vcpus()));
    second_.value = static_cast<uint8_t>((first_.value + 1) % header.vcpus());
    if (random.Below(2) == 0) leaf_.value = boot::kReadOnlyLeaf;
    entry_.value = static_cast<uint16_t>(random.Below(boot::kEntries));
  }

  // One of the four entries of a PAE root leads to a frame without memory when a vcpu is to load
  // them. Then it leads to a table again.
  std::vector<Op> RootWithoutMemory() {
    const EntryArg entry{static_cast<uint16_t>(random_.Below(4))};
    const auto lead_to = [&](uint8_t gfn) {
      return ops::SetGpte{first_, {boot::kRoot}, entry, {gfn}, {Flags::kPresent}, {ViaArg::kHost}};
    };
    return {ops::DeleteMemslot{{boot::kAliasSlot}},
            lead_to(header_.layout().FirstAlias()),
            EnterRoot(first_),
            Read(first_, Va()),
            lead_to(boot::kDirectory),
            EnterRoot(first_),
            Read(first_, Va())};
  }

  // Two vcpus may write to a page. Its entry loses W in a table out of sync, which KVM does not
  // notice. One vcpu links that table anew by another way, which brings it into sync, and the page
  // becomes a table. Then the other vcpu may no more write to it unseen, whether it has flushed or
  // not.
  std::vector<Op> PageBecomesTable() {
    const uint8_t other_way = BootRoutes::VaOf(boot::kSecondDirectory, 3);
    const uint8_t below_page = BootRoutes::VaOf(boot::kSecondDirectory, 0);
    return {ops::ZapAll{},
            EnterRoot(first_),
            EnterRoot(second_),
            Lead(Va(), 1, kEmptyTable, kWrite),
            Write(first_, Va()),
            Write(second_, Va()),
            Store(kEmptyTable, kRead),
            Lead(other_way, 2, leaf_.value, kWrite),
            Read(first_, other_way),
            ops::SetGpte{first_, {kEmptyTable}, {0}, {kDataPage}, {kWrite}, {ViaArg::kHost}},
            Lead(below_page, 2, kEmptyTable, kWrite),
            Read(first_, below_page)};
  }

  // Two vcpus have a translation. Its entry loses a right in a table out of sync, to which no vcpu
  // can write any more. One vcpu brings it into sync and flushes only its own TLB. Then the other
  // one loads the cr3 that it has, which has to flush as well.
  std::vector<Op> ReloadAfterSync() {
    const uint8_t right = random_.Below(2) == 0 ? Flags::kUser : Flags::kPresent;
    return {EnterRoot(first_),
            EnterRoot(second_),
            Lead(Va(), 1, kDataPage, kRead),
            Read(first_, Va()),
            Read(second_, Va()),
            Store(kDataPage, static_cast<uint8_t>(kRead & ~right)),
            ops::InvalidatePage{{leaf_.value}},
            Read(first_, Va()),
            EnterRoot(second_),
            EnterRoot(first_),
            Read(first_, Va())};
  }

  // A leaf table maps another one for reading, as that one is shadowed. Then it may write, and both
  // are out of sync. In either order of synchronisation, the other is in sync in the end, and has
  // no right to write.
  std::vector<Op> SyncedTogether() {
    const bool writable = leaf_.value == boot::kLeaf;
    const TableArg other{writable ? boot::kReadOnlyLeaf : boot::kLeaf};
    return {EnterRoot(first_),
            Lead(Va(), 1, other.value, kRead),
            Read(first_, Va()),
            Read(first_, BootRoutes::VaOf(other.value, 0)),
            Store(other.value, kWrite | Flags::kDirty),
            ops::SetGpte{second_, other, {0}, {kDataPage}, {kRead}, {ViaArg::kGuest}},
            EnterRoot(first_),
            Read(first_, Va())};
  }

  // One of two vcpus goes without NX, for which the bit is reserved. The other one stores it into a
  // table that both have, maybe while it walks there itself.
  std::vector<Op> OtherRules() {
    std::vector<Op> hazard = {EnterRoot(first_),
                              ops::SetMode{second_, {PagingArg::kOn}, {true}, {false}, {true}, {0}},
                              Read(first_, Va()), Read(second_, Va())};
    if (random_.Below(2) == 0) hazard.push_back(ops::Race{});
    hazard.push_back(ops::SetGpte{
        first_, leaf_, entry_, {kDataPage}, {kWrite | Flags::kNoExecute}, {ViaArg::kHypercall}});
    hazard.push_back(Read(first_, Va()));
    hazard.push_back(Read(second_, Va()));
    return hazard;
  }

  // A table out of sync has a stale entry, and both vcpus go to the other root. The first one
  // enters it for an access that faults in the guest, so that nothing is linked. The second one
  // stores into a root, which is write-protected. So KVM links for it, and it does not enter. The
  // table that KVM links has to be in sync for the first one.
  std::vector<Op> LinkedByAnother() {
    constexpr uint8_t kNotForUsers = boot::kWays[boot::kHighWindow];  // an address
    const TableArg other_root{boot::kOtherRoot};
    return {EnterRoot(first_),
            EnterRoot(second_),
            Lead(Va(), 1, kDataPage, kRead),
            Read(first_, Va()),
            Store(kDataPage, 0),
            ops::LoadCr3{second_, other_root},
            ops::LoadCr3{first_, other_root},
            Read(first_, kNotForUsers),
            ops::SetGpte{second_, {boot::kRoot}, {7}, {}, {}, {ViaArg::kGuest}},
            Read(first_, Va())};
  }

  // A vcpu has a large page in its TLB, for reading as it is not dirty. Userspace stores a table in
  // its entry and does not tell the MMU. Another vcpu comes along and drops the large spte. It has
  // to flush the TLB of the first one: nothing maps the frame any more when the host takes it away.
  std::vector<Op> LargePageDropped() {
    constexpr uint8_t kLarge = boot::kLargePage;
    const auto other = static_cast<uint8_t>(Va() ^ 1u);
    ops::SetGpte large = Lead(Va(), 2, kLarge, kWrite | Flags::kHuge);
    large.via.value = ViaArg::kGuest;
    return {EnterRoot(first_),
            EnterRoot(second_),
            Lead(other, 1, kDataPage, kWrite),
            ops::SetBacking{{kLarge}, {2}},
            large,
            Read(first_, Va()),
            Lead(Va(), 2, leaf_.value, kWrite),
            Write(second_, other),
            ops::MovePage{{static_cast<uint8_t>(kLarge + entry_.value)}},
            Read(first_, Va())};
  }

  // An entry changes to another frame on the same host page, in another memslot. Its table is out
  // of sync, so that KVM does not notice. Then the entry is written through. The host page is
  // mapped as before, and yet the spte has to change lists, by which the other slot's log finds it.
  std::vector<Op> TakenOverByAlias() {
    const auto page = static_cast<uint8_t>(kDataPage + random_.Below(4));
    const ops::LogDirty log{{0}, {true}}, log_alias{{boot::kAliasSlot}, {true}};
    const ops::GetDirtyLog get_log_of_alias{{boot::kAliasSlot}};
    return {log,
            log_alias,
            EnterRoot(first_),
            Lead(Va(), 1, page, kRead),
            Read(first_, Va()),
            Store(map_.AliasOf(page), kWrite | Flags::kDirty),
            Write(first_, Va()),
            get_log_of_alias,
            Write(first_, Va()),
            get_log_of_alias};
  }

  // The vcpus have the same tables in different formats. A leaf table of one is a directory of the
  // other, or an entry is half an entry. One stores, and both have to see it.
  std::vector<Op> TwoFormats() {
    static constexpr uint8_t kModes[] = {PagingArg::kOn, PagingArg::kLong, PagingArg::kPae,
                                         PagingArg::k32Bit};
    const PagingArg paging{kModes[static_cast<size_t>(header_.second)]};
    const auto address = [&] {
      return static_cast<uint8_t>(random_.Below(2) * VaArg::kThird | random_.Below(4) << 4 |
                                  (entry_.value & 3u));
    };
    const uint8_t other = address();
    return {EnterRoot(first_),
            ops::SetMode{second_, paging, {true}, {true}, {true}, {boot::kSecondRoot}},
            Read(first_, Va()),
            Read(second_, other),
            Read(second_, address()),
            ops::SetGpte{first_, leaf_, entry_, {kDataPage}, {kWrite}, {ViaArg::kGuest}},
            ops::SetGpte{second_, leaf_, entry_, {boot::kEmptyLeaf}, {kWrite}, {ViaArg::kGuest}},
            Write(first_, Va()),
            Write(second_, other),
            ops::Invlpg{second_, {other}},
            Read(second_, other),
            EnterRoot(first_),
            Read(first_, Va())};
  }

  // Two ways lead to a directory. One of them takes W away, as does one of its two entries. The
  // first access makes the page of the directory, with the rights of the way to it. The rights of
  // its entry do not count, or the other way would find that page.
  std::vector<Op> SharedByRights() {
    constexpr uint8_t kDirectory = boot::kSecondDirectory, kTable = boot::kRepeatLeaf;
    constexpr uint8_t kOtherTables = VaArg::kTop | VaArg::kThird;
    const auto other_entry = static_cast<uint8_t>(BootRoutes::VaOf(kDirectory, 3) | entry_.value);
    const auto way = static_cast<uint8_t>(BootRoutes::VaOf(kDirectory, 2) | entry_.value);
    const auto other_way = static_cast<uint8_t>(way ^ kOtherTables);
    return {ops::ZapAll{},
            EnterRoot(first_),
            Lead(way, 3, kDirectory, kWrite),
            Lead(other_way, 3, kDirectory, kRead),
            Lead(other_entry, 2, leaf_.value, kRead),
            Lead(way, 2, kTable, kWrite),
            Lead(way, 1, kDataPage, kWrite | Flags::kDirty),
            Read(first_, other_entry),
            Read(first_, other_way),
            Write(first_, way),
            Write(first_, other_way)};
  }

 private:
  uint8_t Va() const { return BootRoutes::VaOf(leaf_.value, entry_.value); }
  ops::LoadCr3 EnterRoot(VcpuArg vcpu) const { return {vcpu, {boot::kRoot}}; }
  ops::Access Read(VcpuArg vcpu, uint8_t va) const { return Use(vcpu, va, AccessArg::kRead); }
  ops::Access Write(VcpuArg vcpu, uint8_t va) const { return Use(vcpu, va, AccessArg::kWrite); }
  ops::Access Use(VcpuArg vcpu, uint8_t va, AccessArg::Value type) const {
    return {vcpu, {va}, {type}, {true}, {}, {}};
  }
  // A store into the leaf table, by which it gets out of sync.
  ops::SetGpte Store(uint8_t gfn, uint8_t flags) const {
    return {second_, leaf_, entry_, {gfn}, {flags}, {ViaArg::kGuest}};
  }
  // The entry of `level` that `va` goes through leads to `gfn`, of which the MMU hears nothing.
  ops::SetGpte Lead(uint8_t va, int level, uint8_t gfn, uint8_t flags) const {
    const BootRoutes::Place place = map_.PlaceOn({va}, level);
    return {first_, {place.table}, {place.entry}, {gfn}, {flags}, {ViaArg::kHost}};
  }

  Random& random_;
  const Header& header_;
  const BootRoutes& map_;
  VcpuArg first_, second_;
  TableArg leaf_{boot::kLeaf};
  EntryArg entry_;
};

}  // namespace

std::vector<Op> DrawHazard(Random& random, const Header& header, const BootRoutes& map) {
  if (header.mode >= MmuMode::kNonPaging) return DrawDirectHazard(random, header, map);
  using Steps = std::vector<Op> (Hazard::*)();
  const Steps hazards[] = {
      header.mode == MmuMode::kPae ? &Hazard::RootWithoutMemory : &Hazard::SyncedTogether,
      &Hazard::PageBecomesTable,
      &Hazard::ReloadAfterSync,
      &Hazard::SyncedTogether,
      &Hazard::OtherRules,
      &Hazard::LinkedByAnother,
      &Hazard::TakenOverByAlias,
      header.mode == MmuMode::kLong ? &Hazard::SharedByRights : &Hazard::TakenOverByAlias,
      &Hazard::LargePageDropped,
      header.second != SecondMode::kNone ? &Hazard::TwoFormats : &Hazard::ReloadAfterSync,
  };
  Hazard hazard(random, header, map);
  return (hazard.*hazards[random.Below(std::size(hazards))])();
}

}  // namespace rmapdiff
