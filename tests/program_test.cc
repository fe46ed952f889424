// The codec: golden bytes and texts of every operation, the errors of the text form, and round
// trips over many programs and byte strings.
#include "fuzzers/program.h"

#include <gtest/gtest.h>

#include <iterator>
#include <set>
#include <string>

#include "fuzzers/codec_check.h"
#include "fuzzers/outcome.h"

namespace rmapdiff {
namespace {

using Bytes = std::vector<uint8_t>;

constexpr std::string_view kDefaultHeader =
    "program version=1 limits=production reuse=quarantine masks=shadow recycle=exact misuse=no\n";
constexpr Header kTinyHeader{.limits = LimitsMode::kTiny, .misuse = true};

// What keeps stored programs readable: each operation's text and record, by opcode. Append only.
struct GoldenOp {
  std::string_view text;    // with production limits
  std::string_view record;  // in hex
};
constexpr GoldenOp kGoldenOps[] = {
    {"alloc_page page=31 level=4 direct=yes gfn=0x61f parent=none index=511", "001f03017fff01ff"},
    {"map page=3 index=17 gfn=0x41f write=yes speculative=no", "010300115f010000"},
    {"drop page=0 index=256 notrap=yes", "0200010001000000"},
    {"link page=2 parent=30 index=255 keep=no", "03021e00ff000000"},
    {"unlink parent=7 index=0", "0407000000000000"},
    {"write_protect gfn=0x0", "0500000000000000"},
    {"map_many page=4 index=448 gfn=0x20f count=64 write=yes", "060401c02f3f0100"},
    {"touch page=5 index=8 write=no", "0705000800000000"},
    {"unmap gfn=0x600 level=3", "0860020000000000"},
    {"set_pte gfn=0x1 level=2 host=255 write=no", "090101ff00000000"},
    {"age gfn=0x1f level=1", "0a1f000000000000"},
    {"recycle page=6 index=300", "0b06012c00000000"},
    {"rmap_count gfn=0x200 level=3", "0c20020000000000"},
    {"parent_walk page=8", "0d08000000000000"},
    {"unlink_parents page=9", "0e09000000000000"},
    {"unlink_children page=10", "0f0a000000000000"},
    {"unsync page=11", "100b000000000000"},
    {"sync page=12", "110c000000000000"},
    {"sync_children page=13", "120d000000000000"},
    {"pin page=14", "130e000000000000"},
    {"unpin page=15", "140f000000000000"},
    {"zap page=16", "1510000000000000"},
    {"commit", "1600000000000000"},
    {"shrink count=1", "1700000000000000"},
    {"misuse_remove page=17 index=1 gfn=0x400", "1811000140000000"},
    {"misuse_remove_parent page=18 parent=19 index=2", "1912130002000000"},
    {"misuse_add_twice page=20 index=3", "1a14000300000000"},
    {"misuse_wrong_gfn page=21 index=4 gfn=0x2", "1b15000402000000"},
    {"misuse_set_gfn page=22 index=5 gfn=0x3", "1c16000503000000"},
};

std::string Hex(std::span<const uint8_t> bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string hex;
  for (const uint8_t byte : bytes) {
    hex += kDigits[byte >> 4];
    hex += kDigits[byte & 15];
  }
  return hex;
}

// The program of a text that must be right.
Program MustParse(std::string_view text) {
  const auto parsed = Parse(text);
  if (const auto* error = std::get_if<ParseError>(&parsed)) {
    ADD_FAILURE() << error->line << ":" << error->column << ": " << error->what << "\n" << text;
    return {};
  }
  return std::get<Program>(parsed);
}

// "line:column: what" of the error in a text, "" if there is none.
std::string ErrorIn(std::string_view text) {
  const auto parsed = Parse(text);
  const auto* error = std::get_if<ParseError>(&parsed);
  if (error == nullptr) return "";
  return std::to_string(error->line) + ":" + std::to_string(error->column) + ": " + error->what;
}

// The error in an operation, which is line 2.
std::string ErrorInOp(std::string_view op, std::string_view header = "program version=1") {
  return ErrorIn(std::string(header) + "\n" + std::string(op));
}

// The operation that a record is, in a program with tiny or production limits.
std::string OpOf(Bytes record, bool tiny = false) {
  Bytes bytes(kHeaderBytes);
  bytes[1] = tiny ? 1 : 0;
  bytes.insert(bytes.end(), record.begin(), record.end());
  const Program program = Decode(bytes);
  EXPECT_EQ(program.ops.size(), 1u);
  return PrintOp(program.header, program.ops.at(0));
}

// SplitMix64: byte strings that are the same everywhere.
class RandomBytes {
 public:
  explicit RandomBytes(uint64_t seed) : state_(seed) {}
  Bytes Draw(size_t size) {
    Bytes bytes(size);
    for (uint8_t& byte : bytes) byte = Next();
    return bytes;
  }

