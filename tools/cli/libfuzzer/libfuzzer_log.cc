#include "tools/cli/libfuzzer/libfuzzer_log.h"

#include <algorithm>
#include <charconv>

#include "fuzzers/program/program_file.h"
#include "tools/cli/base/text.h"

namespace rmapdiff {
namespace {

constexpr size_t kMaxLine = 64 << 10;
constexpr size_t kMaxSignature = 200;

bool TakePrefix(std::string_view* text, std::string_view prefix) {
  if (text->substr(0, prefix.size()) != prefix) return false;
  text->remove_prefix(prefix.size());
  return true;
}

// The number that `text` begins with; `otherwise` if it begins with none.
uint64_t LeadingNumber(std::string_view text, uint64_t otherwise) {
  uint64_t number = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() ? number : otherwise;
}

// The number after the word `key`, as in "ft: 12"; `otherwise` if there is none.
uint64_t NumberAfter(std::string_view line, std::string_view key, uint64_t otherwise) {
  const size_t at = line.find(key);
  return at == line.npos ? otherwise : LeadingNumber(line.substr(at + key.size()), otherwise);
}

// "crash-<40 hex digits>" in the line, whatever folder stands before it; "" if there is none.
std::string FindArtifact(std::string_view line) {
  constexpr size_t kDigits = 40;
  for (std::string_view prefix : kArtifactPrefixes) {
    const size_t at = line.rfind(prefix);
    if (at == line.npos) continue;
    const std::string_view name = line.substr(at, prefix.size() + kDigits);
    const std::string_view digits = name.substr(prefix.size());
    if (digits.size() == kDigits && digits.find_first_not_of("0123456789abcdef") == digits.npos) {
      return std::string(name);
    }
  }
  return "";
}

std::string Clean(std::string_view text) {
  text = text.substr(0, std::min(text.size(), kMaxSignature));
  return Printable(text.substr(0, text.find_last_not_of(" \r") + 1));
}

// The first line of a report that the program under test itself has printed.
std::string FirstOwnLine(std::string_view report) {
  while (!report.empty()) {
    const std::string_view line = report.substr(0, report.find('\n'));
    const bool engine = line.substr(0, 2) == "==" || line.substr(0, 5) == "INFO:";
    if (line.substr(0, 2) == "==") break;  // the engine's report follows
    if (!line.empty() && !engine) return std::string(line);
    report.remove_prefix(std::min(report.size(), line.size() + 1));
  }
  return "";
}

}  // namespace

void LibFuzzerLog::Feed(std::string_view piece) {
  while (!piece.empty()) {
    const size_t end = piece.find('\n');
    const std::string_view part = piece.substr(0, end);
    partial_ += part.substr(0, kMaxLine - std::min(kMaxLine, partial_.size()));
    if (end == piece.npos) return;
    Line(partial_);
    partial_.clear();
    piece.remove_prefix(end + 1);
  }
}

void LibFuzzerLog::Line(std::string_view line) {
  if (FiguresLine(line)) {
    report_.clear();
    return;
  }
  if (report_.size() + line.size() < kMaxReport) report_.append(line).append("\n");
  std::string_view rest = line;
  if (TakePrefix(&rest, "SIGNATURE: ") && own_signature_.empty()) own_signature_ = Clean(rest);
  if (TakePrefix(&rest, "SUMMARY: ") && summary_.empty()) summary_ = Clean(rest);
  if (TakePrefix(&rest, "DEDUP_TOKEN: ") && stack_.empty()) stack_ = Clean(rest);
  if (TakePrefix(&rest, "stat::number_of_executed_units:")) {
    const size_t digits = std::min(rest.find_first_not_of(' '), rest.size());
    figures_.executions = std::max(figures_.executions, LeadingNumber(rest.substr(digits), 0));
  }
  if (artifact_.empty()) artifact_ = FindArtifact(line);
}

// "#1234\tNEW    cov: 200 ft: 300 corp: 20/1234b lim: 4096 exec/s: 100 rss: 40Mb ...".
bool LibFuzzerLog::FiguresLine(std::string_view line) {
  if (!TakePrefix(&line, "#")) return false;
  const size_t digits = line.find_first_not_of("0123456789");
  if (digits == 0 || digits == line.npos || line[digits] != '\t') return false;
  figures_.executions = std::max(figures_.executions, LeadingNumber(line, 0));
  figures_.coverage = NumberAfter(line, " cov: ", figures_.coverage);
  figures_.features = NumberAfter(line, " ft: ", figures_.features);
  figures_.corpus = NumberAfter(line, " corp: ", figures_.corpus);
  return true;
}

std::string LibFuzzerLog::signature() const {
  if (!own_signature_.empty()) return own_signature_;
  if (summary_.find(" leaked in ") != summary_.npos && !stack_.empty()) return "leak: " + stack_;
  std::string_view summary = summary_;
  TakePrefix(&summary, "libFuzzer: ");
  if (summary == "deadly signal") {
    const std::string said = FirstOwnLine(report_);
    if (!said.empty()) return Clean(said);
  }
  return std::string(summary);
}

}  // namespace rmapdiff
