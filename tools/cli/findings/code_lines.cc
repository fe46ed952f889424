#include "tools/cli/findings/code_lines.h"

#include <fmt/core.h>

#include <charconv>
#include <cstdlib>
#include <map>
#include <sstream>
#include <string_view>
#include <utility>

#include "tools/cli/base/files.h"
#include "tools/cli/base/process.h"

namespace rmapdiff {
namespace {

constexpr size_t kColumns = 100;
constexpr int kMaxLines = 30;  // of one function
constexpr Limits kSymbolizing = {.wall_ms = 600'000, .memory_mb = 8192};
constexpr const char* kSymbolizer = "/usr/bin/llvm-symbolizer-19";

// "mmu/sibling_map.h:163:13"; of code that belongs to no single line "mmu/sibling_map.h:0:0".
bool ParsePlace(const std::string& text, StackFrame* frame) {
  const size_t colon = text.find(':');
  if (colon == text.npos || text[0] == '?') return false;
  frame->path = text.substr(0, colon);
  frame->file = OwnPath(frame->path);
  const char* end = text.data() + text.size();
  const auto line = std::from_chars(text.data() + colon + 1, end, frame->line);
  if (line.ec != std::errc()) return false;
  if (line.ptr != end) std::from_chars(line.ptr + 1, end, frame->column);
  return true;
}

std::string Cut(const std::string& line) {
  return line.size() <= kColumns ? line : line.substr(0, kColumns - 3) + "...";
}

// The lines of a source, looked for below the workspace. A source that the build makes is in its
// own folder there, or beside the programs of a test.
std::vector<std::string> Source(const std::string& path) {
  const char* root = std::getenv("RMAPDIFF_ROOT");
  const std::string folder = root != nullptr ? std::string(root) + "/" : "";
  constexpr std::string_view kMade = "/bin/";
  const size_t made = path.rfind(kMade);
  std::string content = FileContents(folder + path);
  if (content.empty() && made != path.npos) {
    content = FileContents(folder + path.substr(made + kMade.size()));
  }
  std::istringstream file(content);
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines;
}

}  // namespace

std::vector<std::vector<StackFrame>> FramesOf(const std::string& program,
                                              const std::vector<uint64_t>& addresses) {
  std::string input;
  for (const uint64_t address : addresses) input += fmt::format("{:#x}\n", address);
  const std::vector<std::string> command = {kSymbolizer, "--obj=" + program, "--inlines",
                                            "--functions=linkage", "--demangle"};
  std::istringstream answer(Filtered(command, input, kSymbolizing).value_or(""));
  std::vector<std::vector<StackFrame>> all(addresses.size());
  size_t at = 0;
  std::string function;
  std::string place;
  while (at < all.size() && std::getline(answer, function)) {
    if (function.empty()) {  // between two addresses
      ++at;
      continue;
    }
    StackFrame frame;
    if (!std::getline(answer, place) || !ParsePlace(place, &frame)) continue;
    frame.function = PlainFunctionName(function);
    if (!OnlyPassesOn(frame)) all[at].push_back(std::move(frame));
  }
  return all;
}

std::vector<CodeLine> LinesOf(const std::string& program, const std::vector<uint64_t>& blocks,
                              const std::set<uint64_t>& marked, const std::string& file) {
  std::map<std::pair<std::string, int>, CodeLine> lines;
  const std::vector<std::vector<StackFrame>> all = FramesOf(program, blocks);
  for (size_t i = 0; i < blocks.size(); ++i) {
    for (const StackFrame& frame : all[i]) {
      if (frame.file != file || frame.line == 0) continue;
      CodeLine& line = lines.try_emplace({frame.path, frame.line}, CodeLine{frame}).first->second;
      line.marked = line.marked || marked.count(blocks[i]) != 0;
    }
  }
  std::vector<CodeLine> sorted;
  for (const auto& [place, line] : lines) sorted.push_back(line);
  return sorted;
}

std::string CodeText(const std::vector<CodeLine>& lines) {
  std::string text;
  std::map<std::string, std::vector<std::string>> sources;
  for (size_t i = 0; i < lines.size();) {
    const StackFrame& first = lines[i].frame;
    const auto [source, is_new] = sources.try_emplace(first.path);
    if (is_new) source->second = Source(first.path);
    text += fmt::format("  {}\n", first.function);
    // The lines of one function, and those between them.
    for (int number = first.line; i < lines.size(); ++number) {
      const StackFrame& next = lines[i].frame;
      if (next.function != first.function || next.line < number) break;
      if (next.line >= first.line + kMaxLines) break;
      const char mark = next.line > number ? ' ' : lines[i].marked ? '*' : '+';
      if (next.line == number) ++i;
      if (number == 0) continue;  // code of no single line
      const auto at = static_cast<size_t>(number) - 1;
      const std::string content = at < source->second.size() ? source->second[at] : "";
      text += Cut(fmt::format("  {} {:>4} {}", mark, number, content)) + "\n";
    }
  }
  return text;
}

}  // namespace rmapdiff