 private:
  uint8_t Next() {
    uint64_t z = (state_ += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    return static_cast<uint8_t>((z ^ (z >> 27)) >> 56);
  }
  uint64_t state_;
};

// ---- The table ----

TEST(OpTable, ListsEveryOperationOnceByItsOpcode) {
  ASSERT_EQ(OpTable().size(), kOpKinds);
  ASSERT_EQ(std::size(kGoldenOps), kOpKinds) << "a new operation needs a golden line";
  std::set<std::string_view> names;
  for (size_t opcode = 0; opcode < kOpKinds; ++opcode) {
    const std::string_view golden = kGoldenOps[opcode].text;
    EXPECT_EQ(OpTable()[opcode].name, golden.substr(0, golden.find(' '))) << opcode;
    EXPECT_TRUE(names.insert(OpTable()[opcode].name).second) << "a second " << golden;
  }
}

TEST(OpTable, SaysOfEveryOperationWhatItDoesAndHowOften) {
  for (const OpInfo& info : OpTable()) {
    EXPECT_GT(info.weight, 0) << info.name;
    EXPECT_FALSE(info.help.empty()) << info.name;
    EXPECT_EQ(info.help.find('\n'), info.help.npos) << info.name;
    EXPECT_EQ(info.group == OpGroup::kMisuse, info.name.substr(0, 7) == "misuse_") << info.name;
  }
}

TEST(OpTable, NamesTheArgumentsInTheOrderOfTheText) {
  const std::vector<std::string_view> expected{"page", "index", "gfn", "write", "speculative"};
  EXPECT_EQ(OpTable()[1].arguments, expected);
  EXPECT_EQ(OpName(Op(ops::Map{})), "map");
  EXPECT_EQ(GroupName(OpTable()[1].group), "leaf");
}

TEST(OpTable, GroupsAndOutcomesHaveDistinctNames) {
  std::set<std::string_view> names;
  for (int i = 0; i <= static_cast<int>(OpGroup::kMisuse); ++i) {
    EXPECT_TRUE(names.insert(GroupName(static_cast<OpGroup>(i))).second) << i;
  }
  EXPECT_EQ(names.count("?"), 0u);
  names.clear();
  for (int i = 0; i <= static_cast<int>(OutcomeCode::kBug); ++i) {
    EXPECT_TRUE(names.insert(OutcomeName(static_cast<OutcomeCode>(i))).second) << i;
  }
  EXPECT_EQ(names.count("?"), 0u);
  EXPECT_EQ(OutcomeName(OutcomeCode::kNoSuchPage), "no_such_page");
}

// ---- Bytes ----

TEST(Bytes, EveryOperationHasItsGoldenRecord) {
  for (const GoldenOp& golden : kGoldenOps) {
    const Program program = MustParse("program version=1\n" + std::string(golden.text));
    ASSERT_EQ(program.ops.size(), 1u);
    EXPECT_EQ(Hex(Encode(program)), "0100000000000000" + std::string(golden.record)) << golden.text;
  }
}

TEST(Bytes, EveryKeyOfTheHeaderHasItsGoldenBits) {
  const auto header_of = [](std::string_view keys) {
    return Hex(Encode(MustParse("program version=1 " + std::string(keys))));
  };
  EXPECT_EQ(header_of(""), "0100000000000000");
  EXPECT_EQ(header_of("limits=tiny"), "0101000000000000");
  EXPECT_EQ(header_of("reuse=lifo"), "0102000000000000");
  EXPECT_EQ(header_of("masks=bypass"), "0104000000000000");
  EXPECT_EQ(header_of("masks=ept"), "0108000000000000");
  EXPECT_EQ(header_of("recycle=native"), "0110000000000000");
  EXPECT_EQ(header_of("misuse=yes"), "0120000000000000");
}

TEST(Bytes, MissingBytesReadAsZero) {
  EXPECT_EQ(Decode({}), Program{});
  EXPECT_EQ(Decode(Bytes{1}), Program{});
  EXPECT_EQ(Decode(Bytes{1, 1}).header.limits, LimitsMode::kTiny);
  EXPECT_TRUE(Decode(Bytes(kHeaderBytes)).ops.empty());
  Bytes bytes(kHeaderBytes);
  bytes.push_back(4);
  EXPECT_EQ(Decode(bytes).ops, std::vector<Op>{ops::Unlink{}});
  bytes.push_back(7);
  EXPECT_EQ(Decode(bytes).ops, (std::vector<Op>{ops::Unlink{.parent = {7}, .index = {}}}));
}

TEST(Bytes, WhatIsReservedIsIgnoredAndWrittenAsZero) {
  const Bytes noisy{0xff, 0xcc, 1, 2, 3, 4, 5, 6, 22, 1, 2, 3, 4, 5, 6, 7};
  EXPECT_EQ(Hex(Encode(Decode(noisy))), "01000000000000001600000000000000");
}

TEST(Bytes, OpcodesWrapAround) {
  EXPECT_EQ(OpOf({22}), "commit");
  EXPECT_EQ(OpOf({22 + kOpKinds}), "commit");
  EXPECT_EQ(OpOf({22 + 2 * kOpKinds}), "commit");
}

TEST(Bytes, WhatIsOutOfRangeFallsIntoTheHotPoolOrWraps) {
  // unlink: page, index
  EXPECT_EQ(OpOf({4, 0x1f}), "unlink parent=31 index=0");
  EXPECT_EQ(OpOf({4, 0x9f}), "unlink parent=31 index=0");
  EXPECT_EQ(OpOf({4, 0x3f}), "unlink parent=3 index=0");
  EXPECT_EQ(OpOf({4, 0x5e}), "unlink parent=2 index=0");
  EXPECT_EQ(OpOf({4, 0, 0x01, 0xff}), "unlink parent=0 index=511");
  EXPECT_EQ(OpOf({4, 0, 0x3f, 0xff}), "unlink parent=0 index=511");
  EXPECT_EQ(OpOf({4, 0, 0x40, 0xff}), "unlink parent=0 index=7");
  EXPECT_EQ(OpOf({4, 0, 0x81, 0x0a}), "unlink parent=0 index=2");
  EXPECT_EQ(OpOf({4, 0, 0x01, 0x0d}, true), "unlink parent=0 index=5");
  // set_pte: gfn, level (1..3), host, flag
  EXPECT_EQ(OpOf({9, 0x7f}), "set_pte gfn=0x61f level=1 host=0 write=no");
  EXPECT_EQ(OpOf({9, 0x7f}, true), "set_pte gfn=0x7f level=1 host=0 write=no");
  EXPECT_EQ(OpOf({9, 0x83, 3}), "set_pte gfn=0x3 level=1 host=0 write=no");
  EXPECT_EQ(OpOf({9, 0xfe, 5, 255, 255}), "set_pte gfn=0x2 level=3 host=255 write=yes");
  EXPECT_EQ(OpOf({9, 0, 0, 0, 2}), "set_pte gfn=0x0 level=1 host=0 write=no");
  // shrink: count
  EXPECT_EQ(OpOf({23, 63}), "shrink count=64");
  EXPECT_EQ(OpOf({23, 64}), "shrink count=1");
  // alloc_page: page, level (1..4), flag, gfn, page or none
  EXPECT_EQ(OpOf({0, 0, 7, 0, 0, 0xe0}),
            "alloc_page page=0 level=4 direct=no gfn=0x0 parent=none index=0");
  EXPECT_EQ(OpOf({0, 0, 4, 0, 0, 0xdf}),
            "alloc_page page=0 level=1 direct=no gfn=0x0 parent=3 index=0");
}

// ---- Text ----

TEST(Text, EveryOperationIsPrintedAsItsGoldenLine) {
  std::string text(kDefaultHeader);
  Bytes bytes(kHeaderBytes);
  for (const GoldenOp& golden : kGoldenOps) {
    for (size_t i = 0; i < golden.record.size(); i += 2) {
      const std::string byte(golden.record.substr(i, 2));
      bytes.push_back(static_cast<uint8_t>(std::stoi(byte, nullptr, 16)));
    }
    text += golden.text;
    text += '\n';
  }
  EXPECT_EQ(Print(Decode(bytes)), text);
}

TEST(Text, TheHeaderIsPrintedInFull) {
  EXPECT_EQ(Print(Program{}), kDefaultHeader);
  const Header other{LimitsMode::kTiny, ReuseMode::kLifo, MasksMode::kEpt, RecycleMode::kNative,
                     true};
  EXPECT_EQ(Print(Program{other, {}}),
            "program version=1 limits=tiny reuse=lifo masks=ept recycle=native misuse=yes\n");
}

TEST(Text, OrderSpaceCommentsAndLineEndsDoNotMatter) {
  const Program expected =
      MustParse("program version=1 limits=tiny misuse=yes\nunlink parent=3 index=5\ncommit\n");
  EXPECT_EQ(expected.ops.size(), 2u);
  EXPECT_EQ(MustParse("# a story: caf\xc3\xa9\r\n\r\n"
                      " \tprogram misuse=yes  limits=tiny\tversion=0x1 # so be it\r\n"
                      "#map\r\n"
                      "unlink index=0x5 parent=003#x\r\n"
                      "\n"
                      "  commit"),
            expected);
}

TEST(Text, ALineMayHave4096Bytes) {
  const std::string comment = "#" + std::string(4095, 'x');
  EXPECT_EQ(ErrorIn(comment + "\r\nprogram version=1\n"), "");
  EXPECT_EQ(ErrorIn(comment + "x\nprogram version=1\n"),
            "1:4097: the line has 4097 bytes, expected at most 4096");
}

TEST(Text, GfnsAndIndexesAreThoseOfTheLimits) {
  const std::string tiny = "program version=1 limits=tiny";
  EXPECT_EQ(ErrorInOp("write_protect gfn=0x7f", tiny), "");
  EXPECT_EQ(ErrorInOp("unlink parent=0 index=7", tiny), "");
  EXPECT_EQ(ErrorInOp("unlink parent=0 index=8", tiny),
            "2:23: bad index '8', expected an spte index from 0 to 7");
  EXPECT_EQ(ErrorInOp("unlink parent=0 index=512"),
            "2:23: bad index '512', expected an spte index from 0 to 511");
  const std::string gfns =
      ", expected a gfn of the guest: 0x0 to 0x1f, 0x200 to 0x21f, 0x400 to 0x41f, 0x600 to 0x61f";
  EXPECT_EQ(ErrorInOp("write_protect gfn=0x7f"), "2:19: bad gfn '0x7f'" + gfns);
  EXPECT_EQ(ErrorInOp("write_protect gfn=0x800"), "2:19: bad gfn '0x800'" + gfns);
  EXPECT_EQ(ErrorInOp("write_protect gfn=0x100000000"), "2:19: bad gfn '0x100000000'" + gfns);
}

TEST(TextErrors, NoHeader) {
  EXPECT_EQ(ErrorIn(""), "1:1: no program, expected 'program version=1'");
  EXPECT_EQ(ErrorIn("# x\n\n  # y\n"), "3:6: no program, expected 'program version=1'");
  EXPECT_EQ(ErrorIn("\n  commit\n"),
            "2:3: the program begins with 'commit', expected 'program version=1'");
}

TEST(TextErrors, HeaderKeys) {
  EXPECT_EQ(ErrorIn("program # x"), "1:8: program lacks 'version', expected 1");
  EXPECT_EQ(ErrorIn("program version=2"), "1:17: bad version '2', expected 1");
  EXPECT_EQ(ErrorIn("program version="), "1:17: bad version '', expected 1");
  EXPECT_EQ(ErrorIn("program version=1 masks=none"),
            "1:25: bad masks 'none', expected shadow or bypass or ept");
  EXPECT_EQ(ErrorIn("program version=1 misuse=maybe limits=tiny"),
            "1:26: bad misuse 'maybe', expected no or yes");
  EXPECT_EQ(ErrorIn("program version=1 limit=tiny"),
            "1:19: unknown argument 'limit' of program, did you mean 'limits'?");
  EXPECT_EQ(ErrorIn("program version=1 colour=red"),
            "1:19: unknown argument 'colour' of program, expected one of version, limits, reuse, "
            "masks, recycle, misuse");
  EXPECT_EQ(ErrorIn("program version=1 version=1"), "1:19: second 'version', expected it once");
  EXPECT_EQ(ErrorIn("program 1"), "1:9: stray '1', expected key=value");
}

TEST(TextErrors, UnknownOperations) {
  EXPECT_EQ(ErrorInOp("  mpa page=1"), "2:3: unknown operation 'mpa', did you mean 'map'?");
  EXPECT_EQ(ErrorInOp("write-protect gfn=1"),
            "2:1: unknown operation 'write-protect', did you mean 'write_protect'?");
  std::string all;
  for (const OpInfo& info : OpTable()) all += (all.empty() ? "" : ", ") + std::string(info.name);
  EXPECT_EQ(ErrorInOp("frobnicate"), "2:1: unknown operation 'frobnicate', expected one of " + all);
  EXPECT_EQ(ErrorInOp(std::string(50, 'y')),
            "2:1: unknown operation '" + std::string(40, 'y') + "...', expected one of " + all);
  EXPECT_EQ(ErrorInOp("\xff"), "2:1: unknown operation '\\xff', expected one of " + all);
}

TEST(TextErrors, UnknownMissingAndRepeatedArguments) {
  EXPECT_EQ(ErrorInOp("pin pgae=1"), "2:5: unknown argument 'pgae' of pin, did you mean 'page'?");
  EXPECT_EQ(ErrorInOp("drop page=1 write=no"),
            "2:13: unknown argument 'write' of drop, expected one of page, index, notrap");
  EXPECT_EQ(ErrorInOp("commit page=1"),
            "2:8: unknown argument 'page' of commit, expected no arguments");
  EXPECT_EQ(ErrorInOp("unlink parent=1  # no index"),
            "2:16: unlink lacks 'index', expected an spte index from 0 to 511");
  EXPECT_EQ(ErrorInOp("unlink index=1 parent=2 index=1"), "2:25: second 'index', expected it once");
  EXPECT_EQ(ErrorInOp("pin page=1 now"), "2:12: stray 'now', expected key=value");
  EXPECT_EQ(ErrorInOp("pin page = 1"), "2:5: stray 'page', expected key=value");
  EXPECT_EQ(ErrorInOp("pin =1"), "2:5: unknown argument '' of pin, expected one of page");
}

TEST(TextErrors, ValuesOutOfTheirRange) {
  EXPECT_EQ(ErrorInOp("pin page=32"), "2:10: bad page '32', expected a page id from 0 to 31");
  EXPECT_EQ(ErrorInOp("pin page=none"), "2:10: bad page 'none', expected a page id from 0 to 31");
  EXPECT_EQ(ErrorInOp("alloc_page page=0 level=5 direct=no gfn=0 parent=none index=0"),
            "2:25: bad level '5', expected a level from 1 to 4");
  EXPECT_EQ(ErrorInOp("alloc_page page=0 level=1 direct=no gfn=0 parent=255 index=0"),
            "2:50: bad parent '255', expected a page id from 0 to 31, or none");
  EXPECT_EQ(ErrorInOp("age gfn=0 level=4"), "2:17: bad level '4', expected a level from 1 to 3");
  EXPECT_EQ(ErrorInOp("age gfn=0 level=0"), "2:17: bad level '0', expected a level from 1 to 3");
  EXPECT_EQ(ErrorInOp("set_pte gfn=0 level=1 host=256 write=no"),
            "2:28: bad host '256', expected a number from 0 to 255");
  EXPECT_EQ(ErrorInOp("shrink count=0"), "2:14: bad count '0', expected a count from 1 to 64");
  EXPECT_EQ(ErrorInOp("shrink count=65"), "2:14: bad count '65', expected a count from 1 to 64");
  EXPECT_EQ(ErrorInOp("drop page=1 index=0 notrap=1"), "2:28: bad notrap '1', expected yes or no");
}

TEST(TextErrors, WhatIsNoNumber) {
  for (const std::string text :
       {"", "-1", "+1", "1x", "0x", "0xg", "0x-1", "0x0x1", "1=1", "18446744073709551616",
        "18446744073709551617", "0x10000000000000001"}) {
    EXPECT_EQ(ErrorInOp("pin page=" + text),
              "2:10: bad page '" + text + "', expected a page id from 0 to 31");
  }
}

TEST(TextErrors, ControlCharacters) {
  EXPECT_EQ(ErrorInOp(std::string_view("pin\0page=1", 10)),
            "2:4: control character '\\x00', expected printable text");
  EXPECT_EQ(ErrorInOp("commit # \x1b[0m"),
            "2:10: control character '\\x1b', expected printable text");
  EXPECT_EQ(ErrorInOp("commit\rcommit"), "2:7: control character '\\x0d', expected printable text");
  EXPECT_EQ(ErrorInOp("\x7f"), "2:1: control character '\\x7f', expected printable text");
}

TEST(Text, LooksLikeTextIffTheFirstWordIsProgram) {
  EXPECT_TRUE(LooksLikeText("program"));
  EXPECT_TRUE(LooksLikeText("program version=7"));
  EXPECT_TRUE(LooksLikeText("# story\r\n\r\n\tprogram#\n\0"));
  EXPECT_FALSE(LooksLikeText(""));
  EXPECT_FALSE(LooksLikeText("programs"));
  EXPECT_FALSE(LooksLikeText("# program"));
  EXPECT_FALSE(LooksLikeText("map\nprogram"));
  EXPECT_FALSE(LooksLikeText(std::string_view("\1\0\0\0\0\0\0\0program", 15)));
}

// ---- Random programs ----

TEST(RandomProgram, IsTheSameForTheSameSeed) {
  EXPECT_EQ(RandomProgram(kTinyHeader, 50, 7), RandomProgram(kTinyHeader, 50, 7));
  EXPECT_NE(RandomProgram(kTinyHeader, 50, 7), RandomProgram(kTinyHeader, 50, 8));
  EXPECT_EQ(RandomProgram(kTinyHeader, 50, 7).header, kTinyHeader);
  EXPECT_TRUE(RandomProgram(kTinyHeader, 0, 7).ops.empty());
}

// On every platform; a new operation or weight changes it, and that is all right.
TEST(RandomProgram, IsTheSameEverywhere) {
  EXPECT_EQ(Print(RandomProgram(Header{}, 6, 1)),
            std::string(kDefaultHeader) +
                "drop page=3 index=2 notrap=no\n"
                "drop page=0 index=1 notrap=no\n"
                "alloc_page page=5 level=3 direct=yes gfn=0x41e parent=none index=2\n"
                "alloc_page page=11 level=4 direct=yes gfn=0x412 parent=none index=383\n"
                "alloc_page page=10 level=3 direct=yes gfn=0x1 parent=11 index=3\n"
                "link page=3 parent=5 index=1 keep=no\n");
}

TEST(RandomProgram, HasEveryOperationAndMisuseOnlyWhereAllowed) {
  std::vector<size_t> allowed(kOpKinds), without(kOpKinds);
  for (const Op& op : RandomProgram(kTinyHeader, 20000, 1).ops) ++allowed[op.index()];
  for (const Op& op : RandomProgram(Header{}, 20000, 1).ops) ++without[op.index()];
  for (size_t kind = 0; kind < kOpKinds; ++kind) {
    const OpInfo& info = OpTable()[kind];
    EXPECT_GT(allowed[kind], 0u) << info.name;
    EXPECT_EQ(without[kind] == 0, info.group == OpGroup::kMisuse) << info.name;
  }
  EXPECT_GT(without[1], without[3]) << "map has more weight than link";
}

TEST(RandomProgram, DrawsThreeOfFourArgumentsFromTheHotPools) {
  int hot = 0;
  int all = 0;
  for (const Op& op : RandomProgram(Header{}, 20000, 3).ops) {
    const auto* protect = std::get_if<ops::WriteProtect>(&op);
    if (protect == nullptr) continue;
    all += 1;
    hot += protect->gfn.index < 4 ? 1 : 0;
  }
  EXPECT_GT(hot * 100, all * 72);  // 3/4 and what the other quarter adds
  EXPECT_LT(hot * 100, all * 84);
}

// ---- Properties ----

TEST(CodecProperties, HoldForByteStringsOfEveryLength) {
  RandomBytes random(1);
  for (size_t size = 0; size <= 100; ++size) {
    for (int i = 0; i < 10; ++i) {
      const Bytes bytes = random.Draw(size);
      ASSERT_EQ(FindCodecFault(bytes), "") << Hex(bytes);
    }
  }
}

TEST(CodecProperties, HoldForEveryByteOfEveryOperation) {
  for (uint8_t limits = 0; limits < 2; ++limits) {
    for (uint8_t opcode = 0; opcode < kOpKinds; ++opcode) {
      for (size_t at = 1; at < kRecordBytes; ++at) {
        Bytes bytes(kHeaderBytes);
        bytes[1] = limits;
        for (int value = 0; value < 256; ++value) {
          bytes.resize(bytes.size() + kRecordBytes);
          bytes[bytes.size() - kRecordBytes] = opcode;
          bytes[bytes.size() - kRecordBytes + at] = static_cast<uint8_t>(value);
        }
        ASSERT_EQ(FindCodecFault(bytes), "");
      }
    }
  }
}

TEST(CodecProperties, ABrokenRecordIsAProgramAllTheSame) {
  RandomBytes random(2);
  for (int i = 0; i < 100000; ++i) {
    const Bytes bytes = random.Draw(kHeaderBytes + static_cast<size_t>(i % 25));
    const Program program = Decode(bytes);
    const Bytes canonical = Encode(program);
    ASSERT_EQ(Decode(canonical), program) << Hex(bytes);
  }
}

TEST(CodecProperties, RandomProgramsSurviveBytesAndText) {
  for (uint64_t seed = 0; seed < 100000; ++seed) {
    const Header header = Decode(Bytes{1, static_cast<uint8_t>(seed)}).header;
    const Program program = RandomProgram(header, 2, seed);
    ASSERT_EQ(Decode(Encode(program)), program) << seed;
    ASSERT_EQ(MustParse(Print(program)), program) << seed;
  }
}

TEST(CodecProperties, HoldForEveryTruncationAndEveryDamagedByteOfAText) {
  const std::string text = "# damage\r\n" + Print(RandomProgram(kTinyHeader, 4, 5));
  const auto fault_in = [](const std::string& damaged) {
    return FindCodecFault({reinterpret_cast<const uint8_t*>(damaged.data()), damaged.size()});
  };
  for (size_t size = 0; size <= text.size(); ++size) {
    ASSERT_EQ(fault_in(text.substr(0, size)), "") << size;
  }
  for (size_t i = 0; i < text.size(); ++i) {
    for (const char c : {'\0', '\n', '\r', ' ', '#', '=', '0', '9', 'x', '\x80'}) {
      std::string damaged = text;
      damaged[i] = c;
      ASSERT_EQ(fault_in(damaged), "") << damaged;
    }
  }
}

}  // namespace
}  // namespace rmapdiff
