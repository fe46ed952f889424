#include "tools/cli/base/limit_options.h"

#include <fmt/format.h>

#include <optional>

#include "tools/cli/base/text.h"

namespace rmapdiff {
namespace {

constexpr uint64_t kMaxMemory = 1 << 20;

}  // namespace

uint64_t NumberIn(const Arguments& arguments, const char* name, const std::string& text,
                  uint64_t most) {
  const std::optional<uint64_t> number = ParseNumber(text);
  if (number && *number >= 1 && *number <= most) return *number;
  arguments.Reject(fmt::format("{}: '{}': expected a number from 1 to {}", name, text, most));
}

uint64_t DurationIn(const Arguments& arguments, const char* name, const std::string& text) {
  if (const std::optional<uint64_t> seconds = ParseDuration(text)) return *seconds;
  arguments.Reject(fmt::format("{}: '{}': expected a time like 90s, 10m or 2h", name, text));
}

LimitOptions::LimitOptions(Arguments* arguments, const Limits& usual) : usual_(usual) {
  arguments->Option("--timeout", "TIME", &timeout_,
                    fmt::format("of one run: 90, 90s, 10m [{}s]", usual.wall_ms / 1000));
  arguments->Option("--memory", "MB", &memory_, fmt::format("of one run [{}]", usual.memory_mb));
}

Limits LimitOptions::Checked(const Arguments& arguments) const {
  Limits limits = usual_;
  if (!timeout_.empty()) limits.wall_ms = DurationIn(arguments, "--timeout", timeout_) * 1000;
  if (!memory_.empty()) limits.memory_mb = NumberIn(arguments, "--memory", memory_, kMaxMemory);
  return limits;
}

}  // namespace rmapdiff
