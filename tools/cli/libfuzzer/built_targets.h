// The fuzz targets that were built, with the files that belong to them.
//
// A folder as //fuzzers is built into: fuzz_targets.txt names the targets, one a line, in order,
// and for each there are NAME_bin, NAME_corpus/ (seeds), and perhaps NAME_options.options (flags of
// libFuzzer, `key=value`) and NAME.dict.
#ifndef RMAPDIFF_TOOLS_CLI_LIBFUZZER_BUILT_TARGETS_H_
#define RMAPDIFF_TOOLS_CLI_LIBFUZZER_BUILT_TARGETS_H_

#include <cstdint>
#include <string>
#include <vector>

namespace rmapdiff {

struct FuzzTarget {
  std::string name;
  std::string binary;
  std::string seeds;                 // "" for none
  std::string dictionary;            // "" for none
  std::vector<std::string> options;  // "max_len=2056"
  uint64_t weight = 1;               // its part of the time, beside that of the others
};

// How the targets were built: NAME_bin, or as 32-bit code NAME_m32_bin.
enum class FuzzBuild { kNative, kM32 };

// Those of the list, built or not: tools/fuzz builds the ones that run. Throws a Failure with
// kExitEnvironment if the list is missing.
std::vector<FuzzTarget> FindFuzzTargets(const std::string& folder, FuzzBuild build);

// Throws a Failure with kExitEnvironment if the binary is missing.
void CheckIsBuilt(const FuzzTarget& target);

// libFuzzer's flags for the limits of one run (run_limits.h).
std::vector<std::string> RunLimitFlags();

// ASAN_OPTIONS to run a target with. The program has defaults of its own; whatever else the user
// has set, the exit code must tell what has happened.
std::string AsanOptions(bool symbolize);

}  // namespace rmapdiff

#endif  // RMAPDIFF_TOOLS_CLI_LIBFUZZER_BUILT_TARGETS_H_
