// The time and memory that one run of a program gets by default. A run that needs more is a
// finding. libFuzzer has the same by the options in fuzzers/BUILD.
#ifndef RMAPDIFF_FUZZERS_FINDING_RUN_LIMITS_H_
#define RMAPDIFF_FUZZERS_FINDING_RUN_LIMITS_H_

#include <cstdint>

namespace rmapdiff {

inline constexpr uint64_t kRunSeconds = 25;
inline constexpr uint64_t kRunMegabytes = 2560;

}  // namespace rmapdiff

#endif  // RMAPDIFF_FUZZERS_FINDING_RUN_LIMITS_H_
