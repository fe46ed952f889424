// Runs programs on a whole MMU: the outcomes of operations, races, failed allocations, resets, and
// the runner's judgement of them.
#include <fmt/core.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "fuzzers/judges/known_differences.h"
#include "fuzzers/program/quirk_modes.h"
#include "fuzzers/run/report.h"
#include "fuzzers/run/runner.h"
#include "fuzzers/run/verdict_words.h"
#include "fuzzers/search/random_program.h"
#include "fuzzers/voices/make_voice.h"
#include "fuzzers/voices/voice.h"
#include "legacy_mmu/descriptor_map.h"

namespace rmapdiff {
namespace {

std::unique_ptr<Voice> MakeLegacy(const Header& header) { return AllEngines()[0].make(header); }
std::unique_ptr<Voice> MakeSibling(const Header& header) { return AllEngines()[1].make(header); }

constexpr const char* kModes[] = {"long", "pae", "32bit", "nonpaging", "tdp", "tdp32"};

std::string HeaderText(const std::string& mode, const std::string& more = "") {
  return "program version=2 limits=tiny vcpus=2 mode=" + mode + " " + more + "\n";
}

Program MustParse(const std::string& text) {
  const auto parsed = Parse(text);
  if (const auto* error = std::get_if<ParseError>(&parsed)) {
    ADD_FAILURE() << error->line << ":" << error->column << ": " << error->what << "\n" << text;
    return {};
  }
  return std::get<Program>(parsed);
}

// An outcome in words: "ok", "ok word 0x7070707", "guest_fault error 6".
std::string InWords(const Outcome& outcome) {
  std::string words(OutcomeName(outcome.code));
  if (const uint64_t word = outcome.value >> 32; word != 0)
    words += fmt::format(" word {:#x}", word);
  if (const uint64_t error = outcome.value >> 8 & 0xff; error != 0) {
    words += fmt::format(" error {}", error);
  }
  return words;
}

// The outcome of every operation, which must be the same for both engines; they agree in the end.
std::vector<std::string> OutcomesOf(const std::string& text) {
  const Program program = MustParse(text);
  const auto legacy = MakeLegacy(program.header);
  const auto sibling = MakeSibling(program.header);
  std::vector<std::string> outcomes;
  for (const Op& op : program.ops) {
    const Outcome outcome = legacy->Apply(op);
    EXPECT_EQ(outcome, sibling->Apply(op)) << PrintOp(program.header, op);
    outcomes.push_back(InWords(outcome));
  }
  RunOptions full;
  full.check = CheckLevel::kFull;
  const Verdict verdict = RunProgram(program, full);
  EXPECT_EQ(verdict.kind, VerdictKind::kAgree) << ReportText(program, verdict);
  return outcomes;
}

using Outcomes = std::vector<std::string>;

std::string Access(int vcpu, const std::string& va, const std::string& type, int value = 0,
                   const std::string& user = "yes") {
  return fmt::format("access vcpu={} va={} type={} user={} word=1 value={}\n", vcpu, va, type, user,
                     value);
}

// ---- The guest ----

TEST(MmuOutcomes, AVcpuReadsWhatAnotherHasWrittenByAnotherAddress) {
  for (const std::string mode : {"long", "pae", "32bit"}) {
    // Tables 3 and 8 both map data page 16.
    EXPECT_EQ(OutcomesOf(HeaderText(mode) + Access(0, "0/0/0/0", "write", 7) +
                         Access(1, "0/1/2/5", "read")),
              (Outcomes{"ok word 0x7070707", "ok word 0x7070707"}))
        << mode;
  }
}

std::string Touch(const std::string& page, const std::string& type = "read") {
  return "touch_place vcpu=0 page=" + page + " type=" + type + " user=no word=1 value=5\n";
}

std::string PlaceSlot(int slot, const std::string& place, const std::string& hva) {
  return fmt::format("place_memslot slot={} {} hva={} log=no\n", slot, place, hva);
}

TEST(MmuOutcomes, ASlotAtTheEndOfTheAddressSpaceIsMadeMovedAndDeleted) {
  for (const std::string mode : {"tdp", "nonpaging"}) {
    EXPECT_EQ(
        OutcomesOf(HeaderText(mode) + PlaceSlot(31, "gfn=0xf8 pages=0x8", "0x3fffc0") +
                   Touch("0xff", "write") + Touch("0x100") +
                   PlaceSlot(31, "gfn=0x88 pages=0x8", "0x3fffc0") + Touch("0x8f") + Touch("0xff") +
                   PlaceSlot(31, "gfn=0x88 pages=0x0", "0x3fffc0") + Touch("0x8f")),
        mode == "tdp" ? (Outcomes{"ok", "ok word 0x5050505", "mmio", "ok", "ok word 0x5050505",
                                  "mmio", "ok", "mmio"})
                      : (Outcomes{"ok", "ok word 0x5050505", "ok", "ok", "ok word 0x5050505",
                                  "mmio", "ok", "mmio"}))
        << mode << ": without paging the address wraps there";
  }
}

TEST(MmuOutcomes, RequestsForSlotsThatThereCannotBeAreRefused) {
  EXPECT_EQ(OutcomesOf(HeaderText("long") + PlaceSlot(32, "gfn=0x80 pages=0x8", "0x80") +
                       PlaceSlot(3, "gfn=0x3f pages=0x2", "0x80") +
                       PlaceSlot(3, "gfn=0x80 pages=0x8", "0x3ffff8") +
                       PlaceSlot(3, "gfn=0x80 pages=0x0", "0x80") +
                       PlaceSlot(3, "gfn=0x80 pages=0x8", "0x80") +
                       PlaceSlot(3, "gfn=0x80 pages=0x9", "0x80") +
                       PlaceSlot(3, "gfn=0x80 pages=0x8", "0x88")),
            (Outcomes{"invalid", "invalid", "invalid", "invalid", "ok", "invalid", "invalid"}));
}

TEST(MmuOutcomes, AnEntryReachesBeyondTheFirstSlots) {
  for (const std::string mode : {"long", "pae", "32bit"}) {
    EXPECT_EQ(
        OutcomesOf(HeaderText(mode) + PlaceSlot(3, "gfn=0x3fffff pages=0x1", "0x10") +
                   "set_place vcpu=0 table=0x3 entry=1 gfn=0x3fffff flags=pwu via=hypercall\n" +
                   Access(0, "0/0/0/1", "write", 7) + Access(1, "0/0/0/0", "read")),
        mode == "32bit" ? (Outcomes{"ok", "ok", "mmio", "ok"})
                        : (Outcomes{"ok", "ok", "ok word 0x7070707", "ok word 0x7070707"}))
        << mode;
  }
}

TEST(MmuOutcomes, AHostPageChangesWithEachNotifier) {
  const auto notify = [](const std::string& change, const std::string& by) {
    return "notify hva=0x10 change=" + change + " by=" + by + "\n";
  };
  for (const std::string by : {"range", "invalidate_page", "change_pte"}) {
    EXPECT_EQ(OutcomesOf(HeaderText("long") + Access(0, "0/0/0/0", "write", 7) +
                         notify("stay", by) + Access(0, "0/0/0/0", "read") + notify("move", by) +
                         Access(0, "0/0/0/0", "read") + notify("protect", by) +
                         Access(0, "0/0/0/0", "write", 8) + notify("unmap", by) +
                         Access(0, "0/0/0/0", "read") + "map_page hva=0x10\n" +
                         Access(0, "0/0/0/0", "read")),
              (Outcomes{"ok word 0x7070707", "ok", "ok word 0x7070707", "ok", "ok word 0x7070707",
                        "ok", "ok word 0x8080808", "ok", "host_fault", "ok", "ok word 0x8080808"}))
        << by;
  }
  EXPECT_EQ(OutcomesOf(HeaderText("long") + "notify hva=0x400000 change=move by=range\n"),
            (Outcomes{"invalid"}));
}

TEST(MmuOutcomes, PagesChangeWhileTheirRangeIsOpen) {
  EXPECT_EQ(
      OutcomesOf(HeaderText("tdp") + Touch("0x10", "write") + "change_range change=move\n" +
                 "range_start hva=0x10 count=2\n" + Touch("0x10") + "change_range change=unmap\n" +
                 "range_end\n" + Touch("0x10")),
      (Outcomes{"ok word 0x5050505", "ok", "ok", "retry_exhausted", "ok", "ok", "host_fault"}));
}

TEST(MmuOutcomes, WithoutTablesAnAddressIsAFrame) {
  for (const std::string mode : {"nonpaging", "tdp", "tdp32"}) {
    EXPECT_EQ(OutcomesOf(HeaderText(mode) + Access(0, "0/0/1/1", "write", 9) +
                         Access(1, "0/0/1/1", "read")),
              (Outcomes{"ok word 0x9090909", "ok word 0x9090909"}))
        << mode;
  }
}

TEST(MmuOutcomes, TheGuestFaultsWhereItsTablesDoNotLetIt) {
  for (const std::string mode : {"long", "pae"}) {
    EXPECT_EQ(OutcomesOf(HeaderText(mode) + Access(0, "0/0/1/0", "write") +
                         Access(0, "0/0/3/3", "read") + Access(0, "0/1/1/0", "write")),
              (Outcomes{"guest_fault error 7", "guest_fault error 5", "guest_fault error 7"}))
        << mode;
  }
}

TEST(MmuOutcomes, AnEntryThatTheGuestWritesIsFollowed) {
  for (const std::string via : {"guest", "halves", "bytes", "hypercall", "host"}) {
    const std::string text = HeaderText("long") +
                             "set_gpte vcpu=0 table=0x3 entry=5 gfn=0x10 flags=pwua via=" + via +
                             "\n" + Access(0, "0/0/0/0", "write", 5) + Access(0, "0/0/0/5", "read");
    const Outcomes outcomes = OutcomesOf(text);
    ASSERT_EQ(outcomes.size(), 3u);
    EXPECT_EQ(outcomes[2], "ok word 0x5050505") << via;
  }
}

TEST(MmuOutcomes, AHostPageThatIsGoneIsAFaultOfTheHostUntilItIsBack) {
  EXPECT_EQ(OutcomesOf(HeaderText("tdp") + Access(0, "0/0/1/1", "write", 3) +
                       "unmap_page hva=0x11\n" + Access(0, "0/0/1/1", "read") +
                       "map_page hva=0x11\n" + Access(0, "0/0/1/1", "read")),
            (Outcomes{"ok word 0x3030303", "ok", "host_fault", "ok", "ok word 0x3030303"}));
}

TEST(MmuOutcomes, WhereNoSlotIsThereIsMmio) {
  EXPECT_EQ(
      OutcomesOf(HeaderText("tdp") + Access(0, "0/1/0/0", "read") + "delete_memslot slot=1\n" +
                 Access(0, "0/1/0/0", "read") + "delete_memslot slot=1\n" +
                 "memslot slot=1 gfn=0x40 pages=64 hva=0x40 log=no\n" +
                 Access(0, "0/1/0/0", "read")),
      (Outcomes{"ok", "ok", "mmio", "invalid", "ok", "ok"}));
}

TEST(MmuOutcomes, ADirtyLogHasWhatWasWrittenSince) {
  const Program program = MustParse(HeaderText("tdp", "log=yes") + "get_dirty_log slot=0\n" +
                                    Access(0, "0/0/1/1", "write", 1) + "get_dirty_log slot=0\n" +
                                    "get_dirty_log slot=0\nget_dirty_log slot=3\n");
  const auto voice = MakeSibling(program.header);
  std::vector<Outcome> outcomes;
  for (const Op& op : program.ops) outcomes.push_back(voice->Apply(op));
  EXPECT_EQ(outcomes[0].value, 0u) << "an empty log";
  EXPECT_EQ(outcomes[2].value, 0x9e3779b97f4a7c15ull + 0x11) << "one page, gfn 0x11";
  EXPECT_EQ(outcomes[3].value, 0u);
  EXPECT_EQ(outcomes[4].code, OutcomeCode::kInvalid);
}

TEST(MmuOutcomes, OfAnOperationOfTheOtherKindAnMmuSaysSo) {
  const auto voice = MakeSibling({.mode = MmuMode::kTdp});
  EXPECT_EQ(voice->Apply(ops::Commit{}).code, OutcomeCode::kWrongProgram);
  const auto graph = MakeSibling({});
  EXPECT_EQ(graph->Apply(ops::ZapAll{}).code, OutcomeCode::kWrongProgram);
}

// ---- Races ----

// The last write is read. That is the first operation's, if the second was in its window.
TEST(MmuRace, TheSecondOperationHappensInTheWindowOfTheFirst) {
  for (const char* mode : kModes) {
    const Outcomes outcomes =
        OutcomesOf(HeaderText(mode) + "race\n" + Access(0, "0/0/1/5", "write", 1) +
                   Access(1, "0/0/1/5", "write", 2) + Access(0, "0/0/1/5", "read"));
    ASSERT_EQ(outcomes.size(), 4u);
    EXPECT_EQ(outcomes[0], "ok");
    EXPECT_EQ(outcomes[1], "pending");
    EXPECT_EQ(outcomes[3], "ok word 0x1010101") << mode;
  }
}

TEST(MmuRace, AHostThatTakesThePageAwayInTheWindowIsNoticed) {
  const std::string page = Access(0, "0/0/1/5", "write", 1);
  EXPECT_EQ(
      OutcomesOf(HeaderText("tdp") + "race\n" + page + "unmap_page hva=0x15\n")[2].substr(0, 10),
      "host_fault");
  // With the page mapped there is no window.
  EXPECT_EQ(OutcomesOf(HeaderText("tdp") + page + "race\n" + page + "unmap_page hva=0x15\n" +
                       Access(0, "0/0/1/5", "read"))[3]
                .substr(0, 2),
            "ok");
}

TEST(MmuRace, WhatUsesTheSameVcpuHappensAfterwards) {
  const Outcomes outcomes =
      OutcomesOf(HeaderText("tdp") + "race\n" + Access(0, "0/0/1/5", "write", 1) +
                 Access(0, "0/0/1/5", "write", 2) + Access(0, "0/0/1/5", "read"));
  EXPECT_EQ(outcomes.back(), "ok word 0x2020202");
}

TEST(MmuRace, WhatChangesMemslotsHappensAfterwards) {
  for (const std::string second : {"delete_memslot slot=0", "move_memslot slot=0 gfn=0x40"}) {
    const Outcomes outcomes =
        OutcomesOf(HeaderText("tdp") + "delete_memslot slot=1\nrace\n" +
                   Access(0, "0/0/1/5", "write", 1) + second + "\n" + Access(0, "0/0/1/5", "read"));
    EXPECT_EQ(outcomes[3].substr(0, 2), "ok") << second;
    EXPECT_EQ(outcomes[4], "mmio") << second;
  }
}

TEST(MmuRace, AResetHappensAfterwards) {
  const Outcomes outcomes =
      OutcomesOf(HeaderText("tdp") + "unmap_page hva=0x15\nrace\n" +
                 Access(0, "0/0/1/5", "write", 1) + "reset\n" + Access(0, "0/0/1/5", "write", 1));
  EXPECT_EQ(outcomes[3].substr(0, 10), "host_fault");
  EXPECT_EQ(outcomes[4], "ok word 0x1010101");
}

TEST(MmuRace, TwoOperationsThatDoNotTouchAreAsOneAfterTheOther) {
  const std::string first = Access(0, "0/0/1/5", "write", 1);
  const std::string second = Access(1, "0/0/1/6", "write", 2);
  const std::string reads = Access(0, "0/0/1/5", "read") + Access(0, "0/0/1/6", "read");
  for (const char* mode : kModes) {
    const Outcomes raced = OutcomesOf(HeaderText(mode) + "race\n" + first + second + reads);
    const Outcomes plain = OutcomesOf(HeaderText(mode) + first + second + reads);
    EXPECT_EQ(raced[3], plain[2]);
    EXPECT_EQ(raced[4], plain[3]);
  }
}

// ---- Failed allocations ----

// The whole visible state of an MMU after a program, without counters of attempts.
Observation StateAfter(const Program& program) {
  const auto voice = MakeSibling(program.header);
  for (const Op& op : program.ops) {
    EXPECT_NE(voice->Apply(op).code, OutcomeCode::kBug);
    EXPECT_EQ(voice->Objection(true).value_or(Difference{}).detail, "");
  }
  Observation state;
  voice->ObserveAll(&state);
  state.outcome = {};
  state.events = {};
  state.stats = {};
  const auto counts = [](const Fact& fact) { return fact.id.kind == FactKind::kCounter; };
  state.facts.erase(std::remove_if(state.facts.begin(), state.facts.end(), counts),
                    state.facts.end());
  return state;
}

void ExpectSameState(const Observation& expected, const Observation& actual) {
  const auto difference = Compare(expected, actual, Comparison::kMmu, kMmuTinyLayout);
  EXPECT_FALSE(difference) << difference->subject << ": " << difference->expected << ", "
                           << difference->actual;
}

// In the middle of a program every table that an access needs is allocated anew.
Program WithFailures(const std::string& mode, const std::string& keys, int nth) {
  std::string text = HeaderText(mode, keys);
  for (const char* va : {"0/0/1/5", "0/0/2/1", "0/1/0/3", "0/0/1/1"}) {
    if (nth > 0) text += fmt::format("fail_alloc nth={}\n", nth);
    text += Access(0, va, "write", 4, "no");
  }
  return MustParse(text);
}

TEST(MmuFailures, AStepThatRanOutOfMemoryIsRepeatedAndComesToTheSame) {
  for (const char* mode : kModes) {
    const Observation plain = StateAfter(WithFailures(mode, "", 0));
    for (int nth = 1; nth <= 12; ++nth) {
      ExpectSameState(plain, StateAfter(WithFailures(mode, "", nth)));
    }
    ExpectSameState(plain, StateAfter(WithFailures(mode, "oom=yes", 0)));
  }
}

// The legacy reverse map. It counts the top-ups of its caches, and on demand it counts entries
// wrong.
template <class L>
class Telltale : public DescriptorMap<L> {
  using Base = DescriptorMap<L>;

