// Stored programs keep their meaning: bytes of version 1, and bytes that know fewer opcodes.
#include "fuzzers/program/migrations.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "fuzzers/program/fields.h"
#include "fuzzers/program/program.h"

namespace rmapdiff {
namespace {

struct Stored {
  std::vector<uint8_t> bytes;
  std::string text;
};

// The programs of version1_programs.ops, made by the last program that wrote version 1.
std::vector<Stored> StoredPrograms() {
  std::ifstream file("tests/fuzzers/program/version1_programs.ops");
  std::vector<Stored> stored;
  std::string line;
  while (std::getline(file, line)) {
    if (line.empty() || line[0] == '#') continue;
    const std::string key = "bytes ";
    if (line.substr(0, key.size()) != key) {
      stored.back().text += line + "\n";
      continue;
    }
    stored.emplace_back();
    for (size_t at = key.size(); at < line.size(); at += 2) {
      stored.back().bytes.push_back(
          static_cast<uint8_t>(std::stoul(line.substr(at, 2), nullptr, 16)));
    }
  }
  return stored;
}

Program MustParse(const std::string& text) {
  const auto parsed = Parse(text);
  const auto* program = std::get_if<Program>(&parsed);
  EXPECT_NE(program, nullptr) << text;
  return program == nullptr ? Program{} : *program;
}

TEST(Version1, ItsBytesDecodeToTheSamePrograms) {
  const std::vector<Stored> stored = StoredPrograms();
  ASSERT_EQ(stored.size(), 12u);
  for (const Stored& one : stored) {
    EXPECT_EQ(Decode(one.bytes), MustParse(one.text)) << one.text;
  }
}

TEST(Version1, MigratedBytesDecodeToTheSamePrograms) {
  for (const Stored& one : StoredPrograms()) {
    const std::vector<uint8_t> migrated = FromVersion1(one.bytes);
    EXPECT_EQ(migrated[0], 2) << one.text;
    EXPECT_EQ(Decode(migrated), MustParse(one.text)) << one.text;
  }
}

TEST(Version1, BytesOfAnyLengthMigrate) {
  for (size_t length = 0; length < 2 * kHeaderBytes; ++length) {
    const std::vector<uint8_t> bytes(length, 1);
    EXPECT_EQ(Decode(FromVersion1(bytes)), Decode(bytes)) << length;
  }
}

// ---- What growth leaves as it is ----

TEST(Growth, AnOpcodeIsReadModuloThoseThatTheProgramKnows) {
  std::vector<uint8_t> bytes = Encode(MustParse("program version=2\ncommit\n"));
  const size_t opcodes = OpcodesOf(false).count;
  bytes[kHeaderBytes] = 30;
  EXPECT_EQ(Decode(bytes).ops[0].index(), 30 % FirstOpcodes(false));
  bytes[5] = 7;
  EXPECT_EQ(Decode(bytes).ops[0].index(), 30u % 7);
  for (const uint8_t all : {0, 0xff}) {
    bytes[5] = all;
    EXPECT_EQ(Decode(bytes).ops[0].index(), 30 % opcodes);
  }
}

TEST(Growth, TheCanonicalFormKnowsTheOpcodesOfVersion1AndItsOwn) {
  for (const bool mmu : {false, true}) {
    const OpcodeRange opcodes = OpcodesOf(mmu);
    Program program;
    if (mmu) program.header.mode = MmuMode::kTdp;
    EXPECT_EQ(Encode(program)[5], FirstOpcodes(mmu));
    program.ops.push_back(kDefaultOps[opcodes.first]);
    EXPECT_EQ(Encode(program)[5], FirstOpcodes(mmu));
    program.ops.push_back(kDefaultOps[opcodes.first + opcodes.count - 1]);
    EXPECT_EQ(Encode(program)[5], opcodes.count);
    EXPECT_EQ(Decode(Encode(program)), program);
  }
}

TEST(Growth, AllQuirksHaveANumberThatNoFurtherQuirkTakes) {
  const Program program = MustParse("program version=2 mode=long quirk=as_in_2_6_36\n");
  EXPECT_EQ(Encode(program)[4], 0xff);
  EXPECT_EQ(Decode(Encode(program)), program);
}

}  // namespace
}  // namespace rmapdiff
