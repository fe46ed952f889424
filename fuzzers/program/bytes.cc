// The byte form of programs.
//
// Header: byte 0 is the version (written, never tested: every byte string is a program). Bytes 1 to
// 4 hold the keys (HeaderField). Bytes 5 to 7 are reserved: zero when written, ignored when read.
//
// A record is the opcode, modulo the number of kinds, and the arguments in the order of Fields():
// one byte each, two where the domain has more than 256 values. Of an argument that has a hot pool,
// the byte values beyond its range fall into the pool, so that random bytes collide often; an
// argument in range is its own byte.
#include <algorithm>

#include "fuzzers/program/fields.h"
#include "fuzzers/program/program.h"

namespace rmapdiff {
namespace {

constexpr uint32_t kNoneFrom = 0xe0;  // as a byte: of an argument that may be none

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
static_assert(kOpKinds <= 256, "an opcode is one byte");

// As a visitor, reads the keys of a header.
struct HeaderReader {
  std::span<const uint8_t> bytes;

  template <typename Value>
  void operator()(const HeaderField& field, Value& value) const {
    const auto [byte, shift, bits, last_first] = field.place;
    if (!field.fits || byte >= bytes.size()) return;
    const size_t last = field.words.size() - 1;
    const size_t number = bytes[byte] >> shift & ((1u << bits) - 1);
    if (number > last) {
      value = Value{};
    } else {
      value = static_cast<Value>(last_first ? last - number : number);
    }
  }
};

// As a visitor, writes the canonical bytes of the keys of a header.
struct HeaderWriter {
  std::vector<uint8_t>& bytes;

  void operator()(const HeaderField& field, auto value) const {
    const auto [byte, shift, bits, last_first] = field.place;
    if (!field.fits) return;
    const auto place = static_cast<size_t>(value);
    const size_t number = last_first ? field.words.size() - 1 - place : place;
    bytes[byte] = static_cast<uint8_t>(bytes[byte] | number << shift);
  }
};

}  // namespace

Program Decode(std::span<const uint8_t> bytes) {
  Program program;
  ForEachHeaderField(program.header, HeaderReader{bytes});
  const OpcodeRange opcodes = OpcodesOf(program.header.whole_mmu());
  for (size_t at = kHeaderBytes; at < bytes.size(); at += kRecordBytes) {
    ByteReader reader(bytes.subspan(at, std::min(kRecordBytes, bytes.size() - at)), program.header);
    Op op = kDefaultOps[opcodes.first + reader.Next() % opcodes.count];
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
  for (const Op& op : program.ops) {
    const size_t end = bytes.size() + kRecordBytes;
    ByteWriter writer(bytes);
    writer.Put(static_cast<uint32_t>(op.index() - opcodes.first));
    ForEachField(op, writer);
    bytes.resize(end);
  }
  return bytes;
}

}  // namespace rmapdiff
