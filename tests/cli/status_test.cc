// The pure parts of rmapdiff status: reading a run's files, computing rates, and showing them.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "tools/cli/base/json_fields.h"
#include "tools/cli/run_folder/run_status.h"
#include "tools/cli/run_folder/status_text.h"

namespace rmapdiff {
namespace {

Sample SampleOf(uint64_t run, double time, double elapsed, const TargetSample& target) {
  Sample sample;
  sample.run = run;
  sample.time = time;
  sample.elapsed = elapsed;
  sample.targets["one"] = target;
  return sample;
}

RunStatus StatusOf(const std::vector<Sample>& samples, bool running, double now) {
  RunStatus status;
  status.running = running;
  status.now = now;
  TakeSamples(samples, &status);
  return status;
}

TEST(SamplesTest, ALineIsRead) {
  size_t skipped = 7;
  const std::vector<Sample> samples = ReadSamples(
      R"({"time":1000.5,"run":2,"elapsed":60,"jobs":3,"seed":9,"findings":1,"final":true,)"
      R"("targets":{"one":{"execs":100,"ops":2000,"seconds":50.5,"coverage":5,"features":6,)"
      R"("corpus":7,"corpus_bytes":8,"findings":1,"later":[1]}},"more":null})"
      "\n",
      &skipped);
  ASSERT_EQ(samples.size(), 1u);
  EXPECT_EQ(skipped, 0u);
  EXPECT_EQ(samples[0].time, 1000.5);
  EXPECT_EQ(samples[0].run, 2u);
  EXPECT_EQ(samples[0].sanitized, 100u);  // of a run before there were scouts
  EXPECT_TRUE(samples[0].final);
  const TargetSample& one = samples[0].targets.at("one");
  EXPECT_EQ(one.execs, 100u);
  EXPECT_EQ(one.seconds, 50.5);
  EXPECT_EQ(one.corpus_bytes, 8u);
}

TEST(SamplesTest, WhatIsWrittenIsRead) {
  Sample sample = SampleOf(3, 1000.5, 60, {1, 2, 3.5, 4, 5, 6, 7, 8, 9, 10, 11, 12.5});
  sample.jobs = 2;
  sample.sanitized = 25;
  sample.seed = 11;
  sample.findings = 1;
  sample.final = true;
  size_t skipped = 0;
  const std::vector<Sample> read = ReadSamples(JsonText(SampleJson(sample)), &skipped);
  ASSERT_EQ(read.size(), 1u);
  EXPECT_EQ(SampleJson(read[0]), SampleJson(sample));
  EXPECT_EQ(read[0].targets.at("one").reduced_to, 9u);
}

TEST(SamplesTest, OfManySomeStayAndTheFirstOfEachSession) {
  std::vector<Sample> samples;
  for (uint64_t i = 0; i < 20'000; ++i) {
    samples.push_back(SampleOf(1 + (i >= 12'346), 0, static_cast<double>(i), {}));
  }
  std::vector<Sample> some = Thinned(samples);
  EXPECT_LE(some.size(), 4098u);
  EXPECT_GT(some.size(), 2000u);
  EXPECT_EQ(some.front().elapsed, 0);
  EXPECT_EQ(some.back().elapsed, 19'999);
  EXPECT_TRUE(std::any_of(some.begin(), some.end(),
                          [](const Sample& one) { return one.elapsed == 12'346; }));
  for (Sample& sample : samples) sample.run = static_cast<uint64_t>(sample.elapsed);
  EXPECT_LE(Thinned(samples).size(), 4096u + 1000u + 1u);
  samples.resize(7);
  EXPECT_EQ(Thinned(samples).size(), 7u);
}

TEST(SamplesTest, ALastLineThatIsCutOffIsLeftOut) {
  size_t skipped = 0;
  const std::string line = R"({"time":1,"run":1,"targets":{}})";
  EXPECT_EQ(ReadSamples(line + "\n" + line, &skipped).size(), 1u);
  EXPECT_EQ(skipped, 0u);
}

constexpr const char* kGood =
    R"({"time":9,"run":2,"elapsed":8,"jobs":1,"seed":7,"targets":{"a":{"execs":5,"ops":6}}})"
    "\n";

TEST(SamplesTest, LinesThatMakeNoSenseAreLeftOutAndCounted) {
  for (const char* line :
       {"", "[]", "x\xff", R"({"time":1,"run":1})", R"({"run":1,"targets":{}})",
        R"({"time":1,"run":0,"targets":{}})", R"({"time":1,"run":1,"targets":5})",
        R"({"time":-5,"run":1,"targets":{}})", R"({"time":1e300,"run":1,"targets":{}})",
        R"({"time":253402300800,"run":1,"targets":{}})", R"({"time":1,"run":"x","targets":{}})",
        R"({"time":1,"run":1,"jobs":null,"targets":{}})",
        R"({"time":1,"run":1,"final":3,"targets":{}})", R"({"time":1,"run":1,"targets":{"a":3}})",
        R"({"time":1,"run":1,"targets":{"a":{"execs":-1}}})",
        R"({"time":1,"run":1,"targets":{"a":{"execs":1e16}}})",
        R"({"time":1,"run":1,"targets":{"a":{"seconds":"x"}}})"}) {
    size_t skipped = 0;
    const std::vector<Sample> samples = ReadSamples(kGood + std::string(line) + "\n", &skipped);
    EXPECT_EQ(skipped, 1u) << line;
    ASSERT_EQ(samples.size(), 1u) << line;
    EXPECT_EQ(samples.back().run, 2u) << line;
  }
}

TEST(SamplesTest, AFigureThatALineDoesNotNameIsAsBefore) {
  size_t skipped = 0;
  const std::vector<Sample> samples =
      ReadSamples(kGood + std::string(R"({"time":10,"run":2,"targets":{"a":{"execs":9},"b":{}}})"
                                      "\n"),
                  &skipped);
  ASSERT_EQ(samples.size(), 2u);
  EXPECT_EQ(samples[1].elapsed, 8);
  EXPECT_EQ(samples[1].targets.at("a").execs, 9u);
  EXPECT_EQ(samples[1].targets.at("a").ops, 6u);
  EXPECT_EQ(samples[1].targets.at("b").execs, 0u);
}

TEST(FindingTest, OneWithoutASignatureIsNone) {
  EXPECT_FALSE(ReadFinding("{}"));
  EXPECT_FALSE(ReadFinding("["));
  EXPECT_FALSE(ReadFinding(R"({"signature":4})"));
}

TEST(FindingTest, WhatIsWrittenIsRead) {
  FindingRecord record;
  record.signature = "a/b/c";
  record.target = "one";
  record.count = 3;
  record.first_seen = 5;
  record.minimal = "minimal.ops";
  record.draft = "draft_test.cc";
  const std::string text = JsonText(ToJson(record));
  ASSERT_TRUE(ReadFinding(text));
  EXPECT_EQ(JsonText(ToJson(*ReadFinding(text))), text);
  EXPECT_EQ(ReadFinding(text)->count, 3u);
}

TEST(RatesTest, NowIsTheLastMinuteOfThisSession) {
  const std::vector<Sample> samples = {
      SampleOf(1, 0, 0, {.execs = 0}),
      SampleOf(2, 1000, 500, {.execs = 50'000, .seconds = 500}),
      SampleOf(2, 1030, 530, {.execs = 51'000, .seconds = 530}),
      SampleOf(2, 1080, 580, {.execs = 56'000, .seconds = 560}),
  };
  const RunStatus status = StatusOf(samples, true, 1085);
  const TargetStatus& one = status.targets.at("one");
  EXPECT_EQ(one.execs_per_second(), 100);
  EXPECT_EQ(status.lately, 80);  // the oldest of the last minute, or the one before it
  EXPECT_EQ(one.execs_per_second_now(), 100);
  EXPECT_EQ(StatusOf(samples, false, 1085).targets.at("one").execs_per_second_now(), 0);
}

TEST(RatesTest, ANewFeatureIsSomeTimeOfFuzzingAgo) {
  const std::vector<Sample> samples = {
      SampleOf(1, 1000, 100, {.features = 5}),
      SampleOf(1, 1010, 110, {.features = 9}),
      SampleOf(2, 9000, 120, {.features = 7}),
      SampleOf(2, 9010, 130, {.features = 9}),
  };
  EXPECT_EQ(StatusOf(samples, false, 99'999).targets.at("one").since_new_feature, 20);
  EXPECT_EQ(StatusOf(samples, true, 9014).targets.at("one").since_new_feature, 24);
}

LiveCounters Live(uint64_t execs, uint64_t ops) {
  LiveCounters live = {};
  live.execs = execs;
  live.ops = ops;
  return live;
}

TEST(LiveTest, CountersOfThisSessionComeOnTopOfTheEarlierOnes) {
  const std::vector<Sample> samples = {SampleOf(1, 1, 1, {.execs = 1000, .ops = 5000}),
                                       SampleOf(2, 2, 2, {.execs = 1100, .ops = 5500})};
  TargetSample begun_at_zero = samples[1].targets.at("one");
  TakeLive(samples, "one", Live(120, 600), &begun_at_zero);
  EXPECT_EQ(begun_at_zero.execs, 1120u);
  EXPECT_EQ(begun_at_zero.ops, 5600u);

  TargetSample gone_on = samples[1].targets.at("one");
  TakeLive(samples, "one", Live(1120, 5600), &gone_on);
  EXPECT_EQ(gone_on.execs, 1120u);
  EXPECT_EQ(gone_on.ops, 5600u);

  TargetSample none = samples[1].targets.at("one");
  TakeLive(samples, "one", {}, &none);
  EXPECT_EQ(none.execs, 1100u);
}

TEST(TextTest, NamesFromFilesDriveNoTerminal) {
  RunStatus status = StatusOf({SampleOf(1, 1, 1, {})}, false, 2);
  status.folder = "o\x1but";
  status.targets["t\x1b[2J"] = {};
  FindingRecord finding;
  finding.signature = "s\n\x1b";
  finding.folder = "f\x07";
  status.findings.push_back(finding);
  status.remarks.push_back("r\x1b");
  const std::string text = StatusText(status);
  EXPECT_EQ(text.find_first_of("\x1b\x07"), text.npos) << text;
  EXPECT_NE(text.find("s\\x0a\\x1b"), text.npos) << text;
}

TEST(MetricsTest, LabelsAreEscaped) {
  RunStatus status;
  FindingRecord finding;
  finding.signature = "a\"b\\c\nd\x1b\xff";
  status.findings.push_back(finding);
  EXPECT_NE(StatusMetrics(status).find(R"(signature="a\"b\\c\nd??")"), std::string::npos);
}

}  // namespace
}  // namespace rmapdiff
