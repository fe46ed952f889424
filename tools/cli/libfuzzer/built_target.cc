#include "tools/cli/libfuzzer/built_target.h"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <string_view>
#include <utility>

#include "fuzzers/finding/run_limits.h"
#include "fuzzers/program/program_file.h"
#include "fuzzers/program/target_kinds.h"
#include "tools/cli/base/exit_codes.h"
#include "tools/cli/base/files.h"
#include "tools/cli/base/text.h"

namespace rmapdiff {
namespace {

namespace fs = std::filesystem;

// The worth of an hour on each, by the bugs that it alone can find and the size of its space. The
// whole MMU has most functions and the longest way to a bug. Tiny limits bring every boundary near.
// The targets below look closer at one thing, and the codec is soon exhausted.
constexpr std::pair<std::string_view, uint64_t> kWeights[] = {
    {kCodecTarget, 1},      {"rmap_fuzzer", 2},   {"tiny_rmap_fuzzer", 3}, {"mmu_fuzzer", 3},
    {"tiny_mmu_fuzzer", 4}, {"direct_fuzzer", 1}, {"dirty_log_fuzzer", 1}, {"oom_fuzzer", 2},
};

uint64_t WeightOf(const std::string& name) {
  for (const auto& [target, weight] : kWeights) {
    if (target == name) return weight;
  }
  return 1;
}

std::vector<std::string> ReadLines(const std::string& path) {
  std::istringstream file(FileContents(path));
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) {
    if (!line.empty()) lines.push_back(line);
  }
  return lines;
}

bool IsName(const std::string& name) {
  return std::all_of(name.begin(), name.end(), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
  });
}

BuiltTarget MakeTarget(const std::string& folder, const std::string& name, FuzzBuild build) {
  BuiltTarget target;
  target.name = name;
  target.weight = WeightOf(name);
  target.binary = folder + "/" + name + (build == FuzzBuild::kM32 ? "_m32_bin" : "_bin");
  std::error_code ignored;
  const std::string scout = folder + "/scout";
  const bool has_scout = build == FuzzBuild::kNative && FindTargetKind(name) != nullptr;
  if (has_scout && fs::exists(scout, ignored)) target.scout = scout;
  const std::string seeds = folder + "/" + name + "_corpus";
  if (fs::is_directory(seeds, ignored)) target.seeds = seeds;
  for (const std::string& line : ReadLines(folder + "/" + name + "_options.options")) {
    if (line.find('=') != line.npos) target.options.push_back(line);
  }
  return target;
}

}  // namespace

std::vector<BuiltTarget> FindBuiltTargets(const std::string& folder, FuzzBuild build) {
  // A relative path that begins with a dash would be taken for a flag.
  const std::string path = fs::absolute(folder).lexically_normal().string();
  const std::string list = path + "/fuzz_targets.txt";
  std::vector<BuiltTarget> targets;
  for (const std::string& name : ReadLines(list)) {
    if (!IsName(name)) {
      throw Failure(kExitEnvironment, fmt::format("{}: '{}': expected the name of a fuzz target",
                                                  Printable(list), Printable(name)));
    }
    targets.push_back(MakeTarget(path, name, build));
  }
  if (!targets.empty()) return targets;
  throw Failure(kExitEnvironment,
                Printable(list) + ": names no fuzz target, expected what tools/fuzz builds");
}

BuiltTarget FindBuiltTarget(const std::string& folder, const std::string& name) {
  for (BuiltTarget& target : FindBuiltTargets(folder, FuzzBuild::kNative)) {
    if (target.name != name) continue;
    CheckIsBuilt(target);
    return std::move(target);
  }
  throw Failure(kExitEnvironment, fmt::format("{}: {} was not built there, expected every target",
                                              Printable(folder), name));
}

void CheckIsBuilt(const BuiltTarget& target) {
  for (const std::string& program : {target.binary, target.scout}) {
    if (program.empty() || access(program.c_str(), X_OK) == 0) continue;
    throw Failure(kExitEnvironment, Printable(program) + ": no such program, expected the " +
                                        "fuzz target as tools/fuzz builds it");
  }
}

std::vector<std::string> RunLimitFlags() {
  return {fmt::format("-timeout={}", kRunSeconds), fmt::format("-rss_limit_mb={}", kRunMegabytes)};
}

std::vector<std::string> TargetFlags(const BuiltTarget& target) {
  std::vector<std::string> flags = RunLimitFlags();
  flags.push_back(fmt::format("-report_slow_units={}", kRunSeconds));
  flags.emplace_back("-max_len=2056");
  for (const std::string& option : target.options) flags.push_back("-" + option);
  return flags;
}

std::string AsanOptions(bool symbolize) {
  const char* own = std::getenv("ASAN_OPTIONS");
  const std::string before = own != nullptr && *own != '\0' ? std::string(own) + ":" : "";
  return fmt::format("{}abort_on_error=0:exitcode=1:symbolize={}", before, symbolize ? 1 : 0);
}

}  // namespace rmapdiff
