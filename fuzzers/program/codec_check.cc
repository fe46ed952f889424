#include "fuzzers/program/codec_check.h"

#include <fmt/core.h>

#include <algorithm>
#include <string_view>

#include "fuzzers/program/program.h"

namespace rmapdiff {
namespace {

// The program by way of its bytes and by way of its text is the program.
std::string CheckRoundTrips(const Program& program) {
  const std::vector<uint8_t> bytes = Encode(program);
  if (bytes.size() != kHeaderBytes + kRecordBytes * program.ops.size()) {
    return fmt::format("{} operations are encoded as {} bytes", program.ops.size(), bytes.size());
  }
  const Program decoded = Decode(bytes);
  const std::string text = Print(program);
  if (decoded != program) {
    return fmt::format("Decode(Encode(p)) is not p but\n{}where p is\n{}", Print(decoded), text);
  }
  if (Encode(decoded) != bytes) return "Encode(p) differs from one time to the next, p is\n" + text;

  if (!LooksLikeText(text)) return "Print(p) does not look like text, p is\n" + text;
  const auto parsed = Parse(text);
  if (const auto* error = std::get_if<ParseError>(&parsed)) {
    return fmt::format("Parse rejects Print(p), {}:{}: {}, p is\n{}", error->line, error->column,
                       error->what, text);
  }
  if (const auto& again = std::get<Program>(parsed); again != program) {
    return fmt::format("Parse(Print(p)) is not p but\n{}where p is\n{}", Print(again), text);
  }
  return "";
}

bool IsInside(std::string_view text, const ParseError& error) {
  for (int line = 1; line < error.line; ++line) {
    const size_t end = text.find('\n');
    if (end == text.npos) return false;
    text.remove_prefix(end + 1);
  }
  const size_t length = std::min(text.find('\n'), text.size());
  // The place after the last byte of a line is where something is missing.
  return error.line >= 1 && error.column >= 1 && static_cast<size_t>(error.column) <= length + 1;
}

bool IsOneCleanLine(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

std::string CheckText(std::string_view text) {
  const bool looks_like_text = LooksLikeText(text);
  const auto parsed = Parse(text);
  if (const auto* error = std::get_if<ParseError>(&parsed)) {
    const std::string shown = fmt::format("{}:{}: {}", error->line, error->column, error->what);
    if (!IsInside(text, *error)) return "a parse error is outside of the text: " + shown;
    if (!IsOneCleanLine(error->what)) return "a parse error is not one clean line: " + shown;
    return "";
  }
  if (!looks_like_text) return "the input is parsed but does not look like text";
  return CheckRoundTrips(std::get<Program>(parsed));
}

}  // namespace

std::string FindCodecFault(std::span<const uint8_t> input) {
  const Program program = Decode(input);
  const size_t body = input.size() - std::min(input.size(), kHeaderBytes);
  if (program.ops.size() != (body + kRecordBytes - 1) / kRecordBytes) {
    return fmt::format("{} bytes are decoded as {} operations", input.size(), program.ops.size());
  }
  std::string fault = CheckRoundTrips(program);
  if (!fault.empty()) return fault;
  return CheckText({reinterpret_cast<const char*>(input.data()), input.size()});
}

}  // namespace rmapdiff
