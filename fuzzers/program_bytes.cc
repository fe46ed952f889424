// The byte form of programs.
//
// Header: byte 0 is the version (written, never tested: every byte string is a program), byte 1 the
// flags below, bytes 2 to 7 are reserved: zero when written, ignored when read.
//
// A record is the opcode, modulo the number of kinds, and the arguments in the order of Fields():
// one byte each, an index two. Of an argument that has a hot pool, the byte values beyond its range
// fall into the pool, so that random bytes collide often; an argument in range is its own byte.
#include <algorithm>

#include "fuzzers/program.h"
#include "fuzzers/program_fields.h"

namespace rmapdiff {
namespace {

// Byte 1 of the header.
constexpr int kLimitsBit = 0;
constexpr int kReuseBit = 1;
constexpr int kMasksBit = 2;  // two bits; 3 reads as 0
constexpr int kRecycleBit = 4;
constexpr int kMisuseBit = 5;

constexpr uint8_t kHotPages = 4;
constexpr uint8_t kHotGfns = 4;
constexpr uint8_t kHotIndexes = 8;

// Reads bytes, then zeros for ever; as a visitor, reads the arguments of an operation.
class ByteReader {
 public:
  ByteReader(std::span<const uint8_t> bytes, const Header& header)
      : bytes_(bytes), index_mask_(header.layout().sptes_per_page() - 1) {}

  uint8_t Next() {
    if (bytes_.empty()) return 0;
    const uint8_t byte = bytes_.front();
    bytes_ = bytes_.subspan(1);
    return byte;
  }

  void operator()(const char*, PageArg& arg) { arg.id = Page(Next()); }
  void operator()(const char*, MaybePageArg& arg) {
    const uint8_t byte = Next();
    arg.id = byte >= 0xe0 ? MaybePageArg::kNone : Page(byte);
  }
  void operator()(const char*, IndexArg& arg) {
    const uint32_t high = Next();
    const uint32_t low = Next();
    const uint32_t index = (high & 0xc0) != 0 ? low % kHotIndexes : (high << 8 | low);
    arg.index = static_cast<uint16_t>(index & index_mask_);
  }
  void operator()(const char*, GfnArg& arg) {
    const uint8_t byte = Next();
    arg.index = byte >= GuestLayout::kGfnIndexes ? byte % kHotGfns : byte;
  }
  void operator()(const char*, LevelArg& arg) { arg.level = Next() % kRootLevel + 1; }
  void operator()(const char*, RmapLevelArg& arg) { arg.level = Next() % kRmapLevels + 1; }
  void operator()(const char*, HostArg& arg) { arg.generation = Next(); }
  void operator()(const char*, CountArg& arg) { arg.count = Next() % CountArg::kMax + 1; }
  void operator()(const char*, FlagArg& arg) { arg.on = (Next() & 1) != 0; }

 private:
  static uint8_t Page(uint8_t byte) {
    return (byte & 0x60) != 0 ? byte % kHotPages : byte % PageArg::kCount;
  }

  std::span<const uint8_t> bytes_;
  uint32_t index_mask_;
};

// Appends bytes; as a visitor, the canonical bytes of the arguments of an operation.
class ByteWriter {
 public:
  explicit ByteWriter(std::vector<uint8_t>& bytes) : bytes_(bytes) {}

  void Put(uint32_t byte) { bytes_.push_back(static_cast<uint8_t>(byte)); }

  void operator()(const char*, const PageArg& arg) { Put(arg.id); }
  void operator()(const char*, const MaybePageArg& arg) { Put(arg.id); }
  void operator()(const char*, const IndexArg& arg) {
    Put(arg.index >> 8);
    Put(arg.index);
  }
  void operator()(const char*, const GfnArg& arg) { Put(arg.index); }
  void operator()(const char*, const LevelArg& arg) { Put(arg.level - 1u); }
  void operator()(const char*, const RmapLevelArg& arg) { Put(arg.level - 1u); }
  void operator()(const char*, const HostArg& arg) { Put(arg.generation); }
  void operator()(const char*, const CountArg& arg) { Put(arg.count - 1u); }
  void operator()(const char*, const FlagArg& arg) { Put(arg.on ? 1 : 0); }

 private:
  std::vector<uint8_t>& bytes_;
};

struct ByteCounter {
  size_t bytes = 0;
  constexpr void operator()(const char*, const auto&) { bytes += 1; }
  constexpr void operator()(const char*, const IndexArg&) { bytes += 2; }
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

Header DecodeHeader(std::span<const uint8_t> bytes) {
  const unsigned flags = bytes.size() > 1 ? bytes[1] : 0;
  const unsigned masks = flags >> kMasksBit & 3;
  Header header;
  header.limits = static_cast<LimitsMode>(flags >> kLimitsBit & 1);
  header.reuse = static_cast<ReuseMode>(flags >> kReuseBit & 1);
  header.masks = masks == 3 ? MasksMode::kShadow : static_cast<MasksMode>(masks);
  header.recycle = static_cast<RecycleMode>(flags >> kRecycleBit & 1);
  header.misuse = (flags >> kMisuseBit & 1) != 0;
  return header;
}

uint8_t HeaderFlags(const Header& header) {
  return static_cast<uint8_t>(static_cast<unsigned>(header.limits) << kLimitsBit |
                              static_cast<unsigned>(header.reuse) << kReuseBit |
                              static_cast<unsigned>(header.masks) << kMasksBit |
                              static_cast<unsigned>(header.recycle) << kRecycleBit |
                              static_cast<unsigned>(header.misuse) << kMisuseBit);
}

}  // namespace

Program Decode(std::span<const uint8_t> bytes) {
  Program program;
  program.header = DecodeHeader(bytes);
  for (size_t at = kHeaderBytes; at < bytes.size(); at += kRecordBytes) {
    ByteReader reader(bytes.subspan(at, std::min(kRecordBytes, bytes.size() - at)), program.header);
    Op op = kDefaultOps[reader.Next() % kOpKinds];
    ForEachField(op, reader);
    program.ops.push_back(op);
  }
  return program;
}

std::vector<uint8_t> Encode(const Program& program) {
  std::vector<uint8_t> bytes{kFormatVersion, HeaderFlags(program.header)};
  bytes.reserve(kHeaderBytes + kRecordBytes * program.ops.size());
  bytes.resize(kHeaderBytes);
  for (const Op& op : program.ops) {
    const size_t end = bytes.size() + kRecordBytes;
    ByteWriter writer(bytes);
    writer.Put(static_cast<uint32_t>(op.index()));
    ForEachField(op, writer);
    bytes.resize(end);
  }
  return bytes;
}

}  // namespace rmapdiff
