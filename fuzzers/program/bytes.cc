// The byte form of programs.
//
// Header: byte 0 is the version (written, never tested: every byte string is a program), bytes 1 to
// 4 are below, bytes 5 to 7 are reserved: zero when written, ignored when read.
//
// A record is the opcode, modulo the number of kinds, and the arguments in the order of Fields():
// one byte each, two where the domain has more than 256 values. Of an argument that has a hot pool,
// the byte values beyond its range fall into the pool, so that random bytes collide often; an
// argument in range is its own byte.
#include <algorithm>
#include <iterator>

#include "fuzzers/program/fields.h"
#include "fuzzers/program/program.h"

namespace rmapdiff {
namespace {

// Byte 1 of the header.
constexpr int kLimitsBit = 0;
constexpr int kReuseBit = 1;
constexpr int kMasksBit = 2;    // two bits; 3 reads as 0
constexpr int kRecycleBit = 4;  // this and the next not of a whole MMU
constexpr int kMisuseBit = 5;
// Byte 2 is the mode, byte 4 the quirk: beyond the last one 0. Byte 3, of a whole MMU:
constexpr int kVcpusBit = 0;  // two bits
constexpr int kNoOosBit = 2;
constexpr int kLargeBit = 3;  // two bits, the largest page first; 3 reads as 0
constexpr int kLogBit = 5;
constexpr int kOomBit = 6;

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

// A choice among `count`: a number beyond the last one is the first.
template <typename Enum>
Enum Choose(unsigned value, size_t count) {
  return static_cast<Enum>(value < count ? value : 0);
}

Header DecodeHeader(std::span<const uint8_t> bytes) {
  const auto byte = [bytes](size_t i) -> unsigned { return i < bytes.size() ? bytes[i] : 0; };
  const unsigned flags = byte(1);
  Header header;
  header.mode = Choose<MmuMode>(byte(2), std::size(kModeWords));
  header.limits = static_cast<LimitsMode>(flags >> kLimitsBit & 1);
  header.reuse = static_cast<ReuseMode>(flags >> kReuseBit & 1);
  header.masks = Choose<MasksMode>(flags >> kMasksBit & 3, 3);
  if (!header.whole_mmu()) {
    header.recycle = static_cast<RecycleMode>(flags >> kRecycleBit & 1);
    header.misuse = (flags >> kMisuseBit & 1) != 0;
    return header;
  }
  const unsigned mmu = byte(3);
  header.more_vcpus = static_cast<uint8_t>(mmu >> kVcpusBit & 3);
  header.oos = (mmu >> kNoOosBit & 1) == 0;
  header.large = Choose<LargeMode>(2 - std::min(mmu >> kLargeBit & 3, 2u), 3);
  header.log = (mmu >> kLogBit & 1) != 0;
  header.oom = (mmu >> kOomBit & 1) != 0;
  header.quirk = Choose<QuirkMode>(byte(4), kQuirkWords.size());
  return header;
}

uint8_t HeaderFlags(const Header& header) {
  return static_cast<uint8_t>(static_cast<unsigned>(header.limits) << kLimitsBit |
                              static_cast<unsigned>(header.reuse) << kReuseBit |
                              static_cast<unsigned>(header.masks) << kMasksBit |
                              static_cast<unsigned>(header.recycle) << kRecycleBit |
                              static_cast<unsigned>(header.misuse) << kMisuseBit);
}

uint8_t MmuFlags(const Header& header) {
  if (!header.whole_mmu()) return 0;
  return static_cast<uint8_t>(
      unsigned{header.more_vcpus} << kVcpusBit | static_cast<unsigned>(!header.oos) << kNoOosBit |
      (2 - static_cast<unsigned>(header.large)) << kLargeBit |
      static_cast<unsigned>(header.log) << kLogBit | static_cast<unsigned>(header.oom) << kOomBit);
}

}  // namespace

Program Decode(std::span<const uint8_t> bytes) {
  Program program;
  program.header = DecodeHeader(bytes);
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
  const Header& header = program.header;
  const OpcodeRange opcodes = OpcodesOf(header.whole_mmu());
  std::vector<uint8_t> bytes{kFormatVersion, HeaderFlags(header), static_cast<uint8_t>(header.mode),
                             MmuFlags(header), static_cast<uint8_t>(header.quirk)};
  bytes.reserve(kHeaderBytes + kRecordBytes * program.ops.size());
  bytes.resize(kHeaderBytes);
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
