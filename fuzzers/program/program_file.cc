#include "fuzzers/program/program_file.h"

#include <algorithm>

#include "fuzzers/program/program.h"

namespace rmapdiff {
namespace {

constexpr size_t kSha1Digits = 40;

constexpr std::string_view kOtherPrefixes[] = {"slow-unit-", "clusterfuzz-", "input-", "id:"};

template <size_t N>
bool BeginsWithAny(std::string_view path, const std::string_view (&prefixes)[N]) {
  const std::string_view name = path.substr(path.rfind('/') + 1);  // npos + 1 is 0
  return std::any_of(std::begin(prefixes), std::end(prefixes),
                     [&](std::string_view prefix) { return name.starts_with(prefix); });
}

bool IsSha1(std::string_view name) {
  return name.size() == kSha1Digits &&
         name.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

bool IsNamedAsBytes(std::string_view path) {
  const std::string_view name = path.substr(path.rfind('/') + 1);  // npos + 1 is 0
  return IsSha1(name) || name.ends_with(".bin") || IsInputName(name);
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

bool IsArtifactName(std::string_view path) { return BeginsWithAny(path, kArtifactPrefixes); }

bool IsInputName(std::string_view path) {
  return IsArtifactName(path) || BeginsWithAny(path, kOtherPrefixes);
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
