#include "fuzzers/search/op_drawer.h"

#include <span>
#include <variant>

#include "fuzzers/program/fields.h"
#include "fuzzers/search/op_pairs.h"

namespace rmapdiff {
namespace {

// The factor by which a kind is drawn more often than its weight says. The header emphasizes the
// kinds that it is there for. Races cost nothing, as the racing operation is one like any other.
uint32_t Emphasis(size_t kind, const Header& header) {
  if (kind == kKind<ops::Race>) return 4;
  if (kind == kKind<ops::FailAlloc> && header.oom) return 12;
  if (kind == kKind<ops::SetMode> && header.second != SecondMode::kNone) return 4;
  const bool of_cr4 = kind == kKind<ops::SetMode> || kind == kKind<ops::WriteCr4>;
  if (of_cr4 && header.protect != ProtectMode::kNone) return 4;
  const bool of_log = kind == kKind<ops::LogDirty> || kind == kKind<ops::GetDirtyLog> ||
                      kind == kKind<ops::ClearDirtyLog>;
  return of_log && header.log ? 3 : 1;
}

// As a visitor, draws each argument by its domain: three times out of four from its hot pool, if it
// has one. Small domains and hot pools make operations meet.
class FieldDrawer {
 public:
  FieldDrawer(Random& random, const Header& header) : random_(random), header_(header) {}

  void operator()(const char*, auto& arg) {
    arg.value = static_cast<decltype(arg.value)>(Draw(arg.kDomain));
  }

 private:
  uint32_t Draw(const Domain& domain) {
    if (domain.appended && random_.Below(4) != 0) return 0;
    switch (domain.form) {
      case Domain::Form::kNumberOrNone:
        // Half of the pages stand alone: a parent fits only if its level does.
        return random_.Below(2) == 0 ? Domain::kNone : DrawNumber(domain);
      case Domain::Form::kWalk:
        return DrawWalk(domain);
      case Domain::Form::kLetters:
        return domain.words.size() == 8 ? DrawFlags() : DrawNumber(domain);
      case Domain::Form::kNumber:
      case Domain::Form::kGfn:
      case Domain::Form::kWord:
      case Domain::Form::kListed:
        break;
    }
    return domain.names == Domain::Names::kEntry ? DrawEntry(domain) : DrawNumber(domain);
  }

  uint32_t DrawNumber(const Domain& domain) {
    const uint32_t hot = HotCount(domain, header_);
    if (hot != 0 && random_.Below(4) != 0) return HotValue(domain, header_, random_.Below(hot));
    return domain.first + random_.Below(CountOf(domain, header_));
  }
  // Mostly below the first entries, where the boot tables are; often by the first four of a leaf.
  uint32_t DrawWalk(const Domain& domain) {
    const uint32_t path = DrawNumber(domain);
    return random_.Below(2) == 0 ? path & ~0xcu : path;
  }
  // With 32-bit paging sometimes in the other half of the table.
  uint32_t DrawEntry(const Domain& domain) {
    const uint32_t entry = DrawNumber(domain);
    const bool moves = header_.mode == MmuMode::k32Bit && random_.Below(3) == 0;
    const uint32_t entries = header_.guest_entries();
    return moves ? (entry + entries / 2) % entries : entry;
  }
  // Present, and w, u, a, d by chance.
  uint32_t DrawFlags() {
    uint32_t flags = random_.Below(32) | GpteFlagsArg::kPresent;
    if (random_.Below(6) == 0) flags |= GpteFlagsArg::kHuge;
    if (random_.Below(12) == 0) flags |= GpteFlagsArg::kNoExecute;
    return random_.Below(8) == 0 ? random_.Below(256) : flags;
  }

  Random& random_;
  const Header& header_;
};

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
  // A mistake that takes four kinds is in a third of the programs that leave out one kind in four.
  // On a whole MMU many mistakes take four kinds or more.
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
  const std::span<const Choice> choices =
      before_previous_ == kKind<ops::Race> ? ChoicesInARace(previous_) : ChoicesAfter(previous_);
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
  const std::optional<Op> due = mmu ? guest_.Due() : graph_.Due();
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
