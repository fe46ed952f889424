#include "fuzzers/search/mutator.h"

#include <algorithm>
#include <iterator>
#include <vector>

#include "fuzzers/program/fields.h"
#include "fuzzers/search/op_drawer.h"
#include "fuzzers/search/random.h"
#include "fuzzers/search/random_program.h"

namespace rmapdiff {
namespace {

// Most children are new random programs: one made of its parents runs all of them again for the
// sake of a few operations, a new one has something new in each. Measured: docs/finding-power.md.
constexpr uint32_t kChangedOneIn = 8;
constexpr size_t kTelling = 32;  // operations, so many that what is missing says something
constexpr size_t kNearby = 8;    // operations before or behind
// Enough repetitions to fill a descriptor chain; a few reach the recycle point by map_many.
constexpr uint32_t kMaxRepetitions = 8;
constexpr size_t kMaxBlock = 8;

// Calls change(domain, value) for the argument of `op` in that place, and sets it to the result.
template <typename Change>
void ChangeArgument(Op& op, size_t place, const Change& change) {
  size_t count = 0;
  const auto visit = [&](const char*, auto& arg) {
    if (count++ != place) return;
    arg.value = static_cast<decltype(arg.value)>(change(arg.kDomain, uint32_t{arg.value}));
  };
  ForEachField(op, visit);
}

// A length at which a list of either limits changes its form, or one of `lengths` (Search).
uint32_t DrawBoundary(const std::vector<uint32_t>& lengths, Random& random) {
  // Around one and two descriptors and chains of either limits, and the recycle point of tiny ones.
  static constexpr uint8_t kBoundaries[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 63, 64};
  const size_t place = random.Below(static_cast<uint32_t>(std::size(kBoundaries) + lengths.size()));
  if (place < std::size(kBoundaries)) return kBoundaries[place];
  return lengths[place - std::size(kBoundaries)];
}

// The value moved a step, or to a boundary.
uint32_t Stepped(const Domain& domain, uint32_t value, const Header& header, const Search& search,
                 Random& random) {
  switch (domain.step) {
    case Domain::Step::kNone:
      break;
    case Domain::Step::kOther:
      return value ^ 1u;
    case Domain::Step::kNext: {
      const uint32_t size = CountOf(domain, header);
      return (value + (random.Below(2) != 0 ? 1 : size - 1)) & (size - 1);
    }
    case Domain::Step::kBoundary:
      return DrawBoundary(search.lengths, random);
    case Domain::Step::kBit:
      return value ^ 1u << random.Below(8);
  }
  return value;
}

// One child in the making.
class Child {
 public:
  Child(Program program, const TargetKind& kind, const Search& search, size_t max_ops,
        Random& random)
      : program_(std::move(program)),
        kind_(kind),
        search_(search),
        max_ops_(max_ops),
        random_(random) {}

  // One mutation.
  void Mutate() {
    const uint32_t ticket = random_.Below(100);
    if (ticket < 35 || program_.ops.empty()) return Insert(Place(), 1 + Few(kMaxBlock));
    if (ticket < 45) return Insert(program_.ops.size(), 1 + random_.Below(32));
    if (ticket < 55) return Erase(DrawRange(4 * kMaxBlock));
    if (ticket < 63) return search_.repeat ? Repeat() : Erase(DrawRange(4 * kMaxBlock));
    if (ticket < 70) return Move();
    if (ticket < 78) return Redraw();
    if (ticket < 88) return search_.retarget ? Retarget() : Redraw();
    if (ticket < 96) return search_.boundary ? Step() : Redraw();
    ChangeHeader();
  }

  // Draws operations that fit in behind the first `at`.
  void Insert(size_t at, size_t count) {
    count = std::min(count, max_ops_ - std::min(max_ops_, program_.ops.size()));
    OpDrawer drawer(program_.header, DrawnKinds(), random_);
    if (search_.plan) {
      for (size_t i = 0; i < at; ++i) drawer.Follow(program_.ops[i]);
    }
    std::vector<Op> drawn;
    drawn.reserve(count);
    for (size_t i = 0; i < count; ++i) drawn.push_back(drawer.Next());
    program_.ops.insert(program_.ops.begin() + static_cast<std::ptrdiff_t>(at), drawn.begin(),
                        drawn.end());
  }

  Program Take() {
    if (program_.ops.size() > max_ops_) program_.ops.resize(max_ops_);
    return std::move(program_);
  }

 private:
  // 0, 1, 2 ... below `limit`, each half as likely as the one before.
  uint32_t Few(uint32_t limit) {
    uint32_t number = 0;
    while (number + 1 < limit && random_.Below(2) != 0) ++number;
    return number;
  }
  size_t Any() { return random_.Below(static_cast<uint32_t>(program_.ops.size())); }
  size_t Place() { return random_.Below(static_cast<uint32_t>(program_.ops.size() + 1)); }
  auto At(size_t place) { return program_.ops.begin() + static_cast<std::ptrdiff_t>(place); }