 public:
  using Base::Base;
  bool TopUp(typename Base::Caches& caches) {
    ++top_ups;
    return Base::TopUp(caches);
  }
  int Count(const typename Base::Head& head) const { return Base::Count(head) + (lies ? 1 : 0); }

  static inline int top_ups = 0;
  static inline bool lies = false;
};
using TinyTelltale = Telltale<TinyLimits>;

// The objection of the voice to a program. TinyTelltale::top_ups counts the top-ups of the caches.
std::string ObjectionTo(const Program& program, bool lies) {
  TinyTelltale::top_ups = 0;
  TinyTelltale::lies = lies;
  const std::unique_ptr<Voice> voice = MakeVoice<Telltale>(program.header);
  std::string objection;
  for (const Op& op : program.ops) {
    voice->Apply(op);
    const auto wrong = voice->Objection(false);
    if (wrong && objection.empty()) objection = wrong->subject;
  }
  return objection;
}

int TopUpsIn(const Program& program) {
  EXPECT_EQ(ObjectionTo(program, false), "");
  return TinyTelltale::top_ups;
}

TEST(MmuFailures, TopUpsDoFailAndAreRepeated) {
  const int plain = TopUpsIn(WithFailures("pae", "", 0));
  EXPECT_GT(TopUpsIn(WithFailures("pae", "oom=yes", 0)), plain + 4) << "more than once in a step";
  EXPECT_GE(TopUpsIn(WithFailures("pae", "", 1)), plain + 4) << "in each of four steps";
  EXPECT_EQ(TopUpsIn(WithFailures("pae", "", 60)), plain) << "there are not so many";
}

TEST(MmuFailures, WhatAFailedStepLeavesBehindIsSeenAtOnce) {
  const Header header{.mode = MmuMode::kPae, .limits = LimitsMode::kTiny};
  Header failing = header;
  failing.oom = true;
  EXPECT_EQ(ObjectionTo(RandomProgram(failing, 200, 1), false), "");
  Program unlooked = RandomProgram(header, 20, 1);
  std::erase_if(unlooked.ops,
                [](const Op& op) { return std::holds_alternative<ops::FailAlloc>(op); });
  EXPECT_EQ(ObjectionTo(unlooked, true), "") << "no allocation failed, so no check ran";
  const std::string objection = ObjectionTo(RandomProgram(failing, 200, 1), true);
  EXPECT_EQ(objection.substr(0, 13), "count of rmap");
  EXPECT_NE(objection.find(", after an allocation failed"), objection.npos) << objection;
}

TEST(MmuFailures, AllMmusFailAtTheSameTimeAndStayComparable) {
  for (const char* mode : kModes) {
    for (const Program& program :
         {WithFailures(mode, "", 1), WithFailures(mode, "", 2), WithFailures(mode, "oom=yes", 0)}) {
      const Verdict verdict = RunProgram(program);
      EXPECT_EQ(verdict.kind, VerdictKind::kAgree) << ReportText(program, verdict);
    }
  }
}

// ---- Reset ----

TEST(MmuReset, BringsBackWhatTheProgramBeganWith) {
  for (unsigned mode = 1; mode <= std::size(kModes); ++mode) {
    for (const bool log : {false, true}) {
      const Header header{.mode = static_cast<MmuMode>(mode),
                          .limits = LimitsMode::kTiny,
                          .more_vcpus = 1,
                          .log = log};
      Program program = RandomProgram(header, 300, mode);
      program.ops.push_back(ops::Reset{});
      // A race that is pending takes the first reset with it.
      program.ops.push_back(ops::Reset{});
      program.ops.push_back(ops::Reset{});
      Observation after = StateAfter(program);
      Observation before = StateAfter({header, {}});
      // Pages that hold no table keep what they held, one of zeros is as good as none, and vcpus
      // are asked to look for new roots.
      for (Observation* state : {&before, &after}) {
        const auto is_other = [](const Fact& fact) {
          const auto& [kind, who, what] = fact.id;
          return (kind == FactKind::kVcpu && what == 6) ||
                 (kind == FactKind::kMemory && (what >= TableArg::kCount || fact.value == 0));
        };
        state->facts.erase(std::remove_if(state->facts.begin(), state->facts.end(), is_other),
                           state->facts.end());
      }
      SCOPED_TRACE(kModes[mode - 1]);
      ExpectSameState(before, after);
    }
  }
}

// The same outcomes follow, whatever was before.
TEST(MmuReset, LetsTheGuestGoOnAsIfItHadJustBegun) {
  for (const char* mode : kModes) {
    const Header header = MustParse(HeaderText(mode)).header;
    Program accesses{header, {}};
    for (const char* va : {"0/0/0/1", "0/0/1/1", "0/0/3/3", "0/1/0/2", "0/1/1/2", "1/0/0/5"}) {
      for (const char* type : {"read", "write", "fetch"}) {
        const Program one = MustParse(HeaderText(mode) + Access(1, va, type));
        accesses.ops.push_back(one.ops[0]);
      }
    }
    const auto outcomes_after = [&](const std::vector<Op>& before) {
      const auto voice = MakeSibling(header);
      for (const Op& op : before) voice->Apply(op);
      std::string outcomes;
      for (const Op& op : accesses.ops)
        outcomes += OutcomeName(voice->Apply(op).code), outcomes += ' ';
      return outcomes;
    };
    std::vector<Op> before = RandomProgram(header, 300, 5).ops;
    before.push_back(ops::UnmapPage{.hva = {0x11}});
    before.push_back(ops::DeleteMemslot{.slot = {0}});
    const std::string changed = outcomes_after(before);
    before.insert(before.end(), 3, ops::Reset{});
    EXPECT_EQ(outcomes_after({}), outcomes_after(before)) << mode;
    EXPECT_NE(outcomes_after({}), changed) << mode << ": nothing to reset";
  }
}

// ---- The runner ----

TEST(MmuRunner, RandomProgramsAgreeWithAllLimits) {
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    const Header header{.mode = static_cast<MmuMode>(1 + seed % 6),
                        .limits = seed % 5 == 0 ? LimitsMode::kProduction : LimitsMode::kTiny,
                        .masks = static_cast<MasksMode>(seed / 2 % 3),
                        .more_vcpus = static_cast<uint8_t>(seed % 4),
                        .large = static_cast<LargeMode>(seed % 3),
                        .oom = seed % 7 == 0};
    const Program program = RandomProgram(header, 150, seed);
    const Verdict verdict = RunProgram(program);
    ASSERT_NE(verdict.kind, VerdictKind::kDivergence) << ReportText(program, verdict);
    const Verdict again = RunProgram(program);
    EXPECT_EQ(verdict.state_hash, again.state_hash);
    EXPECT_EQ(verdict.ops_run, again.ops_run);
  }
}

// Full checks, another order of the engines: the same verdict.
TEST(MmuRunner, TheFullCheckFindsNoMoreThanTheOrdinaryOne) {
  RunOptions full;
  full.check = CheckLevel::kFull;
  std::reverse(full.engines.begin(), full.engines.end());
  for (uint64_t seed = 1; seed <= 24; ++seed) {
    const Header header{.mode = static_cast<MmuMode>(1 + seed % 6), .limits = LimitsMode::kTiny};
    const Program program = RandomProgram(header, 150, seed);
    const Verdict ordinary = RunProgram(program);
    const Verdict complete = RunProgram(program, full);
    EXPECT_EQ(ordinary.kind, complete.kind) << ReportText(program, complete);
    EXPECT_EQ(ordinary.state_hash, complete.state_hash);
  }
}

// No guest and no host may bring a kernel down, so it is a finding even if all engines agree on
// that.
TEST(MmuRunner, ABugThatAllRaiseIsAFinding) {
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    const Header header{.mode = MmuMode::kTdp32,
                        .limits = LimitsMode::kTiny,
                        .quirk = QuirkModeOf(&Quirks::wrong_direct_root_gfn)};
    const Verdict verdict = RunProgram(RandomProgram(header, 200, seed));
    ASSERT_NE(verdict.kind, VerdictKind::kBug);
    if (verdict.difference.detail != "all MMUs raise it") continue;
    EXPECT_EQ(verdict.kind, VerdictKind::kDivergence);
    EXPECT_EQ(verdict.check, Check::kTruth);
    EXPECT_EQ(GuiltyName(verdict), "both");
    EXPECT_EQ(verdict.difference.finding, Finding::kBugClass);
    EXPECT_EQ(verdict.difference.expected, "no BUG");
    EXPECT_EQ(VoiceValues(verdict).size(), 3u);
    return;
  }
  FAIL() << "no program raises it";
}

