#include "fuzzers/finding/simpler.h"

#include <algorithm>
#include <initializer_list>
#include <set>
#include <string_view>
#include <type_traits>

#include "fuzzers/program/fields.h"

namespace rmapdiff {
namespace {

// As a visitor, calls use(number) for each argument, where `number` can be read and set.
template <typename Use>
class Numbers {
 public:
  explicit Numbers(Use use) : use_(use) {}

  void operator()(const char*, auto& arg) {
    if constexpr (requires { arg.id; }) {
      use_(arg.id);
    } else if constexpr (requires { arg.index; }) {
      use_(arg.index);
    } else if constexpr (requires { arg.level; }) {
      use_(arg.level);
    } else if constexpr (requires { arg.generation; }) {
      use_(arg.generation);
    } else if constexpr (requires { arg.count; }) {
      use_(arg.count);
    } else if constexpr (requires { arg.on; }) {
      use_(arg.on);
    } else if constexpr (requires { arg.vcpu; }) {
      use_(arg.vcpu);
    } else if constexpr (requires { arg.path; }) {
      use_(arg.path);
    } else if constexpr (requires { arg.bits; }) {
      use_(arg.bits);
    } else if constexpr (requires { arg.slot; }) {
      use_(arg.slot);
    } else {
      use_(arg.value);
    }
  }
  // A parent that is none is the simplest, though its byte is the largest.
  void operator()(const char*, MaybePageArg& arg) {
    uint8_t number = arg.none() ? uint8_t{0} : static_cast<uint8_t>(arg.id + 1);
    use_(number);
    arg.id = number == 0 ? MaybePageArg::kNone : static_cast<uint8_t>(number - 1);
  }

 private:
  Use use_;
};

// As a visitor, calls use(kind, number) for each argument that names something.
template <typename Use>
class Names {
 public:
  explicit Names(Use use) : use_(use) {}

  void operator()(const char*, auto& arg) {
    if constexpr (requires { arg.id; }) {
      use_(typeid(PageArg), arg.id);
    } else if constexpr (requires { arg.index; }) {
      use_(typeid(arg), arg.index);
    } else if constexpr (requires { arg.vcpu; }) {
      use_(typeid(arg), arg.vcpu);
    } else if constexpr (requires { arg.path; }) {
      use_(typeid(arg), arg.path);
    } else if constexpr (requires { arg.slot; }) {
      use_(typeid(arg), arg.slot);
    }
  }
  void operator()(const char*, MaybePageArg& arg) {
    if (!arg.none()) use_(typeid(PageArg), arg.id);
  }

 private:
  Use use_;
};

// As a visitor, sets the key in the given place to `value`; counts them on the way.
class HeaderKey {
 public:
  HeaderKey(size_t wanted, size_t value) : wanted_(wanted), value_(value) {}

  template <typename Value>
  void operator()(std::string_view key, Value& value,
                  std::initializer_list<std::string_view> names) {
    if (count++ != wanted_) return;
    fixed = key == "mode" || key == "limits" || key == "quirk" || value_ >= names.size();
    if (!fixed) value = static_cast<Value>(value_);
  }

  size_t count = 0;
  bool fixed = true;

