// Small-scope exhaustion: every sequence of up to so many operations out of a small alphabet, in a
// world of two gfns and two or three pages with tiny limits. Nothing is pruned.
//
// A world is a prelude, which every program begins with, and an alphabet of concrete operations.
// The programs of a world are its prelude followed by each sequence of 0 to `length` letters.
#include <gtest/gtest.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "fuzzers/program/program.h"
#include "fuzzers/run/report.h"
#include "fuzzers/run/runner.h"
#include "fuzzers/run/verdict_words.h"
#include "fuzzers/voices/voice.h"
#include "tests/common/checks.h"
#include "tests/power/canaries.h"
#include "tests/power/faulty_engine.h"

namespace rmapdiff {
namespace {

struct World {
  const char* name;
  const char* header;
  const char* prelude;
  std::vector<const char*> alphabet;
  int longest;

  // AddressSanitizer takes several times as long, so programs are two operations shorter with it.
  int length() const { return kAddressSanitizer ? longest - 2 : longest; }
};

constexpr const char* kQuarantine =
    "program version=2 limits=tiny reuse=quarantine masks=shadow recycle=exact misuse=no\n";
constexpr const char* kLifoBypass =
    "program version=2 limits=tiny reuse=lifo masks=bypass recycle=exact misuse=no\n";

// Up to four leaves of two page tables, three of them of one gfn: a second descriptor.
const World kLeaves = {
    "leaves",
    kLifoBypass,
    "alloc_page page=1 level=1 direct=no gfn=0x0 parent=none index=0\n"
    "alloc_page page=2 level=1 direct=no gfn=0x1 parent=none index=0\n",
    {
        "map page=1 index=0 gfn=0x0 write=yes speculative=no",
        "map page=1 index=1 gfn=0x0 write=no speculative=yes",
        "map page=2 index=0 gfn=0x0 write=yes speculative=no",
        "map page=2 index=1 gfn=0x1 write=yes speculative=no",
        "drop page=1 index=0 notrap=yes",
        "drop page=1 index=1 notrap=no",
        "drop page=2 index=0 notrap=no",
        "write_protect gfn=0x0",
        "unmap gfn=0x0 level=1",
        "age gfn=0x0 level=1",
        "set_pte gfn=0x0 level=1 host=1 write=no",
        "unlink_children page=2",
    },
    5,
};

// Large leaves of a direct and an indirect directory, and a table that one of them could link to.
const World kLargeLeaves = {
    "large leaves",
    kQuarantine,
    "alloc_page page=0 level=2 direct=yes gfn=0x0 parent=none index=0\n"
    "alloc_page page=1 level=2 direct=no gfn=0x0 parent=none index=0\n"
    "alloc_page page=2 level=1 direct=no gfn=0x1 parent=none index=0\n",
    {
        "map page=0 index=0 gfn=0x0 write=yes speculative=no",
        "map page=1 index=0 gfn=0x0 write=yes speculative=no",
        "map page=1 index=1 gfn=0x1 write=no speculative=no",
        "link page=2 parent=1 index=0 keep=yes",
        "drop page=1 index=0 notrap=no",
        "write_protect gfn=0x1",
        "set_pte gfn=0x0 level=2 host=1 write=yes",
        "recycle page=1 index=1",
        "zap page=1",
    },
    5,
};

// One page table linked from up to four slots of two directories: a second chain.
const World kParents = {
    "parents",
    kQuarantine,
    "alloc_page page=0 level=2 direct=no gfn=0x0 parent=none index=0\n"
    "alloc_page page=1 level=2 direct=no gfn=0x1 parent=none index=0\n"
    "alloc_page page=2 level=1 direct=no gfn=0x0 parent=none index=0\n",
    {
        "link page=2 parent=0 index=0 keep=yes",
        "link page=2 parent=0 index=1 keep=yes",
        "link page=2 parent=1 index=0 keep=yes",
        "link page=2 parent=1 index=1 keep=yes",
        "link page=2 parent=1 index=1 keep=no",
        "unlink parent=0 index=0",
        "unlink parent=0 index=1",
        "unlink parent=1 index=0",
        "unlink parent=1 index=1",
        "unlink_parents page=2",
        "unlink_children page=0",
        "zap page=2",
    },
    5,
};

// Three levels, the lowest of them going out of sync and back.
const World kUnsync = {
    "unsync",
    kQuarantine,
    "alloc_page page=0 level=3 direct=no gfn=0x0 parent=none index=0\n"
    "alloc_page page=1 level=2 direct=no gfn=0x0 parent=none index=0\n"
    "alloc_page page=2 level=1 direct=no gfn=0x1 parent=none index=0\n",
    {
        "link page=1 parent=0 index=0 keep=yes",
        "link page=1 parent=0 index=1 keep=yes",
        "link page=2 parent=1 index=0 keep=yes",
        "link page=2 parent=1 index=1 keep=yes",
        "unlink parent=0 index=0",
        "unlink parent=1 index=0",
        "unsync page=2",
        "sync page=2",
        "sync_children page=0",
        "sync_children page=1",
        "zap page=0",
        "zap page=1",
    },
    5,
};

// From nothing: pages come, are used, are zapped and come again, in the memory of those before.
const World kLives = {
    "lives",
    kLifoBypass,
    "",
    {
        "alloc_page page=0 level=2 direct=no gfn=0x0 parent=none index=0",
        "alloc_page page=1 level=1 direct=no gfn=0x0 parent=none index=0",
        "alloc_page page=1 level=1 direct=no gfn=0x1 parent=0 index=0",
        "alloc_page page=2 level=1 direct=yes gfn=0x0 parent=0 index=1",
        "link page=1 parent=0 index=0 keep=yes",
        "link page=1 parent=0 index=1 keep=yes",
        "unlink parent=0 index=0",
        "unlink_parents page=1",
        "map page=1 index=0 gfn=0x0 write=yes speculative=no",
        "map page=1 index=1 gfn=0x1 write=no speculative=no",
        "map page=2 index=0 gfn=0x0 write=yes speculative=no",
        "drop page=1 index=0 notrap=yes",
        "write_protect gfn=0x0",
        "unmap gfn=0x0 level=1",
        "unsync page=1",
        "sync_children page=0",
        "pin page=1",
        "unpin page=1",
        "zap page=1",
        "zap page=0",
        "commit",
        "shrink count=1",
    },
    4,
};

Program ParsedOrDie(const std::string& text) {
  auto parsed = Parse(text);
  if (const auto* error = std::get_if<ParseError>(&parsed)) {
    ADD_FAILURE() << error->line << ": " << error->what;
    std::abort();
  }
  return std::get<Program>(std::move(parsed));
}

// The programs of a world, the shorter ones of two with a common beginning first.
class Enumeration {
 public:
  explicit Enumeration(const World& world)
      : program_(ParsedOrDie(std::string(world.header) + world.prelude)), length_(world.length()) {
    std::string text = world.header;
    for (const char* letter : world.alphabet) text += std::string(letter) + "\n";
    letters_ = ParsedOrDie(text).ops;
  }

