#include "fuzzers/finding/minimize.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "fuzzers/finding/simpler.h"

namespace rmapdiff {
namespace {

// Pairs of operations are tried in programs of at most so many.
constexpr size_t kMaxForPairs = 40;
// Entries of a page that a merged one may move to.
constexpr uint32_t kMaxEntries = 3;

class Minimizer {
 public:
  Minimizer(const Program& program, const Trial& trial, const MinimizeOptions& options)
      : options_(options) {
    best_.signature = Signature(program, trial);
    best_.program = program;
    best_.runs = 1;
    place_ = trial.place();
    others_.insert(best_.signature);
  }

  Minimized Run() {
    CutTail();
    while (Simplifies(&Minimizer::Round)) {
    }
    if (Try(WithPagesInOrder(best_.program))) Round();
    // Last, for invariant 2: after a renaming, too, an operation can be left out.
    while (Simplifies(&Minimizer::LeaveOutOperations)) {
    }
    best_.finished = !stopped_;
    return best_;
  }

 private:
  // A change by one step lets the others find more.
  void Round() {
    LeaveOutNamed();
    LeaveOutOperations();
    LeaveOutPairs();
    JoinMaps();
    while (Simplifies(&Minimizer::SimplifyHeader)) {
    }
    Merge();
    SimplifyArguments();
  }

  // Whether the step has found a simpler program, and may go on.
  bool Simplifies(void (Minimizer::*step)()) {
    const size_t before = simplified_;
    (this->*step)();
    return simplified_ > before && !stopped_;
  }

  // Whether the candidate shows the finding; then it is the best so far.
  bool Try(Program candidate);
  void CutTail();
  void LeaveOutNamed();
  void LeaveOutOperations();
  void LeaveOutStretches();
  void LeaveOutPairs();
  void JoinMaps();
  void SimplifyHeader();
  void Merge();
  void SimplifyArguments();
  bool SimplifyArgument(size_t op, size_t which);

  // All that the program names; first those that the most operations name.
  std::vector<Named> NamesByUse() const;
  // The best program with another operation in one place.
  Program With(size_t at, const Op& op) const {
    Program candidate = best_.program;
    candidate.ops[at] = op;
    return candidate;
  }

