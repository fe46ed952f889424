// Engines whose operations all fail, in place of the real ones. With them a program on any
// operation is a divergence, which the real ones never show. A `shrink` ends the process, a
// `commit` never ends, and an `age` takes all the memory that it can get, up to a GiB.
#include <cstddef>
#include <cstdlib>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "fuzzers/voices/voice.h"

namespace rmapdiff {
namespace {

[[noreturn]] void Loop() {
  for (volatile int turns = 0;; turns = turns + 1) {
  }
}

// Keeps the memory until a limit ends the process.
[[noreturn]] void TakeMemory() {
  constexpr size_t kPiece = 1 << 20;
  std::vector<std::string> all;
  while (all.size() < 1024) all.emplace_back(kPiece, 'x');
  Loop();
}

class Faulty final : public Voice {
 public:
  Outcome Apply(const Op& op) override {
    if (std::holds_alternative<ops::Shrink>(op)) std::abort();
    if (std::holds_alternative<ops::Commit>(op)) Loop();
    if (std::holds_alternative<ops::Age>(op)) TakeMemory();
    return {.code = OutcomeCode::kNoMemory};
  }
  void ObserveTouched(const Touched&, Observation*) override {}
  void ObserveAll(Observation*) override {}
  const RawState& Raw() override { return state_; }
  bool add_returns_ok() const override { return true; }
  std::string Teardown() override { return ""; }

 private:
  const RawState state_{};
};

std::unique_ptr<Voice> MakeFaulty(const Header&) { return std::make_unique<Faulty>(); }

}  // namespace

const std::vector<Engine>& AllEngines() {
  static const std::vector<Engine>* engines = new std::vector<Engine>{
      {"legacy", "", MapRule::kOld, MakeFaulty}, {"sibling", "", MapRule::kNew, MakeFaulty}};
  return *engines;
}

}  // namespace rmapdiff
