#include "fuzzers/fuzz_target.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

#include "fuzzers/live_counters.h"
#include "fuzzers/program/fnv.h"
#include "fuzzers/run/report.h"
#include "fuzzers/run/runner.h"
#include "fuzzers/run/verdict_words.h"

namespace rmapdiff {
namespace {

using StatsBlock = LiveBlock<std::atomic<uint64_t>>;
static_assert(std::atomic<uint64_t>::is_always_lock_free, "other processes read the block");
static_assert(sizeof(StatsBlock) == sizeof(LiveBlock<uint64_t>), "other processes read the block");

constexpr char kUnset[8] = {};

// Maps the block in the open file, or returns null if the file holds something else.
StatsBlock* MapStats(int fd) {
  struct stat status = {};
  if (fstat(fd, &status) != 0) return nullptr;
  if (status.st_size != 0 && status.st_size != sizeof(StatsBlock)) return nullptr;
  if (status.st_size == 0 && ftruncate(fd, sizeof(StatsBlock)) != 0) return nullptr;
  void* memory = mmap(nullptr, sizeof(StatsBlock), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (memory == MAP_FAILED) return nullptr;
  auto* stats = static_cast<StatsBlock*>(memory);
  // Another process may have made the file and not yet filled it in.
  if (stats->version == 0 && std::memcmp(stats->magic, kUnset, sizeof kUnset) == 0) {
    stats->Begin();
  }
  if (stats->valid()) return stats;
  munmap(memory, sizeof(StatsBlock));
  return nullptr;
}

StatsBlock* OpenStats() {
  static StatsBlock unshared;
  const char* file = std::getenv("RMAPDIFF_STATS");
  if (file == nullptr || *file == '\0') return &unshared;
  const int fd = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  StatsBlock* stats = fd >= 0 ? MapStats(fd) : nullptr;
  if (fd >= 0) close(fd);
  if (stats != nullptr) return stats;
  std::fprintf(stderr, "warning: RMAPDIFF_STATS: expected a file for statistics, none are kept\n");
  return &unshared;
}

constexpr uint64_t kRunTwiceOneIn = 100;

[[noreturn]] void Die(const std::string& report, std::string_view check,
                      const std::string& signature) {
  std::fprintf(stderr, "%sCHECK: %s\nSIGNATURE: %s\n", report.c_str(), std::string(check).c_str(),
               signature.c_str());
  std::abort();
}

// "ENGINES: legacy=legacy_mmu/descriptor_map.h ...".
bool Announce(const std::vector<Engine>& engines) {
  std::string line = "ENGINES:";
  for (const Engine& engine : engines) {
    line.append(" ").append(engine.name).append("=").append(engine.source);
  }
  std::fprintf(stderr, "%s\n", line.c_str());
  return true;
}

void Add(std::atomic<uint64_t>* counter, uint64_t amount) {
  counter->fetch_add(amount, std::memory_order_relaxed);
}

}  // namespace

const TargetKind& TargetNamed(std::string_view name) {
  const TargetKind* kind = FindTargetKind(name);
  if (kind != nullptr) return *kind;
  std::fprintf(stderr, "no fuzz target is called %s\n", std::string(name).c_str());
  std::abort();
}

int FuzzOne(const uint8_t* data, size_t size, const TargetKind& kind) {
  static StatsBlock* const stats = OpenStats();
  static const RunOptions options;
  [[maybe_unused]] static const bool announced = Announce(options.engines);
  const Program program = Decode({data, size});
  if (!kind.accepts(program.header)) return -1;
  const Verdict verdict = RunProgram(program, options);
  Add(&stats->execs, 1);
  Add(&stats->ops, verdict.ops_run);
  if (verdict.kind == VerdictKind::kDivergence) {
    Add(&stats->findings, 1);
    Die(ReportText(program, verdict), CheckName(verdict.check), Signature(program, verdict));
  }
  if (Fnv64({data, size}) % kRunTwiceOneIn == 0) {
    const std::string change = WhatChanges(verdict, RunProgram(program, options));
    if (!change.empty()) {
      Add(&stats->findings, 1);
      Die(change + Print(program), "nondeterminism",
          "nondeterminism/" + std::string(kind.name) + "/all");
    }
  }
  return 0;
}

}  // namespace rmapdiff
