// The fuzz targets that were built, with the files that belong to them.
//
// //fuzzers is built into a folder. There fuzz_targets.txt names the targets, one a line, in order.
// Each has NAME_bin, NAME_corpus/ (seeds), and perhaps NAME_options.options and NAME.dict. The
// options are flags of libFuzzer, `key=value`. The program `scout`, if it is there, runs random
// programs of every target that runs programs (fuzzers/scout_main.cc).
#ifndef RMAPDIFF_TOOLS_CLI_LIBFUZZER_BUILT_TARGET_H_
#define RMAPDIFF_TOOLS_CLI_LIBFUZZER_BUILT_TARGET_H_

#include <cstdint>
#include <string>
#include <vector>

namespace rmapdiff {

struct BuiltTarget {
  std::string name;
  std::string binary;
  std::string scout;                 // "" for none
  std::string seeds;                 // "" for none
  std::vector<std::string> options;  // "max_len=2056"
  uint64_t weight = 1;               // its part of the time, beside that of the others
};

// How the targets were built: NAME_bin, or as 32-bit code NAME_m32_bin.
enum class FuzzBuild { kNative, kM32 };

// Those of the list, built or not: tools/fuzz builds the ones that run. Throws a Failure with
// kExitEnvironment if the list is missing.
std::vector<BuiltTarget> FindBuiltTargets(const std::string& folder, FuzzBuild build);

// The target of that name, which must be built. Throws a Failure with kExitEnvironment.
BuiltTarget FindBuiltTarget(const std::string& folder, const std::string& name);

// Throws a Failure with kExitEnvironment if the binary, or a scout that is named, is missing.
void CheckIsBuilt(const BuiltTarget& target);

// libFuzzer's flags for the limits of one run (run_limits.h).
std::vector<std::string> RunLimitFlags();
// The same and the target's own, for a process that fuzzes or reduces its corpus.
std::vector<std::string> TargetFlags(const BuiltTarget& target);

// ASAN_OPTIONS to run a target with: the program's own options, then those of the user. The exit
// code must tell the kind of an end whatever the user has set.
std::string AsanOptions(bool symbolize);

}  // namespace rmapdiff

#endif  // RMAPDIFF_TOOLS_CLI_LIBFUZZER_BUILT_TARGET_H_
