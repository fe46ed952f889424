#include "fuzzers/run/runner.h"

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <utility>

#include "fuzzers/judges/auditor.h"
#include "fuzzers/judges/known_differences.h"
#include "fuzzers/run/observe.h"
#include "fuzzers/voices/reference.h"
#include "mmu/base/bug.h"

namespace rmapdiff {
namespace {

size_t FullInterval(const Program& program) {
  return program.header.whole_mmu() ? kMmuInterval : kFullInterval;
}

bool Has(const std::optional<Difference>& difference) { return difference.has_value(); }

bool AnyOf(const Differences& differences) {
  return std::any_of(differences.begin(), differences.end(), Has);
}

// REQUIRES: there is one.
const Difference& FirstOf(const Differences& differences) {
  return **std::find_if(differences.begin(), differences.end(), Has);
}

// The places of the engines that have one.
std::set<size_t> PlacesOf(const Differences& differences) {
  std::set<size_t> places;
  for (size_t i = 0; i < differences.size(); ++i) {
    if (differences[i]) places.insert(i);
  }
  return places;
}

// The difference that `speak` returns. If a voice runs into its own broken lists, that is one, too.
template <typename Speak>
std::optional<Difference> Listen(const char* subject, Speak speak) {
  try {
    return speak();
  } catch (const BugError& bug) {
    std::optional<Difference> difference =
        CompareOutcomes(Outcome{}, Outcome{OutcomeCode::kBug, bug.bug(), 0});
    difference->subject = subject;
    difference->detail = bug.what();
    return difference;
  }
}

// The observations of the voices. Kept from operation to operation and from program to program, so
// that its vectors keep their memory; every observation overwrites it.
struct Workspace {
  Observation expected;
  std::vector<Observation> actual;

  static Workspace& Get(size_t engines) {
    thread_local Workspace workspace;
    workspace.actual.resize(std::max(workspace.actual.size(), engines));
    return workspace;
  }
};

// One run with checks. Each step, check and judgement returns whether the program goes on; if it
// does not, the verdict is complete.
class CheckedRun {
 public:
  // `interval`: the operations from one complete check to the next.
  CheckedRun(const Program& program, const RunOptions& options, size_t interval);

  Verdict Execute();

 private:
  bool Step(size_t op_index);
  bool CheckOutcomes(const Op& op);
  bool CheckTouched(const Op& op);
  bool CheckMmus();
  bool CheckAddReturns();
  bool CheckEverything();
  bool CheckAudits();
  bool CheckObjections(bool everything);
  bool CheckTeardown();

  // Each follows on a check that is not plainly passed. Not to be inlined: AddressSanitizer makes
  // each function with strings among its locals expensive to call, even if it returns at once, and
  // the checks run after every operation.
  [[gnu::noinline]] bool JudgeOutcomes(const Op& op);
  [[gnu::noinline]] bool JudgeTouched(const Op& op);
  // `known`: what may explain a difference, nothing if nothing may.
  [[gnu::noinline]] bool JudgeState(const std::optional<KnownDifference>& known);
  [[gnu::noinline]] bool JudgeMmus();
  [[gnu::noinline]] bool JudgeAddReturns();
  [[gnu::noinline]] bool JudgeObjections(const std::optional<Difference>& common, Differences own);
  [[gnu::noinline]] void Trace(size_t op_index) const;

  bool Observe(bool everything);
  Differences AuditAll();
  KnownDifference Known(const Op& op) const {
    return {program_.header, op, expected_.outcome, model_->ended()};
  }
  Outcomes LastOutcomes() const;
  bool Classify(const KnownDifference& known);
  bool Diverge(Check check, Differences differences);
  // A divergence that the outcomes show.
  bool DivergeInOutcomes(Check check, Differences differences);

