// The guest of a program on a whole MMU, as far as its boot tables go (guest_boot.h): what a table
// is for, what its entries map, and which addresses lead to the entry that was written last.
//
// Blind draws hardly ever store an entry that a walk then uses, and most accesses only fault in the
// guest. Half of the programs stay at one address, and another; after some stores a probe follows,
// operations that show what is left of the old entry. The plan is a guess and may be wrong.
#ifndef RMAPDIFF_FUZZERS_GUEST_PLAN_H_
#define RMAPDIFF_FUZZERS_GUEST_PLAN_H_

#include <algorithm>
#include <array>
#include <cstdint>
#include <iterator>
#include <optional>
#include <type_traits>
#include <vector>

#include "fuzzers/program.h"
#include "fuzzers/random.h"

namespace rmapdiff {

class GuestPlan {
 public:
  GuestPlan(Random& random, const Header& header) : random_(random), header_(header) {
    if (!header.whole_mmu()) return;
    for (auto& table : pages_) table.fill(16);
    for (uint8_t entry = 0; entry < 8; ++entry) {
      pages_[3][entry] = pages_[4][entry] = static_cast<uint8_t>(16 + entry);
    }
    if (random_.Below(2) == 0) last_large_ = 8;  // around tables that are not in use at first
    narrow_ = random_.Below(2) == 0;
    hot_[0] = static_cast<uint8_t>(random_.Below(random_.Below(4) != 0 ? 0x20 : 0x100));
    // Often the same entry by another way, which may give it fewer rights.
    static constexpr uint8_t kWays[] = {0x00, 0x10, 0x70, 0xc0};
    hot_[1] = static_cast<uint8_t>((hot_[0] & 0x0fu) | kWays[random_.Below(4)]);
    if (random_.Below(4) == 0) hot_[1] = static_cast<uint8_t>(random_.Below(256));
  }

