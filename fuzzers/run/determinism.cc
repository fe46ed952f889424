#include "fuzzers/run/determinism.h"

#include "fmt/format.h"

namespace rmapdiff {

std::string WhatChanges(const Verdict& first, const Verdict& second) {
  const auto line = [](const char* what, uint64_t before, uint64_t after) {
    return fmt::format("NONDETERMINISM: run again, the same program has {} {:#x}, not {:#x}\n",
                       what, after, before);
  };
  if (first.kind != second.kind) {
    return line("verdict", uint64_t{first.kind}, uint64_t{second.kind});
  }
  if (first.ops_run != second.ops_run) return line("ops_run", first.ops_run, second.ops_run);
  if (first.state_hash != second.state_hash) {
    return line("state_hash", first.state_hash, second.state_hash);
  }
  return "";
}

}  // namespace rmapdiff
