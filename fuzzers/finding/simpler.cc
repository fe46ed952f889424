#include "fuzzers/finding/simpler.h"

#include <algorithm>
#include <set>
#include <string_view>

#include "fuzzers/program/fields.h"

namespace rmapdiff {
namespace {

// Calls use(number) for each argument, where `number` can be read and set.
template <typename Use>
void ForEachNumber(Op* op, Use use) {
  const auto visit = [&use](const char*, auto& arg) {
    // A parent that is none is the simplest, though its byte is the largest.
    const bool maybe = arg.kDomain.form == Domain::Form::kNumberOrNone;
    uint32_t number = arg.value;
    if (maybe) number = number == Domain::kNone ? 0 : number + 1;
    use(number);
    if (maybe) number = number == 0 ? Domain::kNone : number - 1;
    arg.value = static_cast<decltype(arg.value)>(number);
  };
  ForEachField(*op, visit);
}

// Calls use(kind, number) for each argument that names something.
template <typename Use>
void ForEachName(Op* op, Use use) {
  const auto visit = [&use](const char*, auto& arg) {
    if (!NamesAnything(arg.kDomain, arg.value)) return;
    uint32_t number = arg.value;
    use(arg.kDomain.names, number);
    arg.value = static_cast<decltype(arg.value)>(number);
  };
  ForEachField(*op, visit);
}

// As a visitor, sets the key in the given place to `value`; counts them on the way.
class HeaderKey {
 public:
  HeaderKey(size_t wanted, size_t value) : wanted_(wanted), value_(value) {}

  template <typename Value>
  void operator()(const HeaderField& field, Value& value) {
    if (count++ != wanted_) return;
    fixed = !field.fits || field.name == "mode" || field.name == "limits" ||
            field.name == "quirk" || value_ >= field.words.size();
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
  ForEachNumber(&op, [&numbers](uint32_t number) { numbers.push_back(number); });
  return numbers;
}

Op WithNumber(Op op, size_t which, uint32_t value) {
  size_t at = 0;
  ForEachNumber(&op, [&](uint32_t& number) {
    if (at++ == which) number = value;
  });
  return op;
}

std::vector<uint32_t> SmallerThan(uint32_t number) {
  std::set<uint32_t> candidates = {0, number / 2};
  if (number > 0) candidates.insert(number - 1);
  for (uint32_t bit = 1; bit <= number; bit <<= 1) candidates.insert(number & ~bit);
  candidates.erase(number);
  return {candidates.begin(), candidates.end()};
}

Program Without(Program program, size_t first, size_t count) {
  const auto begin = program.ops.begin() + static_cast<std::ptrdiff_t>(first);
  program.ops.erase(begin, begin + static_cast<std::ptrdiff_t>(count));
  return program;
}

std::vector<Named> NamesIn(Op op) {
  std::vector<Named> names;
  ForEachName(&op,
              [&names](Domain::Names kind, uint32_t number) { names.emplace_back(kind, number); });
  return names;
}

bool IsNamedBy(const Named& name, const Op& op) {
  const std::vector<Named> names = NamesIn(op);
  return std::find(names.begin(), names.end(), name) != names.end();
}

Program Renamed(Program program, const Named& name, uint32_t value) {
  for (Op& op : program.ops) {
    ForEachName(&op, [&](Domain::Names kind, uint32_t& number) {
      if (Named(kind, number) == name) number = value;
    });
  }
  return program;
}

Program WithPageMerged(Program program, uint32_t page, uint32_t other, uint32_t index) {
  const Named name(Domain::Names::kPage, page);
  for (Op& op : program.ops) {
    if (!IsNamedBy(name, op)) continue;
    ForEachName(&op, [&](Domain::Names kind, uint32_t& number) {
      if (Named(kind, number) == name) number = other;
      if (kind == Domain::Names::kIndex) number = index;
    });
  }
  return program;
}

Program WithPagesInOrder(Program program) {
  std::vector<uint32_t> order;
  const auto rename = [&order](Domain::Names kind, uint32_t& number) {
    if (kind != Domain::Names::kPage) return;
    const auto found = std::find(order.begin(), order.end(), number);
    const auto place = static_cast<uint32_t>(found - order.begin());
    if (found == order.end()) order.push_back(number);
    number = place;
  };
  for (Op& op : program.ops) ForEachName(&op, rename);
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
    linked.parent.value = link->parent.value;
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
  const uint32_t count = uint32_t{first->count.value} + second->count.value;
  if (count > CountArg::kMax) return std::nullopt;
  ops::MapMany both = *first;
  both.index.value = std::min(first->index.value, second->index.value);
  both.count.value = static_cast<uint8_t>(count);
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
