// Aims operations at memslots whose ends lie beside boundaries (places.h). Userspace makes, moves,
// logs and deletes such slots. The guest maps and touches their edges. The host changes the pages
// behind them.
//
// Of the slots it remembers the last one that was asked for. It is a guess: the request may have
// been refused.
#ifndef RMAPDIFF_FUZZERS_SEARCH_PLACE_PLAN_H_
#define RMAPDIFF_FUZZERS_SEARCH_PLACE_PLAN_H_

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <vector>

#include "fuzzers/guest/boot_routes.h"
#include "fuzzers/program/fields.h"
#include "fuzzers/program/program.h"
#include "fuzzers/search/random.h"

namespace rmapdiff {

class PlacePlan {
 public:
  // Keeps the references.
  PlacePlan(Random& random, const Header& header, const BootRoutes& map)
      : random_(random), header_(header), map_(map) {}

  void Aim(ops::PlaceMemslot& op) {
    const uint32_t ticket = random_.Below(10);
    if (ticket == 0) return;  // blind
    if (ticket < 4 && known_) {
      const bool log = op.log.value;
      const uint8_t gfn = op.gfn.value;
      op = slot_;
      if (ticket == 1) op.pages.value = 0;
      if (ticket == 2) op.gfn.value = gfn;
      if (ticket == 3) op.log.value = !op.log.value || log;
      return;
    }
    // Ids that no slot has at first. The others are in the way of each new size.
    static constexpr uint8_t kIds[] = {3, 3, 4, 31};
    if (random_.Below(8) != 0) op.slot.value = kIds[random_.Below(std::size(kIds))];
    if (op.pages.value == 0) op.pages.value = static_cast<uint8_t>(1 + random_.Below(kSizes - 1));
    if (ticket < 6 && known_) {  // adjacent
      op.slot.value = slot_.slot.value == 3 ? 4 : 3;
      op.gfn.value = Beside(Number(slot_.gfn) + Number(slot_.pages));
      op.hva.value = Beside(Number(slot_.hva) + Number(slot_.pages));
      return;
    }
    if (random_.Below(4) != 0) op.gfn.value = BeyondTheFirstSlots();
    AimHva(op);
  }
  // The edges of the slot, and their neighbours.
  void Aim(ops::SetPlace& op) {
    if (random_.Below(8) != 0) op.gfn.value = Edge(slot_.gfn);
    op.flags.value |= GpteFlagsArg::kPresent | GpteFlagsArg::kAccessed;
    if (random_.Below(4) != 0) op.flags.value |= GpteFlagsArg::kWritable | GpteFlagsArg::kUser;
    const int level = map_.LevelOf(op.table.value);
    constexpr uint8_t kNotHuge = static_cast<uint8_t>(~unsigned{GpteFlagsArg::kHuge});
    if (level == 1) op.flags.value &= kNotHuge;
    if (level == 2) op.flags.value |= GpteFlagsArg::kHuge;
    if (random_.Below(8) != 0) {
      constexpr unsigned kWrong = GpteFlagsArg::kReserved | GpteFlagsArg::kNoExecute;
      op.flags.value = static_cast<uint8_t>(op.flags.value & ~kWrong);
    }
  }
  void Aim(ops::TouchPlace& op) {
    if (random_.Below(4) != 0) op.page.value = Edge(slot_.gfn);
    if (random_.Below(2) != 0) op.user.value = false;
  }
  void Aim(ops::Notify& op) {
    const uint32_t ticket = random_.Below(8);
    if (ticket < 4) op.hva.value = Edge(slot_.hva);
    // A page of data, which the guest uses, or a table.
    if (ticket >= 4 && ticket < 7) {
      const uint32_t pages[] = {boot::kDataPages, boot::kDataPages + random_.Below(4),
                                boot::kLargePage, boot::kLeaf};
      op.hva.value = Beside(header_.layout().gfn(pages[random_.Below(4)]));
    }
    if (op.change.value >= ChangeArg::kLarge && random_.Below(2) != 0) {
      op.change.value = ChangeArg::kMove;
    }
  }

  // The edge of what the slot was last asked for.
  uint8_t Edge(PlaceArg first) {
    const uint64_t begin = Number(first), end = begin + Number(slot_.pages);
    const uint64_t edges[] = {begin,   begin, begin + 1, end - 1,
                              end - 1, end,   begin - 1, (begin + end) / 2};
    return Beside(edges[random_.Below(std::size(edges))]);
  }
  void Follow(const ops::PlaceMemslot& op) {
    if (op.pages.value == 0) return;
    slot_ = op;
    known_ = true;
  }

