// Values as bytes and back, for the pipes between our own processes. A number takes eight bytes,
// and a text has its length before it. A struct has a function Fields, which names its fields once
// for both ways: `auto Fields(Either<Place> auto& one) { return std::tie(one.page, one.index); }`.
//
// Reading is total: a missing value reads as zero or "". Afterwards ok() tells of it, and of a
// count that makes no sense. Not covered: whether the values make sense.
#ifndef RMAPDIFF_FUZZERS_FINDING_PACKED_H_
#define RMAPDIFF_FUZZERS_FINDING_PACKED_H_

#include <concepts>
#include <cstdint>
#include <cstring>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <vector>

namespace rmapdiff {

// T to read into, or a constant T to pack.
template <typename Value, typename T>
concept Either = std::same_as<std::remove_const_t<Value>, T>;

template <typename T>
concept PlainNumber = std::is_arithmetic_v<T> || std::is_enum_v<T>;

class Packer {
 public:
  template <typename... Values>
  void operator()(const Values&... values) {
    (One(values), ...);
  }

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
  void One(const std::string& text) { Text(text); }
  template <PlainNumber T>
  void One(const T& number) {
    Number(static_cast<uint64_t>(number));
  }
  template <typename T>
  void One(const std::vector<T>& all) {
    Number(all.size());
    for (const T& one : all) One(one);
  }
  template <typename T>
  void One(const std::set<T>& all) {
    One(std::vector<T>(all.begin(), all.end()));
  }
  template <typename T>
  void One(const std::optional<T>& maybe) {
    Number(maybe ? 1 : 0);
    if (maybe) One(*maybe);
  }
  template <typename T>
  void One(const T& value) {
    std::apply(*this, Fields(value));
  }

  std::string bytes_;
};

class Unpacker {
 public:
  explicit Unpacker(std::string_view bytes) : bytes_(bytes) {}

  template <typename... Values>
  void operator()(Values&... values) {
    (One(values), ...);
  }

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
  bool ok() const { return ok_; }

 private:
  void One(std::string& text) { text = Text(); }
  template <PlainNumber T>
  void One(T& number) {
    number = static_cast<T>(Number());
  }
  template <typename T>
  void One(std::vector<T>& all) {
    all.resize(Count());
    for (T& one : all) One(one);
  }
  template <typename T>
  void One(std::set<T>& all) {
    std::vector<T> sorted;
    One(sorted);
    all = {sorted.begin(), sorted.end()};
  }
  template <typename T>
  void One(std::optional<T>& maybe) {
    if (Number() != 0) One(maybe.emplace());
  }
  template <typename T>
  void One(T& value) {
    std::apply(*this, Fields(value));
  }

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

template <typename T>
std::string Packed(const T& value) {
  Packer to;
  to(value);
  return to.bytes();
}

// False if the bytes are not those of such a value, which then is a part of it.
template <typename T>
bool Unpack(std::string_view bytes, T* value) {
  Unpacker from(bytes);
  from(*value);
  return from.ok();
}

}  // namespace rmapdiff

#endif  // RMAPDIFF_FUZZERS_FINDING_PACKED_H_
