// Random programs of one fuzz target's kind until one is a finding: what a mutant is tried with
// where there is no time for a fuzzer, and one way to look for false alarms (bench/false_alarms).
//
//   hunt tiny_rmap_fuzzer 20000     so many programs at most; FIRST may follow, the first seed
//
// Prints "found GUILTY SIGNATURE PROGRAMS" and the program, and ends with 0; or prints
// "nothing PROGRAMS" and ends with 1; 2 for wrong usage. The same arguments give the same answer on
// every machine.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "fuzzers/program/program.h"
#include "fuzzers/program/target_kinds.h"
#include "fuzzers/run/report.h"
#include "fuzzers/run/runner.h"
#include "fuzzers/run/verdict_words.h"
#include "fuzzers/search/random_program.h"

namespace rmapdiff {
namespace {

constexpr size_t kOps = 128;

int Hunt(std::string_view target, uint64_t programs, uint64_t first) {
  const TargetKind* kind = FindTargetKind(target);
  if (kind == nullptr) return 2;
  const RunOptions options;
  for (uint64_t i = 0; i < programs; ++i) {
    Random random(first + i);
    const Program program = RandomProgram(DrawHeader(*kind, random), kOps, first + i);
    const Verdict verdict = RunProgram(program, options);
    if (verdict.kind != VerdictKind::kDivergence) continue;
    std::printf("found %s %s %llu\n", GuiltyName(verdict).c_str(),
                Signature(program, verdict).c_str(), static_cast<unsigned long long>(i + 1));
    std::printf("%s", Print(program).c_str());
    return 0;
  }
  std::printf("nothing %llu\n", static_cast<unsigned long long>(programs));
  return 1;
}

}  // namespace
}  // namespace rmapdiff

int main(int argc, char** argv) {
  const uint64_t programs = argc >= 3 ? std::strtoull(argv[2], nullptr, 10) : 0;
  const uint64_t first = argc >= 4 ? std::strtoull(argv[3], nullptr, 10) : 1;
  const int code = programs == 0 ? 2 : rmapdiff::Hunt(argv[1], programs, first);
  if (code == 2) std::fprintf(stderr, "usage: hunt FUZZ_TARGET PROGRAMS [FIRST]\n");
  return code;
}