  // A new slot comes into use. Its host pages may become large, and the guest maps or touches it.
  // Then it is logged, loses a page, moves or goes. `va` is an address below a leaf table.
  std::vector<Op> UseOfSlot(VcpuArg vcpu, VaArg va) {
    std::vector<Op> steps;
    if (random_.Below(2) == 0) {
      const auto size = static_cast<uint8_t>(ChangeArg::kLarge + random_.Below(2));
      steps.push_back(ops::Notify{{Edge(slot_.hva)}, {size}, {NotifierArg::kRange}});
    }
    const PlaceArg page{Edge(slot_.gfn)};
    const Op use = UseOf(vcpu, va, page, AccessArg::kWrite, steps);
    steps.push_back(use);
    switch (random_.Below(5)) {
      case 0:
        steps.push_back(WithLog(true));
        steps.push_back(use);
        steps.push_back(ops::GetDirtyLog{{static_cast<uint8_t>(slot_.slot.value % 4)}});
        break;
      case 1:
        steps.push_back(DrawNotify(slot_.hva));
        break;
      case 2: {
        ops::PlaceMemslot moved = slot_;
        moved.gfn.value = static_cast<uint8_t>(random_.Below(kPlaces));
        steps.push_back(moved);
        break;
      }
      case 3: {
        ops::PlaceMemslot gone = slot_;
        gone.pages.value = 0;
        steps.push_back(gone);
        break;
      }
      default:
        break;
    }
    steps.push_back(use);
    return steps;
  }
  // Host pages at an edge change.
  ops::Notify DrawNotify(PlaceArg hva) {
    return {{Edge(hva)},
            {static_cast<uint8_t>(random_.Below(ChangeArg::kLarge))},
            {static_cast<uint8_t>(random_.Below(3))}};
  }

 private:
  uint64_t Number(PlaceArg arg) const { return ListedNumber(arg.kDomain, header_, arg.value); }
  uint64_t Number(SizeArg arg) const { return ListedNumber(arg.kDomain, header_, arg.value); }
  // The place of the number, or the next one in the list.
  uint8_t Beside(uint64_t number) const {
    const auto& places = kPlaceTables[static_cast<size_t>(header_.limits)];
    const auto found = std::lower_bound(places.begin(), places.end(), number);
    return static_cast<uint8_t>(std::min<std::ptrdiff_t>(found - places.begin(), kPlaces - 1));
  }
  uint8_t BeyondTheFirstSlots() {
    Gfn end = 0;
    for (const SlotLayout& slot : header_.layout().slots) {
      end = std::max(end, slot.base_gfn + slot.npages);
    }
    const uint8_t first = Beside(end);
    return static_cast<uint8_t>(first + random_.Below(kPlaces - first));
  }
  // Aligned with the gfn at both levels, at one, at none; or the pages of another slot.
  void AimHva(ops::PlaceMemslot& op) {
    const uint64_t gfn = Number(op.gfn);
    const uint64_t block = header_.layout().frames(2);
    const uint64_t base = block * random_.Below(16);
    const uint64_t choices[] = {gfn, base + gfn % block, base + (gfn + 1) % block, base,
                                boot::kDataPages};
    op.hva.value = Beside(choices[random_.Below(std::size(choices))]);
  }
  ops::PlaceMemslot WithLog(bool on) const {
    ops::PlaceMemslot logged = slot_;
    logged.log.value = on;
    return logged;
  }
  // An access to the page. With tables, `steps` gets a store that lets the address lead there.
  Op UseOf(VcpuArg vcpu, VaArg va, PlaceArg page, AccessArg::Value type, std::vector<Op>& steps) {
    if (header_.mode >= MmuMode::kNonPaging) {
      return ops::TouchPlace{vcpu, page, {type}, {false}, {}, {1}};
    }
    constexpr uint8_t kFlags = GpteFlagsArg::kPresent | GpteFlagsArg::kWritable |
                               GpteFlagsArg::kUser | GpteFlagsArg::kAccessed | GpteFlagsArg::kDirty;
    const bool large = random_.Below(3) == 0;
    const BootRoutes::Place place = map_.PlaceOn(va, large ? 2 : 1);
    const auto flags = static_cast<uint8_t>(large ? kFlags | GpteFlagsArg::kHuge : kFlags);
    const auto via = static_cast<uint8_t>(random_.Below(2) == 0 ? ViaArg::kHost : ViaArg::kGuest);
    steps.push_back(ops::SetPlace{vcpu, {place.table}, {place.entry}, page, {flags}, {via}});
    return ops::Access{vcpu, va, {type}, {true}, {}, {1}};
  }

  Random& random_;
  const Header& header_;
  const BootRoutes& map_;
  ops::PlaceMemslot slot_;
  bool known_ = false;
};

}  // namespace rmapdiff

#endif  // RMAPDIFF_FUZZERS_SEARCH_PLACE_PLAN_H_