// ---- L1 ----

// One frame is mapped so often that no descriptor is left. Then one instruction maps it again. The
// frame is the table itself, so the MMU takes the writes for no flood.
constexpr const char* kRepStore =
    "set_gpte vcpu=0 table=0x9 entry=7 gfn=0x11 flags=pua via=guest\n"
    "set_gpte vcpu=0 table=0xa entry=7 gfn=0x11 flags=pua via=guest\n"
    "set_gpte vcpu=0 table=0xb entry=7 gfn=0x11 flags=pua via=guest\n"
    "set_gpte vcpu=0 table=0xc entry=0 gfn=0x9 flags=pwua via=guest\n"
    "set_gpte vcpu=0 table=0xc entry=1 gfn=0xa flags=pwua via=guest\n"
    "set_gpte vcpu=0 table=0xc entry=3 gfn=0xb flags=pwua via=guest\n"
    "share vcpu=0 table=0x8 va=0/1/2/0 gfn=0x10 flags=pwuad count=1\n"
    "share vcpu=0 table=0x8 va=0/1/2/0 gfn=0x10 flags=pwuad count=1\n"
    "share vcpu=0 table=0x8 va=0/1/2/0 gfn=0x10 flags=pwuad count=1\n"
    "share vcpu=0 table=0x8 va=0/1/2/0 gfn=0x10 flags=pwuad count=1\n"
    "access vcpu=0 va=0/1/0/7 type=read user=yes word=0 value=0\n"
    "access vcpu=0 va=0/1/1/7 type=read user=yes word=0 value=0\n"
    "access vcpu=0 va=0/1/3/7 type=read user=yes word=0 value=0\n"
    "access vcpu=0 va=0/1/2/7 type=read user=yes word=0 value=0\n"
    "rep_store vcpu=0 table=0x8 entry=0 gfn=0x8 flags=pwuad count=64\n";