  template <typename AnyOp>
  void Aim(AnyOp& op) {
    if constexpr (requires { op.va; }) AimVa(&op.va);
    if constexpr (requires { op.hva; }) {
      // What the guest uses, has just given up, or has its tables in, which the host does not know.
      const uint8_t pages[] = {last_page_,   last_page_,   last_page_,
                               former_page_, former_page_, last_table_};
      const uint32_t ticket = random_.Below(8);
      if (ticket < std::size(pages)) op.hva.index = pages[ticket];
    }
    if constexpr (requires { op.slot; }) {
      // A guest whose tables have no memory does nothing any more.
      if (random_.Below(8) != 0) op.slot.slot = static_cast<uint8_t>(1 + random_.Below(3));
    }
  }
  // Mostly allowed: two of three blind accesses fault in the guest, and KVM has nothing to do.
  void Aim(ops::Access& op) {
    AimVa(&op.va);
    if (random_.Below(2) == 0) op.user.on = false;
    if (IsWindow(PlaceOn(op.va, 1).table)) op.user.on = false;
  }
  // The table that the guest has just written to: then it is out of sync and nobody can write to
  // it.
  void Aim(ops::InvalidatePage& op) {
    op.hva.index = random_.Below(2) == 0 ? last_table_ : last_page_;
  }
  void Aim(ops::SetBacking& op) {
    if (random_.Below(4) != 0) op.hva.index = LargePage();
  }
  // Most operations have one top-up.
  void Aim(ops::FailAlloc& op) {
    if (random_.Below(2) == 0) op.nth.count = 1;
  }
  // An entry that fits its table: a data page in one of the last level, else a table below.
  void Aim(ops::SetGpte& op) {
    // The entry that has just been used or written, or one on the way to the last address: the way
    // that the other is just going in a race.
    const uint32_t ticket = random_.Below(8);
    if (ticket < (races_with_walk_ ? 5 : 1)) {
      const bool last_level = random_.Below(2) == 0;
      const Place place =
          PlaceOn({last_va_}, last_level ? 1 : 2 + static_cast<int>(random_.Below(3)));
      op.table.index = place.table;
      op.entry.index = place.entry;
    } else if (ticket < 6) {
      op.table.index = last_table_;
      op.entry.index = last_entry_;
    }
    // The hypercall is emulated whatever the state of the table, so it always has a window.
    if (race_ && random_.Below(2) == 0) op.via.value = ViaArg::kHypercall;
    const int level = LevelOf(op.table.index);
    if (race_ && random_.Below(4) != 0) op.flags.bits |= 9;  // so that KVM maps it at once
    if (level == 1 && random_.Below(3) == 0) {
      op.gfn.index = PageBehind(op.table.index, op.entry.index);  // only its rights change
      if (random_.Below(4) == 0) op.flags.bits = static_cast<uint8_t>(op.flags.bits & ~1u);
    } else if (level == 1) {
      if (op.gfn.index < TableArg::kCount && random_.Below(8) != 0) op.gfn.index = DataPage();
      if (random_.Below(8) == 0) op.gfn.index = TableOf(1);  // one table maps another
      if (random_.Below(2) == 0) op.flags.bits |= 0xe;
      op.flags.bits = static_cast<uint8_t>(op.flags.bits & ~0x20u);
    } else if (level > 2 || random_.Below(2) != 0) {
      if (random_.Below(8) != 0) op.gfn.index = TableOf(level - 1);
      if (op.gfn.index == 9 && random_.Below(4) != 0) op.gfn.index = 3;  // 9 is empty at first
      op.flags.bits = static_cast<uint8_t>((op.flags.bits & ~0xe0u) | 1u);
      if (random_.Below(8) != 0) op.flags.bits |= 6u;
    } else {
      op.gfn.index = LargePage();
      op.flags.bits |= 0x21;
    }
    if (random_.Below(6) == 0) op.via.value = ViaArg::kHost;
    // The window stays where it is, mostly: without it no table can be written.
    const bool window = op.table.index == 2 || op.table.index == 0 || op.table.index == 7;
    if (level == 2 && window && (op.entry.index & 6u) == 2 && random_.Below(16) != 0) {
      op.entry.index = static_cast<uint16_t>(op.entry.index & ~6u);
    }
    if (level > 2 && random_.Below(8) != 0) op.entry.index |= 1;
  }
  void Aim(ops::LoadCr3& op) { op.table.index = random_.Below(2) == 0 ? last_root_ : Root(); }
  // The slot with the tables and most of the data stays, logged or not.
  void Aim(ops::LogDirty& op) { op.slot.slot = LoggedSlot(); }
  void Aim(ops::GetDirtyLog& op) { op.slot.slot = LoggedSlot(); }
  void Aim(ops::SetMode& op) {
    op.table.index = Root();
    if (random_.Below(8) != 0) op.paging.value = PagingArg::kOn;
  }
  void Aim(ops::ClearTable& op) { op.table.index = TableOf(1); }
  void Aim(ops::Fork& op) {
    op.from.index = TableOf(1);
    op.to.index = TableOf(1);
  }
  void Aim(ops::RepStore& op) { op.table.index = TableOf(1); }
  void Aim(ops::Burst& op) { op.table.index = random_.Below(2) != 0 ? TableOf(1) : TableOf(2); }
  void Aim(ops::Share& op) {
    op.table.index = TableOf(1);
    op.va.path = VaOf(op.table.index, 0);
    op.count.count = static_cast<uint8_t>(op.count.count % 4 + 1);
  }
  void Aim(ops::SelfMap& op) { op.va.path = VaOf(op.table.index, op.entry.index); }
  void Aim(ops::MoveMemslot& op) { AimSlot(&op.slot, &op.gfn); }
  void Aim(ops::Memslot& op) {
    AimSlot(&op.slot, &op.gfn);
    op.hva.index = static_cast<uint8_t>(random_.Below(2) != 0 ? op.gfn.index : DataPage());
  }
  void Aim(ops::RangeStart& op) { op.count.count = static_cast<uint8_t>(op.count.count % 4 + 1); }

  // An operation that has to come now, if there is one: the end of a range, as one that is open
  // stops everything, or the next of a probe.
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
  template <typename AnyOp>
  void Note(const AnyOp&) {}
  void Note(const ops::Access& op) {
    last_va_ = op.va.path;
    const Place place = PlaceOn(op.va, 1);
    if (IsWindow(place.table)) return;
    last_table_ = place.table;
    last_entry_ = place.entry;
    last_page_ = PageBehind(place.table, place.entry);
  }
  void Note(const ops::SetGpte& op) {
    if (LevelOf(op.table.index) == 1) {
      uint8_t& page = PageBehind(op.table.index, op.entry.index);
      if (op.gfn.index != page) former_page_ = page;
      last_page_ = page = op.gfn.index;
    }
    const Place place = PlaceOn({last_va_}, LevelOf(op.table.index));
    const bool on_the_way = place.table == op.table.index && place.entry == op.entry.index;
    if (!on_the_way) last_va_ = VaOf(op.table.index, op.entry.index);
    last_table_ = op.table.index;
    last_entry_ = op.entry.index;
    if (random_.Below(8) == 0) Probe();
    if ((op.flags.bits & 0x20u) != 0) last_large_ = FirstOfLarge(op.gfn.index);
  }
  void Note(const ops::SetBacking& op) { last_large_ = FirstOfLarge(op.hva.index); }
  void Note(const ops::Fork& op) { last_va_ = VaOf(op.to.index, 0); }
  void Note(const ops::RepStore& op) { last_va_ = VaOf(op.table.index, op.entry.index); }
  void Note(const ops::Burst& op) { last_va_ = VaOf(op.table.index, op.entry.index); }
  void Note(const ops::LoadCr3& op) {
    if (op.table.index == 0 || op.table.index == 7) last_root_ = op.table.index;
  }
  void Note(const ops::RangeStart&) { range_open_ = true; }
  void Note(const ops::RangeEnd&) { range_open_ = false; }

