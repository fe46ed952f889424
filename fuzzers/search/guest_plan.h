// Aims the operations of a program on a whole MMU at what the guest has (boot_routes.h), and at
// recent subjects.
//
// Blind draws hardly ever store an entry that a walk then uses, and most accesses only fault in the
// guest. Half of the programs stay at one address, and another. After some changes a probe follows
// (aftermath.h), or a hazard (guest_hazard.h). The plan is a guess and may be wrong.
#ifndef RMAPDIFF_FUZZERS_SEARCH_GUEST_PLAN_H_
#define RMAPDIFF_FUZZERS_SEARCH_GUEST_PLAN_H_

#include <cstdint>
#include <iterator>
#include <optional>
#include <type_traits>
#include <vector>

#include "fuzzers/guest/boot_routes.h"
#include "fuzzers/program/program.h"
#include "fuzzers/search/aftermath.h"
#include "fuzzers/search/guest_hazard.h"
#include "fuzzers/search/place_plan.h"
#include "fuzzers/search/random.h"

namespace rmapdiff {

class GuestPlan {
  using Flags = GpteFlagsArg;

 public:
  GuestPlan(Random& random, const Header& header)
      : random_(random),
        header_(header),
        map_(header),
        probe_(random, header, map_, recent_),
        places_(random, header, map_) {
    if (!header.whole_mmu()) return;
    if (random_.Below(2) == 0) recent_.large = kUnusedTables;
    narrow_ = random_.Below(2) == 0;
    // Mostly below the first two leaf tables, whose addresses end where those of the windows begin.
    const uint32_t any = VaArg::kDomain.count;
    const uint32_t below_leaves = boot::kWays[boot::kHighWindow];
    hot_[0] = static_cast<uint8_t>(random_.Below(random_.Below(4) != 0 ? below_leaves : any));
    // Often the same entry by another way, which may give it fewer rights. The ways are kLeaf,
    // kReadOnlyLeaf, and the two directories to kLeaf again.
    static constexpr VaArg kWays[] = {VaArg::Of(0, 0, 0, 0), VaArg::Of(0, 0, 1, 0),
                                      VaArg::Of(0, 1, 3, 0), VaArg::Of(1, 1, 0, 0)};
    hot_[1] = static_cast<uint8_t>((hot_[0] & VaArg::kTable) | kWays[random_.Below(4)].value);
    if (random_.Below(4) == 0) hot_[1] = static_cast<uint8_t>(random_.Below(any));
  }