 private:
  const size_t wanted_;
  const size_t value_;
};

}  // namespace

std::vector<uint32_t> NumbersOf(Op op) {
  std::vector<uint32_t> numbers;
  const auto read = [&numbers](auto& number) { numbers.push_back(number); };
  Numbers visitor(read);
  ForEachField(op, visitor);
  return numbers;
}

Op WithNumber(Op op, size_t which, uint32_t value) {
  size_t at = 0;
  const auto write = [&](auto& number) {
    if (at++ == which) number = static_cast<std::remove_reference_t<decltype(number)>>(value);
  };
  Numbers visitor(write);
  ForEachField(op, visitor);
  return op;
}

std::vector<uint32_t> SmallerThan(uint32_t number) {
  std::set<uint32_t> candidates = {0, number / 2};
  if (number > 0) candidates.insert(number - 1);
  for (uint32_t bit = 1; bit <= number; bit <<= 1) candidates.insert(number & ~bit);
  candidates.erase(number);
  return {candidates.begin(), candidates.end()};
}

std::vector<Named> NamesIn(Op op) {
  std::vector<Named> names;
  const auto read = [&names](const std::type_info& kind, auto& number) {
    names.emplace_back(kind, number);
  };
  Names visitor(read);
  ForEachField(op, visitor);
  return names;
}

Program Renamed(Program program, const Named& name, uint32_t value) {
  const auto rename = [&](const std::type_info& kind, auto& number) {
    if (kind != name.first || number != name.second) return;
    number = static_cast<std::remove_reference_t<decltype(number)>>(value);
  };
  Names visitor(rename);
  for (Op& op : program.ops) ForEachField(op, visitor);
  return program;
}

Program WithPageMerged(Program program, uint32_t page, uint32_t other, uint32_t index) {
  const Named name(typeid(PageArg), page);
  for (Op& op : program.ops) {
    const std::vector<Named> names = NamesIn(op);
    if (std::find(names.begin(), names.end(), name) == names.end()) continue;
    const auto change = [&](const std::type_info& kind, auto& number) {
      using Number = std::remove_reference_t<decltype(number)>;
      if (kind == typeid(PageArg) && number == page) number = static_cast<Number>(other);
      if (kind == typeid(IndexArg)) number = static_cast<Number>(index);
    };
    Names visitor(change);
    ForEachField(op, visitor);
  }
  return program;
}

Program WithPagesInOrder(Program program) {
  std::vector<uint8_t> order;
  const auto rename = [&order](const std::type_info& kind, auto& number) {
    if (kind != typeid(PageArg)) return;
    const auto found = std::find(order.begin(), order.end(), number);
    const auto place = found - order.begin();
    if (found == order.end()) order.push_back(static_cast<uint8_t>(number));
    number = static_cast<std::remove_reference_t<decltype(number)>>(place);
  };
  Names visitor(rename);
  for (Op& op : program.ops) ForEachField(op, visitor);
  return program;
}

std::optional<Op> LesserOp(const Op& op) {
  const auto* many = std::get_if<ops::MapMany>(&op);
  if (many == nullptr) return std::nullopt;
  return ops::Map{many->page, many->index, many->gfn, many->write, {}};
}

std::optional<Op> JoinedOps(const Op& a, const Op& b) {
  const auto* page = std::get_if<ops::AllocPage>(&a);
  const auto* link = std::get_if<ops::Link>(&b);
  if (page != nullptr && link != nullptr && page->parent.none() && page->page == link->page) {
    ops::AllocPage linked = *page;
    linked.parent.id = link->parent.id;
    linked.index = link->index;
    return linked;
  }
  const auto as_many = [](const Op& op) -> std::optional<ops::MapMany> {
    if (const auto* many = std::get_if<ops::MapMany>(&op)) return *many;
    const auto* map = std::get_if<ops::Map>(&op);
    if (map == nullptr) return std::nullopt;
    return ops::MapMany{map->page, map->index, map->gfn, {1}, map->write};
  };
  const std::optional<ops::MapMany> first = as_many(a);
  const std::optional<ops::MapMany> second = as_many(b);
  if (!first || !second || first->page != second->page || first->gfn != second->gfn) {
    return std::nullopt;
  }
  const uint32_t count = uint32_t{first->count.count} + second->count.count;
  if (count > CountArg::kMax) return std::nullopt;
  ops::MapMany both = *first;
  both.index.index = std::min(first->index.index, second->index.index);
  both.count.count = static_cast<uint8_t>(count);
  return both;
}

size_t Rank(const Header& header) {
  const Header plain{.mode = header.mode, .limits = header.limits};
  const auto differs = [](const auto& a, const auto& b) { return a == b ? size_t{0} : 1; };
  return differs(header.reuse, plain.reuse) + differs(header.masks, plain.masks) +
         differs(header.recycle, plain.recycle) + differs(header.misuse, plain.misuse) +
         header.more_vcpus + differs(header.oos, plain.oos) + differs(header.large, plain.large) +
         differs(header.log, plain.log) + differs(header.oom, plain.oom);
}

std::vector<Header> SimplerHeaders(const Header& header) {
  std::vector<Header> simpler;
  Header counted = header;
  HeaderKey counter(size_t(-1), 0);
  ForEachHeaderField(counted, counter);
  for (size_t key = 0; key < counter.count; ++key) {
    for (size_t value = 0; value < 4; ++value) {
      Header candidate = header;
      HeaderKey change(key, value);
      ForEachHeaderField(candidate, change);
      if (!change.fixed && Rank(candidate) < Rank(header)) simpler.push_back(candidate);
    }
  }
  return simpler;
}

}  // namespace rmapdiff