  // After a change, what a guest may see of the old entry, and what not any more: the address is
  // used, a vcpu flushes, and the address is used again. In between the host takes a page away,
  // which nobody may use after that, or another vcpu goes first.
  void Probe() {
    ops::Access use;
    use.vcpu = Vcpu();
    use.va.path = last_va_;
    use.type.value = static_cast<uint8_t>(random_.Below(2));
    use.user.on = random_.Below(2) != 0;
    const uint8_t pages[] = {last_table_, last_table_, former_page_, last_page_};
    const GfnArg page{pages[random_.Below(4)]};
    due_.clear();
    if (random_.Below(2) == 0) due_.push_back(use);
    if (random_.Below(3) == 0) due_.push_back(ops::InvalidatePage{page});
    if (random_.Below(3) == 0) due_.push_back(ops::MovePage{page});
    due_.push_back(use);
    if (random_.Below(3) == 0) due_.push_back(ops::LoadCr3{Vcpu(), TableArg{last_root_}});
    switch (random_.Below(3)) {
      case 0:
        due_.push_back(ops::Invlpg{use.vcpu, use.va});
        break;
      case 1:
        due_.push_back(ops::LoadCr3{use.vcpu, TableArg{last_root_}});
        break;
      default:
        DueAtOtherRoot(use.vcpu, Vcpu());
    }
    due_.push_back(use);
  }
  // Both go to the other root, where the second one is the first to store: into a root, which is
  // write-protected, so that KVM walks and links for it, and it does not enter the guest.
  void DueAtOtherRoot(VcpuArg first, VcpuArg second) {
    const TableArg root{static_cast<uint8_t>(last_root_ == 0 ? 7 : 0)};
    due_.push_back(ops::LoadCr3{second, root});
    due_.push_back(ops::LoadCr3{first, root});
    due_.push_back(ops::SetGpte{second, {0}, {7}, {}, {}, {}});
  }
  VcpuArg Vcpu() { return {static_cast<uint8_t>(random_.Below(header_.vcpus()))}; }

