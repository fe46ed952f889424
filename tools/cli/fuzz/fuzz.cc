// rmapdiff fuzz: all fuzz targets side by side, for a minute or for weeks. tools/fuzz builds them
// and calls this.
#include <fmt/core.h>
#include <signal.h>

#include <algorithm>
#include <random>
#include <sstream>
#include <thread>

#include "fuzzers/voices/voice.h"
#include "tools/cli/base/arguments.h"
#include "tools/cli/base/exit_codes.h"
#include "tools/cli/base/files.h"
#include "tools/cli/base/maps_option.h"
#include "tools/cli/base/output.h"
#include "tools/cli/base/text.h"
#include "tools/cli/base/verbs.h"
#include "tools/cli/fuzz/fuzz_session.h"
#include "tools/cli/libfuzzer/built_target.h"

namespace rmapdiff {
namespace {

constexpr uint64_t kMaxJobs = 1024;
constexpr uint64_t kMaxWeight = 100;
constexpr size_t kTailLines = 12;

struct FuzzWords {
  std::string bin_dir;
  std::string dir = "fuzz-out";
  std::string time = "60s";
  std::string jobs;
  std::string seed;
  std::string reduce = "1h";
  std::string sanitized;
  std::vector<std::string> weights;
  std::vector<std::string> targets;
  bool m32 = false;
};

uint64_t NumberOr(const Arguments& arguments, const std::string& name, const std::string& text,
                  uint64_t otherwise, uint64_t least, uint64_t most) {
  return text.empty() ? otherwise : arguments.Number(name, text, least, most);
}

std::vector<BuiltTarget> Select(const Arguments& arguments, std::vector<BuiltTarget> built,
                                const std::vector<std::string>& names) {
  if (names.empty()) return built;
  std::vector<std::string> known;
  for (const BuiltTarget& target : built) known.push_back(target.name);
  for (const std::string& name : names) {
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    arguments.Reject(
        fmt::format("--target: no target '{}', expected one of {}", name, Join(known)));
  }
  const auto unwanted = [&](const BuiltTarget& target) {
    return std::find(names.begin(), names.end(), target.name) == names.end();
  };
  built.erase(std::remove_if(built.begin(), built.end(), unwanted), built.end());
  return built;
}

// `word` stands for 0.
uint64_t SecondsOf(const Arguments& arguments, const std::string& name, const std::string& text,
                   const std::string& word) {
  if (text == word) return 0;
  if (const std::optional<uint64_t> seconds = ParseDuration(text)) return *seconds;
  arguments.Reject(
      fmt::format("{}: '{}': expected a time like 90s, 10m, 2h or 14d, or '{}'", name, text, word));
}

// "TARGET=N" each.
void SetWeights(const Arguments& arguments, const std::vector<std::string>& words,
                std::vector<BuiltTarget>* targets) {
  for (const std::string& word : words) {
    const size_t equals = std::min(word.find('='), word.size());
    const std::string name = word.substr(0, equals);
    const std::optional<uint64_t> weight =
        ParseNumber(std::string_view(word).substr(std::min(equals + 1, word.size())));
    const auto target = std::find_if(targets->begin(), targets->end(),
                                     [&](const BuiltTarget& one) { return one.name == name; });
    if (target == targets->end() || !weight || *weight < 1 || *weight > kMaxWeight) {
      arguments.Reject(fmt::format(
          "--weight: '{}': expected TARGET=N, a target that runs and a number from 1 to {}", word,
          kMaxWeight));
    }
    target->weight = *weight;
  }
}

FuzzOptions OptionsOf(const Arguments& arguments, const FuzzWords& words,
                      const std::vector<BuiltTarget>& targets) {
  FuzzOptions options;
  options.seconds = SecondsOf(arguments, "--time", words.time, "forever");
  options.reduce_every = SecondsOf(arguments, "--reduce", words.reduce, "never");
  const uint64_t cpus = std::max(1u, std::thread::hardware_concurrency());
  options.sanitized =
      NumberOr(arguments, "--sanitized", words.sanitized, kSanitizedPercent, 1, 100);
  options.jobs = NumberOr(arguments, "--jobs", words.jobs, cpus, 1, kMaxJobs);
  std::random_device random;
  options.seed = NumberOr(arguments, "--seed", words.seed, random(), 0, UINT32_MAX);
  std::vector<uint64_t> weights;
  for (const BuiltTarget& target : targets) weights.push_back(target.weight);
  const uint64_t least = MinimumSeconds(weights, options.jobs);
  if (options.seconds != 0 && options.seconds < least) {
    arguments.Reject(fmt::format("--time: {}s is too short for {} targets, expected at least {}s",
                                 options.seconds, targets.size(), least));
  }
  // libFuzzer would take it for a flag.
  options.folder = words.dir.substr(0, 1) == "-" ? "./" + words.dir : words.dir;
  return options;
}

std::string Announcement(const FuzzOptions& options, const std::vector<BuiltTarget>& targets) {
  std::vector<std::string> names;
  for (const BuiltTarget& target : targets) names.push_back(target.name);
  const std::string time = options.seconds == 0
                               ? "without end"
                               : "for " + FormatDuration(static_cast<double>(options.seconds));
  const bool scouts = std::any_of(targets.begin(), targets.end(), [&](const BuiltTarget& target) {
    return HasScout(target, options.sanitized);
  });
  const std::string mix = scouts ? fmt::format(", {} % sanitized", options.sanitized) : "";
  return fmt::format("fuzzing {} {} in {} job{}, seed {}, engines {}{}, into {}\n", Join(names),
                     time, options.jobs, options.jobs == 1 ? "" : "s", options.seed,
                     NamesOf(ChosenEngines()), mix, Printable(options.folder));
}

// The last words of the target.
void ShowTail(const FailedTarget& failed) {
  std::istringstream file(FileContents(failed.log_file));
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) {
    lines.push_back(line);
    if (lines.size() > kTailLines) lines.erase(lines.begin());
  }
  WriteErrorLine(fmt::format("rmapdiff fuzz: {} did not work, {} ends with", failed.name,
                             Printable(failed.log_file)));
  for (const std::string& line : lines) WriteErrorLine("  " + Printable(line));
}

}  // namespace

