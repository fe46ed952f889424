#include "tools/cli/findings/code_lines.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <map>
#include <sstream>
#include <string_view>
#include <tuple>

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

bool Before(const StackFrame& a, const StackFrame& b) {
  return std::tie(a.path, a.line) < std::tie(b.path, b.line);
}
bool Same(const StackFrame& a, const StackFrame& b) { return a.path == b.path && a.line == b.line; }

std::string Cut(const std::string& line) {
  return line.size() <= kColumns ? line : line.substr(0, kColumns - 3) + "...";
}

// The lines of a source, looked for below the workspace. What was made by the build is in its own
// folder there, or beside the programs of a test.
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

std::vector<StackFrame> LinesOf(const std::string& program, const std::vector<uint64_t>& blocks,
                                const std::string& file) {
  std::vector<StackFrame> lines;
  for (const std::vector<StackFrame>& frames : FramesOf(program, blocks)) {
    for (const StackFrame& frame : frames) {
      if (frame.file == file && frame.line > 0) lines.push_back(frame);
    }
  }
  std::sort(lines.begin(), lines.end(), Before);
  lines.erase(std::unique(lines.begin(), lines.end(), Same), lines.end());
  return lines;
}

std::string CodeText(const std::vector<StackFrame>& lines, const std::vector<StackFrame>& marked) {
  std::string text;
  std::map<std::string, std::vector<std::string>> sources;
  const auto contains = [](const std::vector<StackFrame>& frames, const StackFrame& line) {
    return std::any_of(frames.begin(), frames.end(),
                       [&](const StackFrame& one) { return Same(one, line); });
  };
  for (size_t i = 0; i < lines.size();) {
    const auto [source, is_new] = sources.try_emplace(lines[i].path);
    if (is_new) source->second = Source(lines[i].path);
    // The lines of one function; between two blocks that ran are those of the first of them.
    size_t end = i + 1;
    while (end < lines.size() && lines[end].function == lines[i].function &&
           lines[end].line >= lines[end - 1].line && lines[end].line < lines[i].line + kMaxLines) {
      ++end;
    }
    text += fmt::format("  {}\n", lines[i].function);
    StackFrame line = lines[i];
    for (; line.line <= lines[end - 1].line; ++line.line) {
      const auto at = static_cast<size_t>(line.line);
      const char mark = contains(marked, line) ? '*' : contains(lines, line) ? '+' : ' ';
      const std::string content = at <= source->second.size() ? source->second[at - 1] : "";
      text += Cut(fmt::format("  {} {:>4} {}", mark, line.line, content)) + "\n";
    }
    i = end;
  }
  return text;
}

}  // namespace rmapdiff
