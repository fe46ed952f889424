// The moments at which a session reduces its corpora (reduce_worker.h): one at a time, by a child
// of low priority.
//
// A corpus is due if it has grown by a quarter since its last reduction. There is a least time from
// one reduction of it to the next. The disk must have plenty of room for libFuzzer's files. The
// first reduction of a session comes after a minute. So a corpus does not grow for ever in sessions
// that are short, or killed early.
//
// A reduction has limits of time and memory. At a limit it ends, and the corpus is as good as
// before.
#ifndef RMAPDIFF_TOOLS_CLI_FUZZ_REDUCE_QUEUE_H_
#define RMAPDIFF_TOOLS_CLI_FUZZ_REDUCE_QUEUE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tools/cli/fuzz/fuzz_process.h"
#include "tools/cli/fuzz/reduce_worker.h"

namespace rmapdiff {

class ReduceQueue {
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
  ReduceQueue(std::string run_folder, double every, const std::vector<Target>& targets);

  struct Result {
    size_t target = 0;
    std::optional<Reduction> reduction;  // nothing if it failed; the log says why
  };
  // To be called now and then; starts a child only if it may. Something if one has ended.
  std::optional<Result> Step(double now, bool may_start);
  // Ends the child; the corpus is as good as before.
  void Abandon() { child_.reset(); }

  uint64_t reduced_to(size_t target) const { return states_[target].files.reduced_to; }

 private:
  struct State {
    Target files;
    double last = 0;  // as of the session's clock
  };

  void StartIfDue(size_t target, double now);

  const std::string run_folder_;
  const double every_;
  std::vector<State> states_;
  std::unique_ptr<FuzzProcess> child_;
  size_t at_work_on_ = 0;
  double next_look_ = 0;
};

}  // namespace rmapdiff

#endif  // RMAPDIFF_TOOLS_CLI_FUZZ_REDUCE_QUEUE_H_