  // The address of before; or one that differs from it in one table's entry, and so shares tables
  // with it, or leads to the same by others.
  void AimVa(VaArg* va) {
    DrawVa(va);
    if (header_.mode >= MmuMode::kNonPaging) return;
    // What the guest begins with: eight entries a table, and of PAE's and 32-bit paging's address
    // space the lower half.
    if (random_.Below(4) != 0) va->path &= 0xf7;
    if (header_.mode != MmuMode::kLong && random_.Below(16) != 0) va->path &= 0x7f;
  }
  void DrawVa(VaArg* va) {
    static constexpr uint8_t kPaths[] = {0x80, 0x40, 0x30, 0x0f};
    if (header_.mode >= MmuMode::kNonPaging && random_.Below(4) == 0) {
      va->path = static_cast<uint8_t>(last_large_ + random_.Below(8));  // an address is a frame
      return;
    }
    if (narrow_ && random_.Below(8) != 0) {
      va->path = hot_[random_.Below(4) / 3];
      return;
    }
    const uint32_t ticket = random_.Below(8);
    if (ticket < 4) va->path = last_va_;
    if (ticket >= 6) {
      const uint8_t part = kPaths[random_.Below(4)];
      va->path = static_cast<uint8_t>((last_va_ & ~part) | (random_.Below(256) & part));
    }
  }
  // The first frame of a large page: the last one that was wanted, by the guest or the host, as it
  // takes both; or one of data, or around the guest's tables.
  uint8_t LargePage() {
    if (random_.Below(4) != 0) return last_large_;
    static constexpr uint8_t kFirst[] = {32, 32, 40, 16, 64, 0, 8, 8};
    return kFirst[random_.Below(8)];
  }
  static uint8_t FirstOfLarge(uint8_t page) { return static_cast<uint8_t>(page & ~7u); }
  uint8_t Root() {
    if (random_.Below(32) == 0) return 14;
    return random_.Below(3) == 0 ? 7 : 0;
  }
  // What an entry of level 1 maps, as far as is known.
  uint8_t& PageBehind(uint32_t table, uint32_t entry) { return pages_[table % 16][entry % 16]; }
  static bool IsWindow(uint32_t table) { return table == 5 || table == 6; }
  uint8_t LoggedSlot() {
    if (random_.Below(2) == 0) {
      last_logged_ = static_cast<uint8_t>(random_.Below(2) * random_.Below(4));
    }
    return last_logged_;
  }
  uint8_t DataPage() {
    const uint8_t alias = header_.limits == LimitsMode::kTiny ? 60 : 96;
    const uint8_t first[] = {16, 16, 32, alias};
    return static_cast<uint8_t>(first[random_.Below(4)] + random_.Below(4));
  }
  void AimSlot(SlotArg* slot, GfnArg* gfn) {
    if (random_.Below(8) == 0) return;
    slot->slot = static_cast<uint8_t>(1 + random_.Below(3));
    gfn->index = static_cast<uint8_t>(64 + random_.Below(64));
  }
  // By paging mode, the level of the table; of the root, the mode's own.
  int LevelOf(uint32_t table) const {
    static constexpr int kLevels[TableArg::kCount] = {4, 3, 2, 1, 1, 1, 1, 4,
                                                      1, 1, 1, 1, 2, 3, 4, 1};
    return std::min(kLevels[table], TopLevel());
  }
  int TopLevel() const {
    return header_.mode == MmuMode::k32Bit ? 2 : header_.mode == MmuMode::kPae ? 3 : 4;
  }
  uint8_t TableOf(int level) {
    static constexpr uint8_t kTables[3][4] = {{3, 4, 8, 9}, {2, 2, 12, 12}, {1, 13, 1, 13}};
    return kTables[level - 1][random_.Below(4)];
  }
  struct Place {
    uint8_t table;
    uint16_t entry;
  };
  // The entry of `level`, or of the root below it, that the address led through when the program
  // began.
  Place PlaceOn(VaArg va, int level) const {
    static constexpr uint8_t kTables[2][4] = {{3, 4, 6, 5}, {8, 8, 8, 3}};
    const uint32_t second = va.top() ^ va.third();  // the way through table 12, not 2
    const uint32_t quarter = va.top() << 1 | va.third();
    const auto place = [](uint32_t table, uint32_t entry) {
      return Place{static_cast<uint8_t>(table), static_cast<uint16_t>(entry)};
    };
    if (level == 1) {
      return place(kTables[second][va.directory()], va.table() % header_.guest_entries());
    }
    if (level == 2 && TopLevel() > 2) return place(second != 0 ? 12 : 2, va.directory());
    if (level == 3 && TopLevel() > 3) return place(va.top() != 0 ? 13 : 1, va.third());
    if (TopLevel() == 2) return place(0, quarter * header_.guest_entries() / 4 + va.directory());
    return place(0, TopLevel() == 3 ? quarter : va.top());
  }
  // An address that led through that entry when the program began.
  static uint8_t VaOf(uint32_t table, uint32_t entry) {
    switch (table) {
      case 3:
        return static_cast<uint8_t>(entry & 15u);
      case 4:
        return static_cast<uint8_t>(0x10 | (entry & 15u));
      case 8:
      case 9:
        return static_cast<uint8_t>(0x60 | (entry & 15u));
      case 12:
        return static_cast<uint8_t>(0x40 | (entry & 3u) << 4 | (entry >> 2 & 3u));
      case 1:
        return static_cast<uint8_t>((entry & 1u) << 6);
      case 13:
        return static_cast<uint8_t>(0x80 | (entry & 1u) << 6);
      default:
        return static_cast<uint8_t>((entry & 3u) << 4);
    }
  }

  Random& random_;
  const Header& header_;
  std::array<std::array<uint8_t, 16>, TableArg::kCount> pages_;
  bool narrow_ = false;  // one address most of the time, and another: much happens to them
  uint8_t hot_[2] = {};
  uint8_t last_va_ = 0;
  uint8_t last_page_ = 16;
  uint8_t former_page_ = 17;
  uint8_t last_large_ = 32;
  uint8_t last_root_ = 0;
  uint8_t last_logged_ = 0;
  uint8_t last_table_ = 3;
  uint16_t last_entry_ = 0;
  std::vector<Op> due_;  // of a probe
  bool range_open_ = false;
  bool race_ = false;             // the last operation makes one ready
  bool races_with_walk_ = false;  // the last operation is the first of one, and walks
};

}  // namespace rmapdiff

#endif  // RMAPDIFF_FUZZERS_GUEST_PLAN_H_
