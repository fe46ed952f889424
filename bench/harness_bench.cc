// The cost of the harness itself, as ratios of one run.
//
//   BM_CheckedOverUnchecked      throughput of RunProgram with all its checks over throughput of
//   the
//                                same programs on the same two MMUs without any (goal: >= 0.5)
//   BM_MmuCheckedOverUnchecked   the same for programs on a whole MMU, over all modes
//                                (goal: >= 1/3)
//   BM_TenTimesTheOps            time of a program of 10,000 operations over one of 1,000
//                                (goal: <= 11)
//
// The two sides of a ratio take turns, so that a machine that is slow for a moment is slow for
// both.
#include <benchmark/benchmark.h>

#include <chrono>
#include <cstdint>
#include <vector>

#include "fuzzers/program/program.h"
#include "fuzzers/run/runner.h"
#include "fuzzers/search/random_program.h"

namespace rmapdiff {
namespace {

using Clock = std::chrono::steady_clock;

Header HeaderOf(LimitsMode limits) {
  Header header;
  header.limits = limits;
  return header;
}

std::vector<Program> RandomPrograms(LimitsMode limits, size_t programs, size_t ops) {
  std::vector<Program> made;
  for (uint64_t seed = 1; seed <= programs; ++seed) {
    made.push_back(RandomProgram(HeaderOf(limits), ops, seed));
  }
  return made;
}

// The seconds that all programs take.
double Run(const std::vector<Program>& programs, CheckLevel check) {
  RunOptions options;
  options.check = check;
  const Clock::time_point start = Clock::now();
  for (const Program& program : programs) benchmark::DoNotOptimize(RunProgram(program, options));
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// The ratio and both throughputs, for programs of `ops_each` operations each.
void CheckedOverUnchecked(benchmark::State& state, const std::vector<Program>& programs,
                          size_t ops_each) {
  double checked = 0;
  double unchecked = 0;
  double rounds = 0;
  for (auto _ : state) {
    unchecked += Run(programs, CheckLevel::kOff);
    checked += Run(programs, CheckLevel::kTouched);
    ++rounds;
  }
  const double ops = rounds * static_cast<double>(programs.size() * ops_each);
  state.counters["checked_ops_per_s"] = ops / checked;
  state.counters["unchecked_ops_per_s"] = ops / unchecked;
  state.counters["ratio"] = unchecked / checked;
}

constexpr size_t kOps = 64;

void BM_CheckedOverUnchecked(benchmark::State& state) {
  constexpr size_t kPrograms = 200;
  const auto limits = static_cast<LimitsMode>(state.range(0));
  CheckedOverUnchecked(state, RandomPrograms(limits, kPrograms, kOps), kOps);
}
BENCHMARK(BM_CheckedOverUnchecked)
    ->ArgName("tiny")
    ->Arg(static_cast<int>(LimitsMode::kProduction))
    ->Arg(static_cast<int>(LimitsMode::kTiny))
    ->Unit(benchmark::kMillisecond);

void BM_MmuCheckedOverUnchecked(benchmark::State& state) {
  constexpr uint64_t kPrograms = 198;
  std::vector<Program> programs;
  for (uint64_t seed = 1; seed <= kPrograms; ++seed) {
    Header header = HeaderOf(static_cast<LimitsMode>(state.range(0)));
    header.mode = static_cast<MmuMode>(1 + seed % static_cast<uint64_t>(MmuMode::kTdp32));
    header.more_vcpus = static_cast<uint8_t>(seed / 8 % 4);
    programs.push_back(RandomProgram(header, kOps, seed));
  }
  CheckedOverUnchecked(state, programs, kOps);
}
BENCHMARK(BM_MmuCheckedOverUnchecked)
    ->ArgName("tiny")
    ->Arg(static_cast<int>(LimitsMode::kProduction))
    ->Arg(static_cast<int>(LimitsMode::kTiny))
    ->Unit(benchmark::kMillisecond);

void BM_TenTimesTheOps(benchmark::State& state) {
  const auto limits = static_cast<LimitsMode>(state.range(0));
  const std::vector<Program> small = RandomPrograms(limits, 10, 1000);
  const std::vector<Program> large = RandomPrograms(limits, 10, 10000);
  double small_seconds = 0;
  double large_seconds = 0;
  for (auto _ : state) {
    small_seconds += Run(small, CheckLevel::kTouched);
    large_seconds += Run(large, CheckLevel::kTouched);
  }
  state.counters["ratio"] = large_seconds / small_seconds;
}
BENCHMARK(BM_TenTimesTheOps)
    ->ArgName("tiny")
    ->Arg(static_cast<int>(LimitsMode::kProduction))
    ->Arg(static_cast<int>(LimitsMode::kTiny))
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace rmapdiff

BENCHMARK_MAIN();
