#include "fuzzers/finding/crash_log.h"

#include <algorithm>
#include <cctype>
#include <charconv>

#include "fuzzers/voices/voice.h"

namespace rmapdiff {
namespace {

constexpr size_t kMaxFrames = 40;
constexpr size_t kKindWords = 4;
constexpr size_t kMaxSaid = 200;
constexpr std::string_view kError = "ERROR: ";

// With a slash at the end.
const std::vector<std::string_view>& MmuFolders() {
  static const std::vector<std::string_view>* const folders = [] {
    auto* all = new std::vector<std::string_view>{"mmu/"};
    for (const Engine& engine : AllEngines()) {
      const size_t slash = engine.source.rfind('/');
      if (slash == engine.source.npos) continue;  // of a test
      all->push_back(engine.source.substr(0, slash + 1));
    }
    return all;
  }();
  return *folders;
}

// The words of `text` up to a number or a sign, joined by hyphens: a kind is a name, not a value.
std::string Slug(std::string_view text) {
  std::string slug;
  size_t words = 0;
  while (!text.empty() && words < kKindWords) {
    const size_t end = std::min(text.find(' '), text.size());
    std::string word(text.substr(0, end));
    while (!word.empty() && (word.back() == ',' || word.back() == ':')) word.pop_back();
    const bool plain = !word.empty() && std::all_of(word.begin(), word.end(), [](char c) {
      return std::isalpha(static_cast<unsigned char>(c)) != 0 || c == '-';
    });
    if (!plain) break;
    slug += (slug.empty() ? "" : "-") + word;
    ++words;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return slug;
}

// "    #3 0x55d  (/path/of/program+0x1234) (BuildId: ...)"; libraries are left out.
bool ParseOffset(std::string_view line, StackFrame* frame) {
  const size_t open = line.find('(');
  const size_t plus = line.find("+0x", open == line.npos ? 0 : open);
  if (open == line.npos || plus == line.npos) return false;
  if (line.substr(open, plus - open).find(".so") != line.npos) return true;
  std::from_chars(line.data() + plus + 3, line.data() + line.size(), frame->offset, 16);
  return true;
}

// "    #3 0x55d in rmapdiff::Foo(int) mmu/foo.h:12:5"; false for any other line.
bool ParseFrame(std::string_view line, StackFrame* frame, int* number) {
  const size_t hash = line.find_first_not_of(' ');
  if (hash == line.npos || line[hash] != '#') return false;
  const size_t in = line.find(" in ");
  const char* digits = line.data() + hash + 1;
  if (std::from_chars(digits, line.data() + line.size(), *number).ec != std::errc()) return false;
  if (in == line.npos) return ParseOffset(line, frame);
  line.remove_prefix(in + 4);
  const size_t space = line.rfind(' ');
  std::string_view place = space == line.npos ? std::string_view() : line.substr(space + 1);
  frame->function = PlainFunctionName(space == line.npos ? line : line.substr(0, space));
  const size_t colon = std::min(place.find(':'), place.size());
  // Else the program, or a build id. A source of which no line is known is below a folder.
  const bool source = colon < place.size() || place.find('/') != place.npos;
  if (place.empty() || place[0] == '(' || place.back() == ')' || !source) return true;
  frame->path = place.substr(0, colon);
  frame->file = OwnPath(frame->path);
  if (colon == place.size()) return true;
  std::from_chars(place.data() + colon + 1, place.data() + place.size(), frame->line);
  return true;
}

// Whether the line names a cause, and which.
bool ParseCause(std::string_view line, CrashCause* cause) {
  constexpr std::string_view kAsan = "ERROR: AddressSanitizer: ";
  constexpr std::string_view kLeak = "ERROR: LeakSanitizer: ";
  constexpr std::string_view kUbsan = ": runtime error: ";
  const size_t asan = line.find(kAsan);
  const size_t ubsan = line.find(kUbsan);
  if (asan != line.npos) {
    std::string_view what = line.substr(asan + kAsan.size());
    if (what.rfind("attempting ", 0) == 0)
      what.remove_prefix(std::string_view("attempting ").size());
    const bool memory =
        what.find("rss limit") != what.npos || what.find("out of memory") != what.npos;
    cause->kind = memory ? "memory" : "asan-" + Slug(what.substr(0, what.find(" on ")));
  } else if (line.find(kLeak) != line.npos) {
    cause->kind = "asan-leak";
  } else if (ubsan != line.npos) {
    cause->kind = "ubsan-" + Slug(line.substr(ubsan + kUbsan.size()));
  } else {
    return false;
  }
  // Without the addresses, which differ each time.
  const size_t begin = asan != line.npos ? asan + kError.size() : 0;
  line = line.substr(begin, std::min(line.find(" on address"), line.find(" (pc ")) - begin);
  cause->said = std::string(line.substr(0, kMaxSaid));
  return true;
}

}  // namespace

bool IsMmuSource(std::string_view file) {
  const std::vector<std::string_view>& folders = MmuFolders();
  return std::any_of(folders.begin(), folders.end(), [&](std::string_view folder) {
    return file.substr(0, folder.size()) == folder;
  });
}

std::string OwnPath(std::string_view path) {
  std::vector<std::string_view> folders = MmuFolders();
  folders.insert(folders.end(), {"fuzzers/", "tests/", "tools/"});
  for (std::string_view folder : folders) {
    const size_t at = path.find(folder);
    if (at == 0 || (at != path.npos && path[at - 1] == '/')) return std::string(path.substr(at));
  }
  return std::string(path);
}

std::string PlainFunctionName(std::string_view name) {
  constexpr std::string_view kDeduced = "decltype(auto) ";
  if (name.rfind(kDeduced, 0) == 0) name.remove_prefix(kDeduced.size());
  std::string plain;
  int depth = 0;  // of template arguments
  for (size_t i = 0; i < name.size(); ++i) {
    const char c = name[i];
    if (c == '<') {
      ++depth;
    } else if (c == '>') {
      --depth;
    } else if (depth == 0 && c == '(') {
      constexpr std::string_view kAnonymous = "(anonymous namespace)";
      if (name.substr(i, kAnonymous.size()) != kAnonymous) break;
      i += kAnonymous.size() - 1;
      if (name.substr(i + 1, 2) == "::") i += 2;
    } else if (depth == 0) {
      plain += c;
    }
  }
  while (!plain.empty() && plain.back() == ' ') plain.pop_back();
  // A template's return type stands before its name.
  if (const size_t space = plain.rfind(' '); space != plain.npos) plain.erase(0, space + 1);
  constexpr std::string_view kOwn = "rmapdiff::";
  if (plain.rfind(kOwn, 0) == 0) plain.erase(0, kOwn.size());
  return plain;
}

std::string WithoutAlternatives(std::string_view text) {
  constexpr std::string_view kVariant = "std::variant<";
  std::string shorter;
  for (size_t at = text.find(kVariant); at != text.npos; at = text.find(kVariant)) {
    size_t end = at + kVariant.size();
    for (int depth = 1; end < text.size() && text[end] != '\n' && depth > 0; ++end) {
      depth += text[end] == '<' ? 1 : text[end] == '>' ? -1 : 0;
    }
    shorter.append(text.substr(0, at + kVariant.size())).append("...");
    if (text[end - 1] == '>') shorter += '>';
    text.remove_prefix(end);
  }
  return shorter.append(text);
}

bool OnlyPassesOn(const StackFrame& frame) {
  return frame.file == "mmu/base/function_ref.h" || frame.file == "mmu/graph/any_map.h" ||
         frame.file == "mmu/graph/erased_map_of.h" ||
         frame.file == "fuzzers/finding/child_process.cc";
}

const StackFrame* OwnFrame(const std::vector<StackFrame>& frames) {
  const auto first = [&](auto is_own) -> const StackFrame* {
    for (const StackFrame& frame : frames) {
      if (is_own(frame.file) && frame.function != "operator") return &frame;
    }
    return nullptr;
  };
  const StackFrame* frame = first(IsMmuSource);
  return frame != nullptr
             ? frame
             : first([](const std::string& file) { return file.rfind("fuzzers/", 0) == 0; });
}

CrashCause ReadCrashLog(std::string_view log) {
  constexpr std::string_view kFreed = "freed by thread ";
  CrashCause cause;
  std::vector<StackFrame>* stack = &cause.frames;
  bool begun = false;
  while (!log.empty()) {
    const size_t end = std::min(log.find('\n'), log.size());
    const std::string_view line = log.substr(0, end);
    log.remove_prefix(std::min(end + 1, log.size()));
    CrashCause one;
    if (ParseCause(line, &one)) {
      if (!cause.kind.empty()) break;  // another report
      cause.kind = std::move(one.kind);
      cause.said = std::move(one.said);
      continue;
    }
    if (line.substr(0, kFreed.size()) == kFreed) {
      stack = &cause.freed;
      begun = false;
      continue;
    }
    StackFrame frame;
    int number = 0;
    if (!ParseFrame(line, &frame, &number)) continue;
    if (begun && number == 0) stack = nullptr;  // of another moment
    begun = true;
    if (OnlyPassesOn(frame)) continue;
    if (stack != nullptr && stack->size() < kMaxFrames) stack->push_back(std::move(frame));
  }
  return cause;
}

}  // namespace rmapdiff
