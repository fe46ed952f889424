// Pseudo-random numbers: SplitMix64 and integer arithmetic, so the same on every platform.
#ifndef RMAPDIFF_FUZZERS_SEARCH_RANDOM_H_
#define RMAPDIFF_FUZZERS_SEARCH_RANDOM_H_

#include <cstdint>

namespace rmapdiff {

// SplitMix64 (Steele, Lea, Flood 2014). The bias of `%` is far below what a test could see.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}

  uint64_t Next() {
    uint64_t z = (state_ += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  // A number below `limit`, which is not 0.
  uint32_t Below(uint32_t limit) { return static_cast<uint32_t>(Next() % limit); }

 private:
  uint64_t state_;
};

}  // namespace rmapdiff

#endif  // RMAPDIFF_FUZZERS_SEARCH_RANDOM_H_