  // Calls visit(program) for each until it returns false. Returns whether it never did.
  template <class Visit>
  bool Run(Visit&& visit) {
    return Extend(length_, visit);
  }

 private:
  template <class Visit>
  bool Extend(int left, Visit& visit) {
    if (!visit(static_cast<const Program&>(program_))) return false;
    if (left == 0) return true;
    for (const Op& letter : letters_) {
      program_.ops.push_back(letter);
      if (!Extend(left - 1, visit)) return false;
      program_.ops.pop_back();
    }
    return true;
  }

  Program program_;
  std::vector<Op> letters_;
  int length_;
};

struct Count {
  uint64_t programs = 0;
  uint64_t operations = 0;
};

// How many sequences of 0 to `length` letters there are.
uint64_t Sequences(const World& world) {
  uint64_t all = 0;
  uint64_t of_length = 1;
  for (int i = 0; i <= world.length(); ++i, of_length *= world.alphabet.size()) all += of_length;
  return all;
}

class ExhaustiveTest : public testing::TestWithParam<const World*> {};

// Every program of a world, on these engines.
void ExpectEveryProgramToAgree(const World& world, const RunOptions& options) {
  Count count;
  const bool all_agree = Enumeration(world).Run([&](const Program& program) {
    const Verdict verdict = RunProgram(program, options);
    ++count.programs;
    count.operations += verdict.ops_run;
    if (verdict.kind == VerdictKind::kAgree) return true;
    ADD_FAILURE() << Print(program) << ReportText(program, verdict);
    return false;
  });
  std::printf("%s: %llu programs, %llu operations\n", world.name,
              static_cast<unsigned long long>(count.programs),
              static_cast<unsigned long long>(count.operations));
  if (all_agree) EXPECT_EQ(count.programs, Sequences(world)) << "something was left out";
}

TEST_P(ExhaustiveTest, EveryProgramAgrees) { ExpectEveryProgramToAgree(*GetParam(), {}); }

// Against the model alone: what all agree with, they agree in.
TEST_P(ExhaustiveTest, EveryProgramAgreesOnTheOtherMaps) {
  RunOptions options;
  options.engines = AllEngines();
  std::erase_if(options.engines, [](const Engine& engine) { return engine.by_default; });
  ExpectEveryProgramToAgree(*GetParam(), options);
}

INSTANTIATE_TEST_SUITE_P(Worlds, ExhaustiveTest,
                         testing::Values(&kLeaves, &kLargeLeaves, &kParents, &kUnsync, &kLives),
                         [](const auto& info) {
                           std::string name;
                           for (const char* c = info.param->name; *c != 0; ++c) {
                             name += *c == ' ' ? '_' : *c;
                           }
                           return name;
                         });

// ---- Memory: AddressSanitizer finds an overflow that changes nothing else. ----

TEST(ExhaustiveDeathTest, AnOverflowIsFound) {
  RunOptions options;
  options.engines = {FaultyEngine<OneLink>("one_link")};
  if (!kAddressSanitizer) return ExpectEveryProgramToAgree(kParents, options);
  EXPECT_DEATH(ExpectEveryProgramToAgree(kParents, options), "AddressSanitizer: use-after-poison");
}

// ---- Sensitivity: the same enumeration finds canaries, so it is not agreement about nothing. ----

struct Sensitivity {
  const World* world;
  const char* canary;
};

class ExhaustiveSensitivityTest : public testing::TestWithParam<Sensitivity> {};

TEST_P(ExhaustiveSensitivityTest, TheEnumerationFindsTheCanary) {
  const Canary& canary = FindCanary(GetParam().canary);
  RunOptions options;
  options.engines.push_back(canary.engine);
  uint64_t programs = 0;
  std::string guilty;
  std::string signature;
  Enumeration(*GetParam().world).Run([&](const Program& program) {
    ++programs;
    const Verdict verdict = RunProgram(program, options);
    if (verdict.kind == VerdictKind::kAgree) return true;
    guilty = GuiltyName(verdict);
    signature = Signature(program, verdict);
    return false;
  });
  std::printf("%-13s %-24s program %llu: %s\n", GetParam().world->name, GetParam().canary,
              static_cast<unsigned long long>(programs), signature.c_str());
  EXPECT_EQ(guilty, GetParam().canary) << "of all programs none shows the fault";
}
INSTANTIATE_TEST_SUITE_P(
    Worlds, ExhaustiveSensitivityTest,
    testing::Values(Sensitivity{&kLeaves, "lost_tail"}, Sensitivity{&kLeaves, "lost_more"},
                    Sensitivity{&kLeaves, "hole_left"}, Sensitivity{&kLeaves, "skipped_head"},
                    Sensitivity{&kLargeLeaves, "unlinked_successor"},
                    Sensitivity{&kParents, "unshifted_chain"},
                    Sensitivity{&kParents, "head_chain_not_searched"},
                    Sensitivity{&kParents, "multimapped_stays"},
                    Sensitivity{&kUnsync, "kept_parents"},
                    Sensitivity{&kLives, "uncleared_first_parent"},
                    Sensitivity{&kLives, "stale_link"}, Sensitivity{&kLives, "links_never_freed"}),
    [](const auto& info) { return std::string(info.param.canary); });

}  // namespace
}  // namespace rmapdiff