  // Half of the time what the program lacks stays away: its omissions are inherited.
  KindSet DrawnKinds() {
    const Header& header = program_.header;
    if (!search_.swarm) return KindsFor(header);
    if (program_.ops.size() < kTelling || random_.Below(2) == 0) {
      return DrawKinds(header, random_);
    }
    KindSet kinds;
    for (const Op& op : program_.ops) kinds[op.index()] = true;
    kinds &= KindsFor(header);
    return kinds.any() ? kinds : KindsFor(header);
  }

  // Some operations in a row: few more often than many.
  struct Range {
    size_t first;
    size_t end;
  };
  Range DrawRange(uint32_t most) {
    const size_t first = Any();
    return {first, std::min<size_t>(first + 1 + Few(most), program_.ops.size())};
  }
  std::vector<Op> Copy(Range range) { return {At(range.first), At(range.end)}; }
  void Erase(Range range) { program_.ops.erase(At(range.first), At(range.end)); }

  void Repeat() {
    const std::vector<Op> block = Copy(DrawRange(kMaxBlock));
    const size_t place = Place();
    for (uint32_t times = 1 + Few(kMaxRepetitions); times > 0; --times) {
      program_.ops.insert(At(place), block.begin(), block.end());
    }
  }

  void Move() {
    if (random_.Below(2) != 0) return std::swap(program_.ops[Any()], program_.ops[Any()]);
    const Range range = DrawRange(kMaxBlock);
    const std::vector<Op> block = Copy(range);
    Erase(range);
    program_.ops.insert(At(Place()), block.begin(), block.end());
  }

  void Redraw() {
    const size_t at = Any();
    program_.ops.erase(At(at));
    Insert(at, 1);
  }

  size_t DrawArgument(const Op& op) {
    const size_t count = OpTable()[op.index()].arguments.size();
    return count == 0 ? 0 : random_.Below(static_cast<uint32_t>(count));
  }

  // One argument takes a value by which an operation nearby names a thing of the same kind.
  void Retarget() {
    const size_t at = Any();
    const auto nearby = [&](const Domain& domain, uint32_t value) {
      std::vector<uint32_t> values;
      const auto collect = [&](const char*, const auto& arg) {
        const bool same = arg.kDomain.names == domain.names;
        if (same && NamesAnything(arg.kDomain, arg.value)) values.push_back(arg.value);
      };
      const size_t end = std::min(program_.ops.size(), at + kNearby + 1);
      for (size_t i = at < kNearby ? 0 : at - kNearby; i < end; ++i) {
        if (i != at) ForEachField(std::as_const(program_.ops[i]), collect);
      }
      return values.empty() ? value : values[random_.Below(static_cast<uint32_t>(values.size()))];
    };
    ChangeArgument(program_.ops[at], DrawArgument(program_.ops[at]), nearby);
  }

  void Step() {
    Op& op = program_.ops[Any()];
    const auto step = [this](const Domain& domain, uint32_t value) {
      return Stepped(domain, value, program_.header, search_, random_);
    };
    ChangeArgument(op, DrawArgument(op), step);
  }

  void ChangeHeader() {
    const Header drawn = DrawHeader(kind_, random_);
    Header& header = program_.header;
    // All of it, or a key that is not what the program is made for.
    if (random_.Below(4) == 0) {
      header = drawn;
    } else if (random_.Below(2) != 0) {
      header.reuse = drawn.reuse;
    } else {
      header.more_vcpus = drawn.more_vcpus;
    }
    // An argument that is out of range in the new world comes back into it.
    program_ = Decode(Encode(program_));
  }

  Program program_;
  const TargetKind& kind_;
  const Search& search_;
  const size_t max_ops_;
  Random& random_;
};

}  // namespace

// As long as it may be: the cost of the beginning of a program is paid once.
Program Mutator::Fresh(size_t max_ops, uint64_t seed) const {
  Random random(seed);
  Child child({DrawHeader(kind_, random), {}}, kind_, search_, max_ops, random);
  child.Insert(0, max_ops);
  return child.Take();
}

bool Mutator::BeginsAnew(Random* random) const {
  return search_.fresh && random->Below(kChangedOneIn) != 0;
}

Program Mutator::Mutate(const Program& parent, size_t max_ops, uint64_t seed) const {
  Random random(seed);
  if (parent.ops.empty() || !kind_.accepts(parent.header) || BeginsAnew(&random)) {
    return Fresh(max_ops, random.Next());
  }
  Child child(parent, kind_, search_, max_ops, random);
  do {
    child.Mutate();
  } while (random.Below(2) != 0);
  return child.Take();
}

Program Mutator::CrossOver(const Program& one, const Program& other, size_t max_ops,
                           uint64_t seed) const {
  Random random(seed);
  if (!kind_.accepts(one.header) || BeginsAnew(&random)) return Fresh(max_ops, random.Next());
  Program child = one;
  child.ops.resize(random.Below(static_cast<uint32_t>(one.ops.size() + 1)));
  const size_t first = random.Below(static_cast<uint32_t>(other.ops.size() + 1));
  if (one.header.whole_mmu() == other.header.whole_mmu()) {
    child.ops.insert(child.ops.end(), other.ops.begin() + static_cast<std::ptrdiff_t>(first),
                     other.ops.end());
  }
  if (child.ops.size() > max_ops) child.ops.resize(max_ops);
  return Decode(Encode(child));
}

}  // namespace rmapdiff
