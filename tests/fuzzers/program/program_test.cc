// The codec: golden bytes and texts of every operation, the errors of the text form, and round
// trips over many programs and byte strings.
#include "fuzzers/program/program.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>
#include <string>

#include "fuzzers/program/codec_check.h"
#include "fuzzers/program/fields.h"
#include "fuzzers/program/fnv.h"
#include "fuzzers/program/quirk_modes.h"
#include "fuzzers/search/random_program.h"
#include "fuzzers/state/outcome.h"

namespace rmapdiff {
namespace {

using Bytes = std::vector<uint8_t>;

constexpr std::string_view kDefaultHeader =
    "program version=2 limits=production reuse=quarantine masks=shadow recycle=exact misuse=no\n";
constexpr Header kTinyHeader{.limits = LimitsMode::kTiny, .misuse = true};
constexpr std::string_view kMmuHeader =
    "program version=2 mode=long limits=production reuse=quarantine masks=shadow vcpus=1 oos=yes "
    "large=1g log=no oom=no quirk=none counters=zero second=none protect=none\n";
// The first line of a short program on a whole MMU.
constexpr std::string_view kMmu = "program version=2 mode=long vcpus=4";
constexpr size_t kGraphOps = 29;  // the first operations of the table; the others are on whole MMUs
constexpr size_t kMmuModes = 6;

// Each operation's text and record, by opcode. They keep stored programs readable. Append only.
struct GoldenOp {
  std::string_view text;    // with production limits
  std::string_view record;  // in hex
};
constexpr GoldenOp kGoldenOps[] = {
    // On a page graph.
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
    // On a whole MMU.
    {"access vcpu=3 va=1/1/3/15 type=fetch user=yes word=255 value=7", "0003ff0201ff0700"},
    {"set_gpte vcpu=1 table=0xf entry=511 gfn=0x61f flags=pwuadhxr via=bytes", "01010f01ff7fff02"},
    {"invlpg vcpu=2 va=0/1/2/9", "0202690000000000"},
    {"load_cr3 vcpu=0 table=0x7", "0300070000000000"},
    {"set_mode vcpu=1 paging=pae wp=no nx=yes pse=no table=0x2", "0401030001000200"},
    {"enter_guest vcpu=3", "0503000000000000"},
    {"unload vcpu=2", "0602000000000000"},
    {"unprotect_virt vcpu=0 va=1/0/0/1", "0700810000000000"},
    {"rep_store vcpu=0 table=0x3 entry=256 gfn=0x10 flags=pw count=64", "080003010010033f"},
    {"fork vcpu=1 from=0x3 to=0x4 count=8", "0901030407000000"},
    {"clear_table vcpu=0 table=0x4 count=1", "0a00040000000000"},
    {"burst vcpu=0 table=0x3 entry=7 gfn=0x200 flags=- count=12", "0b0003000720000b"},
    {"share vcpu=1 table=0x8 va=0/1/2/0 gfn=0x400 flags=pu count=3", "0c01086040050200"},
    {"self_map vcpu=0 table=0x3 entry=9 va=0/0/0/9", "0d00030009090000"},
    {"memslot slot=3 gfn=0x41f pages=64 hva=0x1 log=yes", "0e035f3f01010000"},
    {"delete_memslot slot=1", "0f01000000000000"},
    {"move_memslot slot=2 gfn=0x600", "1002600000000000"},
    {"log_dirty slot=0 on=yes", "1100010000000000"},
    {"get_dirty_log slot=3", "1203000000000000"},
    {"move_page hva=0x1f", "131f000000000000"},
    {"merge_page hva=0x10", "1410000000000000"},
    {"unmap_page hva=0x11", "1511000000000000"},
    {"map_page hva=0x12", "1612000000000000"},
    {"set_backing hva=0x200 level=3", "1720020000000000"},
    {"age_page hva=0x13", "1813000000000000"},
    {"test_young hva=0x400", "1940000000000000"},
    {"range_start hva=0x8 count=16", "1a080f0000000000"},
    {"range_end", "1b00000000000000"},
    {"invalidate_page hva=0x21f", "1c3f000000000000"},
    {"quota count=2", "1d01000000000000"},
    {"mmu_shrink count=7", "1e06000000000000"},
    {"zap_all", "1f00000000000000"},
    {"unprotect_gfn gfn=0x3", "2003000000000000"},
    {"write_guest gfn=0x11 word=9 value=255", "211109ff00000000"},
    {"fail_alloc nth=64", "223f000000000000"},
    {"race", "2300000000000000"},
    {"reset", "2400000000000000"},
    {"place_memslot slot=33 gfn=0xfffffff pages=0x201 hva=0x40001 log=yes", "25217b0a64010000"},
    {"set_place vcpu=1 table=0xf entry=511 gfn=0x3fffff flags=pwh via=host", "26010f01ff772304"},
    {"touch_place vcpu=2 page=0x1ff type=write user=yes word=3 value=7", "2702220101030700"},
    {"notify hva=0x400 change=huge by=change_pte", "2826060200000000"},
    {"change_range change=merge", "2904000000000000"},
    {"manual_protect on=yes", "2a01000000000000"},
    {"clear_dirty_log slot=1 range=tail bits=255", "2b0103ff00000000"},
    {"read_only_slot slot=2 read_only=yes anew=no", "2c02010000000000"},
    {"replace_vcpu vcpu=1", "2d01000000000000"},
    {"page_ready vcpu=2", "2e02000000000000"},
    {"write_cr4 vcpu=1 cr4=ea", "2f01030000000000"},
};

// The header that a golden operation is printed with: as few keys as there may be.
std::string_view HeaderOf(size_t kind) {
  return kind < kGraphOps ? std::string_view("program version=2") : kMmu;
}

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
std::string ErrorInOp(std::string_view op, std::string_view header = "program version=2") {
  return ErrorIn(std::string(header) + "\n" + std::string(op));
}

// The operation that a record is, in a program with tiny or production limits, on a page graph or,
// with a mode, on a whole MMU with four vcpus.
std::string OpOf(Bytes record, bool tiny = false, MmuMode mode = MmuMode::kNone) {
  Bytes bytes(kHeaderBytes);
  bytes[1] = tiny ? 1 : 0;
  bytes[2] = static_cast<uint8_t>(mode);
  bytes[3] = 3;
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

TEST(OpTable, EveryOperationIsOfOneKindOfProgram) {
  const Header graph;
  const Header mmu{.mode = MmuMode::kTdp};
  for (size_t kind = 0; kind < kOpKinds; ++kind) {
    const OpInfo& info = OpTable()[kind];
    EXPECT_EQ(FitsHeader(info, graph), kind < kGraphOps) << info.name;
    EXPECT_EQ(FitsHeader(info, mmu), kind >= kGraphOps) << info.name;
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
  for (int i = 0; i <= static_cast<int>(OpGroup::kFault); ++i) {
    EXPECT_TRUE(names.insert(GroupName(static_cast<OpGroup>(i))).second) << i;
  }
  EXPECT_EQ(names.count("?"), 0u);
  names.clear();
  for (int i = 0; i <= static_cast<int>(OutcomeCode::kWrongProgram); ++i) {
    EXPECT_TRUE(names.insert(OutcomeName(static_cast<OutcomeCode>(i))).second) << i;
  }
  EXPECT_EQ(names.count("?"), 0u);
  EXPECT_EQ(OutcomeName(OutcomeCode::kNoSuchPage), "no_such_page");
}

// ---- Bytes ----

TEST(Bytes, EveryOperationHasItsGoldenRecord) {
  for (size_t kind = 0; kind < kOpKinds; ++kind) {
    const GoldenOp& golden = kGoldenOps[kind];
    const Program program =
        MustParse(std::string(HeaderOf(kind)) + "\n" + std::string(golden.text));
    ASSERT_EQ(program.ops.size(), 1u);
    EXPECT_EQ(Hex(Encode(program)).substr(16), golden.record) << golden.text;
  }
}

TEST(Bytes, EveryKeyOfTheHeaderHasItsGoldenBits) {
  const auto header_of = [](std::string_view keys) {
    return Hex(Encode(MustParse("program version=2 " + std::string(keys))));
  };
  EXPECT_EQ(header_of(""), "02000000001d0000");
  EXPECT_EQ(header_of("limits=tiny"), "02010000001d0000");
  EXPECT_EQ(header_of("reuse=lifo"), "02020000001d0000");
  EXPECT_EQ(header_of("masks=bypass"), "02040000001d0000");
  EXPECT_EQ(header_of("masks=ept"), "02080000001d0000");
  EXPECT_EQ(header_of("recycle=native"), "02100000001d0000");
  EXPECT_EQ(header_of("misuse=yes"), "02200000001d0000");
}

TEST(Bytes, EveryKeyOfAWholeMmusHeaderHasItsGoldenBits) {
  const auto header_of = [](std::string_view keys) {
    return Hex(Encode(MustParse("program version=2 " + std::string(keys))));
  };
  EXPECT_EQ(header_of("mode=long"), "0200010000250000");
  EXPECT_EQ(header_of("mode=pae"), "0200020000250000");
  EXPECT_EQ(header_of("mode=32bit"), "0200030000250000");
  EXPECT_EQ(header_of("mode=nonpaging"), "0200040000250000");
  EXPECT_EQ(header_of("mode=tdp"), "0200050000250000");
  EXPECT_EQ(header_of("mode=tdp32"), "0200060000250000");
  EXPECT_EQ(header_of("mode=long limits=tiny reuse=lifo masks=ept"), "020b010000250000");
  EXPECT_EQ(header_of("mode=long vcpus=4"), "0200010300250000");
  EXPECT_EQ(header_of("mode=long oos=no"), "0200010400250000");
  EXPECT_EQ(header_of("mode=long large=2m"), "0200010800250000");
  EXPECT_EQ(header_of("mode=long large=4k"), "0200011000250000");
  EXPECT_EQ(header_of("mode=long log=yes"), "0200012000250000");
  EXPECT_EQ(header_of("mode=long oom=yes"), "0200014000250000");
  EXPECT_EQ(header_of("mode=long quirk=drop_absent_spte"), "0200010001250000");
  EXPECT_EQ(header_of("mode=long quirk=share_across_pse"), "020001000f250000");
  EXPECT_EQ(header_of("mode=long quirk=as_in_2_6_36"), "02000100ff250000");
  EXPECT_EQ(header_of("mode=long counters=near_32_bits"), "0200010000250100");
  EXPECT_EQ(header_of("mode=long counters=near_64_bits"), "0200010000250200");
  EXPECT_EQ(header_of("mode=long second=long"), "0200010000250400");
  EXPECT_EQ(header_of("mode=pae second=pae"), "0200020000250800");
  EXPECT_EQ(header_of("mode=nonpaging second=32bit"), "0200040000250c00");
  EXPECT_EQ(header_of("mode=long protect=smep"), "0200010000251000");
  EXPECT_EQ(header_of("mode=long protect=smap"), "0200010000252000");
  EXPECT_EQ(header_of("mode=long protect=smep_smap"), "0200010000253000");
}

TEST(Bytes, AByteBeyondTheLastChoiceIsTheDefault) {
  const auto header_of = [](Bytes bytes) { return Decode(bytes).header; };
  EXPECT_EQ(header_of({1, 0, 6}).mode, MmuMode::kTdp32);
  EXPECT_EQ(header_of({1, 0, 7, 0xff, 9}), Header{});
  EXPECT_EQ(header_of({1, 0, 255}).mode, MmuMode::kNone);
  EXPECT_EQ(header_of({1, 0, 1, 0x18}).large, LargeMode::k4K);
  EXPECT_EQ(header_of({1, 0, 1, 0x80}), (Header{.mode = MmuMode::kLong}));
  constexpr auto kLast = static_cast<uint8_t>(kAsIn2_6_36);
  EXPECT_EQ(header_of({2, 0, 1, 0, 0xff}).quirk, kAsIn2_6_36);
  EXPECT_EQ(header_of({2, 0, 1, 0, kLast}).quirk, QuirkMode::kNone);
  EXPECT_EQ(header_of({2, 0, 1, 0, kLast - 1}).quirk, static_cast<QuirkMode>(kLast - 1));
  EXPECT_EQ(header_of({2, 0, 1, 0, 0, 0, 3}).counters, CountersMode::kZero);
}

TEST(Bytes, AQuirkIsTheOneOfItsName) {
  for (const NamedQuirk& quirk : kQuirks) {
    const Header header =
        MustParse("program version=2 mode=long quirk=" + std::string(quirk.name)).header;
    Quirks expected;
    expected.*quirk.on = true;
    EXPECT_EQ(QuirksOf(header.quirk), expected) << quirk.name;
  }
  EXPECT_EQ(QuirksOf(QuirkMode::kNone), Quirks::Fixed());
  EXPECT_EQ(QuirksOf(kAsIn2_6_36), Quirks::AsIn2_6_36());
}

// ---- Arguments ----

// As a visitor, checks each argument that it is shown: its domain fits its type, and a value in the
// domain is its own byte, whatever the hot pool.
struct DomainCheck {
  const Header& header;
  size_t place = 1;  // in the record

  void operator()(const char* name, const auto& arg) {
    const Domain& domain = arg.kDomain;
    const uint32_t count = CountOf(domain, header);
    EXPECT_GT(count, 0u) << name;
    EXPECT_LE(count, domain.count) << name;
    EXPECT_LE(domain.hot, count) << name;
    for (uint32_t number = 0; number < count; ++number) {
      auto written = arg;
      written.value = static_cast<decltype(written.value)>(domain.first + number);
      ASSERT_EQ(written.value, domain.first + number) << name;
      const uint32_t first_byte = domain.bytes() == 2 ? number >> 8 : number;
      EXPECT_EQ(first_byte & domain.hot_bits, 0u) << name << " " << number;
    }
    for (uint32_t number = 0; number < 2 * HotCount(domain, header); ++number) {
      const uint32_t hot = HotValue(domain, header, number);
      EXPECT_GE(hot, domain.first) << name;
      EXPECT_LT(hot, domain.first + count) << name;
    }
    if (domain.step == Domain::Step::kNext) EXPECT_EQ(count & (count - 1), 0u) << name;
    if (domain.form == Domain::Form::kWord) EXPECT_EQ(domain.words.size(), domain.count) << name;
    place += domain.bytes();
  }
};

TEST(Arguments, EveryDomainKeepsItsPromises) {
  for (const LimitsMode limits : {LimitsMode::kProduction, LimitsMode::kTiny}) {
    for (unsigned mode = 0; mode <= kMmuModes; ++mode) {
      const Header header{
          .mode = static_cast<MmuMode>(mode), .limits = limits, .more_vcpus = VcpuArg::kMax - 1};
      for (const Op& op : kDefaultOps) {
        if (!FitsHeader(OpTable()[op.index()], header)) continue;
        DomainCheck check{header};
        ForEachField(op, check);
        EXPECT_LE(check.place, kRecordBytes) << OpName(op);
      }
    }
  }
}

// The bits of a graph's header that are free in a whole MMU's are so the other way round.
TEST(Bytes, EachKindOfProgramIgnoresTheBitsOfTheOther) {
  EXPECT_EQ(Hex(Encode(Decode(Bytes{1, 0x30, 1}))), "0200010000250000");
  EXPECT_EQ(Hex(Encode(Decode(Bytes{1, 0x30, 0, 0x7f, 16}))), "02300000001d0000");
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
  const Bytes noisy{0xff, 0xcc, 7, 2, 3, 0xff, 0xf0, 6, 22, 1, 2, 3, 4, 5, 6, 7};
  EXPECT_EQ(Hex(Encode(Decode(noisy))), "02000000001d00001600000000000000");
  const Bytes mmu{0xff, 0xcc, 5, 0x82, 3, 0xff, 0xf0, 6, 31, 1, 2, 3, 4, 5, 6, 7};
  EXPECT_EQ(Hex(Encode(Decode(mmu))), "02000502032500001f00000000000000");
}

TEST(Bytes, OpcodesWrapAround) {
  EXPECT_EQ(OpOf({22}), "commit");
  EXPECT_EQ(OpOf({22 + kGraphOps}), "commit");
  EXPECT_EQ(OpOf({22 + 2 * kGraphOps}), "commit");
  constexpr uint8_t kMmuOps = kOpKinds - kGraphOps;
  EXPECT_EQ(OpOf({31}, false, MmuMode::kLong), "zap_all");
  EXPECT_EQ(OpOf({31 + kMmuOps}, false, MmuMode::kLong), "zap_all");
  EXPECT_EQ(OpOf({31 + 2 * kMmuOps}, false, MmuMode::kLong), "zap_all");
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

TEST(Bytes, WhatIsOutOfRangeOfAWholeMmuFallsIntoTheHotPoolOrWraps) {
  const auto op_of = [](Bytes record, MmuMode mode = MmuMode::kLong, bool tiny = false) {
    return OpOf(std::move(record), tiny, mode);
  };
  // set_gpte: vcpu, table, entry, gfn, flags, via
  EXPECT_EQ(op_of({1, 7, 0x23, 0x01, 0xff, 0x7f, 0xa5, 9}),
            "set_gpte vcpu=3 table=0x3 entry=511 gfn=0x61f flags=puhr via=host");
  // An entry beyond is a hot one, the first eight; with 32-bit paging in both halves.
  EXPECT_EQ(op_of({11, 0, 0, 0x40, 0xff}),
            "burst vcpu=0 table=0x0 entry=7 gfn=0x0 flags=- count=1");
  EXPECT_EQ(op_of({11, 0, 0, 0x03, 0xff}, MmuMode::k32Bit),
            "burst vcpu=0 table=0x0 entry=1023 gfn=0x0 flags=- count=1");
  EXPECT_EQ(op_of({11, 0, 0, 0x80, 0x07}, MmuMode::k32Bit),
            "burst vcpu=0 table=0x0 entry=7 gfn=0x0 flags=- count=1");
  EXPECT_EQ(op_of({11, 0, 0, 0x80, 0x0f}, MmuMode::k32Bit),
            "burst vcpu=0 table=0x0 entry=519 gfn=0x0 flags=- count=1");
  EXPECT_EQ(op_of({11, 0, 0, 0x00, 0x0f}, MmuMode::k32Bit, true),
            "burst vcpu=0 table=0x0 entry=15 gfn=0x0 flags=- count=1");
  EXPECT_EQ(op_of({11, 0, 0, 0x00, 0x0f}, MmuMode::kLong, true),
            "burst vcpu=0 table=0x0 entry=7 gfn=0x0 flags=- count=1");
  // A gfn beyond is one of kHotMmuGfns.
  EXPECT_EQ(op_of({19, 0x80}), "move_page hva=0x10");
  EXPECT_EQ(op_of({19, 0x87}, MmuMode::kLong, true), "move_page hva=0x40");
  EXPECT_EQ(op_of({19, 0xff}), "move_page hva=0xb");
  // access: vcpu, va, type, user, word, value; memslot: slot ...
  EXPECT_EQ(op_of({0, 0, 0x5a, 3}), "access vcpu=0 va=0/1/1/10 type=read user=no word=0 value=0");
  EXPECT_EQ(op_of({14, 7}), "memslot slot=3 gfn=0x0 pages=1 hva=0x0 log=no");
}

TEST(Bytes, AVcpuIsOneOfTheHeaders) {
  for (uint8_t more = 0; more < 4; ++more) {
    Bytes bytes{1, 0, 1, more, 0, 0, 0, 0, 5, 3};
    const Program program = Decode(bytes);
    const uint32_t vcpus = more + 1u;
    EXPECT_EQ(program.header.vcpus(), vcpus);
    EXPECT_EQ(PrintOp(program.header, program.ops.at(0)),
              "enter_guest vcpu=" + std::to_string(3 % vcpus));
  }
}

// ---- Text ----

TEST(Text, EveryOperationIsPrintedAsItsGoldenLine) {
  std::string texts[] = {std::string(kDefaultHeader), std::string(kMmuHeader)};
  texts[1].replace(texts[1].find("vcpus=1"), 7, "vcpus=4");
  Bytes programs[] = {Bytes(kHeaderBytes), Bytes{2, 0, 1, 3, 0, 0, 0, 0}};
  for (size_t kind = 0; kind < kOpKinds; ++kind) {
    const GoldenOp& golden = kGoldenOps[kind];
    const size_t mmu = kind < kGraphOps ? 0 : 1;
    for (size_t i = 0; i < golden.record.size(); i += 2) {
      const std::string byte(golden.record.substr(i, 2));
      programs[mmu].push_back(static_cast<uint8_t>(std::stoi(byte, nullptr, 16)));
    }
    texts[mmu] += golden.text;
    texts[mmu] += '\n';
  }
  EXPECT_EQ(Print(Decode(programs[0])), texts[0]);
  EXPECT_EQ(Print(Decode(programs[1])), texts[1]);
}

// Texts and bytes of before have nothing in its place.
TEST(Text, AnArgumentThatAnOperationGotLaterIsZeroIfItIsNotThere) {
  const std::string line = "access vcpu=0 va=0/0/0/1 type=read user=no word=1 value=2";
  const Program plain = MustParse(std::string(kMmu) + "\n" + line + " kind=plain\n");
  const Program ac = MustParse(std::string(kMmu) + "\n" + line + " kind=ac\n");
  EXPECT_EQ(MustParse(std::string(kMmu) + "\n" + line + "\n"), plain);
  EXPECT_EQ(PrintOp(plain.header, plain.ops.at(0)), line);
  EXPECT_EQ(PrintOp(ac.header, ac.ops.at(0)), line + " kind=ac");
  EXPECT_NE(plain, ac);
  EXPECT_EQ(Decode(Encode(ac)), ac);
}

TEST(Text, TheHeaderIsPrintedInFull) {
  EXPECT_EQ(Print(Program{}), kDefaultHeader);
  const Header other{.limits = LimitsMode::kTiny,
                     .reuse = ReuseMode::kLifo,
                     .masks = MasksMode::kEpt,
                     .recycle = RecycleMode::kNative,
                     .misuse = true};
  EXPECT_EQ(Print(Program{other, {}}),
            "program version=2 limits=tiny reuse=lifo masks=ept recycle=native misuse=yes\n");
  EXPECT_EQ(Print(Program{{.mode = MmuMode::kLong}, {}}), kMmuHeader);
  const Header mmu{.mode = MmuMode::k32Bit,
                   .limits = LimitsMode::kTiny,
                   .reuse = ReuseMode::kLifo,
                   .masks = MasksMode::kBypass,
                   .more_vcpus = 3,
                   .oos = false,
                   .large = LargeMode::k2M,
                   .log = true,
                   .oom = true,
                   .quirk = QuirkModeOf(&Quirks::wrong_direct_root_gfn)};
  EXPECT_EQ(Print(Program{mmu, {}}),
            "program version=2 mode=32bit limits=tiny reuse=lifo masks=bypass vcpus=4 oos=no "
            "large=2m log=yes oom=yes quirk=wrong_direct_root_gfn counters=zero second=none "
            "protect=none\n");
}

TEST(Text, ModeNoneIsAPageGraphAndIsNotPrinted) {
  EXPECT_EQ(Print(MustParse("program version=2 mode=none misuse=no")), kDefaultHeader);
}

TEST(Text, EveryChoiceOfAHeaderSurvives) {
  constexpr auto kLast = static_cast<unsigned>(kAsIn2_6_36);
  for (unsigned mode = 1; mode <= kMmuModes; ++mode) {
    for (unsigned mmu = 0; mmu < 128; ++mmu) {
      for (unsigned quirk = 0; quirk <= kLast; ++quirk) {
        const Bytes bytes{2, 0, static_cast<uint8_t>(mode), static_cast<uint8_t>(mmu),
                          static_cast<uint8_t>(quirk == kLast ? 0xff : quirk)};
        const Program program = Decode(bytes);
        ASSERT_EQ(static_cast<unsigned>(program.header.mode), mode);
        ASSERT_EQ(static_cast<unsigned>(program.header.quirk), quirk);
        ASSERT_EQ(MustParse(Print(program)), program) << Hex(bytes);
        ASSERT_EQ(Decode(Encode(program)), program) << Hex(bytes);
      }
    }
  }
}

TEST(Text, FlagsMayBeInAnyOrderAndRepeatedAndAreWrittenInOne) {
  const auto flags_of = [](const std::string& letters) {
    const Program program = MustParse(
        std::string(kMmu) + "\nburst vcpu=0 table=0 entry=0 gfn=0 flags=" + letters + " count=1");
    const auto* burst = program.ops.empty() ? nullptr : std::get_if<ops::Burst>(&program.ops[0]);
    return burst == nullptr ? -1 : int{burst->flags.value};
  };
  EXPECT_EQ(flags_of("-"), 0);
  EXPECT_EQ(flags_of("p"), 1);
  EXPECT_EQ(flags_of("w"), 2);
  EXPECT_EQ(flags_of("u"), 4);
  EXPECT_EQ(flags_of("a"), 8);
  EXPECT_EQ(flags_of("d"), 16);
  EXPECT_EQ(flags_of("h"), 32);
  EXPECT_EQ(flags_of("x"), 64);
  EXPECT_EQ(flags_of("r"), 128);
  EXPECT_EQ(flags_of("rxhdauwp"), 255);
  EXPECT_EQ(flags_of("uuw"), 6);
}

TEST(Text, OrderSpaceCommentsAndLineEndsDoNotMatter) {
  const Program expected =
      MustParse("program version=2 limits=tiny misuse=yes\nunlink parent=3 index=5\ncommit\n");
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
  EXPECT_EQ(ErrorIn(comment + "\r\nprogram version=2\n"), "");
  EXPECT_EQ(ErrorIn(comment + "x\nprogram version=2\n"),
            "1:4097: the line has 4097 bytes, expected at most 4096");
}

TEST(Text, GfnsAndIndexesAreThoseOfTheLimits) {
  const std::string tiny = "program version=2 limits=tiny";
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
  EXPECT_EQ(ErrorIn(""), "1:1: no program, expected 'program version=2'");
  EXPECT_EQ(ErrorIn("# x\n\n  # y\n"), "3:6: no program, expected 'program version=2'");
  EXPECT_EQ(ErrorIn("\n  commit\n"),
            "2:3: the program begins with 'commit', expected 'program version=2'");
}

TEST(TextErrors, HeaderKeys) {
  EXPECT_EQ(ErrorIn("program # x"), "1:8: program lacks 'version', expected 2");
  EXPECT_EQ(ErrorIn("program version=3"), "1:17: bad version '3', expected 1 to 2");
  EXPECT_EQ(ErrorIn("program version="), "1:17: bad version '', expected 1 to 2");
  EXPECT_EQ(ErrorIn("program version=2 masks=none"),
            "1:25: bad masks 'none', expected shadow or bypass or ept");
  EXPECT_EQ(ErrorIn("program version=2 misuse=maybe limits=tiny"),
            "1:26: bad misuse 'maybe', expected no or yes");
  EXPECT_EQ(ErrorIn("program version=2 limit=tiny"),
            "1:19: unknown argument 'limit' of program, did you mean 'limits'?");
  EXPECT_EQ(ErrorIn("program version=2 colour=red"),
            "1:19: unknown argument 'colour' of program, expected one of version, mode, limits, "
            "reuse, masks, recycle, misuse, vcpus, oos, large, log, oom, quirk, counters, "
            "second, protect");
  EXPECT_EQ(ErrorIn("program version=2 mode=long vcpu=2"),
            "1:29: unknown argument 'vcpu' of program, did you mean 'vcpus'?");
  EXPECT_EQ(ErrorIn("program version=2 modes=long"),
            "1:19: unknown argument 'modes' of program, did you mean 'mode'?");
  EXPECT_EQ(ErrorIn("program version=2 version=2"), "1:19: second 'version', expected it once");
  EXPECT_EQ(ErrorIn("program 1"), "1:9: stray '1', expected key=value");
}

TEST(TextErrors, ValuesOfAWholeMmusKeys) {
  EXPECT_EQ(ErrorIn("program version=2 mode=real"),
            "1:24: bad mode 'real', expected none or long or pae or 32bit or nonpaging or tdp or "
            "tdp32");
  EXPECT_EQ(ErrorIn("program version=2 mode=long vcpus=5"),
            "1:35: bad vcpus '5', expected 1 or 2 or 3 or 4");
  EXPECT_EQ(ErrorIn("program version=2 mode=long vcpus=0"),
            "1:35: bad vcpus '0', expected 1 or 2 or 3 or 4");
  EXPECT_EQ(ErrorIn("program version=2 mode=long oos=1"), "1:33: bad oos '1', expected no or yes");
  EXPECT_EQ(ErrorIn("program version=2 mode=long large=2M"),
            "1:35: bad large '2M', expected 4k or 2m or 1g");
  EXPECT_EQ(ErrorIn("program version=2 mode=long log=on"),
            "1:33: bad log 'on', expected no or yes");
  EXPECT_EQ(ErrorIn("program version=2 mode=long oom="), "1:33: bad oom '', expected no or yes");
  EXPECT_EQ(ErrorIn("program version=2 mode=long quirk=b9").substr(0, 47),
            "1:35: bad quirk 'b9', expected none or drop_abs");
}

TEST(TextErrors, KeysOfTheOtherKindOfProgram) {
  for (const std::string key : {"recycle=exact", "misuse=yes"}) {
    EXPECT_EQ(ErrorIn("program version=2 mode=long " + key),
              "1:29: '" + key.substr(0, key.find('=')) +
                  "' has no meaning here, expected it only without a mode");
  }
  for (const std::string key :
       {"vcpus=2", "oos=yes", "large=1g", "log=no", "oom=no", "quirk=none"}) {
    const std::string expected =
        "'" + key.substr(0, key.find('=')) + "' has no meaning here, expected it only with a mode";
    EXPECT_EQ(ErrorIn("program version=2 limits=tiny " + key), "1:31: " + expected);
    EXPECT_EQ(ErrorIn("program mode=none " + key + " version=2"), "1:19: " + expected);
  }
}

TEST(TextErrors, OperationsOfTheOtherKindOfProgram) {
  EXPECT_EQ(ErrorInOp("  access vcpu=0"),
            "2:3: 'access' is of another kind of program, expected a header with a mode");
  EXPECT_EQ(ErrorInOp("map page=1", kMmu),
            "2:1: 'map' is of another kind of program, expected a header without a mode");
  EXPECT_EQ(ErrorInOp("acces vcpu=0", kMmu),
            "2:1: unknown operation 'acces', did you mean 'access'?");
  std::string all;
  for (const GoldenOp& golden : std::span(kGoldenOps).subspan(kGraphOps)) {
    all += (all.empty() ? "" : ", ") + std::string(golden.text.substr(0, golden.text.find(' ')));
  }
  EXPECT_EQ(ErrorInOp("frobnicate", kMmu),
            "2:1: unknown operation 'frobnicate', expected one of " + all);
}

TEST(TextErrors, UnknownOperations) {
  EXPECT_EQ(ErrorInOp("  mpa page=1"), "2:3: unknown operation 'mpa', did you mean 'map'?");
  EXPECT_EQ(ErrorInOp("write-protect gfn=1"),
            "2:1: unknown operation 'write-protect', did you mean 'write_protect'?");
  std::string all;
  for (const GoldenOp& golden : std::span(kGoldenOps).first(kGraphOps)) {
    all += (all.empty() ? "" : ", ") + std::string(golden.text.substr(0, golden.text.find(' ')));
  }
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

TEST(TextErrors, ValuesOutOfTheirRangeOnAWholeMmu) {
  const auto error_in = [](const std::string& op) { return ErrorInOp(op, kMmu); };
  EXPECT_EQ(error_in("unload vcpu=3"), "");
  EXPECT_EQ(error_in("unload vcpu=4"), "2:13: bad vcpu '4', expected a vcpu from 0 to 3");
  EXPECT_EQ(ErrorInOp("unload vcpu=1", "program version=2 mode=tdp"),
            "2:13: bad vcpu '1', expected a vcpu from 0 to 0");
  EXPECT_EQ(error_in("load_cr3 vcpu=0 table=0xf"), "");
  EXPECT_EQ(error_in("load_cr3 vcpu=0 table=0x10"),
            "2:23: bad table '0x10', expected a gfn from 0x0 to 0xf");
  EXPECT_EQ(error_in("get_dirty_log slot=4"), "2:20: bad slot '4', expected a memslot from 0 to 3");
  EXPECT_EQ(error_in("access vcpu=0 va=0/0/0/0 type=exec user=no word=0 value=0"),
            "2:31: bad type 'exec', expected read or write or fetch");
  EXPECT_EQ(error_in("set_mode vcpu=0 paging=none wp=no nx=no pse=no table=0"),
            "2:24: bad paging 'none', expected on or off or long or pae or 32bit");
  EXPECT_EQ(error_in("set_gpte vcpu=0 table=0 entry=0 gfn=0 flags=p via=GUEST"),
            "2:51: bad via 'GUEST', expected guest or halves or bytes or hypercall or host");
}

TEST(TextErrors, AnAddressIsFourIndexes) {
  for (const std::string va : {"0/0/0/0", "1/1/3/15", "0x1/0/0x3/0xf", "01/0/0/0"}) {
    EXPECT_EQ(ErrorInOp("invlpg vcpu=0 va=" + va, kMmu), "") << va;
  }
  for (const std::string va :
       {"", "0", "0/0/0", "0/0/0/", "/0/0/0", "0/0/0/0/0", "0//0/0", "2/0/0/0", "0/2/0/0",
        "0/0/4/0", "0/0/0/16", "0/0/0/-1", "0-0-0-0", "0/0/0/0/", "a/0/0/0", "1/1/3/15/"}) {
    EXPECT_EQ(ErrorInOp("invlpg vcpu=0 va=" + va, kMmu),
              "2:18: bad va '" + va + "', expected the indexes of a walk, 0/0/0/0 to 1/1/3/15");
  }
}

TEST(TextErrors, AnEntryIsOneOfTheTable) {
  struct Bound {
    std::string header;
    int most;
  };
  for (const auto& [mode, most] :
       {Bound{"mode=long", 511}, Bound{"mode=pae", 511}, Bound{"mode=tdp", 511},
        Bound{"mode=32bit", 1023}, Bound{"mode=long limits=tiny", 7},
        Bound{"mode=32bit limits=tiny", 15}}) {
    const auto error_in = [&](int entry) {
      return ErrorInOp("self_map vcpu=0 table=0 entry=" + std::to_string(entry) + " va=0/0/0/0",
                       "program version=2 " + mode);
    };
    EXPECT_EQ(error_in(most), "") << mode;
    EXPECT_EQ(error_in(most + 1), "2:31: bad entry '" + std::to_string(most + 1) +
                                      "', expected an entry's index from 0 to " +
                                      std::to_string(most));
  }
}

TEST(TextErrors, FlagsAreLettersOrADash) {
  for (const std::string flags : {"", "--", "-p", "p-", "P", "pwq", "0", "p,w"}) {
    EXPECT_EQ(ErrorInOp("burst vcpu=0 table=0 entry=0 gfn=0 flags=" + flags + " count=1", kMmu),
              "2:42: bad flags '" + flags + "', expected some of the letters pwuadhxr, or -");
  }
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
                "link page=10 parent=11 index=1 keep=no\n");
}

TEST(RandomProgram, HasEveryOperationAndMisuseOnlyWhereAllowed) {
  std::vector<size_t> allowed(kOpKinds), without(kOpKinds);
  for (const Op& op : RandomProgram(kTinyHeader, 20000, 1).ops) ++allowed[op.index()];
  for (const Op& op : RandomProgram(Header{}, 20000, 1).ops) ++without[op.index()];
  for (size_t kind = 0; kind < kOpKinds; ++kind) {
    const OpInfo& info = OpTable()[kind];
    EXPECT_EQ(allowed[kind] > 0, kind < kGraphOps) << info.name;
    EXPECT_EQ(without[kind] > 0, kind < kGraphOps && info.group != OpGroup::kMisuse) << info.name;
  }
  EXPECT_GT(without[1], without[3]) << "map has more weight than link";
}

TEST(RandomProgram, OfAWholeMmuHasEveryOperationInEveryMode) {
  for (unsigned mode = 1; mode <= kMmuModes; ++mode) {
    std::vector<size_t> drawn(kOpKinds);
    const Header header{.mode = static_cast<MmuMode>(mode), .more_vcpus = 1};
    for (const Op& op : RandomProgram(header, 10000, 1).ops) ++drawn[op.index()];
    for (size_t kind = 0; kind < kOpKinds; ++kind) {
      EXPECT_EQ(drawn[kind] > 0, kind >= kGraphOps) << OpTable()[kind].name << " mode " << mode;
    }
    EXPECT_GT(drawn[kGraphOps], drawn[kGraphOps + 2]) << "access has more weight than invlpg";
  }
}

TEST(RandomProgram, OfAWholeMmuIsTheSameEverywhere) {
  const Header header{.mode = MmuMode::k32Bit, .limits = LimitsMode::kTiny, .more_vcpus = 2};
  EXPECT_EQ(RandomProgram(header, 500, 7), RandomProgram(header, 500, 7));
  EXPECT_NE(RandomProgram(header, 500, 7), RandomProgram(header, 500, 8));
  Bytes all;
  for (unsigned mode = 1; mode <= kMmuModes; ++mode) {
    const Bytes bytes = Encode(RandomProgram({.mode = static_cast<MmuMode>(mode)}, 1000, mode));
    all.insert(all.end(), bytes.begin(), bytes.end());
  }
  EXPECT_EQ(Fnv64(all), 18087624403770966575u)
      << "a new operation or weight changes it, and that is all right";
}

TEST(RandomProgram, OfAWholeMmuFitsItsHeader) {
  uint8_t flags = 0;
  for (unsigned mode = 1; mode <= kMmuModes; ++mode) {
    for (unsigned vcpus = 0; vcpus < 4; ++vcpus) {
      const Header header =
          Decode(Bytes{1, flags++, static_cast<uint8_t>(mode), static_cast<uint8_t>(vcpus)}).header;
      const Program program = RandomProgram(header, 2000, vcpus);
      EXPECT_EQ(program.header, header);
      ASSERT_EQ(Decode(Encode(program)), program) << mode;
      ASSERT_EQ(MustParse(Print(program)), program) << mode;
    }
  }
}

TEST(RandomProgram, OfAWholeMmuLeavesNoRangeOpenForLong) {
  const Program program = RandomProgram({.mode = MmuMode::kTdp}, 20000, 4);
  size_t open = 0;
  size_t longest = 0;
  size_t ranges = 0;
  bool is_open = false;
  for (const Op& op : program.ops) {
    if (std::holds_alternative<ops::RangeStart>(op)) is_open = true, ++ranges;
    if (std::holds_alternative<ops::RangeEnd>(op)) is_open = false;
    open = is_open ? open + 1 : 0;
    longest = std::max(longest, open);
  }
  EXPECT_GT(ranges, 50u);
  EXPECT_LT(longest, 64u);
}

TEST(RandomProgram, DrawsThreeOfFourArgumentsFromTheHotPools) {
  int hot = 0;
  int all = 0;
  for (const Op& op : RandomProgram(Header{}, 20000, 3).ops) {
    const auto* protect = std::get_if<ops::WriteProtect>(&op);
    if (protect == nullptr) continue;
    all += 1;
    hot += protect->gfn.value < 4 ? 1 : 0;
  }
  EXPECT_GT(hot * 100, all * 72);  // 3/4 and what the other quarter adds
  EXPECT_LT(hot * 100, all * 84);
}

// ---- Properties ----

TEST(CodecProperties, HoldForByteStringsOfEveryLength) {
  RandomBytes random(1);
  for (size_t size = 0; size <= 100; ++size) {
    for (int i = 0; i < 10; ++i) {
      Bytes bytes = random.Draw(size);
      ASSERT_EQ(FindCodecFault(bytes), "") << Hex(bytes);
      if (size < 3) continue;
      bytes[2] = static_cast<uint8_t>(i % 7);  // a mode, which chance finds seldom
      ASSERT_EQ(FindCodecFault(bytes), "") << Hex(bytes);
    }
  }
}

TEST(CodecProperties, HoldForEveryByteOfEveryOperation) {
  // Both limits, on a page graph and in the modes whose tables differ.
  for (const Bytes& header : {Bytes{1, 0}, Bytes{1, 1}, Bytes{1, 0, 1, 1}, Bytes{1, 1, 1, 2},
                              Bytes{1, 0, 3, 3}, Bytes{1, 1, 3}}) {
    const size_t opcodes = header.size() == 2 ? kGraphOps : kOpKinds - kGraphOps;
    for (uint8_t opcode = 0; opcode < opcodes; ++opcode) {
      for (size_t at = 1; at < kRecordBytes; ++at) {
        Bytes bytes = header;
        bytes.resize(kHeaderBytes);
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
    Bytes bytes = random.Draw(kHeaderBytes + static_cast<size_t>(i % 25));
    if (i % 2 == 0) bytes[2] = static_cast<uint8_t>(i / 2 % 7);
    const Program program = Decode(bytes);
    const Bytes canonical = Encode(program);
    ASSERT_EQ(Decode(canonical), program) << Hex(bytes);
  }
}

TEST(CodecProperties, RandomProgramsSurviveBytesAndText) {
  for (uint64_t seed = 0; seed < 100000; ++seed) {
    const Header header =
        Decode(Bytes{1, static_cast<uint8_t>(seed), static_cast<uint8_t>(seed / 256 % 7),
                     static_cast<uint8_t>(seed / 7), static_cast<uint8_t>(seed % 17)})
            .header;
    const Program program = RandomProgram(header, 2, seed);
    ASSERT_EQ(Decode(Encode(program)), program) << seed;
    ASSERT_EQ(MustParse(Print(program)), program) << seed;
  }
}

TEST(CodecProperties, HoldForEveryTruncationAndEveryDamagedByteOfAText) {
  const auto fault_in = [](const std::string& damaged) {
    return FindCodecFault({reinterpret_cast<const uint8_t*>(damaged.data()), damaged.size()});
  };
  for (const Header& header : {kTinyHeader, Header{.mode = MmuMode::kPae, .more_vcpus = 1}}) {
    const std::string text = "# damage\r\n" + Print(RandomProgram(header, 4, 5));
    for (size_t size = 0; size <= text.size(); ++size) {
      ASSERT_EQ(fault_in(text.substr(0, size)), "") << size;
    }
    for (size_t i = 0; i < text.size(); ++i) {
      for (const char c : {'\0', '\n', '\r', ' ', '#', '=', '0', '9', 'x', '/', '\x80'}) {
        std::string damaged = text;
        damaged[i] = c;
        ASSERT_EQ(fault_in(damaged), "") << damaged;
      }
    }
  }
}

// ---- Seeds ----

// The program of a seed of program_fuzzer; what the file says, not what a test makes of it.
std::string SeedText(const std::string& name) {
  std::ifstream file("corpus/program_fuzzer/" + name);
  EXPECT_TRUE(file) << name;
  std::stringstream contents;
  contents << file.rdbuf();
  return contents.str();
}

TEST(Seeds, TwoOfThemHaveEveryOperationInTheOrderOfTheOpcodes) {
  size_t kind = 0;
  for (const char* name : {"every_operation.ops", "every_operation_mmu.ops"}) {
    for (const Op& op : MustParse(SeedText(name)).ops) {
      EXPECT_EQ(op.index(), kind++) << name << ": " << OpName(op);
    }
  }
  EXPECT_EQ(kind, kOpKinds);
}

TEST(Seeds, TwoOfThemHaveEveryKeyOffItsDefault) {
  const auto keys_at_default = [](const std::string& seed, const Header& header) {
    const std::string printed = Print(MustParse(SeedText(seed)));
    std::stringstream defaults(Print(Program{header, {}}));
    std::string same;
    for (std::string word; defaults >> word;) {
      if (word == "program" || word == "version=2") continue;
      if ((printed + " ").find(" " + word + " ") != std::string::npos) same += word + " ";
    }
    return same;
  };
  EXPECT_EQ(keys_at_default("every_header_key.ops", {}), "");
  EXPECT_EQ(keys_at_default("every_header_key_mmu.ops", {.mode = MmuMode::kLong}), "");
}

TEST(Seeds, TheTextsOfEveryWordParse) {
  size_t kinds = 0;
  for (const char* name : {"text_of_every_word.txt", "text_of_every_mmu_word.txt"}) {
    std::set<size_t> seen;
    for (const Op& op : MustParse(SeedText(name)).ops) seen.insert(op.index());
    kinds += seen.size();
  }
  EXPECT_EQ(kinds, kOpKinds);
}

}  // namespace
}  // namespace rmapdiff
