#include "fuzzers/run/report.h"

#include <fmt/core.h>

#include <algorithm>
#include <cctype>
#include <optional>
#include <string_view>
#include <vector>

#include "fuzzers/run/verdict_words.h"
#include "mmu/base/bug.h"

namespace rmapdiff {
namespace {

// Where remarks begin, if what is before them leaves the room.
constexpr size_t kRemarkColumn = 60;

// ---- Words ----

std::string Count(size_t count, std::string_view noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

// `text`, then `remark` in its column.
std::string WithRemark(const std::string& text, const std::string& remark) {
  if (remark.empty()) return text + "\n";
  const size_t gap = text.size() + 4 <= kRemarkColumn ? kRemarkColumn - text.size() : 4;
  return text + std::string(gap, ' ') + remark + "\n";
}

bool IsControl(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

// ---- What a verdict says ----

bool AtOp(const Program& program, const Verdict& verdict) {
  return verdict.op_index < program.ops.size();
}

std::string OpText(const Program& program, const Verdict& verdict) {
  if (!AtOp(program, verdict)) return "teardown";
  return PrintOp(program.header, program.ops[verdict.op_index]);
}

// "at op 7 of 12", "at teardown, after 12 ops".
std::string Place(const Program& program, const Verdict& verdict) {
  const size_t count = program.ops.size();
  if (!AtOp(program, verdict)) return "at teardown, after " + Count(count, "op");
  return fmt::format("at op {} of {}", verdict.op_index + 1, count);
}

// The engine whose line bears the difference in words: the first guilty one, or if nothing tells
// which is, the last, which was compared with the first.
std::optional<size_t> Accused(const Verdict& verdict) {
  if (!verdict.guilty.empty()) return *verdict.guilty.begin();
  if (verdict.engines.empty()) return std::nullopt;
  return verdict.engines.size() - 1;
}

// ---- Text ----

std::string ValueLines(const Verdict& verdict) {
  const std::vector<VoiceValue> values = VoiceValues(verdict);
  size_t width = 0;
  for (const VoiceValue& one : values) width = std::max(width, one.name.size());
  const std::optional<size_t> accused = Accused(verdict);
  std::string text;
  for (const VoiceValue& one : values) {
    const bool remark = one.engine && one.engine == accused;
    text += WithRemark(fmt::format("    {:<{}}  {}", one.name, width, one.value),
                       remark ? verdict.difference.detail : "");
  }
  return text;
}

std::string DivergenceText(const Program& program, const Verdict& verdict,
                           const ReportOptions& options) {
  std::string text = "DIVERGENCE " + Place(program, verdict);
  if (AtOp(program, verdict)) text += ": " + OpText(program, verdict);
  text += "\n" + WithRemark("  " + Accusation(verdict), "signature " + Signature(program, verdict));
  text += "  " + verdict.difference.subject + "\n" + ValueLines(verdict);
  text += options.story;
  if (options.listing) text += ProgramListing(program, verdict.op_index, options.max_ops);
  return options.file.empty() ? text : text + CommandsText(options.file, options.maps);
}

std::string AgreeText(const Program& program, const Verdict& verdict) {
  const std::string ops = Count(program.ops.size(), "op");
  if (!verdict.outcomes) return "DONE: " + ops + ", nothing compared\n";
  std::string voices;
  for (const std::string& name : verdict.engines) voices += name + " and ";
  return fmt::format("AGREE: {}, {}the model have the same state (hash {:#018x})\n", ops, voices,
                     verdict.state_hash);
}

std::string BugText(const Program& program, const Verdict& verdict) {
  const std::string where = Place(program, verdict) + ": " + OpText(program, verdict) + "\n";
  if (!verdict.outcomes) return "BUG: nothing compared, raised " + where;
  return fmt::format("BUG: all voices raise {} {}", BugName(verdict.outcomes->expected.bug), where);
}

std::string ClassifiedText(const Program& program, const Verdict& verdict) {
  return fmt::format("KNOWN DIFFERENCE {} {}: see docs/contract.md\n  {}\n{}", verdict.classified,
                     Place(program, verdict), OpText(program, verdict), ValueLines(verdict));
}

}  // namespace

std::string Signature(const Program& program, const Verdict& verdict) {
  if (verdict.kind != VerdictKind::kDivergence) return "";
  const std::string_view place =
      AtOp(program, verdict) ? OpName(program.ops[verdict.op_index]) : "teardown";
  return fmt::format("{}/{}/{}", FindingName(verdict.difference.finding), place,
                     GuiltyName(verdict));
}

std::string ShellWord(const std::string& file) {
  const std::string name = file.substr(0, 1) == "-" ? "./" + file : file;
  const auto plain = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
           std::string_view("_-./+=:,@%").find(c) != std::string_view::npos;
  };
  if (std::all_of(name.begin(), name.end(), plain)) return name;
  const bool ansi = std::any_of(name.begin(), name.end(), IsControl);
  std::string word = ansi ? "$'" : "'";
  for (char c : name) {
    if (IsControl(c)) {
      word += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    } else if (c == '\'') {
      word += ansi ? "\\'" : "'\\''";
    } else if (c == '\\' && ansi) {
      word += "\\\\";
    } else {
      word += c;
    }
  }
  return word + "'";
}

std::string ProgramListing(const Program& program, size_t marked, size_t max_ops) {
  const size_t count = program.ops.size();
  const size_t shown = std::min(count, max_ops);
  const size_t last = std::min(count, marked + 1 + shown / 4);
  const size_t first = last > shown ? last - shown : 0;
  const size_t end = first + shown;
  const size_t width = fmt::format("{}", count).size();
  std::string text = fmt::format("program ({}):\n", Count(count, "op"));
  text += fmt::format("    {:{}}  {}", "", width, Print(Program{program.header, {}}));
  if (first > 0) text += fmt::format("    ... ({} more)\n", first);
  for (size_t i = first; i < end; ++i) {
    text += fmt::format("  {} {:>{}}  {}\n", i == marked ? '>' : ' ', i + 1, width,
                        PrintOp(program.header, program.ops[i]));
  }
  if (end < count) text += fmt::format("    ... ({} more)\n", count - end);
  return text;
}

std::string WordsFor(const std::string& file, const std::string& maps) {
  return (maps.empty() ? "" : "--maps=" + maps + " ") + ShellWord(file);
}

std::string CommandsText(const std::string& file, const std::string& maps) {
  const std::string word = WordsFor(file, maps);
  return "reproduce:  tools/rmapdiff repro " + word + "\nminimise:   tools/rmapdiff minimize " +
         word + " -o minimal.ops\n";
}

std::string ReportText(const Program& program, const Verdict& verdict,
                       const ReportOptions& options) {
  switch (verdict.kind) {
    case VerdictKind::kAgree:
      return AgreeText(program, verdict);
    case VerdictKind::kBug:
      return BugText(program, verdict);
    case VerdictKind::kClassified:
      return ClassifiedText(program, verdict);
    case VerdictKind::kDivergence:
      return DivergenceText(program, verdict, options);
  }
  return "";
}

}  // namespace rmapdiff
