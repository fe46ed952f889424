#include "fuzzers/search/op_drawer.h"

#include <span>
#include <variant>

#include "fuzzers/program/fields.h"
#include "fuzzers/search/field_drawer.h"
#include "fuzzers/search/op_pairs.h"

namespace rmapdiff {

namespace {

// How much more often than its weight says a kind is drawn: what the header is there for, and
// races, which cost nothing, as what races is an operation like any other.
uint32_t Emphasis(size_t kind, const Header& header) {
  static const size_t race = Op(ops::Race{}).index();
  static const size_t fail_alloc = Op(ops::FailAlloc{}).index();
  static const size_t log_dirty = Op(ops::LogDirty{}).index();
  static const size_t get_dirty_log = Op(ops::GetDirtyLog{}).index();
  if (kind == race) return 4;
  if (kind == fail_alloc && header.oom) return 12;
  if ((kind == log_dirty || kind == get_dirty_log) && header.log) return 3;
  return 1;
}

}  // namespace

KindSet KindsFor(const Header& header) {
  KindSet kinds;
  for (size_t kind = 0; kind < kOpKinds; ++kind) {
    const OpInfo& info = OpTable()[kind];
    kinds[kind] = FitsHeader(info, header) && (info.group != OpGroup::kMisuse || header.misuse);
  }
  return kinds;
}

KindSet DrawKinds(const Header& header, Random& random) {
  KindSet kinds = KindsFor(header);
  // What takes four kinds is in a third of the programs that leave out one in four, and on a whole
  // MMU much takes four and more.
  if (header.whole_mmu() && random.Below(2) == 0) return kinds;
  const size_t first = OpcodesOf(header.whole_mmu()).first;
  for (size_t kind = 0; kind < kOpKinds; ++kind) {
    if (!kinds[kind] || OpTable()[kind].group == OpGroup::kMisuse) continue;
    if (random.Below(4) == 0 && kind != first) kinds[kind] = false;
  }
  return kinds;
}

OpDrawer::OpDrawer(const Header& header, const KindSet& kinds, Random& random)
    : random_(random), header_(header), graph_(random), guest_(random, header) {
  set_kinds(kinds);
}

void OpDrawer::set_kinds(const KindSet& kinds) {
  total_ = 0;
  for (size_t kind = 0; kind < kOpKinds; ++kind) {
    const auto weight = static_cast<uint32_t>(OpTable()[kind].weight);
    weights_[kind] = kinds[kind] ? weight * Emphasis(kind, header_) : 0;
    total_ += weights_[kind];
  }
}

// Half of the operations follow from the one before, where anything does.
size_t OpDrawer::DrawKind() {
  static const size_t race = Op(ops::Race{}).index();
  const std::span<const Choice> choices =
      before_previous_ == race ? ChoicesInARace(previous_) : ChoicesAfter(previous_);
  if (choices.empty() || random_.Below(2) == 0) return DrawByWeight();
  uint32_t total = 0;
  for (const Choice& choice : choices) total += choice.weight;
  uint32_t ticket = random_.Below(total);
  const Choice* chosen = choices.data();
  while (ticket >= chosen->weight) ticket -= (chosen++)->weight;
  return weights_[chosen->kind] != 0 ? chosen->kind : DrawByWeight();
}

size_t OpDrawer::DrawByWeight() {
  uint32_t ticket = random_.Below(total_);
  size_t kind = 0;
  while (ticket >= weights_[kind]) ticket -= weights_[kind++];
  return kind;
}

Op OpDrawer::Next() {
  const bool mmu = header_.whole_mmu();
  const bool grow = !mmu && graph_.sparse() && random_.Below(2) == 0;
  Op op = grow ? Op(ops::AllocPage{}) : kDefaultOps[DrawKind()];
  DrawArguments(header_, random_, &op);
  const bool blind = random_.Below(mmu ? 16 : 8) == 0;  // a guest without tables does nothing
  const std::optional<Op> due = mmu ? guest_.Due() : std::nullopt;
  if (due && (weights_[due->index()] != 0 || std::holds_alternative<ops::RangeEnd>(*due))) {
    op = *due;
  } else if (!blind) {
    std::visit([&](auto& one) { mmu ? guest_.Aim(one) : graph_.Aim(one); }, op);
  }
  Follow(op);
  return op;
}

void OpDrawer::Follow(const Op& op) {
  before_previous_ = previous_;
  previous_ = op.index();
  std::visit(
      [&](const auto& one) { header_.whole_mmu() ? guest_.Follow(one) : graph_.Follow(one); }, op);
}

void DrawArguments(const Header& header, Random& random, Op* op) {
  FieldDrawer drawer(random, header);
  ForEachField(*op, drawer);
}

}  // namespace rmapdiff