  template <typename AnyOp>
  void Aim(AnyOp& op) {
    if constexpr (requires { op.va; }) AimVa(&op.va);
    if constexpr (requires { op.hva; }) {
      // A page that the guest uses or has just given up, or a table, which the host does not know.
      const uint8_t pages[] = {recent_.page,        recent_.page,        recent_.page,
                               recent_.former_page, recent_.former_page, recent_.place.table};
      const uint32_t ticket = random_.Below(8);
      if (ticket < std::size(pages)) op.hva.value = pages[ticket];
    }
    if constexpr (requires { op.slot; }) {
      // A guest whose tables have no memory does nothing any more.
      if (random_.Below(8) != 0) op.slot.value = static_cast<uint8_t>(1 + random_.Below(3));
    }
  }
  // Mostly allowed: two of three blind accesses fault in the guest, and KVM has nothing to do.
  void Aim(ops::Access& op) {
    AimVa(&op.va);
    if (random_.Below(2) == 0) op.user.value = false;
    if (header_.protect == ProtectMode::kNone && random_.Below(4) != 0) op.kind.value = 0;
    if (boot::IsWindow(map_.PlaceOn(op.va, 1).table)) op.user.value = false;
  }
  // The table that the guest has just written to. Afterwards it is out of sync, and no vcpu can
  // write to it.
  void Aim(ops::InvalidatePage& op) {
    op.hva.value = random_.Below(2) == 0 ? recent_.place.table : recent_.page;
  }
  void Aim(ops::UnmapPage& op) {
    if (random_.Below(2) == 0) op.hva.value = recent_.page;
  }
  void Aim(ops::SetBacking& op) {
    if (random_.Below(4) != 0) op.hva.value = LargePage();
  }
  // Most operations have one top-up.
  void Aim(ops::FailAlloc& op) {
    if (random_.Below(2) == 0) op.nth.value = 1;
  }
  // An entry that fits its table: a data page in one of the last level, else a table below.
  void Aim(ops::SetGpte& op) {
    // The entry that has just been used or written, or one on the way to the last address. In a
    // race the other operation is just going that way.
    const uint32_t ticket = random_.Below(8);
    if (ticket < (races_with_walk_ ? 5 : 1)) {
      const bool last_level = random_.Below(2) == 0;
      const BootRoutes::Place place =
          map_.PlaceOn({recent_.va}, last_level ? 1 : 2 + static_cast<int>(random_.Below(3)));
      op.table.value = place.table;
      op.entry.value = place.entry;
    } else if (ticket < 6) {
      op.table.value = recent_.place.table;
      op.entry.value = recent_.place.entry;
    }
    // The hypercall is emulated whatever the state of the table, so it always has a window.
    if (race_ && random_.Below(2) == 0) op.via.value = ViaArg::kHypercall;
    const int level = map_.LevelOf(op.table.value);
    // So that KVM maps it at once.
    if (race_ && random_.Below(4) != 0) op.flags.value |= Flags::kPresent | Flags::kAccessed;
    if (level == 1 && random_.Below(3) == 0) {
      // Only its rights change; or the frame, which for the host is the same page.
      op.gfn.value = map_.PageBehind({op.table.value, op.entry.value});
      const uint32_t change = random_.Below(4);
      if (change == 0) Clear(Flags::kPresent, &op.flags.value);
      if (change == 1) op.gfn.value = map_.AliasOf(op.gfn.value);
    } else if (level == 1) {
      if (op.gfn.value < TableArg::kCount && random_.Below(8) != 0) op.gfn.value = DataPage();
      if (random_.Below(8) == 0) op.gfn.value = TableOf(1);  // one table maps another
      if (random_.Below(2) == 0)
        op.flags.value |= Flags::kWritable | Flags::kUser | Flags::kAccessed;
      Clear(Flags::kHuge, &op.flags.value);
    } else if (level > 2 || random_.Below(2) != 0) {
      if (random_.Below(8) != 0) op.gfn.value = TableOf(level - 1);
      if (op.gfn.value == boot::kEmptyLeaf && random_.Below(4) != 0) op.gfn.value = boot::kLeaf;
      Clear(Flags::kHuge | Flags::kNoExecute | Flags::kReserved, &op.flags.value);
      op.flags.value |= Flags::kPresent;
      if (random_.Below(8) != 0) op.flags.value |= Flags::kWritable | Flags::kUser;
    } else {
      op.gfn.value = LargePage();
      op.flags.value |= Flags::kHuge | Flags::kPresent;
    }
    if (random_.Below(6) == 0) op.via.value = ViaArg::kHost;
    // The window stays where it is, mostly: without it no table can be written.
    const uint8_t table = op.table.value;
    const bool window =
        table == boot::kDirectory || table == boot::kRoot || table == boot::kOtherRoot;
    if (level == 2 && window && boot::LeadsToWindow(op.entry.value) && random_.Below(16) != 0) {
      op.entry.value = static_cast<uint16_t>(op.entry.value & ~boot::kWindowBits);
    }
    if (level > 2 && random_.Below(8) != 0) op.entry.value |= 1;
  }
  void Aim(ops::LoadCr3& op) {
    op.table.value = random_.Below(2) == 0 ? recent_.root : Root();
    // Mostly those that are no reason for a #GP.
    if (random_.Below(4) != 0) Clear(Cr3Arg::kUpper | Cr3Arg::kHigh | Cr3Arg::kTop, &op.bits.value);
  }
  // The slot with the tables and most of the data stays, logged or not.
  void Aim(ops::LogDirty& op) { op.slot.value = LoggedSlot(); }
  void Aim(ops::GetDirtyLog& op) { op.slot.value = LoggedSlot(); }
  // Mostly all that was dirty, as userspace clears what it has fetched.
  void Aim(ops::ClearDirtyLog& op) {
    if (random_.Below(4) != 0) op.slot.value = recent_.logged;
    if (random_.Below(2) == 0) op.bits.value = 0xff;
  }
  // A slot that is read-only for long leaves the guest little to do.
  void Aim(ops::ReadOnlySlot& op) {
    if (random_.Below(4) != 0) op.anew.value = true;
    if (op.slot.value == 0 && random_.Below(2) == 0) op.read_only.value = false;
  }
  void Aim(ops::SetMode& op) {
    if (header_.protect != ProtectMode::kNone && random_.Below(4) != 0) {
      // Without WP the kernel stores into read-only user pages, which stay protected.
      op.wp.value = random_.Below(4) == 0;
      op.cr4.value = static_cast<uint8_t>(header_.protect);
    }
    if (header_.second != SecondMode::kNone && random_.Below(2) == 0) {
      const bool only = header_.mode == MmuMode::kNonPaging;
      op.table.value = only ? boot::kRoot : boot::kSecondRoot;
      op.paging.value = SecondPaging();
      if (random_.Below(4) != 0) op.pse.value = true;
      return;
    }
    op.table.value = Root();
    if (random_.Below(8) != 0) op.paging.value = PagingArg::kOn;
  }
  void Aim(ops::WriteCr4& op) {
    if (random_.Below(2) == 0) op.cr4.value = static_cast<uint8_t>(header_.protect);
  }
  void Aim(ops::ClearTable& op) { op.table.value = TableOf(1); }
  void Aim(ops::Fork& op) {
    op.from.value = TableOf(1);
    op.to.value = TableOf(1);
  }
  void Aim(ops::RepStore& op) { op.table.value = TableOf(1); }
  void Aim(ops::Burst& op) { op.table.value = random_.Below(2) != 0 ? TableOf(1) : TableOf(2); }
  void Aim(ops::Share& op) {
    op.table.value = TableOf(1);
    op.va.value = BootRoutes::VaOf(op.table.value, 0);
    op.count.value = static_cast<uint8_t>(op.count.value % 4 + 1);
  }
  void Aim(ops::SelfMap& op) { op.va.value = BootRoutes::VaOf(op.table.value, op.entry.value); }
  void Aim(ops::MoveMemslot& op) { AimSlot(&op.slot, &op.gfn); }
  void Aim(ops::Memslot& op) {
    AimSlot(&op.slot, &op.gfn);
    op.hva.value = static_cast<uint8_t>(random_.Below(2) != 0 ? op.gfn.value : DataPage());
  }
  void Aim(ops::PlaceMemslot& op) { places_.Aim(op); }
  void Aim(ops::SetPlace& op) {
    const int level = random_.Below(4) == 0 ? 2 : 1;
    const BootRoutes::Place place = map_.PlaceOn({recent_.va}, level);
    op.table.value = place.table;
    op.entry.value = place.entry;
    places_.Aim(op);
  }
  void Aim(ops::TouchPlace& op) { places_.Aim(op); }
  void Aim(ops::Notify& op) { places_.Aim(op); }
  void Aim(ops::RangeStart& op) { op.count.value = static_cast<uint8_t>(op.count.value % 4 + 1); }

