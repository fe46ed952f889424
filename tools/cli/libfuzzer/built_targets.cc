#include "tools/cli/libfuzzer/built_targets.h"

#include <fmt/format.h>
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
#include "tools/cli/base/exit_codes.h"
#include "tools/cli/base/files.h"
#include "tools/cli/base/text.h"

namespace rmapdiff {
namespace {

namespace fs = std::filesystem;

// What an hour on each is worth, by what it alone can find and how large its space is. The whole
// MMU has most functions and the longest way to a bug, tiny limits bring every boundary near; the
// targets below look closer at one thing, and the codec is soon exhausted.
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

FuzzTarget FindTarget(const std::string& folder, const std::string& name, FuzzBuild build) {
  FuzzTarget target;
  target.name = name;
  target.weight = WeightOf(name);
  target.binary = folder + "/" + name + (build == FuzzBuild::kM32 ? "_m32_bin" : "_bin");
  std::error_code ignored;
  const std::string seeds = folder + "/" + name + "_corpus";
  if (fs::is_directory(seeds, ignored)) target.seeds = seeds;
  const std::string dictionary = folder + "/" + name + ".dict";
  if (fs::is_regular_file(dictionary, ignored)) target.dictionary = dictionary;
  for (const std::string& line : ReadLines(folder + "/" + name + "_options.options")) {
    if (line.find('=') != line.npos) target.options.push_back(line);
  }
  return target;
}

}  // namespace

std::vector<FuzzTarget> FindFuzzTargets(const std::string& folder, FuzzBuild build) {
  // A relative path that begins with a dash would be taken for a flag.
  const std::string path = fs::absolute(folder).lexically_normal().string();
  const std::string list = path + "/fuzz_targets.txt";
  std::vector<FuzzTarget> targets;
  for (const std::string& name : ReadLines(list)) {
    if (!IsName(name)) {
      throw Failure(kExitEnvironment, fmt::format("{}: no name of a fuzz target: '{}'",
                                                  Printable(list), Printable(name)));
    }
    targets.push_back(FindTarget(path, name, build));
  }
  if (!targets.empty()) return targets;
  throw Failure(kExitEnvironment,
                Printable(list) + ": names no fuzz target, expected what tools/fuzz builds");
}

void CheckIsBuilt(const FuzzTarget& target) {
  if (access(target.binary.c_str(), X_OK) == 0) return;
  throw Failure(kExitEnvironment, Printable(target.binary) + ": no such program, expected the " +
                                      "fuzz target as tools/fuzz builds it");
}

std::vector<std::string> RunLimitFlags() {
  return {fmt::format("-timeout={}", kRunSeconds), fmt::format("-rss_limit_mb={}", kRunMegabytes)};
}

std::string AsanOptions(bool symbolize) {
  const char* own = std::getenv("ASAN_OPTIONS");
  const std::string before = own != nullptr && *own != '\0' ? std::string(own) + ":" : "";
  return fmt::format("{}abort_on_error=0:exitcode=1:symbolize={}", before, symbolize ? 1 : 0);
}

}  // namespace rmapdiff