TEST(MmuKnownDifferences, L1IsClassifiedForTheOldReverseMap) {
  const Program program = MustParse(HeaderText("long", "oos=no") + kRepStore);
  const Verdict verdict = RunProgram(program);
  EXPECT_EQ(verdict.kind, VerdictKind::kClassified) << ReportText(program, verdict);
  EXPECT_EQ(verdict.classified, "L1");
  EXPECT_EQ(verdict.op_index + 1, program.ops.size());
}

TEST(MmuKnownDifferences, L1IsAFindingUnderTheRuleOfTheNew) {
  const Program program = MustParse(HeaderText("long", "oos=no") + kRepStore);
  RunOptions options;
  options.engines = {{"other", "", MapRule::kNew, MakeLegacy},
                     {"sibling", "", MapRule::kNew, MakeSibling}};
  const Verdict verdict = RunProgram(program, options);
  EXPECT_EQ(verdict.kind, VerdictKind::kDivergence);
  EXPECT_EQ(GuiltyName(verdict), "other");
}

TEST(MmuKnownDifferences, OnlyTheEmptyCacheOfARepStoreIsKnown) {
  const Header header{.mode = MmuMode::kLong};
  const Outcome right{.code = OutcomeCode::kEmulated, .value = 1};
  const Outcome empty{.code = OutcomeCode::kBug, .bug = BugClass::kCacheEmpty};
  const Outcome cycle{.code = OutcomeCode::kBug, .bug = BugClass::kCycle};
  const KnownDifference rep(header, ops::RepStore{}, right, false);
  EXPECT_EQ(rep.name(), "L1");
  EXPECT_FALSE(rep.ends_program());
  EXPECT_FALSE(rep.CompareOutcome(MapRule::kOld, empty));
  EXPECT_FALSE(rep.CompareOutcome(MapRule::kOld, right));
  EXPECT_TRUE(rep.CompareOutcome(MapRule::kNew, empty));
  EXPECT_TRUE(rep.CompareOutcome(MapRule::kOld, cycle));
  EXPECT_TRUE(rep.CompareOutcome(MapRule::kOld, Outcome{}));
  EXPECT_FALSE(rep.AllowsState(MapRule::kOld));
  const KnownDifference burst(header, ops::Burst{}, right, false);
  EXPECT_EQ(burst.name(), "");
  EXPECT_TRUE(burst.CompareOutcome(MapRule::kOld, empty));
}

}  // namespace
}  // namespace rmapdiff