  // An operation that has to come now, if any: the next of a probe, or the end of a range. A range
  // that is open stops everything.
  std::optional<Op> Due() {
    if (range_open_ && random_.Below(3) == 0) return Op(ops::RangeEnd{});
    if (due_.empty()) return std::nullopt;
    const Op op = due_.front();
    due_.erase(due_.begin());
    return op;
  }

  // Follows an operation.
  template <typename AnyOp>
  void Follow(const AnyOp& op) {
    races_with_walk_ = race_ && !std::is_same_v<AnyOp, ops::SetGpte>;
    race_ = std::is_same_v<AnyOp, ops::Race>;
    Note(op);
  }

 private:
  // The first of a large page whose tables are not in use at first.
  static constexpr uint8_t kUnusedTables = boot::kRepeatLeaf;

  template <typename AnyOp>
  void Note(const AnyOp&) {}
  void Note(const ops::Access& op) {
    recent_.va = op.va.value;
    const BootRoutes::Place place = map_.PlaceOn(op.va, 1);
    if (boot::IsWindow(place.table)) return;
    recent_.place = place;
    recent_.page = map_.PageBehind(place);
  }
  void Note(const ops::SetGpte& op) {
    const int level = map_.LevelOf(op.table.value);
    const BootRoutes::Place place{op.table.value, op.entry.value};
    if (level == 1) {
      uint8_t& page = map_.PageBehind(place);
      if (op.gfn.value != page) recent_.former_page = page;
      recent_.page = page = op.gfn.value;
    }
    const bool on_the_way = map_.PlaceOn({recent_.va}, level) == place;
    if (!on_the_way) recent_.va = BootRoutes::VaOf(place.table, place.entry);
    recent_.place = place;
    const bool large = level > 1 && (op.flags.value & Flags::kHuge) != 0;
    if (large) recent_.large = FirstOfLarge(op.gfn.value);
    if (!due_.empty()) return;
    const uint32_t ticket = random_.Below(32);
    if (ticket < 4) due_ = large ? probe_.AtLargePage() : probe_.AfterStore(op);
    if (ticket == 4 || ticket == 5) due_ = DrawHazard(random_, header_, map_);
    if (ticket == 6 && range_open_) due_ = {ops::ChangeRange{DrawChange()}};
  }
  void Note(const ops::SetBacking& op) {
    recent_.large = FirstOfLarge(op.hva.value);
    if (due_.empty() && op.level.value > 1 && random_.Below(2) == 0) due_ = probe_.AtLargePage();
  }
  // A vcpu waits for the page, and may be elsewhere when it is back.
  void Note(const ops::UnmapPage& op) {
    if (!due_.empty() || op.hva.value != recent_.page || random_.Below(2) == 0) return;
    const VcpuArg vcpu{static_cast<uint8_t>(random_.Below(header_.vcpus()))};
    const ops::Access access{vcpu, {recent_.va}, {AccessArg::kRead}, {false}, {0}, {0}};
    due_ = {access};
    const uint32_t ticket = random_.Below(4);
    const uint8_t other = recent_.root == boot::kRoot ? boot::kOtherRoot : boot::kRoot;
    if (ticket == 0) due_.push_back(ops::LoadCr3{vcpu, {other}});
    if (ticket == 1) {
      due_.push_back(
          ops::SetMode{vcpu, {PagingArg::kOff}, {true}, {false}, {true}, {recent_.root}});
    }
    due_.push_back(ops::PageReady{vcpu});
    due_.push_back(access);
  }
  void Note(const ops::Fork& op) { recent_.va = BootRoutes::VaOf(op.to.value, 0); }
  void Note(const ops::RepStore& op) {
    recent_.va = BootRoutes::VaOf(op.table.value, op.entry.value);
  }
  void Note(const ops::Burst& op) { recent_.va = BootRoutes::VaOf(op.table.value, op.entry.value); }
  void Note(const ops::LoadCr3& op) {
    if (op.table.value == boot::kRoot || op.table.value == boot::kOtherRoot)
      recent_.root = op.table.value;
  }
  void Note(const ops::PlaceMemslot& op) {
    places_.Follow(op);
    if (!due_.empty() || op.pages.value == 0 || random_.Below(2) == 0) return;
    const auto vcpu = static_cast<uint8_t>(random_.Below(header_.vcpus()));
    due_ = places_.UseOfSlot({vcpu}, {recent_.va});
  }
  void Note(const ops::RangeStart&) { range_open_ = true; }
  void Note(const ops::RangeEnd&) { range_open_ = false; }

