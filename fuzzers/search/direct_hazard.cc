#include "fuzzers/search/direct_hazard.h"

#include <iterator>

namespace rmapdiff {
namespace {

// Two vcpus, a page of data, and a large page.
class DirectHazard {
 public:
  DirectHazard(Random& random, const Header& header, const BootRoutes& map)
      : random_(random), header_(header), map_(map) {
    first_.value = static_cast<uint8_t>(random.Below(header.vcpus()));
    second_.value = static_cast<uint8_t>((first_.value + 1) % header.vcpus());
    page_ = static_cast<uint8_t>(boot::kDataPages + random.Below(4));
    large_ = random.Below(2) == 0 ? boot::kLargePage : boot::kOtherLargePage;
    frame_ = static_cast<uint8_t>(large_ + random.Below(8));
  }

  // A large page is in use when its slot's log begins. Each write after that has to be noticed, by
  // the vcpu that has the large page in its TLB as well.
  std::vector<Op> LoggedLargePage() {
    const SlotArg slot = SlotOfLarge();
    return {ops::LogDirty{slot, {false}}, ops::SetBacking{{large_}, {2}},
            Write(first_, frame_),        Write(second_, Neighbour()),
            ops::LogDirty{slot, {true}},  Write(second_, Neighbour()),
            ops::GetDirtyLog{slot},       Write(first_, frame_),
            Write(second_, Neighbour()),  ops::GetDirtyLog{slot}};
  }

  // A frame of a large page moves, and the block is mapped in small pages from then on. Nothing may
  // reach the old frame.
  std::vector<Op> FrameOfLargePageMoves() {
    return {ops::SetBacking{{large_}, {2}}, Use(first_, frame_),  Use(second_, Neighbour()),
            ops::MovePage{{frame_}},        Use(second_, frame_), Use(first_, frame_),
            ops::SetBacking{{large_}, {2}}, Use(first_, frame_),  ops::AgePage{{frame_}},
            ops::TestYoung{{frame_}},       Use(second_, frame_), ops::TestYoung{{frame_}}};
  }

  // Two frames of the guest are on one host page. All that happens to the page happens to both.
  std::vector<Op> TwoFramesOnAPage() {
    const uint8_t alias = map_.AliasOf(page_);
    const Op changes[] = {ops::MergePage{{page_}}, ops::MovePage{{page_}}, ops::UnmapPage{{page_}},
                          ops::InvalidatePage{{page_}}};
    return {Write(first_, page_),  Write(second_, alias),   ops::AgePage{{page_}},
            Use(first_, alias),    ops::TestYoung{{page_}}, changes[random_.Below(4)],
            Use(second_, alias),   Use(first_, page_),      ops::MapPage{{page_}},
            Write(second_, alias), Write(first_, page_)};
  }

  // A slot goes, and comes again elsewhere: in the host, or for the guest.
  std::vector<Op> SlotComesAgain() {
    const uint8_t alias = header_.layout().FirstAlias();
    const SlotArg slot{boot::kAliasSlot};
    const auto gfn = static_cast<uint8_t>(random_.Below(2) == 0 ? alias : alias + 1);
    const auto hva = static_cast<uint8_t>(boot::kDataPages + random_.Below(8));
    return {Write(first_, alias),
            Use(second_, alias),
            ops::DeleteMemslot{slot},
            Use(first_, alias),
            ops::Memslot{slot, {gfn}, {4}, {hva}, {random_.Below(2) == 0}},
            Write(second_, alias),
            Use(first_, gfn),
            ops::MoveMemslot{slot, {alias}},
            Use(second_, gfn),
            Use(first_, alias)};
  }

  // While a range is invalidated, the host takes or moves its pages, and a vcpu faults there.
  std::vector<Op> FaultInAnOpenRange() {
    const ChangeArg change{static_cast<uint8_t>(random_.Below(ChangeArg::kLarge))};
    return {Write(first_, page_), ops::RangeStart{{page_}, {2}},
            Use(second_, page_),  ops::ChangeRange{change},
            Use(first_, page_),   ops::RangeEnd{},
            Use(second_, page_),  ops::MapPage{{page_}},
            Write(first_, page_)};
  }

  // One vcpu goes to paging, and walks tables that another one without paging writes as data.
  std::vector<Op> TablesAreDataOfAnother() {
    const uint8_t entry = static_cast<uint8_t>(random_.Below(boot::kEntries));
    const VaArg va{BootRoutes::VaOf(boot::kLeaf, entry)};
    return {SwitchOn(second_),
            ops::Access{second_, va, {AccessArg::kWrite}, {true}, {}, {1}},
            ops::Access{first_, {boot::kLeaf}, {AccessArg::kWrite}, {false}, {entry}, {0}},
            ops::Access{second_, va, {AccessArg::kRead}, {true}, {}, {}},
            ops::Invlpg{second_, va},
            ops::Access{second_, va, {AccessArg::kRead}, {true}, {}, {}},
            ops::SetMode{second_, {PagingArg::kOff}, {true}, {true}, {true}, {boot::kRoot}},
            Write(second_, boot::kLeaf),
            Use(first_, boot::kLeaf)};
  }

 private:
  SlotArg SlotOfLarge() const {
    const bool second = large_ == boot::kOtherLargePage && header_.limits == LimitsMode::kTiny;
    return {static_cast<uint8_t>(second ? 1 : 0)};
  }
  uint8_t Neighbour() const { return static_cast<uint8_t>(frame_ ^ 1u); }
  ops::SetMode SwitchOn(VcpuArg vcpu) const {
    static constexpr uint8_t kModes[] = {PagingArg::kLong, PagingArg::kLong, PagingArg::kPae,
                                         PagingArg::k32Bit};
    const PagingArg paging{kModes[static_cast<size_t>(header_.second)]};
    return {vcpu, paging, {true}, {true}, {true}, {boot::kRoot}};
  }
  ops::Access Use(VcpuArg vcpu, uint8_t page) {
    const auto type = static_cast<AccessArg::Value>(random_.Below(2));
    return {vcpu, {page}, {type}, {false}, {}, {2}};
  }
  ops::Access Write(VcpuArg vcpu, uint8_t page) const {
    return {vcpu, {page}, {AccessArg::kWrite}, {false}, {}, {3}};
  }

  Random& random_;
  const Header& header_;
  const BootRoutes& map_;
  VcpuArg first_, second_;
  uint8_t page_ = 0;   // as indexes of the guest's gfns
  uint8_t large_ = 0;  // the first of a large page
  uint8_t frame_ = 0;  // one of it
};

}  // namespace

std::vector<Op> DrawDirectHazard(Random& random, const Header& header, const BootRoutes& map) {
  using Steps = std::vector<Op> (DirectHazard::*)();
  const bool tables = header.mode == MmuMode::kNonPaging && header.second != SecondMode::kNone;
  const Steps hazards[] = {
      &DirectHazard::LoggedLargePage,
      &DirectHazard::FrameOfLargePageMoves,
      &DirectHazard::TwoFramesOnAPage,
      &DirectHazard::SlotComesAgain,
      &DirectHazard::FaultInAnOpenRange,
      tables ? &DirectHazard::TablesAreDataOfAnother : &DirectHazard::FrameOfLargePageMoves,
  };
  DirectHazard hazard(random, header, map);
  return (hazard.*hazards[random.Below(std::size(hazards))])();
}

}  // namespace rmapdiff
