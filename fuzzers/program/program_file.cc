#include "fuzzers/program/program_file.h"

#include <algorithm>

#include "fuzzers/program/program.h"

namespace rmapdiff {
namespace {

constexpr size_t kSha1Digits = 40;

// What libFuzzer, OSS-Fuzz, AFL++ and a continuous run begin the names of inputs with.
constexpr std::string_view kInputPrefixes[] = {"crash-",     "leak-",        "oom-",   "timeout-",
                                               "slow-unit-", "clusterfuzz-", "input-", "id:"};

bool IsSha1(std::string_view name) {
  return name.size() == kSha1Digits &&
         name.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

bool IsNamedAsBytes(std::string_view path) {
  const std::string_view name = path.substr(path.rfind('/') + 1);  // npos + 1 is 0
  return IsSha1(name) || name.ends_with(".bin") ||
         std::any_of(std::begin(kInputPrefixes), std::end(kInputPrefixes),
                     [&](std::string_view prefix) { return name.starts_with(prefix); });
}

bool IsPrintable(std::string_view content) {
  return std::all_of(content.begin(), content.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte >= ' ' && byte != 0x7f) || c == '\n' || c == '\r' || c == '\t';
  });
}

}  // namespace

bool HoldsText(std::string_view path, std::string_view content) {
  if (path.ends_with(".ops") || LooksLikeText(content)) return true;
  return !IsNamedAsBytes(path) && IsPrintable(content);
}

bool PathNames(std::string_view path, std::string_view name) {
  for (size_t at = path.find(name); at != path.npos; at = path.find(name, at + 1)) {
    const bool begins = at == 0 || path[at - 1] == '/' || path[at - 1] == '-';
    const size_t end = at + name.size();
    const bool ends = end == path.size() || path[end] == '/' || path[end] == '-';
    if (begins && ends) return true;
  }
  return false;
}

}  // namespace rmapdiff
