#include "tools/cli/base/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <ctime>

#include "fuzzers/program/edit_distance.h"

namespace rmapdiff {

std::string Printable(std::string_view text) {
  std::string printable;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = [text](size_t at) { return static_cast<unsigned char>(text[at]); };
    // U+0080 to U+009F are control characters as well, and 0xc2 leads them.
    const bool c1 =
        byte(i) == 0xc2 && i + 1 < text.size() && byte(i + 1) >= 0x80 && byte(i + 1) <= 0x9f;
    if (c1) {
      printable += fmt::format("\\x{:02x}\\x{:02x}", byte(i), byte(i + 1));
      ++i;
    } else if (byte(i) < 0x20 || byte(i) == 0x7f) {
      printable += fmt::format("\\x{:02x}", byte(i));
    } else {
      printable += text[i];
    }
  }
  return printable;
}

std::string PrintableLines(std::string_view text) {
  std::string lines;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    lines += Printable(text.substr(0, end));
    if (end == text.npos) break;
    lines += '\n';
    text.remove_prefix(end + 1);
  }
  return lines;
}

std::string Nearest(std::string_view word, const std::vector<std::string>& candidates) {
  std::string nearest;
  size_t least = SIZE_MAX;
  word = word.substr(0, 64);  // a longer one is not a slip, and need not be measured
  for (const std::string& candidate : candidates) {
    const bool begun = !word.empty() && candidate.substr(0, word.size()) == word;
    const size_t distance = begun ? 1 : EditDistance(word, candidate);
    if (distance < least && distance <= std::max<size_t>(2, candidate.size() / 3)) {
      least = distance;
      nearest = candidate;
    }
  }
  return nearest;
}

std::string Join(const std::vector<std::string>& words) {
  return fmt::format("{}", fmt::join(words, ", "));
}

std::optional<uint64_t> ParseNumber(std::string_view text) {
  uint64_t number = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || stop != end) return std::nullopt;
  return number;
}

std::optional<uint64_t> ParseDuration(std::string_view text) {
  uint64_t unit = 1;
  if (!text.empty() && (text.back() < '0' || text.back() > '9')) {
    constexpr std::string_view kUnits = "smhdw";
    constexpr uint64_t kSeconds[] = {1, 60, 3600, 24 * 3600, 7 * 24 * 3600};
    const size_t which = kUnits.find(text.back());
    unit = which == kUnits.npos ? 0 : kSeconds[which];
    text.remove_suffix(1);
  }
  constexpr uint64_t kYear = 366 * 24 * 3600;
  const std::optional<uint64_t> number = ParseNumber(text);
  if (!number || *number == 0 || unit == 0 || *number > kYear / unit) return std::nullopt;
  return *number * unit;
}

std::string FormatDuration(double seconds) {
  const auto whole = static_cast<uint64_t>(std::max(seconds, 0.0));
  const uint64_t hours = whole / 3600;
  const uint64_t minutes = whole / 60 % 60;
  if (hours > 0) return fmt::format("{}:{:02}:{:02}", hours, minutes, whole % 60);
  return fmt::format("{}:{:02}", minutes, whole % 60);
}

std::string UtcTime(int64_t seconds) {
  const auto time = static_cast<time_t>(seconds);
  tm parts = {};
  if (gmtime_r(&time, &parts) == nullptr) return "?";
  char text[32] = {};
  std::strftime(text, sizeof text, "%Y-%m-%d %H:%M", &parts);
  return text;
}

std::string FormatCount(uint64_t count) {
  std::string text = fmt::format("{}", count);
  for (size_t i = text.size(); i > 3; i -= 3) text.insert(i - 3, 1, ',');
  return text;
}

std::string Wrap(const std::vector<std::string>& words, size_t width, size_t indent) {
  std::string text;
  size_t column = indent;
  for (const std::string& word : words) {
    if (column > indent && column + 1 + word.size() > width) {
      text += "\n" + std::string(indent, ' ');
      column = indent;
    } else if (column > indent) {
      text += ' ';
      ++column;
    }
    text += word;
    column += word.size();
  }
  return text;
}

}  // namespace rmapdiff
