#include <gtest/gtest.h>

#include "tools/cli/base/text.h"

namespace rmapdiff {
namespace {

TEST(CliTextTest, ControlCharactersAreEscapedAndNothingElse) {
  EXPECT_EQ(Printable("a b\\c'\"\xc3\xa9"), "a b\\c'\"\xc3\xa9");
  EXPECT_EQ(Printable(std::string_view("\0\x1b\n\x7f", 4)), "\\x00\\x1b\\x0a\\x7f");
  EXPECT_EQ(Printable("\xc2\x9b\xc2\xa0\xc2"), "\\xc2\\x9b\xc2\xa0\xc2");
}

TEST(CliTextTest, TheNearestIsWhatAFingerSlippedFrom) {
  const std::vector<std::string> verbs = {"run", "show", "assemble", "ops"};
  EXPECT_EQ(Nearest("rum", verbs), "run");
  EXPECT_EQ(Nearest("nru", verbs), "run");
  EXPECT_EQ(Nearest("shwo", verbs), "show");
  EXPECT_EQ(Nearest("a", verbs), "assemble");
  EXPECT_EQ(Nearest("quux", verbs), "");
  EXPECT_EQ(Nearest(std::string(100'000, 'a'), verbs), "");
}

TEST(CliTextTest, ANumberHasDigitsOnly) {
  EXPECT_EQ(ParseNumber("0"), 0u);
  EXPECT_EQ(ParseNumber("18446744073709551615"), UINT64_MAX);
  for (const char* text : {"", "-1", "+1", " 1", "1 ", "1x", "18446744073709551616"}) {
    EXPECT_EQ(ParseNumber(text), std::nullopt) << text;
  }
}

TEST(CliTextTest, ADurationIsANumberAndPerhapsAUnit) {
  EXPECT_EQ(ParseDuration("90"), 90u);
  EXPECT_EQ(ParseDuration("90s"), 90u);
  EXPECT_EQ(ParseDuration("10m"), 600u);
  EXPECT_EQ(ParseDuration("2h"), 7200u);
  EXPECT_EQ(ParseDuration("14d"), 1209600u);
  EXPECT_EQ(ParseDuration("2w"), 1209600u);
  for (const char* text :
       {"", "s", "0", "0s", "-1", "1.5h", "1y", "400d", "10 m", "1h30m", "9000000000h"}) {
    EXPECT_EQ(ParseDuration(text), std::nullopt) << text;
  }
}

TEST(CliTextTest, TimesAndCountsAreForReaders) {
  EXPECT_EQ(FormatDuration(5.9), "0:05");
  EXPECT_EQ(FormatDuration(754), "12:34");
  EXPECT_EQ(FormatDuration(3600), "1:00:00");
  EXPECT_EQ(FormatDuration(-1), "0:00");
  EXPECT_EQ(FormatCount(0), "0");
  EXPECT_EQ(FormatCount(999), "999");
  EXPECT_EQ(FormatCount(1000), "1,000");
  EXPECT_EQ(FormatCount(1234567), "1,234,567");
}

TEST(CliTextTest, WordsAreWrappedBetweenTheColumns) {
  EXPECT_EQ(Wrap({}, 10, 2), "");
  EXPECT_EQ(Wrap({"aaa", "bbbb", "cc", "longer-than-that", "d"}, 10, 2),
            "aaa bbbb\n  cc\n  longer-than-that\n  d");
}

}  // namespace
}  // namespace rmapdiff
