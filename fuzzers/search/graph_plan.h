// A page graph as it would be if every operation of a program had applied.
//
// Blind draws hardly ever name a page that exists. The plan is a guess and may be wrong.
#ifndef RMAPDIFF_FUZZERS_SEARCH_GRAPH_PLAN_H_
#define RMAPDIFF_FUZZERS_SEARCH_GRAPH_PLAN_H_

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "fuzzers/program/ops.h"
#include "fuzzers/search/graph_hazard.h"
#include "fuzzers/search/random.h"
#include "mmu/base/types.h"

namespace rmapdiff {

class GraphPlan {
 public:
  explicit GraphPlan(Random& random) : random_(random) {}

  // True if there is so little that most operations could not apply.
  bool sparse() const { return by_age_.size() < 4; }

  // Makes the arguments of `op` fit the plan as far as it has something that fits.
  template <typename AnyOp>
  void Aim(AnyOp& op) {
    if constexpr (requires { op.page; }) PickPage(1, kRootLevel, &op.page.value);
  }
  void Aim(ops::AllocPage& op) {
    PickFree(&op.page.value);
    if (op.parent.none()) return;
    if (PickPage(kDirectoryLevel, kRootLevel, &op.parent.value)) {
      op.level.value = static_cast<uint8_t>(levels_[op.parent.value] - 1);
    } else {
      op.parent = {};
    }
  }
  void Aim(ops::Map& op) { PickPage(1, kRmapLevels, &op.page.value); }
  void Aim(ops::MapMany& op) { PickPage(1, kRmapLevels, &op.page.value); }
  void Aim(ops::Link& op) {
    if (!PickPage(kDirectoryLevel, kRootLevel, &op.parent.value)) return;
    const int below = levels_[op.parent.value] - 1;
    PickPage(below, below, &op.page.value);
  }
  void Aim(ops::Unpin& op) { op.page.value = last_pinned_; }
  void Aim(ops::Unsync& op) { PickPage(1, 1, &op.page.value); }
  void Aim(ops::Sync& op) { op.page.value = last_unsync_; }
  void Aim(ops::SyncChildren& op) { PickPage(kDirectoryLevel, kRootLevel, &op.page.value); }
  void Aim(ops::Shrink& op) { op.count.value = static_cast<uint8_t>(1 + op.count.value % 2); }
  void Aim(ops::Unlink& op) { PickSlot(links_, &op.parent.value, &op.index.value); }
  void Aim(ops::Drop& op) { PickSlot(leaves_, &op.page.value, &op.index.value); }
  void Aim(ops::Touch& op) { PickSlot(leaves_, &op.page.value, &op.index.value); }
  void Aim(ops::Recycle& op) { PickSlot(leaves_, &op.page.value, &op.index.value); }
  void Aim(ops::MisuseAddTwice& op) { PickSlot(leaves_, &op.page.value, &op.index.value); }
  void Aim(ops::MisuseWrongGfn& op) { PickSlot(leaves_, &op.page.value, &op.index.value); }

  // The next operation of a hazard, if one is under way or begins now.
  std::optional<Op> Due() {
    if (due_.empty() && by_age_.size() > 2 && random_.Below(64) == 0) {
      due_ = DrawGraphHazard(random_);
    }
    if (due_.empty()) return std::nullopt;
    const Op op = due_.front();
    due_.erase(due_.begin());
    return op;
  }

  // Follows an operation.
  template <typename AnyOp>
  void Follow(const AnyOp&) {}
  void Follow(const ops::AllocPage& op) {
    levels_[op.page.value] = op.level.value;
    Forget(op.page.value);
    by_age_.push_back(op.page.value);
    if (!op.parent.none()) links_.push_back({op.parent.value, op.index.value});
  }
  void Follow(const ops::Map& op) { leaves_.push_back({op.page.value, op.index.value}); }
  void Follow(const ops::Link& op) {
    if (op.keep.value) links_.push_back({op.parent.value, op.index.value});
  }
  void Follow(const ops::Pin& op) { last_pinned_ = op.page.value; }
  void Follow(const ops::Unsync& op) { last_unsync_ = op.page.value; }
  void Follow(const ops::Zap& op) { Forget(op.page.value); }
  void Follow(const ops::Shrink& op) {
    for (int i = 0; i < op.count.value && !by_age_.empty(); ++i) Forget(by_age_.front());
  }

 private:
  struct Slot {
    uint8_t page;
    uint16_t index;
  };

  // A page that is not planned; ids are used again and again, so that few slots are busy forever.
  void PickFree(uint8_t* id) {
    for (int tries = 0; tries < 8; ++tries) {
      const auto drawn = static_cast<uint8_t>(random_.Below(12));
      if (std::find(by_age_.begin(), by_age_.end(), drawn) != by_age_.end()) continue;
      *id = drawn;
      return;
    }
  }

  bool PickPage(int min_level, int max_level, uint8_t* id) {
    if (by_age_.empty()) return false;
    const uint32_t start = random_.Below(static_cast<uint32_t>(by_age_.size()));
    for (size_t i = 0; i < by_age_.size(); ++i) {
      const uint8_t page = by_age_[(start + i) % by_age_.size()];
      if (levels_[page] < min_level || levels_[page] > max_level) continue;
      *id = page;
      return true;
    }
    return false;
  }

  void PickSlot(const std::vector<Slot>& slots, uint8_t* page, uint16_t* index) {
    if (slots.empty()) {
      PickPage(1, kRootLevel, page);
      return;
    }
    const Slot& slot = slots[random_.Below(static_cast<uint32_t>(slots.size()))];
    *page = slot.page;
    *index = slot.index;
  }

  void Forget(uint8_t page) {
    const auto of_page = [page](const Slot& slot) { return slot.page == page; };
    by_age_.erase(std::remove(by_age_.begin(), by_age_.end(), page), by_age_.end());
    leaves_.erase(std::remove_if(leaves_.begin(), leaves_.end(), of_page), leaves_.end());
    links_.erase(std::remove_if(links_.begin(), links_.end(), of_page), links_.end());
  }

  Random& random_;
  std::array<int, PageArg::kCount> levels_{};
  std::vector<uint8_t> by_age_;  // planned pages, the oldest first
  std::vector<Slot> leaves_;
  std::vector<Slot> links_;
  uint8_t last_pinned_ = 0;
  uint8_t last_unsync_ = 0;
  std::vector<Op> due_;  // of a hazard
};

}  // namespace rmapdiff

#endif  // RMAPDIFF_FUZZERS_SEARCH_GRAPH_PLAN_H_
