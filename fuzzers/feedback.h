// What a run has done, as numbers of behaviours, so that a fuzzer can tell new behaviour from old:
// coverage of the code alone soon shows nothing new, while lists still grow through every boundary.
//
// A behaviour is what an operation did: its kind, how it ended, and one of its effects. On a page
// graph these are the length of each list that it touched and the state of each of its pages (the
// model's account, so neither reverse map is preferred; what a length means for the structures of
// both is in its class); on a whole MMU, each counter that moved. Two endings in a row are one
// more. How often something happened is nothing new.
//
// Not covered: what is done with the numbers (fuzz_entry.cc hands them to libFuzzer).
#ifndef RMAPDIFF_FUZZERS_FEEDBACK_H_
#define RMAPDIFF_FUZZERS_FEEDBACK_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "fuzzers/observation.h"
#include "fuzzers/program.h"

namespace rmapdiff {

class Feedback {
 public:
  // Behaviours are counted here, at a hash of each; the size is a power of two.
  explicit Feedback(std::span<uint8_t> counters) : counters_(counters) {}

  // A new program begins.
  void Begin();
  // The operation has been carried out and every voice agrees. `touched`: the observation holds
  // what the operation touched, not only its outcome.
  void Saw(const Op& op, const Observation& observation, bool touched);

 private:
  static constexpr size_t kCounters = 20;  // of an observation: its stats and its facts

  void CountEffects(uint64_t ending, const Observation& observation);
  void Count(uint64_t behaviour);

  std::span<uint8_t> counters_;
  uint64_t last_ = 0;
  std::array<uint64_t, kCounters> before_{};
};

// 0 to 8 as they are, which is on both sides of each capacity of the tiny limits and of the first
// of the production ones; then by the number of descriptors (4) and chains (5) in production up to
// three of them, then by powers of two. Monotonic.
unsigned LengthClass(size_t length);

}  // namespace rmapdiff

#endif  // RMAPDIFF_FUZZERS_FEEDBACK_H_