int FuzzVerb(const Words& words) {
  FuzzWords given;
  Arguments arguments("fuzz",
                      "Runs the fuzz targets side by side, keeps what they find, and sums up.",
                      "tools/fuzz --time=10m --target=rmap_fuzzer");
  arguments.Option("--time", "TIME", &given.time,
                   "for all together: 90, 10m, 2h, 14d, forever [60s]");
  arguments.Option("--jobs", "N", &given.jobs, "how many processes at a time [the CPUs]");
  arguments.Repeated("--target", "NAME", &given.targets, "only this one; can be repeated");
  arguments.Repeated("--weight", "TARGET=N", &given.weights,
                     "its part of the time beside the others'; can be repeated");
  arguments.Option("--reduce", "TIME", &given.reduce,
                   "from one set cover of a corpus to the next, or never [1h]");
  arguments.Option(
      "--sanitized", "PERCENT", &given.sanitized,
      fmt::format("of each target's time; a scout without sanitizers has the rest [{}]",
                  kSanitizedPercent));
  arguments.Option("--seed", "N", &given.seed, "where all pseudo-random choices begin [any]");
  arguments.Flag("--m32", &given.m32, "the targets as 32-bit code");
  const MapsOption maps(&arguments);
  arguments.Option("--dir", "DIR", &given.dir, "goes on where the last run in it ended [fuzz-out]");
  arguments.Option("--bin-dir", "DIR", &given.bin_dir, "where the targets are [tools/fuzz says]");
  if (const auto code = arguments.Take(words)) return *code;
  maps.Choose(arguments);
  if (given.bin_dir.empty()) arguments.Reject("no --bin-dir, use tools/fuzz, which builds them");
  if (given.dir.empty()) arguments.Reject("--dir: is empty, expected a folder");

  std::vector<BuiltTarget> targets = Select(
      arguments, FindBuiltTargets(given.bin_dir, given.m32 ? FuzzBuild::kM32 : FuzzBuild::kNative),
      given.targets);
  SetWeights(arguments, given.weights, &targets);
  const FuzzOptions options = OptionsOf(arguments, given, targets);
  if (const auto code = arguments.Checked()) return *code;
  for (const BuiltTarget& target : targets) CheckIsBuilt(target);
  // The run goes on, and is summed up, even if its output has no reader any more.
  signal(SIGPIPE, SIG_IGN);
  FuzzSession session(options, targets);
  WriteOut(Announcement(options, targets));
  const FuzzSummary summary = session.Run();
  const std::vector<FailedTarget> failed = session.FailedTargets();
  for (const FailedTarget& one : failed) ShowTail(one);
  if (session.left() > 0) {
    WriteErrorLine(fmt::format("rmapdiff fuzz: {} more in {}/incoming, the next run takes them in",
                               session.left(), Printable(options.folder)));
  }
  if (!session.cannot_write().empty()) WriteErrorLine(session.cannot_write());
  // A finding counts for more than what has not worked.
  if (session.left() > 0 || !summary.findings.empty()) return kExitFinding;
  return failed.empty() && session.cannot_write().empty() ? kExitDone : kExitEnvironment;
}

}  // namespace rmapdiff
