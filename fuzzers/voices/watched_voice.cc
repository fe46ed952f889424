#include "fuzzers/voices/watched_voice.h"

#include <array>
#include <utility>

namespace rmapdiff {
namespace {

constexpr size_t kMaxEngines = 8;

Watch& TheWatch() {
  static Watch watch;
  return watch;
}

// While it lives, an engine is at work.
class AtWork {
 public:
  explicit AtWork(size_t engine) {
    Progress& progress = *TheWatch().progress;
    progress.engine = progress.last_engine = engine;
  }
  AtWork(const AtWork&) = delete;
  AtWork& operator=(const AtWork&) = delete;
  ~AtWork() { TheWatch().progress->engine = Progress::kNobody; }
};

class WatchedVoice final : public Voice {
 public:
  WatchedVoice(size_t engine, std::unique_ptr<Voice> voice)
      : engine_(engine), voice_(std::move(voice)) {}

  Outcome Apply(const Op& op) override {
    const Watch& watch = TheWatch();
    watch.progress->operations = ++operations_;
    const AtWork at_work(engine_);
    if (watch.before) watch.before(engine_, operations_ - 1);
    Outcome outcome = voice_->Apply(op);
    if (watch.after) watch.after(engine_, operations_ - 1);
    return outcome;
  }
  void ObserveTouched(const Touched& touched, Observation* out) override {
    const AtWork at_work(engine_);
    voice_->ObserveTouched(touched, out);
  }
  void ObserveAll(Observation* out) override {
    const AtWork at_work(engine_);
    voice_->ObserveAll(out);
  }
  const RawState& Raw() override {
    const AtWork at_work(engine_);
    return voice_->Raw();
  }
  ListShapes Shapes() override {
    const AtWork at_work(engine_);
    return voice_->Shapes();
  }
  bool add_returns_ok() const override { return voice_->add_returns_ok(); }
  std::optional<Difference> Objection(bool everything) override {
    const AtWork at_work(engine_);
    return voice_->Objection(everything);
  }
  std::string Teardown() override {
    const Watch& watch = TheWatch();
    watch.progress->operations = operations_ + 1;
    const AtWork at_work(engine_);
    if (watch.before) watch.before(engine_, operations_);
    std::string left = voice_->Teardown();
    if (watch.after) watch.after(engine_, operations_);
    return left;
  }

 private:
  const size_t engine_;
  const std::unique_ptr<Voice> voice_;
  uint64_t operations_ = 0;
};

template <size_t kEngine>
std::unique_ptr<Voice> MakeWatched(const Header& header) {
  return std::make_unique<WatchedVoice>(kEngine, AllEngines()[kEngine].make(header));
}

template <size_t... kEngines>
constexpr std::array<std::unique_ptr<Voice> (*)(const Header&), kMaxEngines> Makers(
    std::index_sequence<kEngines...>) {
  return {MakeWatched<kEngines>...};
}

}  // namespace

std::vector<Engine> WatchedEngines(const Watch& watch, const std::string& only) {
  static constexpr auto kMakers = Makers(std::make_index_sequence<kMaxEngines>{});
  TheWatch() = watch;
  std::vector<Engine> engines;
  for (size_t i = 0; i < AllEngines().size() && i < kMaxEngines; ++i) {
    const Engine& engine = AllEngines()[i];
    if (only.empty() || engine.name == only) engines.push_back({engine.name, kMakers[i]});
  }
  return engines;
}

}  // namespace rmapdiff
