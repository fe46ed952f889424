// Which programs the engines of this build can run: all of them.
//
// The engines are templates, and a build spends its time on them. A seeded fault (tests/mutants) is
// compiled anew for the programs of one fuzz target only: its copy of this file says `false` where
// that target never comes.
#ifndef RMAPDIFF_FUZZERS_VOICES_BUILT_FOR_H_
#define RMAPDIFF_FUZZERS_VOICES_BUILT_FOR_H_

#include <cstdio>
#include <cstdlib>

#include "fuzzers/program/program.h"
#include "mmu/graph/limits.h"

namespace rmapdiff {

inline constexpr bool kBuiltForGraphs = true;
inline constexpr bool kBuiltForMmus = true;
inline constexpr bool kBuiltForProduction = true;  // limits
inline constexpr bool kBuiltForTiny = true;

[[noreturn]] inline void NotBuiltFor(const Header& header) {
  std::fprintf(stderr, "the engines of this build cannot run programs with this header: %s",
               Print({header, {}}).c_str());
  std::abort();
}

// make.operator()<Limits>() with the limits that the header asks for.
template <typename Make>
auto WithLimitsOf(const Header& header, Make make) {
  if constexpr (kBuiltForTiny) {
    if (header.limits == LimitsMode::kTiny) return make.template operator()<TinyLimits>();
  }
  if constexpr (kBuiltForProduction) {
    if (header.limits == LimitsMode::kProduction) {
      return make.template operator()<ProductionLimits>();
    }
  }
  NotBuiltFor(header);
}

}  // namespace rmapdiff

#endif  // RMAPDIFF_FUZZERS_VOICES_BUILT_FOR_H_
