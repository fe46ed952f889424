// Times of all cases in list_cases.h and guest_cases.h, on every map of maps.h. They are processor
// times of this thread.
//
//   rmap_bench --benchmark_filter='^traverse/'      options: those of Google Benchmark
//
// A benchmark is named OPERATION/MAP/LAYOUT/N, or WORKLOAD/MAP. Its time is that of one operation,
// or of one Run of a workload. With --benchmark_enable_random_interleaving=true and repetitions the
// maps take turns. Then a machine that is slow for a while is slow for all of them. Each benchmark
// runs for a fixed number of rounds, so that the whole always takes the same time.
//
// fit/OPERATION/MAP/LAYOUT measures operations that change nothing once more, in Google Benchmark's
// own loop. Only there Complexity() sees the time of the operation alone, and fits a curve to it.
#include <benchmark/benchmark.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "bench/maps.h"

namespace rmapdiff {
namespace {

// Enough lists for the clock, but fewer long ones, which take longer to make.
int ListsOf(int n) { return n <= 16 ? 256 : n <= 64 ? 64 : n <= 256 ? 16 : 8; }
int RoundsOf(int n) { return n <= 16 ? 24 : n <= 64 ? 12 : n <= 256 ? 6 : 2; }

double ThreadSeconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

// The time of one call of the clock, which would distort the figures of few and short operations.
double ClockSeconds() {
  static const double seconds = [] {
    std::array<double, 999> samples;
    for (double& sample : samples) {
      const double start = ThreadSeconds();
      sample = ThreadSeconds() - start;
    }
    std::nth_element(samples.begin(), samples.begin() + samples.size() / 2, samples.end());
    return samples[samples.size() / 2];
  }();
  return seconds;
}

// Seconds that `rounds` Runs take. The first one, which warms up, is not among them.
double Measure(Prepared& prepared, int rounds) {
  double seconds = 0;
  for (int round = 0; round <= rounds; ++round) {
    const double start = ThreadSeconds();
    prepared.Run();
    const double taken = ThreadSeconds() - start - ClockSeconds();
    if (round > 0) seconds += std::max(taken, 1e-9);
    if (round < rounds) prepared.Restore();
  }
  return seconds;
}

void RunList(benchmark::State& state, const Case& measured, Layout layout) {
  const int n = static_cast<int>(state.range(0));
  const auto prepared = measured.prepare({n, layout, ListsOf(n)});
  for (auto _ : state) {
    const int rounds = RoundsOf(n);
    state.SetIterationTime(Measure(*prepared, rounds) / rounds / prepared->operations());
  }
}

void RunFit(benchmark::State& state, const Case& measured, Layout layout) {
  constexpr int kLists = 8;
  const auto prepared = measured.prepare({static_cast<int>(state.range(0)), layout, kLists});
  for (auto _ : state) prepared->Run();
  state.SetComplexityN(state.range(0));
}

void RunGuest(benchmark::State& state, const Case& measured) {
  const auto prepared = measured.prepare({});
  for (auto _ : state) state.SetIterationTime(Measure(*prepared, 1));
  if (!prepared->Check().empty()) state.SkipWithError(prepared->Check().c_str());
  state.counters["operations"] = prepared->operations();
}

void Register(const BenchMap& map, const Case& measured) {
  const std::string name = measured.name + "/" + map.name;
  if (measured.guest) {
    benchmark::RegisterBenchmark(name.c_str(), RunGuest, measured)
        ->UseManualTime()
        ->Iterations(1)
        ->Unit(benchmark::kMillisecond);
    return;
  }
  for (const auto& [layout, word] :
       {std::pair{Layout::kScattered, "scattered"}, std::pair{Layout::kPacked, "packed"}}) {
    auto* registered =
        benchmark::RegisterBenchmark((name + "/" + word).c_str(), RunList, measured, layout);
    registered->UseManualTime()->Iterations(1);
    for (const int n : kLengths) registered->Arg(n);
    if (!measured.repeatable) continue;
    auto* fit = benchmark::RegisterBenchmark(("fit/" + name + "/" + word).c_str(), RunFit, measured,
                                             layout);
    fit->MinTime(0.002)->Repetitions(1)->Complexity();
    for (const int n : kLengths) fit->Arg(n);
  }
}

}  // namespace
}  // namespace rmapdiff

int main(int argc, char** argv) {
  for (const rmapdiff::BenchMap& map : rmapdiff::AllMaps()) {
    for (const rmapdiff::Case& measured : map.cases) rmapdiff::Register(map, measured);
  }
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
