#include "tools/cli/libfuzzer/libfuzzer_log.h"

#include <gtest/gtest.h>

#include <string>

namespace rmapdiff {
namespace {

constexpr const char* kStart =
    "INFO: Running with entropic power schedule (0xFF, 100).\n"
    "INFO: Seed: 4\n"
    "#2\tINITED cov: 40 ft: 50 corp: 1/1b exec/s: 0 rss: 30Mb\n"
    "#8\tNEW    cov: 44 ft: 61 corp: 3/21b lim: 4 exec/s: 0 rss: 30Mb L: 1/1 MS: 1 ChangeBit-\n";

constexpr const char* kDigits = "0123456789abcdef0123456789abcdef01234567";

// How a target of programs ends on a divergence.
std::string Divergence() {
  return std::string("DIVERGENCE at op 2 of 3: drop page=0\n") +
         "SIGNATURE: rmap-missing/drop/sibling\n"
         "==7== ERROR: libFuzzer: deadly signal\n"
         "SUMMARY: libFuzzer: deadly signal\n"
         "MS: 0 ; base unit: 0000000000000000000000000000000000000000\n"
         "artifact_prefix='a b/'; Test unit written to a b/crash-" +
         kDigits + "\nBase64: AAAA\n";
}

LibFuzzerLog LogOf(const std::string& text) {
  LibFuzzerLog log;
  log.Feed(text);
  return log;
}

TEST(LibFuzzerLogTest, TheLastLineOfFiguresCounts) {
  const LibFuzzerLog log = LogOf(kStart);
  EXPECT_EQ(log.figures().executions, 8u);
  EXPECT_EQ(log.figures().coverage, 44u);
  EXPECT_EQ(log.figures().features, 61u);
  EXPECT_EQ(log.figures().corpus, 3u);
}

TEST(LibFuzzerLogTest, ALineWithoutAFigureKeepsTheOneBefore) {
  const LibFuzzerLog log =
      LogOf(std::string(kStart) + "#16\tpulse  ft: 70 corp: nonsense\n#20\t\n");
  EXPECT_EQ(log.figures().executions, 20u);
  EXPECT_EQ(log.figures().coverage, 44u);
  EXPECT_EQ(log.figures().features, 70u);
  EXPECT_EQ(log.figures().corpus, 3u);
}

TEST(LibFuzzerLogTest, WhatIsNoLineOfFiguresIsIgnored) {
  for (const char* line :
       {"#", "#\tx ft: 9", "#12", "# 12\tNEW ft: 9", "#x\tNEW ft: 9", "12\tft: 9",
        "#99999999999999999999999\tNEW cov: 99999999999999999999999"}) {
    const LibFuzzerLog log = LogOf(std::string(line) + "\n");
    EXPECT_EQ(log.figures().executions, 0u) << line;
    EXPECT_EQ(log.figures().features, 0u) << line;
  }
}

TEST(LibFuzzerLogTest, TheFinalStatisticsTellHowManyRan) {
  const LibFuzzerLog log = LogOf(
      std::string(kStart) + "stat::number_of_executed_units: 1234\nstat::new_units_added: 9\n");
  EXPECT_EQ(log.figures().executions, 1234u);
}

TEST(LibFuzzerLogTest, TextMayComeInPieces) {
  const std::string text = kStart + Divergence();
  LibFuzzerLog log;
  for (char c : text) log.Feed(std::string(1, c));
  EXPECT_EQ(log.figures().features, 61u);
  EXPECT_EQ(log.signature(), "rmap-missing/drop/sibling");
  EXPECT_EQ(log.report(), Divergence());
}

TEST(LibFuzzerLogTest, ADivergenceBringsItsOwnSignature) {
  const LibFuzzerLog log = LogOf(kStart + Divergence());
  EXPECT_TRUE(log.has_own_signature());
  EXPECT_EQ(log.signature(), "rmap-missing/drop/sibling");
  EXPECT_EQ(log.artifact(), std::string("crash-") + kDigits);
}

TEST(LibFuzzerLogTest, TheReportIsWhatCameAfterTheLastFigures) {
  EXPECT_EQ(LogOf(kStart).report(), "");
  EXPECT_EQ(LogOf(kStart + Divergence()).report(), Divergence());
  EXPECT_EQ(LogOf(Divergence() + kStart).report(), "");
}

TEST(LibFuzzerLogTest, ASanitizersSummaryIsTheSignature) {
  const LibFuzzerLog log = LogOf(
      "==3==ERROR: AddressSanitizer: heap-use-after-free on address 0x1\n"
      "SUMMARY: AddressSanitizer: heap-use-after-free mmu/x.h:12:3 in Drop\n");
  EXPECT_EQ(log.signature(), "AddressSanitizer: heap-use-after-free mmu/x.h:12:3 in Drop");
  EXPECT_FALSE(log.has_own_signature());
}

TEST(LibFuzzerLogTest, ALeakIsToldByItsStackAndNotByItsSize) {
  const LibFuzzerLog log = LogOf(
      "==3==ERROR: LeakSanitizer: detected memory leaks\n"
      "DEDUP_TOKEN: malloc--Grow--Add\nDEDUP_TOKEN: malloc--Other\n"
      "SUMMARY: AddressSanitizer: 10 byte(s) leaked in 1 allocation(s).\n");
  EXPECT_EQ(log.signature(), "leak: malloc--Grow--Add");
}

TEST(LibFuzzerLogTest, SpaceAtTheEndIsNoPartOfASignature) {
  EXPECT_EQ(LogOf("SUMMARY: UndefinedBehaviorSanitizer: x y.cc:1:2 \n").signature(),
            "UndefinedBehaviorSanitizer: x y.cc:1:2");
}

TEST(LibFuzzerLogTest, ATimeoutIsCalledThat) {
  const LibFuzzerLog log =
      LogOf(std::string("==3== ERROR: libFuzzer: timeout after 25 seconds\n") +
            "SUMMARY: libFuzzer: timeout\n" + "Test unit written to ./timeout-" + kDigits + "\n");
  EXPECT_EQ(log.signature(), "timeout");
  EXPECT_EQ(log.artifact(), std::string("timeout-") + kDigits);
}

TEST(LibFuzzerLogTest, AnAbortIsToldByWhatTheTargetSaid) {
  const std::string end =
      "==7== ERROR: libFuzzer: deadly signal\n    #0 0x1\nSUMMARY: libFuzzer: deadly signal\n";
  EXPECT_EQ(LogOf(std::string(kStart) + "Decode(Encode(p)) is not p\n" + end).signature(),
            "Decode(Encode(p)) is not p");
  EXPECT_EQ(LogOf(kStart + end).signature(), "deadly signal");
}

TEST(LibFuzzerLogTest, ASlowUnitIsNoFinding) {
  const LibFuzzerLog log =
      LogOf(std::string("Slowest unit: 11 s:\nTest unit written to ./slow-unit-") + kDigits + "\n");
  EXPECT_EQ(log.artifact(), "");
  EXPECT_EQ(log.signature(), "");
}

TEST(LibFuzzerLogTest, AnArtifactNeedsAllItsDigits) {
  EXPECT_EQ(LogOf("Test unit written to ./crash-0123\n").artifact(), "");
  EXPECT_EQ(LogOf("Test unit written to ./crash-" + std::string(40, 'z') + "\n").artifact(), "");
}

TEST(LibFuzzerLogTest, ASignatureIsPrintableAndShort) {
  const LibFuzzerLog log = LogOf("SIGNATURE: a\x1b[31m" + std::string(1000, 'b') + "\n");
  EXPECT_EQ(log.signature().substr(0, 9), "a\\x1b[31m");
  EXPECT_LT(log.signature().size(), 300u);
}

TEST(LibFuzzerLogTest, EndlessTextTakesNoEndlessMemory) {
  LibFuzzerLog log;
  for (int i = 0; i < 10; ++i) log.Feed(std::string(1 << 20, 'x'));
  for (int i = 0; i < 100'000; ++i) log.Feed("a line of some length\n");
  EXPECT_LE(log.report().size(), LibFuzzerLog::kMaxReport);
  log.Feed("#3\tNEW ft: 5\n");
  EXPECT_EQ(log.figures().features, 5u);
}

}  // namespace
}  // namespace rmapdiff
