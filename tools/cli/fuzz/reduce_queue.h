// When the corpora of a continuous run are reduced (reduce_worker.h): one at a time, by a child of
// low priority, if a corpus has grown by a quarter since the last time, and not more often than
// once in a given time; nor without plenty of room on the disk for what libFuzzer writes meanwhile.
// In a session it is done first after a minute, so that sessions that are short, or killed early,
// do not let a corpus grow for ever.
#ifndef RMAPDIFF_TOOLS_CLI_FUZZ_REDUCE_QUEUE_H_
#define RMAPDIFF_TOOLS_CLI_FUZZ_REDUCE_QUEUE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tools/cli/fuzz/reduce_worker.h"
#include "tools/cli/libfuzzer/target_process.h"

namespace rmapdiff {

class FuzzReducer {
 public:
  struct Target {
    std::string name;
    std::string corpus;     // its folder
    std::string artifacts;  // the folder for inputs that end it
    std::string program;
    std::vector<std::string> flags;
    uint64_t reduced_to = 0;  // inputs after the last time
  };

  // `every` in seconds; 0 for never.
  FuzzReducer(std::string run_folder, double every, std::vector<Target> targets);

  struct Result {
    size_t target = 0;
    std::optional<Reduction> reduction;  // nothing if it failed; the log says why
  };
  // To be called now and then; starts a child only if it may. Something if one has ended.
  std::optional<Result> Step(double now, bool may_start);
  // What is being done is not done; the corpus is as good as before.
  void Abandon() { child_.reset(); }

  bool busy() const { return child_ != nullptr; }
  uint64_t reduced_to(size_t target) const { return states_[target].files.reduced_to; }

 private:
  struct State {
    Target files;
    double last = 0;  // as of the session's clock
  };

  bool Due(const State& state, double now) const;
  void Start(size_t target, double now);

  const std::string run_folder_;
  const double every_;
  std::vector<State> states_;
  std::unique_ptr<FuzzProcess> child_;
  size_t at_work_on_ = 0;
  double next_look_ = 0;
};

}  // namespace rmapdiff

#endif  // RMAPDIFF_TOOLS_CLI_FUZZ_REDUCE_QUEUE_H_
