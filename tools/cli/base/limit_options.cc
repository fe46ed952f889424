#include "tools/cli/base/limit_options.h"

#include <fmt/core.h>

#include <cstdint>

namespace rmapdiff {
namespace {

// MB. A process begins with some 20 under sanitizers, before its program does anything.
constexpr uint64_t kLeastMemory = 32;
constexpr uint64_t kMaxMemory = 1 << 20;

}  // namespace

LimitOptions::LimitOptions(Arguments* arguments, const Limits& usual) : usual_(usual) {
  arguments->Option("--timeout", "TIME", &timeout_,
                    fmt::format("of one run: 90, 90s, 10m [{}s]", usual.wall_ms / 1000));
  arguments->Option("--memory", "MB", &memory_, fmt::format("of one run [{}]", usual.memory_mb));
}

Limits LimitOptions::Checked(const Arguments& arguments) const {
  Limits limits = usual_;
  if (!timeout_.empty()) limits.wall_ms = arguments.Duration("--timeout", timeout_) * 1000;
  if (!memory_.empty()) {
    limits.memory_mb = arguments.Number("--memory", memory_, kLeastMemory, kMaxMemory);
  }
  return limits;
}

}  // namespace rmapdiff
