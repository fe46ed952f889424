// The order in which targets fuzz: those of a run share its processes by weight. Pure, without a
// clock.
//
// A process is given a target for a turn. The next turn goes to the target with the least time for
// its weight. So after any number of turns each has had its share but for one turn. In a run of a
// given time the turns are such that every target gets one.
#ifndef RMAPDIFF_TOOLS_CLI_FUZZ_FUZZ_SCHEDULE_H_
#define RMAPDIFF_TOOLS_CLI_FUZZ_FUZZ_SCHEDULE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace rmapdiff {

// The shortest time, in seconds, in which a run gives every target a second.
uint64_t MinimumSeconds(const std::vector<uint64_t>& weights, size_t jobs);

class FuzzSchedule {
 public:
  // `seconds` for all together, 0 for a run without end.
  FuzzSchedule(const std::vector<uint64_t>& weights, size_t jobs, uint64_t seconds);

  // The first target of a tie. A run that is started again and again should not always begin with
  // the same one.
  void BeginWith(size_t target) { first_ = target; }

  struct Turn {
    size_t target = 0;
    double seconds = 0;
  };
  // Nothing if all are given up. `left` is the rest of the run.
  std::optional<Turn> Next(double left);
  void GiveUp(size_t target) { shares_[target].given_up = true; }
  bool given_up(size_t target) const { return shares_[target].given_up; }

 private:
  struct Share {
    double weight = 1;
    double turn = 0;     // seconds
    double granted = 0;  // seconds
    bool given_up = false;
  };

  std::vector<Share> shares_;
  size_t first_ = 0;
};

}  // namespace rmapdiff

#endif  // RMAPDIFF_TOOLS_CLI_FUZZ_FUZZ_SCHEDULE_H_