  const MinimizeOptions& options_;
  Minimized best_;
  size_t simplified_ = 0;                 // how often
  size_t stretch_ = 1;                    // operations that LeaveOutStretches leaves out at once
  size_t place_ = 0;                      // of the finding
  std::set<std::vector<uint8_t>> tried_;  // in vain
  std::set<std::string> others_;          // signatures that were met
  bool stopped_ = false;
};

bool Minimizer::Try(Program candidate) {
  if (stopped_ || (options_.stop && options_.stop())) {
    stopped_ = true;
    return false;
  }
  // A value that is out of range for a simpler header comes back into it.
  std::vector<uint8_t> bytes = Encode(candidate);
  candidate = Decode(bytes);
  if (candidate == best_.program || tried_.count(bytes) != 0) return false;
  ++best_.runs;
  const Trial trial = options_.run(candidate);
  const std::string signature = Signature(candidate, trial);
  if (signature != best_.signature) {
    tried_.insert(std::move(bytes));
    const bool is_new = !signature.empty() && others_.insert(signature).second;
    if (is_new && options_.other) options_.other(candidate, signature);
    return false;
  }
  best_.program = std::move(candidate);
  ++simplified_;
  place_ = trial.place();
  if (options_.progress) options_.progress(best_);
  return true;
}

// The operations after the one that shows the finding never ran.
void Minimizer::CutTail() {
  const size_t size = best_.program.ops.size();
  if (place_ + 1 < size) Try(Without(best_.program, place_ + 1, size - place_ - 1));
}

std::vector<Named> Minimizer::NamesByUse() const {
  // Sorted by first use where the number of uses is the same: the order of types is another one in
  // every build.
  std::map<Named, size_t> uses;
  std::vector<Named> names;
  for (const Op& op : best_.program.ops) {
    for (const Named& name : NamesIn(op)) {
      if (uses[name]++ == 0) names.push_back(name);
    }
  }
  std::vector<std::pair<size_t, size_t>> order;  // how seldom, and which
  for (size_t i = 0; i < names.size(); ++i) order.emplace_back(SIZE_MAX - uses[names[i]], i);
  std::sort(order.begin(), order.end());
  std::vector<Named> sorted;
  for (const auto& [seldom, which] : order) sorted.push_back(names[which]);
  return sorted;
}

// All operations that name something, for each thing that is named.
void Minimizer::LeaveOutNamed() {
  for (const Named& name : NamesByUse()) {
    Program candidate = best_.program;
    std::erase_if(candidate.ops, [&](const Op& op) { return IsNamedBy(name, op); });
    const bool some = !candidate.ops.empty() && candidate.ops.size() < best_.program.ops.size();
    if (some) Try(std::move(candidate));
  }
}

// Halves, quarters ... single operations; single ones until none can go.
void Minimizer::LeaveOutOperations() {
  stretch_ = std::max<size_t>(best_.program.ops.size() / 2, 1);
  while (!stopped_) {
    const bool changed = Simplifies(&Minimizer::LeaveOutStretches);
    if (stretch_ == 1 && !changed) break;
    if (!changed || stretch_ > 1) stretch_ = std::max<size_t>(stretch_ / 2, 1);
  }
}

// From the end, where most operations do not matter.
void Minimizer::LeaveOutStretches() {
  for (size_t end = best_.program.ops.size(); end > 0;) {
    const size_t first = end > stretch_ ? end - stretch_ : 0;
    Try(Without(best_.program, first, end - first));
    end = first;
  }
}

// Two that only serve each other: a mapping and its drop, say.
void Minimizer::LeaveOutPairs() {
  if (best_.program.ops.size() > kMaxForPairs) return;
  for (size_t second = best_.program.ops.size(); second-- > 1;) {
    for (size_t first = std::min(second, best_.program.ops.size() - 1); first-- > 0;) {
      if (second >= best_.program.ops.size() || stopped_) break;
      if (Try(Without(Without(best_.program, second), first))) break;
    }
  }
}

// Several mappings of one gfn by one page are one operation as well. One that maps many is more
// than one that maps one.
void Minimizer::JoinMaps() {
  for (size_t i = 0; i < best_.program.ops.size(); ++i) {
    if (const std::optional<Op> lesser = LesserOp(best_.program.ops[i])) Try(With(i, *lesser));
    for (size_t j = best_.program.ops.size(); j-- > i + 1;) {
      for (const size_t at : {i, j}) {
        if (j >= best_.program.ops.size()) break;
        const std::optional<Op> both = JoinedOps(best_.program.ops[i], best_.program.ops[j]);
        if (both) Try(Without(With(at, *both), at == i ? j : i));
      }
    }
  }
}

void Minimizer::SimplifyHeader() {
  for (const Header& header : SimplerHeaders(best_.program.header)) {
    if (Try({header, best_.program.ops})) return;
  }
}

// Fewer pages, gfns, vcpus, slots: two things become one, or one gets a smaller number, wherever
// the program names it.
void Minimizer::Merge() {
  for (const Named& name : NamesByUse()) {
    std::set<uint32_t> values;
    for (const Named& other : NamesByUse()) {
      if (other.first == name.first && other.second < name.second) values.insert(other.second);
    }
    for (const uint32_t smaller : SmallerThan(name.second)) values.insert(smaller);
    const auto merges = [&](uint32_t value) {
      if (Try(Renamed(best_.program, name, value))) return true;
      // Two pages may be one if they do not meet in its entries.
      const uint32_t entries = name.first == Domain::Names::kPage ? kMaxEntries : 0;
      for (uint32_t index = 1; index <= entries; ++index) {
        if (Try(WithPageMerged(best_.program, name.second, value, index))) return true;
      }
      return false;
    };
    for (const uint32_t value : values) {
      if (merges(value)) break;
    }
  }
}

void Minimizer::SimplifyArguments() {
  for (size_t op = 0; op < best_.program.ops.size() && !stopped_; ++op) {
    const size_t count = NumbersOf(best_.program.ops[op]).size();
    for (size_t which = 0; which < count; ++which) {
      while (SimplifyArgument(op, which)) {
      }
    }
  }
}

bool Minimizer::SimplifyArgument(size_t op, size_t which) {
  for (const uint32_t value : SmallerThan(NumbersOf(best_.program.ops[op])[which])) {
    // A number that the argument cannot be would come back as another one.
    Program candidate = Decode(Encode(With(op, WithNumber(best_.program.ops[op], which, value))));
    if (NumbersOf(candidate.ops[op])[which] == value && Try(std::move(candidate))) return true;
  }
  return false;
}

}  // namespace

std::function<Trial(const Program& program)> RunHere(RunOptions options) {
  return [options = std::move(options)](const Program& program) {
    Trial trial;
    trial.verdict = RunProgram(program, options);
    return trial;
  };
}

std::optional<Minimized> Minimize(const Program& program, const MinimizeOptions& options) {
  const Trial trial = options.run(program);
  if (Signature(program, trial).empty()) return std::nullopt;
  return Minimizer(program, trial, options).Run();
}

}  // namespace rmapdiff