  // The address of before, or one that differs from it in one table's entry. The other one shares
  // tables with it, or leads to the same by others.
  void AimVa(VaArg* va) {
    DrawVa(va);
    if (header_.mode >= MmuMode::kNonPaging) return;
    // The guest begins with eight entries a table. With PAE and 32-bit paging it begins in the
    // lower half of the address space.
    if (random_.Below(4) != 0) Clear(boot::kEntries, &va->value);
    if (header_.mode != MmuMode::kLong && random_.Below(16) != 0) Clear(VaArg::kTop, &va->value);
  }
  void DrawVa(VaArg* va) {
    static constexpr uint8_t kParts[] = {VaArg::kTop, VaArg::kThird, VaArg::kDirectory,
                                         VaArg::kTable};
    if (header_.mode >= MmuMode::kNonPaging && random_.Below(4) == 0) {
      va->value = static_cast<uint8_t>(recent_.large + random_.Below(8));  // an address is a frame
      return;
    }
    if (narrow_ && random_.Below(8) != 0) {
      va->value = hot_[random_.Below(4) / 3];
      return;
    }
    const uint32_t ticket = random_.Below(8);
    if (ticket < 4) va->value = recent_.va;
    if (ticket >= 6) {
      const uint8_t part = kParts[random_.Below(4)];
      va->value = static_cast<uint8_t>((recent_.va & ~part) | (random_.Below(256) & part));
    }
  }
  // The first frame of a large page. Mostly it is the last one that the guest or the host wanted,
  // as it takes both. Else it is one of data, or around the guest's tables.
  uint8_t LargePage() {
    if (random_.Below(4) != 0) return recent_.large;
    static constexpr uint8_t kFirst[] = {
        boot::kLargePage,      boot::kLargePage, boot::kLargePage + 8, boot::kDataPages,
        boot::kOtherLargePage, boot::kRoot,      kUnusedTables,        kUnusedTables};
    return kFirst[random_.Below(8)];
  }
  static void Clear(unsigned bits, uint8_t* value) {
    *value = static_cast<uint8_t>(*value & ~bits);
  }
  static uint8_t FirstOfLarge(uint8_t page) { return static_cast<uint8_t>(page & ~7u); }
  uint8_t Root() {
    if (random_.Below(32) == 0) return boot::kEmptyRoot;
    return random_.Below(3) == 0 ? boot::kOtherRoot : boot::kRoot;
  }
  ChangeArg DrawChange() { return {static_cast<uint8_t>(random_.Below(ChangeArg::kLarge))}; }
  uint8_t SecondPaging() const {
    static constexpr uint8_t kModes[] = {PagingArg::kOn, PagingArg::kLong, PagingArg::kPae,
                                         PagingArg::k32Bit};
    return kModes[static_cast<size_t>(header_.second)];
  }
  uint8_t LoggedSlot() {
    if (random_.Below(2) == 0) {
      recent_.logged = static_cast<uint8_t>(random_.Below(2) * random_.Below(4));
    }
    return recent_.logged;
  }
  uint8_t DataPage() {
    const uint8_t first[] = {boot::kDataPages, boot::kDataPages, boot::kLargePage,
                             header_.layout().FirstAlias()};
    return static_cast<uint8_t>(first[random_.Below(4)] + random_.Below(4));
  }
  void AimSlot(SlotArg* slot, GfnArg* gfn) {
    if (random_.Below(8) == 0) return;
    slot->value = static_cast<uint8_t>(1 + random_.Below(3));
    gfn->value = static_cast<uint8_t>(boot::kOtherLargePage + random_.Below(64));
  }
  uint8_t TableOf(int level) { return BootRoutes::TablesOf(level)[random_.Below(4)]; }

  Random& random_;
  const Header& header_;
  BootRoutes map_;
  Recent recent_;
  Aftermath probe_;
  PlacePlan places_;
  bool narrow_ = false;  // one address most of the time, and another: much happens to them
  uint8_t hot_[2] = {};
  std::vector<Op> due_;  // of a probe
  bool range_open_ = false;
  bool race_ = false;             // the last operation makes one ready
  bool races_with_walk_ = false;  // the last operation is the first of one, and walks
};

}  // namespace rmapdiff

#endif  // RMAPDIFF_FUZZERS_SEARCH_GUEST_PLAN_H_
