// Small pure functions on text that several verbs share.
#ifndef RMAPDIFF_TOOLS_CLI_BASE_TEXT_H_
#define RMAPDIFF_TOOLS_CLI_BASE_TEXT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rmapdiff {

// `text` with control characters as \xNN: names come from anywhere and must not drive a terminal.
std::string Printable(std::string_view text);

// The same, but lines stay lines.
std::string PrintableLines(std::string_view text);

// The candidate that `word` is most likely a slip of; "" if none is close.
std::string Nearest(std::string_view word, const std::vector<std::string>& candidates);

// "a, b, c".
std::string Join(const std::vector<std::string>& words);

// A whole number without a sign, or nothing.
std::optional<uint64_t> ParseNumber(std::string_view text);

// Seconds, from "90", "90s", "10m", "2h", "14d" or "3w"; nothing for anything else, zero and more
// than a year.
std::optional<uint64_t> ParseDuration(std::string_view text);

// "0:05", "12:34", "1:00:00".
std::string FormatDuration(double seconds);

// "2026-11-24 23:10", from Unix seconds.
std::string UtcTime(int64_t seconds);

// "1,234,567".
std::string FormatCount(uint64_t count);

// The words in lines that begin at column `indent` and end before column `width`; the caller
// indents the first line. A word that is too long has a line of its own.
std::string Wrap(const std::vector<std::string>& words, size_t width, size_t indent);

}  // namespace rmapdiff

#endif  // RMAPDIFF_TOOLS_CLI_BASE_TEXT_H_
