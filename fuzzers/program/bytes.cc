// The byte form of programs.
//
// Header: byte 0 is the version. Bytes of version 1 are read by way of their migration. All others
// count as of this version, as every byte string is a program. Bytes 1 to 4 and 6 hold the keys
// (HeaderField). Byte 5 is the number of opcodes that the program knows: one more than its highest,
// and at least the number that version 1 had. 0, or more than there are, stands for all of them.
// Byte 7 is reserved: zero when written, ignored when read.
//
// A record is the opcode, modulo byte 5, and the arguments in the order of Fields(): so an opcode
// of a program keeps its meaning when operations are appended to the table. An argument has
// one byte, or two where its domain has more than 256 values. Of an argument that has a hot pool,
// the byte values beyond its range fall into the pool, so that random bytes collide often; an
// argument in range is its own byte.
#include <algorithm>

#include "fuzzers/program/fields.h"
#include "fuzzers/program/migrations.h"
#include "fuzzers/program/program.h"

namespace rmapdiff {
namespace {

constexpr uint32_t kNoneFrom = 0xe0;  // as a byte: of an argument that may be none
constexpr size_t kOpcodesByte = 5;    // of the header

// Reads bytes, then zeros for ever; as a visitor, reads the arguments of an operation.
class ByteReader {
 public:
  ByteReader(std::span<const uint8_t> bytes, const Header& header)
      : bytes_(bytes), header_(header) {}

  uint8_t Next() {
    if (bytes_.empty()) return 0;
    const uint8_t byte = bytes_.front();
    bytes_ = bytes_.subspan(1);
    return byte;
  }

  void operator()(const char*, auto& arg) {
    arg.value = static_cast<decltype(arg.value)>(Read(arg.kDomain));
  }

 private:
  uint32_t Read(const Domain& domain) {
    const uint32_t byte = Next();
    if (domain.form == Domain::Form::kNumberOrNone && byte >= kNoneFrom) return Domain::kNone;
    const uint32_t number = domain.bytes() == 2 ? byte << 8 | Next() : byte;
    if ((byte & domain.hot_bits) != 0) return HotValue(domain, header_, number);
    return domain.first + number % CountOf(domain, header_);
  }

  std::span<const uint8_t> bytes_;
  const Header& header_;
};

// Appends bytes; as a visitor, the canonical bytes of the arguments of an operation.
class ByteWriter {
 public:
  explicit ByteWriter(std::vector<uint8_t>& bytes) : bytes_(bytes) {}

  void Put(uint32_t byte) { bytes_.push_back(static_cast<uint8_t>(byte)); }

  void operator()(const char*, const auto& arg) {
    const uint32_t number = arg.value - arg.kDomain.first;
    if (arg.kDomain.bytes() == 2) Put(number >> 8);
    Put(number);
  }

 private:
  std::vector<uint8_t>& bytes_;
};

struct ByteCounter {
  size_t bytes = 0;
  constexpr void operator()(const char*, const auto& arg) { bytes += arg.kDomain.bytes(); }
};

constexpr bool EveryOpFitsIntoARecord() {
  for (const Op& op : kDefaultOps) {
    ByteCounter counter{.bytes = 1};  // the opcode
    ForEachField(op, counter);
    if (counter.bytes > kRecordBytes) return false;
  }
  return true;
}
static_assert(EveryOpFitsIntoARecord());
static_assert(OpcodesOf(false).count < 256 && OpcodesOf(true).count < 256,
              "an opcode, and their number, is one byte");

// The number that stands for a value in the bits of a header.
size_t NumberOf(const HeaderField& field, size_t value) {
  const size_t last = field.words.size() - 1;
  if (field.place.last_full && value == last) return (size_t{1} << field.place.bits) - 1;
  return field.place.last_first ? last - value : value;
}

// As a visitor, reads the keys of a header.
struct HeaderReader {
  std::span<const uint8_t> bytes;

  template <typename Value>
  void operator()(const HeaderField& field, Value& value) const {
    const auto [byte, shift, bits, last_first, last_full] = field.place;
    if (!field.fits || byte >= bytes.size()) return;
    const size_t number = bytes[byte] >> shift & ((1u << bits) - 1);
    value = Value{};
    for (size_t place = 0; place < field.words.size(); ++place) {
      if (NumberOf(field, place) == number) value = static_cast<Value>(place);
    }
  }
};

// As a visitor, writes the canonical bytes of the keys of a header.
struct HeaderWriter {
  std::vector<uint8_t>& bytes;

  void operator()(const HeaderField& field, auto value) const {
    if (!field.fits) return;
    const size_t number = NumberOf(field, static_cast<size_t>(value));
    uint8_t& byte = bytes[field.place.byte];
    byte = static_cast<uint8_t>(byte | number << field.place.shift);
  }
};

}  // namespace

Program Decode(std::span<const uint8_t> bytes) {
  if (!bytes.empty() && bytes[0] == 1) return Decode(FromVersion1(bytes));
  Program program;
  ForEachHeaderField(program.header, HeaderReader{bytes});
  const OpcodeRange opcodes = OpcodesOf(program.header.whole_mmu());
  const size_t known = bytes.size() > kOpcodesByte ? bytes[kOpcodesByte] : 0;
  const size_t count = known == 0 ? opcodes.count : std::min(known, opcodes.count);
  for (size_t at = kHeaderBytes; at < bytes.size(); at += kRecordBytes) {
    ByteReader reader(bytes.subspan(at, std::min(kRecordBytes, bytes.size() - at)), program.header);
    Op op = kDefaultOps[opcodes.first + reader.Next() % count];
    ForEachField(op, reader);
    program.ops.push_back(op);
  }
  return program;
}

std::vector<uint8_t> Encode(const Program& program) {
  const OpcodeRange opcodes = OpcodesOf(program.header.whole_mmu());
  std::vector<uint8_t> bytes(kHeaderBytes);
  bytes.reserve(kHeaderBytes + kRecordBytes * program.ops.size());
  bytes[0] = kFormatVersion;
  ForEachHeaderField(program.header, HeaderWriter{bytes});
  size_t known = FirstOpcodes(program.header.whole_mmu());
  for (const Op& op : program.ops) {
    const size_t end = bytes.size() + kRecordBytes;
    const size_t opcode = op.index() - opcodes.first;
    known = std::max(known, opcode + 1);
    ByteWriter writer(bytes);
    writer.Put(static_cast<uint32_t>(opcode));
    ForEachField(op, writer);
    bytes.resize(end);
  }
  bytes[kOpcodesByte] = static_cast<uint8_t>(known);
  return bytes;
}

}  // namespace rmapdiff
