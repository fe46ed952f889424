// Facts that derive from the table of engines, with a table of our own. Every engine can be
// watched, however many there are. The stack of a crash knows the map of each.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "fuzzers/finding/crash_log.h"
#include "fuzzers/voices/voice.h"
#include "fuzzers/voices/watched_voice.h"

namespace rmapdiff {

namespace {

constexpr size_t kEngines = 12;

// Fails with a finding of its own, which names its number.
class NumberedVoice final : public Voice {
 public:
  explicit NumberedVoice(size_t number) : number_(number) {}

  Outcome Apply(const Op&) override { return {.value = number_}; }
  void ObserveTouched(const Touched&, Observation*) override {}
  void ObserveAll(Observation*) override {}
  const RawState& Raw() override { return state_; }
  bool add_returns_ok() const override { return true; }
  std::string Teardown() override { return std::to_string(number_); }

 private:
  const size_t number_;
  const RawState state_{};
};

}  // namespace

const std::vector<Engine>& AllEngines() {
  static const std::vector<Engine>* engines = [] {
    static const std::string kNames = "abcdefghijkl";
    auto* all = new std::vector<Engine>;
    for (size_t i = 0; i < kEngines; ++i) {
      all->push_back({std::string_view(kNames).substr(i, 1), "kernel_maps/pte_list.h",
                      MapRule::kNew,
                      [i](const Header&) { return std::make_unique<NumberedVoice>(i); },
                      /*by_default=*/i + 1 < kEngines});
    }
    return all;
  }();
  return *engines;
}

namespace {

TEST(WatchedEnginesTest, EveryEngineIsThereWithItsNameAndItsVoice) {
  Progress progress;
  Watch watch;
  watch.progress = &progress;
  std::vector<size_t> before;
  watch.before = [&](size_t engine, size_t) { before.push_back(engine); };
  const std::vector<Engine> engines = WatchedEngines(watch, AllEngines());
  ASSERT_EQ(engines.size(), kEngines);
  for (size_t i = 0; i < kEngines; ++i) {
    EXPECT_EQ(engines[i].name, AllEngines()[i].name);
    const std::unique_ptr<Voice> voice = engines[i].make(Header{});
    EXPECT_EQ(voice->Apply(ops::Commit{}).value, i);
    EXPECT_EQ(progress.last_engine, i);
    EXPECT_EQ(progress.engine, Progress::kNobody);
    EXPECT_EQ(voice->Teardown(), std::to_string(i));
    EXPECT_EQ(before, (std::vector<size_t>{i, i}));
    before.clear();
  }
}

TEST(WatchedEnginesTest, ThePlaceIsThatAmongTheWatched) {
  Progress progress;
  Watch watch;
  watch.progress = &progress;
  const std::vector<Engine> engines = WatchedEngines(watch, {AllEngines()[10], AllEngines()[3]});
  ASSERT_EQ(engines.size(), 2u);
  const std::unique_ptr<Voice> voice = engines[1].make(Header{});
  EXPECT_EQ(voice->Apply(ops::Commit{}).value, 3u);
  EXPECT_EQ(progress.last_engine, 1u);
}

// Two watches at the same time: each sees its own engines.
TEST(WatchedEnginesTest, WatchesDoNotMix) {
  Progress first;
  Progress second;
  Watch watch;
  watch.progress = &first;
  const std::vector<Engine> of_first = WatchedEngines(watch, {AllEngines()[0]});
  watch.progress = &second;
  const std::vector<Engine> of_second = WatchedEngines(watch, {AllEngines()[1]});
  of_first[0].make(Header{})->Apply(ops::Commit{});
  EXPECT_EQ(first.last_engine, 0u);
  EXPECT_EQ(second.last_engine, Progress::kNobody);
}

TEST(CrashLogTest, AThirdMapIsBlamedAndNotItsCaller) {
  const CrashCause cause = ReadCrashLog(
      "==1==ERROR: AddressSanitizer: heap-use-after-free on address 0x52\n"
      "    #0 0x55d1 in rmapdiff::PteList<T>::Walk() /src/rmapdiff/kernel_maps/pte_list.h:7:1\n"
      "    #1 0x55d2 in rmapdiff::PageGraph<T>::Zap() mmu/graph/page_graph.h:9:1\n");
  ASSERT_EQ(cause.frames.size(), 2u);
  EXPECT_EQ(cause.frames[0].file, "kernel_maps/pte_list.h");
  ASSERT_NE(OwnFrame(cause.frames), nullptr);
  EXPECT_EQ(OwnFrame(cause.frames)->function, "PteList::Walk");
  EXPECT_TRUE(IsMmuSource("kernel_maps/pte_list_sort.h"));
  EXPECT_TRUE(IsMmuSource("mmu/graph/page_graph.h"));
  EXPECT_FALSE(IsMmuSource("legacy_mmu/descriptor_map.h")) << "no engine here has that map";
  EXPECT_FALSE(IsMmuSource(""));
}

// The names that EnginesNamed chooses by a list, or "! " and what is wrong.
std::string Named(std::string_view names) {
  const auto engines = EnginesNamed(names);
  const auto* wrong = std::get_if<std::string>(&engines);
  return wrong != nullptr ? "! " + *wrong : NamesOf(std::get<std::vector<Engine>>(engines));
}

TEST(EnginesTest, AListOfNamesChoosesInTheOrderOfTheTable) {
  EXPECT_EQ(Named("c"), "c");
  EXPECT_EQ(Named("c,a,b"), "a,b,c");
  EXPECT_EQ(Named("c,c"), "c");
}

TEST(EnginesTest, NoListMeansThoseByDefault) { EXPECT_EQ(Named(""), "a,b,c,d,e,f,g,h,i,j,k"); }

TEST(EnginesTest, AListWithAnUnknownNameIsRefusedWithTheKnownOnes) {
  const std::string expected = ", expected one or more of a,b,c,d,e,f,g,h,i,j,k,l";
  EXPECT_EQ(Named("a,model"), "! no map 'model'" + expected);
  for (const char* names : {",", "a,", ",a", "a,,b"}) {
    EXPECT_EQ(Named(names), "! no map ''" + expected) << names;
  }
}

TEST(EnginesTest, TheEnvironmentChoosesForTheProcess) {
  setenv(kMapsVariable, "b,d", 1);
  EXPECT_EQ(NamesOf(ChosenEngines()), "b,d");
  EXPECT_EQ(ChosenMaps(), "b,d");
}

TEST(EnginesDeathTest, AWrongEnvironmentEndsTheProcessAsWrongUsage) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  setenv(kMapsVariable, "b,x", 1);
  EXPECT_EXIT(ChosenEngines(), testing::ExitedWithCode(2), "^RMAPDIFF_MAPS: no map 'x', expected");
  unsetenv(kMapsVariable);
}

TEST(EnginesTest, AreFoundByTheirNames) {
  ASSERT_NE(FindEngine("l"), nullptr);
  EXPECT_EQ(FindEngine("l")->name, "l");
  EXPECT_EQ(FindEngine("model"), nullptr);
}

}  // namespace
}  // namespace rmapdiff
