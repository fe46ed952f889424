#include "fuzzers/voices/watched_voice.h"

#include <memory>
#include <utility>

namespace rmapdiff {
namespace {

// While it lives, an engine is at work.
class AtWork {
 public:
  AtWork(Progress* progress, size_t engine) : progress_(*progress) {
    progress_.engine = progress_.last_engine = engine;
  }
  AtWork(const AtWork&) = delete;
  AtWork& operator=(const AtWork&) = delete;
  ~AtWork() { progress_.engine = Progress::kNobody; }

 private:
  Progress& progress_;
};

class WatchedVoice final : public Voice {
 public:
  // `engine`: its place among the engines that are watched.
  WatchedVoice(std::shared_ptr<const Watch> watch, size_t engine, std::unique_ptr<Voice> voice)
      : watch_(std::move(watch)), engine_(engine), voice_(std::move(voice)) {}

  Outcome Apply(const Op& op) override {
    watch_->progress->operations = ++operations_;
    const AtWork at_work = Begin();
    if (watch_->before) watch_->before(engine_, operations_ - 1);
    Outcome outcome = voice_->Apply(op);
    if (watch_->after) watch_->after(engine_, operations_ - 1);
    return outcome;
  }
  void ObserveTouched(const Touched& touched, Observation* out) override {
    const AtWork at_work = Begin();
    voice_->ObserveTouched(touched, out);
  }
  void ObserveAll(Observation* out) override {
    const AtWork at_work = Begin();
    voice_->ObserveAll(out);
  }
  const RawState& Raw() override {
    const AtWork at_work = Begin();
    return voice_->Raw();
  }
  ListShapes Shapes() override {
    const AtWork at_work = Begin();
    return voice_->Shapes();
  }
  bool add_returns_ok() const override { return voice_->add_returns_ok(); }
  std::optional<Difference> Objection(bool everything) override {
    const AtWork at_work = Begin();
    return voice_->Objection(everything);
  }
  std::string Teardown() override {
    watch_->progress->operations = operations_ + 1;
    const AtWork at_work = Begin();
    if (watch_->before) watch_->before(engine_, operations_);
    std::string left = voice_->Teardown();
    if (watch_->after) watch_->after(engine_, operations_);
    return left;
  }

 private:
  AtWork Begin() const { return AtWork(watch_->progress, engine_); }

  const std::shared_ptr<const Watch> watch_;
  const size_t engine_;
  const std::unique_ptr<Voice> voice_;
  uint64_t operations_ = 0;
};

}  // namespace

std::vector<Engine> WatchedEngines(Watch watch, const std::vector<Engine>& engines) {
  const auto shared = std::make_shared<const Watch>(std::move(watch));
  std::vector<Engine> watched = engines;
  for (size_t i = 0; i < engines.size(); ++i) {
    watched[i].make = [shared, i, make = engines[i].make](const Header& header) {
      return std::make_unique<WatchedVoice>(shared, i, make(header));
    };
  }
  return watched;
}

}  // namespace rmapdiff
