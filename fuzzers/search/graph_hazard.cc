#include "fuzzers/search/graph_hazard.h"

#include <iterator>

#include "fuzzers/program/guest_layout.h"

namespace rmapdiff {
namespace {

constexpr uint8_t kTop = 24, kLeft = 25, kRight = 26, kLeaf = 27;  // page ids

class GraphHazard {
 public:
  explicit GraphHazard(Random& random) : random_(random) {
    gfn_.value = static_cast<uint8_t>(boot::kDataPages + random.Below(4));
    index_.value = static_cast<uint16_t>(random.Below(4));
  }

  // Two ways lead to a page out of sync. One of them is cut or walked, and the other one has to
  // lead to the page still.
  std::vector<Op> UnsyncByTwoWays() {
    std::vector<Op> steps = Tree();
    steps.push_back(ops::Link{{kLeaf}, {kRight}, index_, {true}});
    steps.push_back(ops::Map{{kLeaf}, index_, gfn_, {true}, {false}});
    steps.push_back(ops::Unsync{{kLeaf}});
    const Op half_way[] = {ops::Unlink{{kLeft}, index_}, ops::SyncChildren{{kLeft}},
                           ops::UnlinkChildren{{kRight}}, ops::Zap{{kLeft}}};
    steps.push_back(half_way[random_.Below(4)]);
    if (random_.Below(2) == 0) steps.push_back(ops::Unsync{{kLeaf}});
    const Op whole[] = {ops::SyncChildren{{kTop}}, ops::Zap{{kTop}}, ops::SyncChildren{{kRight}},
                        ops::Zap{{kRight}}};
    steps.push_back(whole[random_.Below(4)]);
    steps.push_back(ops::ParentWalk{{kLeaf}});
    steps.push_back(ops::Commit{});
    return steps;
  }

  // A page out of sync is linked below a second parent, or gets one while it is made. The new way
  // has to be marked up to the top.
  std::vector<Op> NewWayToUnsync() {
    std::vector<Op> steps = Tree();
    steps.push_back(ops::Unsync{{kLeaf}});
    steps.push_back(ops::Link{{kLeaf}, {kRight}, index_, {random_.Below(4) != 0}});
    steps.push_back(ops::UnlinkChildren{{kLeft}});
    steps.push_back(ops::SyncChildren{{kTop}});
    steps.push_back(ops::Unsync{{kLeaf}});
    return steps;
  }

  // A root in use is zapped. It lives on, invalid and empty, until the last vcpu lets go of it, and
  // reclaim may not free it.
  std::vector<Op> ZappedRootInUse() {
    std::vector<Op> steps = Tree();
    steps.push_back(ops::Pin{{kTop}});
    if (random_.Below(2) == 0) steps.push_back(ops::Pin{{kTop}});
    steps.push_back(ops::Zap{{kTop}});
    if (random_.Below(2) == 0) steps.push_back(ops::Commit{});
    steps.push_back(ops::Shrink{{static_cast<uint8_t>(1 + random_.Below(4))}});
    steps.push_back(ops::Unpin{{kTop}});
    steps.push_back(ops::Unpin{{kTop}});
    steps.push_back(Alloc(kTop, 4));
    steps.push_back(ops::Commit{});
    return steps;
  }

  // Large and small leaves of one frame. A protection drops the writable large ones and takes W of
  // the small ones; the read-only ones stay.
  std::vector<Op> LargeAndSmall() {
    constexpr GfnArg kFrame{boot::kLargePage};
    const RmapLevelArg large{2};
    const FlagArg writable{random_.Below(4) != 0};
    std::vector<Op> steps = Tree();
    steps.push_back(ops::Map{{kLeft}, {5}, kFrame, writable, {false}});
    steps.push_back(ops::Map{{kRight}, {6}, kFrame, {random_.Below(2) == 0}, {false}});
    steps.push_back(ops::Map{{kLeaf}, index_, kFrame, {true}, {random_.Below(2) == 0}});
    steps.push_back(ops::Touch{{kLeaf}, index_, {true}});
    const Op changes[] = {ops::WriteProtect{kFrame}, ops::Age{kFrame, large},
                          ops::SetPte{kFrame, large, {1}, {false}}, ops::Unmap{kFrame, {1}}};
    steps.push_back(changes[random_.Below(4)]);
    steps.push_back(ops::RmapCount{kFrame, large});
    steps.push_back(changes[random_.Below(4)]);
    steps.push_back(ops::Unmap{kFrame, large});
    return steps;
  }

  // A list around the length at which it changes its form, entries of which go from its middle.
  std::vector<Op> ListAroundABoundary() {
    const auto count = static_cast<uint8_t>(3 + random_.Below(7));
    std::vector<Op> steps = Tree();
    steps.push_back(ops::MapMany{{kLeaf}, {0}, gfn_, {count}, {true}});
    for (int i = 0; i < 3; ++i) {
      steps.push_back(ops::Drop{{kLeaf}, {static_cast<uint16_t>(random_.Below(8))}, {false}});
      const Op lists[] = {
          ops::Age{gfn_, {1}}, ops::WriteProtect{gfn_}, ops::SetPte{gfn_, {1}, {2}, {false}},
          ops::MapMany{{kLeaf}, {0}, gfn_, {count}, {true}}, ops::Recycle{{kLeaf}, index_}};
      steps.push_back(lists[random_.Below(5)]);
    }
    steps.push_back(ops::Unmap{gfn_, {1}});
    return steps;
  }

 private:
  ops::AllocPage Alloc(uint8_t page, uint8_t level) const {
    return {{page}, {level}, {false}, gfn_, {}, {}};
  }
  ops::AllocPage AllocBelow(uint8_t page, uint8_t level, uint8_t parent, uint16_t index) const {
    return {{page}, {level}, {false}, gfn_, {parent}, {index}};
  }
  // kTop leads to kLeft and kRight, and kLeft to kLeaf.
  std::vector<Op> Tree() const {
    return {Alloc(kTop, 3), AllocBelow(kLeft, 2, kTop, 0), AllocBelow(kRight, 2, kTop, 1),
            AllocBelow(kLeaf, 1, kLeft, index_.value)};
  }

  Random& random_;
  GfnArg gfn_;
  IndexArg index_;
};

}  // namespace

std::vector<Op> DrawGraphHazard(Random& random) {
  using Steps = std::vector<Op> (GraphHazard::*)();
  constexpr Steps kHazards[] = {&GraphHazard::UnsyncByTwoWays, &GraphHazard::NewWayToUnsync,
                                &GraphHazard::ZappedRootInUse, &GraphHazard::LargeAndSmall,
                                &GraphHazard::ListAroundABoundary};
  GraphHazard hazard(random);
  std::vector<Op> steps = (hazard.*kHazards[random.Below(std::size(kHazards))])();
  // The pages of the last hazard are in the way.
  for (const uint8_t page : {kTop, kLeft, kRight, kLeaf}) {
    steps.insert(steps.begin(), ops::Zap{{page}});
  }
  steps.insert(steps.begin() + 4, ops::Commit{});
  return steps;
}

}  // namespace rmapdiff
