// Values as bytes and back, for the pipes between our own processes: numbers of eight bytes, texts
// with their length before them.
//
// Reading is total: a missing value reads as zero or "", and ok() says so afterwards. It also says
// so if the reader has refused a number that makes no sense.
#ifndef RMAPDIFF_FUZZERS_FINDING_PACKED_H_
#define RMAPDIFF_FUZZERS_FINDING_PACKED_H_

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace rmapdiff {

class Packer {
 public:
  void Number(uint64_t number) {
    char bytes[sizeof number];
    std::memcpy(bytes, &number, sizeof number);
    bytes_.append(bytes, sizeof bytes);
  }
  void Text(std::string_view text) {
    Number(text.size());
    bytes_ += text;
  }
  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

class Unpacker {
 public:
  explicit Unpacker(std::string_view bytes) : bytes_(bytes) {}

  uint64_t Number() {
    uint64_t number = 0;
    const std::string_view taken = Take(sizeof number);
    if (taken.size() == sizeof number) std::memcpy(&number, taken.data(), sizeof number);
    return number;
  }
  std::string Text() { return std::string(Take(Number())); }
  // How many elements follow, of which each takes at least eight bytes.
  size_t Count() {
    const uint64_t count = Number();
    if (count <= bytes_.size() / sizeof count) return static_cast<size_t>(count);
    ok_ = false;
    return 0;
  }
  // A number below `end`, else 0.
  uint64_t NumberBelow(uint64_t end) {
    const uint64_t number = Number();
    if (number < end) return number;
    ok_ = false;
    return 0;
  }
  bool ok() const { return ok_; }

 private:
  std::string_view Take(uint64_t size) {
    if (size > bytes_.size()) {
      ok_ = false;
      bytes_ = {};
      return {};
    }
    const std::string_view taken = bytes_.substr(0, static_cast<size_t>(size));
    bytes_.remove_prefix(taken.size());
    return taken;
  }

  std::string_view bytes_;
  bool ok_ = true;
};

}  // namespace rmapdiff

#endif  // RMAPDIFF_FUZZERS_FINDING_PACKED_H_
