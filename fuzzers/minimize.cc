#include "fuzzers/minimize.h"

#include <algorithm>
#include <initializer_list>
#include <set>
#include <utility>
#include <vector>

#include "fuzzers/program_fields.h"
#include "fuzzers/report.h"

namespace rmapdiff {
namespace {

// ---- Arguments as numbers: the smaller, the simpler. ----

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

// As a visitor, gives each page of an operation the id that name(id) says.
template <typename Name>
class PageRenamer {
 public:
  explicit PageRenamer(Name name) : name_(name) {}

  void operator()(const char*, const auto&) {}
  void operator()(const char*, PageArg& arg) { arg.id = name_(arg.id); }
  void operator()(const char*, MaybePageArg& arg) {
    if (!arg.none()) arg.id = name_(arg.id);
  }

 private:
  Name name_;
};

// What to try instead of a number, simplest first: all are smaller.
std::vector<uint32_t> SmallerThan(uint32_t number) {
  std::set<uint32_t> candidates = {0, number / 2};
  if (number > 0) candidates.insert(number - 1);
  for (uint32_t bit = 1; bit <= number; bit <<= 1) candidates.insert(number & ~bit);
  candidates.erase(number);
  return {candidates.begin(), candidates.end()};
}

// How far a header is from the simplest: keys that are not at their default, and further vcpus.
size_t Rank(const Header& header) {
  const Header plain{.mode = header.mode, .limits = header.limits};
  const auto differs = [](const auto& a, const auto& b) { return a == b ? size_t{0} : 1; };
  return differs(header.reuse, plain.reuse) + differs(header.masks, plain.masks) +
         differs(header.recycle, plain.recycle) + differs(header.misuse, plain.misuse) +
         header.more_vcpus + differs(header.oos, plain.oos) + differs(header.large, plain.large) +
         differs(header.log, plain.log) + differs(header.oom, plain.oom);
}

// As a visitor, sets the key in the given place to `value`; counts them on the way.
class HeaderKey {
 public:
  HeaderKey(size_t wanted, size_t value) : wanted_(wanted), value_(value) {}

  template <typename Value>
  void operator()(std::string_view key, Value& value,
                  std::initializer_list<std::string_view> names) {
    if (count++ != wanted_) return;
    // What the program works on, and with which limits, is no detail; nor is a bug that is put
    // back.
    fixed = key == "mode" || key == "limits" || key == "quirk" || value_ >= names.size();
    if (!fixed) value = static_cast<Value>(value_);
  }

  size_t count = 0;
  bool fixed = true;

 private:
  const size_t wanted_;
  const size_t value_;
};

class Minimizer {
 public:
  Minimizer(const Program& program, Verdict verdict, const MinimizeOptions& options)
      : options_(options) {
    best_.signature = Signature(program, verdict);
    best_.program = program;
    best_.verdict = std::move(verdict);
    best_.runs = 1;
    others_.insert(best_.signature);
  }

  Minimized Run() {
    CutTail();
    // A change by one lets the others find more.
    bool changed = true;
    while (changed && !stopped_) {
      changed = LeaveOutOperations();
      if (SimplifyHeader()) changed = true;
      if (SimplifyArguments()) changed = true;
    }
    if (RenamePages()) LeaveOutOperations();
    best_.finished = !stopped_;
    return best_;
  }

 private:
  // Whether the candidate shows the finding; then it is the best so far.
  bool Try(Program candidate);
  bool CutTail();
  bool LeaveOutOperations();
  bool LeaveOut(size_t first, size_t count);
  bool SimplifyHeader();
  bool SimplifyArguments();
  bool SimplifyArgument(size_t op, size_t which);
  bool RenamePages();

