// Random programs of one fuzz target's kind until one is a finding: what a mutant is tried with
// where there is no time for a fuzzer.
//
//   hunt tiny_rmap_fuzzer 20000     so many programs at most; FIRST may follow, the first seed
//
// Prints "found GUILTY SIGNATURE PROGRAMS" and ends with 0, or "nothing PROGRAMS" and ends with 1;
// 2 for wrong usage. The same arguments give the same answer on every machine.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

#include "fuzzers/program.h"
#include "fuzzers/report.h"
#include "fuzzers/runner.h"

namespace rmapdiff {
namespace {

constexpr size_t kOps = 128;

// Draws one of `count` choices after another from a number.
class Choices {
 public:
  explicit Choices(uint64_t seed) : left_(seed * 0x9e3779b97f4a7c15ull) { left_ ^= left_ >> 31; }
  unsigned Next(unsigned count) {
    const unsigned choice = static_cast<unsigned>(left_ % count);
    left_ /= count;
    return choice;
  }

 private:
  uint64_t left_;
};

// A header that the fuzz target accepts; nothing if there is no such target.
std::optional<Header> HeaderFor(std::string_view target, uint64_t seed) {
  Choices choices(seed);
  Header header;
  header.limits = choices.Next(4) != 0 ? LimitsMode::kTiny : LimitsMode::kProduction;
  header.reuse = static_cast<ReuseMode>(choices.Next(2));
  header.masks = static_cast<MasksMode>(choices.Next(3));
  if (target == "rmap_fuzzer" || target == "tiny_rmap_fuzzer") {
    header.limits = target == "rmap_fuzzer" ? LimitsMode::kProduction : LimitsMode::kTiny;
    header.recycle = static_cast<RecycleMode>(choices.Next(2));
    header.misuse = choices.Next(2) != 0;
    return header;
  }
  header.mode = static_cast<MmuMode>(1 + choices.Next(6));
  header.more_vcpus = static_cast<uint8_t>(choices.Next(4));
  header.oos = choices.Next(4) != 0;
  header.large = static_cast<LargeMode>(choices.Next(3));
  header.log = choices.Next(5) == 0;
  if (target == "mmu_fuzzer") {
    header.limits = LimitsMode::kProduction;
  } else if (target == "tiny_mmu_fuzzer") {
    header.limits = LimitsMode::kTiny;
  } else if (target == "direct_fuzzer") {
    header.mode = static_cast<MmuMode>(static_cast<unsigned>(MmuMode::kNonPaging) + seed % 3);
  } else if (target == "dirty_log_fuzzer") {
    header.log = true;
  } else if (target == "oom_fuzzer") {
    header.oom = true;
  } else {
    return std::nullopt;
  }
  return header;
}

int Hunt(std::string_view target, uint64_t programs, uint64_t first) {
  const RunOptions options;
  for (uint64_t i = 0; i < programs; ++i) {
    const std::optional<Header> header = HeaderFor(target, first + i);
    if (!header) return 2;
    const Program program = RandomProgram(*header, kOps, first + i);
    const Verdict verdict = RunProgram(program, options);
    if (verdict.kind != VerdictKind::kDivergence) continue;
    std::printf("found %s %s %llu\n", verdict.guilty.c_str(), Signature(program, verdict).c_str(),
                static_cast<unsigned long long>(i + 1));
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
