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
    bool changed = true;
    while (changed && !stopped_) changed = Round();
    if (Try(WithPagesInOrder(best_.program))) Round();
    // The last word is for invariant 2: a renaming, too, can set an operation free.
    while (!stopped_ && LeaveOutOperations()) {
    }
    best_.finished = !stopped_;
    return best_;
  }

 private:
  // A change by one step lets the others find more.
  bool Round() {
    bool changed = LeaveOutNamed();
    for (auto step :
         {&Minimizer::LeaveOutOperations, &Minimizer::LeaveOutPairs, &Minimizer::JoinMaps,
          &Minimizer::SimplifyHeader, &Minimizer::Merge, &Minimizer::SimplifyArguments}) {
      if ((this->*step)()) changed = true;
    }
    return changed;
  }

  // Whether the candidate shows the finding; then it is the best so far.
  bool Try(Program candidate);
  bool CutTail();
  bool LeaveOutNamed();
  bool LeaveOutOperations();
  bool LeaveOutPairs();
  bool LeaveOut(size_t first, size_t count);
  bool JoinMaps();
  bool SimplifyHeader();
  bool Merge();
  bool SimplifyArguments();
  bool SimplifyArgument(size_t op, size_t which);

  // What the program names, that which the most operations name first.
  std::vector<Named> NamesByUse() const;

  const MinimizeOptions& options_;
  Minimized best_;
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
  // What is out of range for a simpler header comes back into it.
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
  place_ = trial.place();
  if (options_.progress) options_.progress(best_);
  return true;
}

// What comes after the operation that shows the finding never ran.
bool Minimizer::CutTail() {
  Program candidate = best_.program;
  if (place_ + 1 >= candidate.ops.size()) return false;
  candidate.ops.resize(place_ + 1);
  return Try(std::move(candidate));
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
bool Minimizer::LeaveOutNamed() {
  bool any = false;
  for (const Named& name : NamesByUse()) {
    Program candidate = best_.program;
    const auto mentions = [&](const Op& op) {
      const std::vector<Named> names = NamesIn(op);
      return std::find(names.begin(), names.end(), name) != names.end();
    };
    std::erase_if(candidate.ops, mentions);
    const bool some = !candidate.ops.empty() && candidate.ops.size() < best_.program.ops.size();
    if (some && Try(std::move(candidate))) any = true;
  }
  return any;
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

// Two that are of no use but to each other: what was mapped and dropped again.
bool Minimizer::LeaveOutPairs() {
  bool any = false;
  if (best_.program.ops.size() > kMaxForPairs) return false;
  for (size_t second = best_.program.ops.size(); second-- > 1;) {
    for (size_t first = std::min(second, best_.program.ops.size() - 1); first-- > 0;) {
      if (second >= best_.program.ops.size() || stopped_) break;
      Program candidate = best_.program;
      candidate.ops.erase(candidate.ops.begin() + static_cast<std::ptrdiff_t>(second));
      candidate.ops.erase(candidate.ops.begin() + static_cast<std::ptrdiff_t>(first));
      if (Try(std::move(candidate))) {
        any = true;
        break;
      }
    }
  }
  return any;
}

// Several mappings of one gfn by one page are one operation as well; and one that maps many is more
// than one that maps one.
bool Minimizer::JoinMaps() {
  bool any = false;
  for (size_t i = 0; i < best_.program.ops.size(); ++i) {
    if (const std::optional<Op> lesser = LesserOp(best_.program.ops[i])) {
      Program candidate = best_.program;
      candidate.ops[i] = *lesser;
      if (Try(std::move(candidate))) any = true;
    }
    for (size_t j = best_.program.ops.size(); j-- > i + 1;) {
      for (size_t at : {i, j}) {
        if (j >= best_.program.ops.size()) break;
        const std::optional<Op> both = JoinedOps(best_.program.ops[i], best_.program.ops[j]);
        if (!both) continue;
        Program candidate = best_.program;
        candidate.ops[at] = *both;
        candidate.ops.erase(candidate.ops.begin() + static_cast<std::ptrdiff_t>(at == i ? j : i));
        if (Try(std::move(candidate))) any = true;
      }
    }
  }
  return any;
}

bool Minimizer::SimplifyHeader() {
  bool any = false;
  bool changed = true;
  while (changed && !stopped_) {
    changed = false;
    for (const Header& header : SimplerHeaders(best_.program.header)) {
      Program candidate = best_.program;
      candidate.header = header;
      if (!Try(std::move(candidate))) continue;
      any = changed = true;
      break;
    }
  }
  return any;
}

// Fewer pages, gfns, vcpus, slots: two things become one, or one gets a smaller number, wherever
// the program names it.
bool Minimizer::Merge() {
  bool any = false;
  for (const Named& name : NamesByUse()) {
    std::set<uint32_t> values;
    for (const Named& other : NamesByUse()) {
      if (other.first == name.first && other.second < name.second) values.insert(other.second);
    }
    for (const uint32_t smaller : SmallerThan(name.second)) values.insert(smaller);
    for (const uint32_t value : values) {
      bool merged = Try(Renamed(best_.program, name, value));
      // Two pages may be one if they do not meet in its entries.
      for (uint32_t index = 1; index <= kMaxEntries && !merged; ++index) {
        if (name.first != Domain::Names::kPage) break;
        merged = Try(WithPageMerged(best_.program, name.second, value, index));
      }
      if (!merged) continue;
      any = true;
      break;
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