  const MinimizeOptions& options_;
  Minimized best_;
  std::set<std::vector<uint8_t>> tried_;  // in vain
  std::set<std::string> others_;          // signatures that were met
  bool stopped_ = false;
};

bool Minimizer::Try(Program candidate) {
  if (stopped_ || (options_.stop && options_.stop())) {
    stopped_ = true;
    return false;
  }
  // What is out of range for a simpler header comes back into it.
  std::vector<uint8_t> bytes = Encode(candidate);
  candidate = Decode(bytes);
  if (candidate == best_.program || tried_.count(bytes) != 0) return false;
  ++best_.runs;
  Verdict verdict = RunProgram(candidate, options_.run);
  const std::string signature = Signature(candidate, verdict);
  if (signature != best_.signature) {
    tried_.insert(std::move(bytes));
    const bool is_new = !signature.empty() && others_.insert(signature).second;
    if (is_new && options_.other) options_.other(candidate, verdict);
    return false;
  }
  best_.program = std::move(candidate);
  best_.verdict = std::move(verdict);
  if (options_.progress) options_.progress(best_);
  return true;
}

// What comes after the operation that shows the finding never ran.
bool Minimizer::CutTail() {
  Program candidate = best_.program;
  const size_t needed = best_.verdict.op_index + 1;
  if (needed >= candidate.ops.size()) return false;
  candidate.ops.resize(needed);
  return Try(std::move(candidate));
}

bool Minimizer::LeaveOut(size_t first, size_t count) {
  Program candidate = best_.program;
  const auto begin = candidate.ops.begin() + static_cast<std::ptrdiff_t>(first);
  candidate.ops.erase(begin, begin + static_cast<std::ptrdiff_t>(count));
  return Try(std::move(candidate));
}

// Halves, quarters ... single operations, from the end, where most of what matters not is; single
// ones until none can go.
bool Minimizer::LeaveOutOperations() {
  bool any = false;
  size_t count = std::max<size_t>(best_.program.ops.size() / 2, 1);
  while (!stopped_) {
    bool changed = false;
    for (size_t end = best_.program.ops.size(); end > 0;) {
      const size_t first = end > count ? end - count : 0;
      if (LeaveOut(first, end - first)) changed = true;
      end = first;
    }
    any = any || changed;
    if (count == 1 && !changed) break;
    if (!changed || count > 1) count = std::max<size_t>(count / 2, 1);
  }
  return any;
}

bool Minimizer::SimplifyHeader() {
  bool any = false;
  HeaderKey counter(size_t(-1), 0);
  ForEachHeaderField(best_.program.header, counter);
  for (size_t key = 0; key < counter.count; ++key) {
    for (size_t value = 0; value < 4; ++value) {
      Program candidate = best_.program;
      HeaderKey change(key, value);
      ForEachHeaderField(candidate.header, change);
      // Only towards the default, or fewer vcpus.
      const bool simpler = Rank(candidate.header) < Rank(best_.program.header);
      if (!change.fixed && simpler && Try(std::move(candidate))) any = true;
    }
  }
  return any;
}

bool Minimizer::SimplifyArguments() {
  bool any = false;
  for (size_t op = 0; op < best_.program.ops.size() && !stopped_; ++op) {
    const size_t count = NumbersOf(best_.program.ops[op]).size();
    for (size_t which = 0; which < count; ++which) {
      while (SimplifyArgument(op, which)) any = true;
    }
  }
  return any;
}

bool Minimizer::SimplifyArgument(size_t op, size_t which) {
  for (const uint32_t value : SmallerThan(NumbersOf(best_.program.ops[op])[which])) {
    Program candidate = best_.program;
    candidate.ops[op] = WithNumber(candidate.ops[op], which, value);
    // A number that the argument cannot be would come back as another one.
    candidate = Decode(Encode(candidate));
    if (NumbersOf(candidate.ops[op])[which] == value && Try(std::move(candidate))) return true;
  }
  return false;
}

// Pages are called 0, 1, 2 ... in the order in which the program mentions them.
bool Minimizer::RenamePages() {
  std::vector<uint8_t> order;
  const auto name = [&order](uint8_t id) {
    const auto found = std::find(order.begin(), order.end(), id);
    const auto place = found - order.begin();
    if (found == order.end()) order.push_back(id);
    return static_cast<uint8_t>(place);
  };
  PageRenamer visitor(name);
  Program candidate = best_.program;
  for (Op& op : candidate.ops) ForEachField(op, visitor);
  return Try(std::move(candidate));
}

}  // namespace

std::optional<Minimized> Minimize(const Program& program, const MinimizeOptions& options) {
  Verdict verdict = RunProgram(program, options.run);
  if (verdict.kind != VerdictKind::kDivergence) return std::nullopt;
  return Minimizer(program, std::move(verdict), options).Run();
}

}  // namespace rmapdiff
