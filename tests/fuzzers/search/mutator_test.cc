// Mutations of programs: every child is a program of its target, children differ, and each
// technique does what its name says, or nothing when it is switched off.
#include "fuzzers/search/mutator.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "fuzzers/program/fnv.h"
#include "fuzzers/search/op_drawer.h"
#include "fuzzers/search/random_program.h"

namespace rmapdiff {
namespace {

constexpr size_t kMaxOps = 64;

Program ParentFor(const TargetKind& kind, uint64_t seed) {
  Random random(seed);
  return RandomProgram(DrawHeader(kind, random), 32, seed);
}

void ExpectProgramOf(const TargetKind& kind, const Program& program) {
  EXPECT_TRUE(kind.accepts(program.header)) << kind.name;
  EXPECT_LE(program.ops.size(), kMaxOps);
  EXPECT_EQ(Decode(Encode(program)), program) << kind.name;
}

TEST(Mutator, EveryChildIsAProgramOfItsTarget) {
  for (const TargetKind& kind : TargetKinds()) {
    const Mutator mutator(kind);
    Program parent = ParentFor(kind, 1);
    for (uint64_t seed = 1; seed <= 2000 && !testing::Test::HasFailure(); ++seed) {
      Program child = mutator.Mutate(parent, kMaxOps, seed);
      ExpectProgramOf(kind, child);
      ExpectProgramOf(kind, mutator.CrossOver(parent, child, kMaxOps, seed));
      if (seed % 3 == 0) parent = std::move(child);
    }
  }
}

TEST(Mutator, IsTheSameForTheSameSeed) {
  const TargetKind& kind = *FindTargetKind("tiny_mmu_fuzzer");
  const Mutator mutator(kind);
  const Program parent = ParentFor(kind, 3);
  std::set<std::vector<uint8_t>> children;
  for (uint64_t seed = 0; seed < 100; ++seed) {
    const Program child = mutator.Mutate(parent, kMaxOps, seed);
    EXPECT_EQ(child, mutator.Mutate(parent, kMaxOps, seed));
    children.insert(Encode(child));
  }
  EXPECT_GT(children.size(), 90u);
}

TEST(Mutator, IsTheSameEverywhere) {
  std::vector<uint8_t> all;
  for (const TargetKind& kind : TargetKinds()) {
    const Mutator mutator(kind, {.fresh = false});
    Program parent = ParentFor(kind, 1);
    for (uint64_t seed = 0; seed < 300; ++seed) {
      Program child = mutator.Mutate(parent, kMaxOps, seed);
      for (const Program& program : {child, mutator.CrossOver(parent, child, kMaxOps, seed)}) {
        const std::vector<uint8_t> bytes = Encode(program);
        all.insert(all.end(), bytes.begin(), bytes.end());
      }
      if (!child.ops.empty()) parent = std::move(child);
    }
  }
  EXPECT_EQ(Fnv64(all), 3023499750960029269u)
      << "a new operation, weight or mutation changes it, and that is all right";
}

TEST(Mutator, MakesANewProgramOfNothingAndOfAnotherTargetsProgram) {
  const TargetKind& kind = *FindTargetKind("dirty_log_fuzzer");
  const Mutator mutator(kind);
  const Program foreign = ParentFor(*FindTargetKind("rmap_fuzzer"), 1);
  for (uint64_t seed = 1; seed <= 50; ++seed) {
    for (const Program& parent : {Program{}, foreign}) {
      const Program child = mutator.Mutate(parent, kMaxOps, seed);
      ExpectProgramOf(kind, child);
      EXPECT_EQ(child.ops.size(), kMaxOps);
      ExpectProgramOf(kind, mutator.CrossOver(parent, child, kMaxOps, seed));
      ExpectProgramOf(kind, mutator.CrossOver(child, parent, kMaxOps, seed));
    }
  }
}

TEST(Mutator, FitsIntoWhateverRoomThereIs) {
  const TargetKind& kind = *FindTargetKind("tiny_rmap_fuzzer");
  const Mutator mutator(kind);
  const Program parent = ParentFor(kind, 5);
  for (size_t room = 0; room <= 40; ++room) {
    for (uint64_t seed = 0; seed < 50; ++seed) {
      EXPECT_LE(mutator.Mutate(parent, room, seed).ops.size(), room);
      EXPECT_LE(mutator.CrossOver(parent, parent, room, seed).ops.size(), room);
      EXPECT_LE(mutator.Fresh(room, seed).ops.size(), room);
    }
  }
}

// ---- The techniques ----

// How many of the children have the property.
int Count(const Search& search, const Program& parent,
          bool (*has)(const Program&, const Program&)) {
  const Mutator mutator(*TargetKindFor(parent.header), search);
  int count = 0;
  for (uint64_t seed = 0; seed < 4000; ++seed) {
    count += has(parent, mutator.Mutate(parent, 2 * kMaxOps, seed)) ? 1 : 0;
  }
  return count;
}

bool SharesNothing(const Program& parent, const Program& child) {
  return std::none_of(child.ops.begin(), child.ops.end(), [&](const Op& op) {
    return std::find(parent.ops.begin(), parent.ops.end(), op) != parent.ops.end();
  });
}

// A program each operation of which has arguments that are drawn with a chance of almost 0.
Program Unmistakable() {
  Program program{{.limits = LimitsMode::kTiny}, {}};
  for (uint8_t i = 0; i < 20; ++i) {
    ops::MapMany op;
    op.page.value = 31;
    op.index.value = 5;
    op.gfn.value = static_cast<uint8_t>(100 + i);
    op.count.value = 33;
    program.ops.push_back(op);
  }
  return program;
}

TEST(Techniques, FreshBringsProgramsThatHaveNothingOfTheirParents) {
  const int with = Count({}, Unmistakable(), SharesNothing);
  EXPECT_GT(with, 2000);
  EXPECT_LT(with, 3900);
  EXPECT_EQ(Count({.fresh = false}, Unmistakable(), SharesNothing), 0);
}

TEST(Techniques, FreshBringsThemInPlaceOfTwoParentsToo) {
  const Program parent = Unmistakable();
  const Mutator mutator(*TargetKindFor(parent.header));
  int fresh = 0;
  for (uint64_t seed = 0; seed < 1000; ++seed) {
    fresh += SharesNothing(parent, mutator.CrossOver(parent, parent, kMaxOps, seed)) ? 1 : 0;
  }
  EXPECT_NEAR(fresh, 875, 60);  // of eight; those that take nothing of either parent are few
}

// A block that stands there more often than before.
bool HasARepetition(const Program& parent, const Program& child) {
  std::map<std::vector<uint8_t>, int> times;
  for (const Op& op : child.ops) ++times[Encode({child.header, {op}})];
  return std::any_of(times.begin(), times.end(), [&](const auto& entry) {
    return entry.second > 2 && !SharesNothing(parent, Decode(entry.first));
  });
}

TEST(Techniques, RepeatBringsTheSameOperationsAgainAndAgain) {
  const Search without{.fresh = false, .retarget = false, .boundary = false, .repeat = false};
  Search with = without;
  with.repeat = true;
  EXPECT_GT(Count(with, Unmistakable(), HasARepetition), 50);
  EXPECT_EQ(Count(without, Unmistakable(), HasARepetition), 0);
}

bool HasABoundaryCount(const Program&, const Program& child) {
  return std::any_of(child.ops.begin(), child.ops.end(), [](const Op& op) {
    const auto* many = std::get_if<ops::MapMany>(&op);
    return many != nullptr && many->page.value == 31 && many->index.value == 5 &&
           many->count.value != 33;
  });
}

TEST(Techniques, BoundaryChangesACountAndLeavesTheRest) {
  EXPECT_GT(Count({.fresh = false}, Unmistakable(), HasABoundaryCount), 30);
  EXPECT_EQ(Count({.fresh = false, .boundary = false}, Unmistakable(), HasABoundaryCount), 0);
}

// Two operations on the same gfn, of which the parent has no two.
bool NamesAGfnTwice(const Program& parent, const Program& child) {
  std::set<uint8_t> seen;
  for (const Op& op : child.ops) {
    const auto* many = std::get_if<ops::MapMany>(&op);
    if (many == nullptr || many->count.value != 33) continue;
    if (!seen.insert(many->gfn.value).second) return child.ops.size() <= parent.ops.size();
  }
  return false;
}

TEST(Techniques, RetargetNamesWhatOperationsNearbyName) {
  const Search without{.fresh = false, .retarget = false, .boundary = false, .repeat = false};
  Search with = without;
  with.retarget = true;
  EXPECT_GT(Count(with, Unmistakable(), NamesAGfnTwice), 50);
  EXPECT_EQ(Count(without, Unmistakable(), NamesAGfnTwice), 0);
}

TEST(Techniques, SpliceTakesTheBeginningOfTheOneAndSomeOfTheOther) {
  const Program one = Unmistakable();
  Program other = one;
  for (Op& op : other.ops) std::get<ops::MapMany>(op).index.value = 6;
  const Mutator mutator(*TargetKindFor(one.header), Search{.fresh = false});
  int mixed = 0;
  for (uint64_t seed = 0; seed < 100; ++seed) {
    const Program child = mutator.CrossOver(one, other, kMaxOps, seed);
    const auto is_other = [](const Op& op) { return std::get<ops::MapMany>(op).index.value == 6; };
    const auto middle = std::find_if(child.ops.begin(), child.ops.end(), is_other);
    EXPECT_TRUE(std::all_of(middle, child.ops.end(), is_other));
    mixed += middle != child.ops.begin() && middle != child.ops.end() ? 1 : 0;
  }
  EXPECT_GT(mixed, 50);
}

TEST(KindSets, SwarmLeavesSomeOutNeverAll) {
  Random random(1);
  for (const MmuMode mode : {MmuMode::kNone, MmuMode::kPae}) {
    const Header header{.mode = mode};
    std::set<std::string> sets;
    int complete = 0;
    for (int i = 0; i < 200; ++i) {
      const KindSet kinds = DrawKinds(header, random);
      EXPECT_TRUE(kinds.any());
      EXPECT_EQ(kinds & ~KindsFor(header), KindSet());
      complete += kinds == KindsFor(header) ? 1 : 0;
      sets.insert(kinds.to_string());
    }
    EXPECT_GT(sets.size(), header.whole_mmu() ? 80u : 150u);
    EXPECT_NEAR(complete, header.whole_mmu() ? 100 : 0, 20)
        << "half of the programs on a whole MMU";
  }
}

TEST(KindSets, HaveMisuseOnlyWhereTheHeaderAllowsIt) {
  const auto has_misuse = [](const KindSet& kinds) {
    for (size_t kind = 0; kind < kOpKinds; ++kind) {
      if (kinds[kind] && OpTable()[kind].group == OpGroup::kMisuse) return true;
    }
    return false;
  };
  EXPECT_FALSE(has_misuse(KindsFor({})));
  EXPECT_TRUE(has_misuse(KindsFor({.misuse = true})));
}

// ---- Words that switch techniques off ----

TEST(ParseSearch, TakesWordsInAnyOrder) {
  EXPECT_EQ(std::get<Search>(ParseSearch("")), Search{});
  EXPECT_EQ(std::get<Search>(ParseSearch("no-splice,no-fresh")),
            (Search{.fresh = false, .splice = false}));
  EXPECT_EQ(std::get<Search>(ParseSearch("no-swarm")), (Search{.swarm = false}));
}

TEST(ParseSearch, SaysWhatItDoesNotKnow) {
  for (const char* words : {"splice", "no-splic", "no-splice,,no-fresh", " "}) {
    const auto parsed = ParseSearch(words);
    ASSERT_TRUE(std::holds_alternative<std::string>(parsed)) << words;
    EXPECT_NE(std::get<std::string>(parsed).find("expected some of no-fresh"), std::string::npos);
  }
}

}  // namespace
}  // namespace rmapdiff