  const Program& program_;
  const RunOptions& options_;
  const GuestLayout& layout_;
  const size_t interval_;
  const std::unique_ptr<Reference> model_;
  std::vector<std::unique_ptr<Voice>> voices_;
  Observation& expected_;
  const std::span<Observation> actual_;   // one for each engine
  Differences objections_;                // after this operation; here for speed
  std::map<size_t, const char*> broken_;  // by engine: the BUG that ended its observation, worded
  Verdict verdict_;
};

CheckedRun::CheckedRun(const Program& program, const RunOptions& options, size_t interval)
    : program_(program),
      options_(options),
      layout_(program.header.layout()),
      interval_(interval),
      model_(MakeReference(program.header)),
      expected_(Workspace::Get(options.engines.size()).expected),
      actual_(Workspace::Get(options.engines.size()).actual.data(), options.engines.size()) {
  voices_.reserve(options.engines.size());
  for (const Engine& engine : options.engines) {
    verdict_.engines.emplace_back(engine.name);
    voices_.push_back(engine.make(program.header));
  }
}

Verdict CheckedRun::Execute() {
  const size_t count = program_.ops.size();
  for (size_t i = 0; i < count; ++i) {
    if (!Step(i)) return verdict_;
    const bool due = (i + 1) % interval_ == 0 || i + 1 == count;
    if (due && !CheckEverything()) return verdict_;
  }
  if (count == 0 && !CheckEverything()) return verdict_;
  if (!actual_.empty()) verdict_.state_hash = Hash(actual_[0]);
  verdict_.outcomes = LastOutcomes();
  CheckTeardown();
  return verdict_;
}

bool CheckedRun::Step(size_t op_index) {
  const Op& op = program_.ops[op_index];
  verdict_.op_index = op_index;
  verdict_.ops_run = op_index + 1;
  expected_.outcome = model_->Apply(op);
  for (size_t i = 0; i < voices_.size(); ++i) actual_[i].outcome = voices_[i]->Apply(op);
  if (options_.trace) Trace(op_index);
  if (!CheckOutcomes(op)) return false;
  // An operation that did not apply to a page graph has changed nothing. The next complete
  // comparison shows that.
  const bool whole_mmu = program_.header.whole_mmu();
  const bool touched = whole_mmu || expected_.outcome.code == OutcomeCode::kOk;
  if (touched && !(CheckTouched(op) && CheckMmus() && CheckAddReturns())) return false;
  return !whole_mmu || CheckObjections(false);
}

void CheckedRun::Trace(size_t op_index) const {
  const Outcomes outcomes = LastOutcomes();
  options_.trace({op_index, outcomes, model_->touched(), voices_, *model_});
}

bool CheckedRun::CheckOutcomes(const Op& op) {
  bool ordinary = !expected_.outcome.is_bug() && !model_->ended();
  for (const Observation& actual : actual_) {
    ordinary = ordinary && actual.outcome == expected_.outcome;
  }
  return ordinary || JudgeOutcomes(op);
}

bool CheckedRun::JudgeOutcomes(const Op& op) {
  const KnownDifference known = Known(op);
  Differences differences;
  bool equal = true;
  for (size_t i = 0; i < actual_.size(); ++i) {
    equal = equal && actual_[i].outcome == expected_.outcome;
    differences.push_back(known.CompareOutcome(options_.engines[i].rule, actual_[i].outcome));
  }
  if (AnyOf(differences)) return DivergeInOutcomes(Check::kModel, std::move(differences));
  if (!equal || known.ends_program()) return Classify(known);
  if (program_.header.whole_mmu()) {  // no guest and no host may bring a kernel down
    for (std::optional<Difference>& difference : differences) {
      difference = Difference{Finding::kBugClass, "outcome", "no BUG", ToString(expected_.outcome),
                              "all MMUs raise it"};
    }
    return DivergeInOutcomes(Check::kTruth, std::move(differences));
  }
  verdict_.kind = VerdictKind::kBug;
  verdict_.outcomes = LastOutcomes();
  return false;
}

// Observes what was touched, or everything; true if all engines are equal to the model at a glance.
bool CheckedRun::Observe(bool everything) {
  const auto observe = [&](auto& voice, Observation* out) {
    return everything ? ObserveAllOrBug(voice, out)
                      : ObserveTouchedOrBug(voice, model_->touched(), out);
  };
  observe(*model_, &expected_);
  bool equal = true;
  for (size_t i = 0; i < voices_.size(); ++i) {
    const char* wording = observe(*voices_[i], &actual_[i]);
    if (wording != nullptr) broken_[i] = wording;
    equal = equal && Equal(expected_, actual_[i], Comparison::kModel);
  }
  return equal;
}

bool CheckedRun::CheckTouched(const Op& op) { return Observe(false) || JudgeTouched(op); }

bool CheckedRun::JudgeTouched(const Op& op) { return JudgeState(Known(op)); }

bool CheckedRun::JudgeState(const std::optional<KnownDifference>& known) {
  Differences differences;
  bool explained = true;
  for (size_t i = 0; i < actual_.size(); ++i) {
    differences.push_back(Compare(expected_, actual_[i], Comparison::kModel, layout_));
    if (!differences[i]) continue;
    if (broken_.count(i) != 0) differences[i]->detail = broken_[i];
    explained = explained && known && known->AllowsState(options_.engines[i].rule);
  }
  if (!AnyOf(differences)) return true;
  if (explained) return Classify(*known);
  return Diverge(Check::kModel, std::move(differences));
}

// The engines against the first one. Each was found equal to the model, so they can differ only in
// state that the model does not restate. Only an audit can then name the faulty engine.
bool CheckedRun::CheckMmus() {
  bool equal = true;
  for (size_t i = 1; i < actual_.size(); ++i) {
    equal = equal && SameUnsyncChildren(actual_[0], actual_[i]);
  }
  return equal || JudgeMmus();
}

bool CheckedRun::JudgeMmus() {
  Differences differences(actual_.size());
  for (size_t i = 1; i < actual_.size(); ++i) {
    differences[i] = Compare(actual_[0], actual_[i], Comparison::kMmu, layout_);
  }
  if (!AnyOf(differences)) return true;
  const size_t other = *PlacesOf(differences).begin();
  Diverge(Check::kMmus, std::move(differences));
  verdict_.guilty = PlacesOf(AuditAll());
  verdict_.undecided = verdict_.guilty.empty() || verdict_.guilty.size() == actual_.size();
  if (verdict_.undecided) verdict_.guilty.clear();
  if (verdict_.guilty == std::set<size_t>{0}) {
    verdict_.difference = *Compare(actual_[other], actual_[0], Comparison::kMmu, layout_);
  }
  return false;
}

bool CheckedRun::CheckAddReturns() {
  bool ok = true;
  for (const auto& voice : voices_) ok = ok && voice->add_returns_ok();
  return ok || JudgeAddReturns();
}

bool CheckedRun::JudgeAddReturns() {
  const std::string allowed = "as its own rule allows";
  Differences differences(voices_.size());
  for (size_t i = 0; i < voices_.size(); ++i) {
    if (voices_[i]->add_returns_ok()) continue;
    differences[i] =
        Difference{Finding::kAddReturn, "return value of rmap_add", allowed, "not " + allowed, ""};
  }
  return Diverge(Check::kAddReturn, std::move(differences));
}

bool CheckedRun::CheckEverything() {
  const bool equal = Observe(true);
  // Nothing explains a difference here that was not seen in what was touched.
  if (!equal && !JudgeState(std::nullopt)) return false;
  if (!CheckMmus() || !CheckAudits()) return false;
  return !program_.header.whole_mmu() || CheckObjections(true);
}

Differences CheckedRun::AuditAll() {
  Differences audits;
  audits.reserve(voices_.size());
  for (const auto& voice : voices_) {
    audits.push_back(Listen("walk of its lists", [&] { return Audit(voice->Raw()); }));
  }
  return audits;
}

bool CheckedRun::CheckAudits() {
  Differences audits = AuditAll();
  return !AnyOf(audits) || Diverge(Check::kAudit, std::move(audits));
}

bool CheckedRun::CheckObjections(bool everything) {
  const std::optional<Difference> common = model_->Objection(everything);
  objections_.clear();
  for (const auto& voice : voices_) objections_.push_back(voice->Objection(everything));
  return (!common && !AnyOf(objections_)) || JudgeObjections(common, std::move(objections_));
}

// The reference shares its engine with all voices: its objection is one to each of them.
bool CheckedRun::JudgeObjections(const std::optional<Difference>& common, Differences own) {
  for (std::optional<Difference>& difference : own) {
    if (!difference) difference = common;
  }
  return Diverge(Check::kTruth, std::move(own));
}

bool CheckedRun::CheckTeardown() {
  Differences differences;
  differences.reserve(voices_.size());
  for (const auto& voice : voices_) {
    differences.push_back(Listen("teardown", [&]() -> std::optional<Difference> {
      std::string left = voice->Teardown();
      if (left.empty()) return std::nullopt;
      return Difference{Finding::kLeak, "left after teardown", "nothing", std::move(left), ""};
    }));
  }
  verdict_.op_index = program_.ops.size();
  return !AnyOf(differences) || Diverge(Check::kTeardown, std::move(differences));
}

Outcomes CheckedRun::LastOutcomes() const {
  Outcomes outcomes{expected_.outcome, {}};
  outcomes.actual.reserve(actual_.size());
  for (const Observation& actual : actual_) outcomes.actual.push_back(actual.outcome);
  return outcomes;
}

bool CheckedRun::Classify(const KnownDifference& known) {
  verdict_.kind = VerdictKind::kClassified;
  verdict_.classified = known.name();
  verdict_.outcomes = LastOutcomes();
  return false;
}

bool CheckedRun::Diverge(Check check, Differences differences) {
  verdict_.kind = VerdictKind::kDivergence;
  verdict_.check = check;
  verdict_.guilty = PlacesOf(differences);
  verdict_.difference = FirstOf(differences);
  verdict_.differences = std::move(differences);
  verdict_.outcomes.reset();
  return false;
}

bool CheckedRun::DivergeInOutcomes(Check check, Differences differences) {
  Diverge(check, std::move(differences));
  verdict_.outcomes = LastOutcomes();
  return false;
}

// The engines alone, up to the first BUG of one of them.
Verdict RunUnchecked(const Program& program, const RunOptions& options) {
  Verdict verdict;
  std::vector<std::unique_ptr<Voice>> voices;
  for (const Engine& engine : options.engines) voices.push_back(engine.make(program.header));
  for (const Op& op : program.ops) {
    verdict.op_index = verdict.ops_run++;
    for (const auto& voice : voices) {
      if (voice->Apply(op).is_bug()) verdict.kind = VerdictKind::kBug;
    }
    if (verdict.kind == VerdictKind::kBug) return verdict;
  }
  verdict.op_index = program.ops.size();
  for (const auto& voice : voices) {
    Listen("teardown", [&]() -> std::optional<Difference> {
      voice->Teardown();
      return std::nullopt;
    });
  }
  return verdict;
}

}  // namespace

Verdict RunProgram(const Program& program, const RunOptions& options) {
  if (options.check == CheckLevel::kOff) return RunUnchecked(program, options);
  const size_t interval = options.check == CheckLevel::kFull ? 1 : FullInterval(program);
  Verdict verdict = CheckedRun(program, options, interval).Execute();
  if (verdict.kind != VerdictKind::kDivergence || interval == 1) return verdict;

  // Whichever check has seen it, the states may have differed for some operations, and even have
  // been equal again at a complete check in between: only a run that checks everything after each
  // operation tells where that began.
  RunOptions silent = options;
  silent.trace = nullptr;
  Verdict exact = CheckedRun(program, silent, 1).Execute();
  return exact.kind == VerdictKind::kDivergence ? exact : verdict;
}

}  // namespace rmapdiff
