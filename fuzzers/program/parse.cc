// The text form of programs, read: strict, and exact about what is wrong and where.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <initializer_list>
#include <optional>

#include "fuzzers/program/edit_distance.h"
#include "fuzzers/program/fields.h"
#include "fuzzers/program/program.h"

namespace rmapdiff {
namespace {

constexpr size_t kMaxLine = 4096;  // bytes
constexpr std::string_view kHeaderWord = "program";

using Error = std::optional<ParseError>;
using Names = std::vector<std::string_view>;

// An error in a line whose number the caller knows.
ParseError ErrorAt(size_t column, std::string what) {
  return {.line = 0, .column = static_cast<int>(column), .what = std::move(what)};
}

struct Word {
  std::string_view text;
  size_t column = 1;
};

// One `key=value` of a line.
struct Argument {
  Word key;
  Word value;
};

bool IsControl(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }
bool IsBlank(char c) { return c == ' ' || c == '\t'; }

// The text in quotes, fit for one line of a message: printable ASCII, and not too much of it.
std::string Quote(std::string_view text) {
  constexpr size_t kShown = 40;
  std::string quoted = "'";
  for (const char c : text.substr(0, kShown)) {
    const auto byte = static_cast<unsigned char>(c);
    if (IsControl(c) || byte >= 0x80) {
      quoted += fmt::format("\\x{:02x}", byte);
    } else {
      quoted += c;
    }
  }
  if (text.size() > kShown) quoted += "...";
  return quoted + "'";
}

// ---- Unknown names ----

// "did you mean 'x'?" if one of the names is a slip away, else all of them.
std::string Suggest(std::string_view word, const Names& names) {
  constexpr size_t kLongestName = 32;
  std::string_view nearest;
  size_t least = std::max<size_t>(1, word.size() / 3) + 1;
  if (word.size() <= kLongestName) {
    for (const std::string_view name : names) {
      const size_t distance = EditDistance(word, name);
      if (distance >= least) continue;
      least = distance;
      nearest = name;
    }
  }
  if (!nearest.empty()) return fmt::format("did you mean '{}'?", nearest);
  if (names.empty()) return "expected no arguments";
  return fmt::format("expected one of {}", fmt::join(names, ", "));
}

// ---- Values ----

// A decimal or 0x number; none if `text` is neither, or exceeds 64 bits.
std::optional<uint64_t> ParseNumber(std::string_view text) {
  int base = 10;
  if (text.substr(0, 2) == "0x") {
    base = 16;
    text.remove_prefix(2);
  }
  const char* const end = text.data() + text.size();
  uint64_t value = 0;
  const auto [stopped, error] = std::from_chars(text.data(), end, value, base);
  if (error != std::errc{} || stopped != end) return std::nullopt;
  return value;
}

template <typename Integer>
bool ParseInRange(std::string_view text, uint64_t least, uint64_t most, Integer& value) {
  const std::optional<uint64_t> number = ParseNumber(text);
  if (!number || *number < least || *number > most) return false;
  value = static_cast<Integer>(*number);
  return true;
}

// For each argument type: what its text may be, and the value of a text (false: it has none).
class Domains {
 public:
  explicit Domains(const Header& header) : header_(header), layout_(header.layout()) {}

  std::string Expected(const PageArg&) const { return "a page id from 0 to 31"; }
  std::string Expected(const MaybePageArg&) const { return "a page id from 0 to 31, or none"; }
  std::string Expected(const IndexArg&) const {
    return fmt::format("an spte index from 0 to {}", layout_.sptes_per_page() - 1);
  }
  std::string Expected(const GfnArg&) const {
    std::string text = "a gfn of the guest:";
    for (uint32_t first = 0; first < layout_.kGfnIndexes; first += layout_.kRegionIndexes) {
      const uint32_t last = first + layout_.kRegionIndexes - 1;
      const char* const separator = first == 0 ? "" : ",";
      text += fmt::format("{} {:#x} to {:#x}", separator, layout_.gfn(first), layout_.gfn(last));
    }
    return text;
  }
  std::string Expected(const LevelArg&) const { return "a level from 1 to 4"; }
  std::string Expected(const RmapLevelArg&) const { return "a level from 1 to 3"; }
  std::string Expected(const HostArg&) const { return "a number from 0 to 255"; }
  std::string Expected(const CountArg&) const { return "a count from 1 to 64"; }
  std::string Expected(const FlagArg&) const { return "yes or no"; }
  std::string Expected(const VcpuArg&) const {
    return fmt::format("a vcpu from 0 to {}", header_.vcpus() - 1);
  }
  std::string Expected(const VaArg&) const { return "the indexes of a walk, 0/0/0/0 to 1/1/3/15"; }
  std::string Expected(const TableArg&) const {
    return fmt::format("a gfn from {:#x} to {:#x}", layout_.gfn(0),
                       layout_.gfn(TableArg::kCount - 1));
  }
  std::string Expected(const EntryArg&) const {
    return fmt::format("an entry's index from 0 to {}", header_.guest_entries() - 1);
  }
  std::string Expected(const GpteFlagsArg&) const {
    return fmt::format("some of the letters {}, or -", GpteFlagsArg::kLetters);
  }
  std::string Expected(const SlotArg&) const { return "a memslot from 0 to 3"; }
  template <typename Choice>
    requires requires { Choice::kNames; }
  std::string Expected(const Choice&) const {
    return fmt::format("{}", fmt::join(Choice::kNames, " or "));
  }

  bool Parse(std::string_view text, PageArg& arg) const {
    return ParseInRange(text, 0, PageArg::kCount - 1, arg.id);
  }
  bool Parse(std::string_view text, MaybePageArg& arg) const {
    arg.id = MaybePageArg::kNone;
    return text == "none" || ParseInRange(text, 0, PageArg::kCount - 1, arg.id);
  }
  bool Parse(std::string_view text, IndexArg& arg) const {
    return ParseInRange(text, 0, layout_.sptes_per_page() - 1, arg.index);
  }
  bool Parse(std::string_view text, GfnArg& arg) const {
    const std::optional<uint64_t> gfn = ParseNumber(text);
    if (!gfn) return false;
    const uint64_t region = *gfn / layout_.region_gfns;
    const uint64_t offset = *gfn % layout_.region_gfns;
    if (region >= layout_.kRegions || offset >= layout_.kRegionIndexes) return false;
    arg.index = static_cast<uint8_t>(region * layout_.kRegionIndexes + offset);
    return true;
  }
  bool Parse(std::string_view text, LevelArg& arg) const {
    return ParseInRange(text, 1, kRootLevel, arg.level);
  }
  bool Parse(std::string_view text, RmapLevelArg& arg) const {
    return ParseInRange(text, 1, kRmapLevels, arg.level);
  }
  bool Parse(std::string_view text, HostArg& arg) const {
    return ParseInRange(text, 0, 255, arg.generation);
  }
  bool Parse(std::string_view text, CountArg& arg) const {
    return ParseInRange(text, 1, CountArg::kMax, arg.count);
  }
  bool Parse(std::string_view text, FlagArg& arg) const {
    arg.on = text == "yes";
    return arg.on || text == "no";
  }
  bool Parse(std::string_view text, VcpuArg& arg) const {
    return ParseInRange(text, 0, header_.vcpus() - 1, arg.vcpu);
  }
  bool Parse(std::string_view text, VaArg& arg) const {
    constexpr unsigned kMost[] = {1, 1, 3, 15};
    constexpr unsigned kShift[] = {7, 6, 4, 0};
    unsigned path = 0;
    for (size_t i = 0; i < 4; ++i) {
      const size_t end = i == 3 ? text.size() : text.find('/');
      unsigned index = 0;
      if (end == text.npos || !ParseInRange(text.substr(0, end), 0, kMost[i], index)) return false;
      path |= index << kShift[i];
      text.remove_prefix(std::min(end + 1, text.size()));
    }
    arg.path = static_cast<uint8_t>(path);
    return true;
  }
  bool Parse(std::string_view text, TableArg& arg) const {
    GfnArg gfn;
    if (!Parse(text, gfn) || gfn.index >= TableArg::kCount) return false;
    arg.index = gfn.index;
    return true;
  }
  bool Parse(std::string_view text, EntryArg& arg) const {
    return ParseInRange(text, 0, header_.guest_entries() - 1, arg.index);
  }
  bool Parse(std::string_view text, GpteFlagsArg& arg) const {
    arg.bits = 0;
    if (text == "-") return true;
    for (const char letter : text) {
      const size_t bit = std::string_view(GpteFlagsArg::kLetters).find(letter);
      if (bit == std::string_view::npos) return false;
      arg.bits = static_cast<uint8_t>(arg.bits | 1u << bit);
    }
    return !text.empty();
  }
  bool Parse(std::string_view text, SlotArg& arg) const {
    return ParseInRange(text, 0, SlotArg::kCount - 1, arg.slot);
  }
  template <typename Choice>
    requires requires { Choice::kNames; }
  bool Parse(std::string_view text, Choice& arg) const {
    const auto* const found = std::find(std::begin(Choice::kNames), std::end(Choice::kNames), text);
    arg.value = static_cast<uint8_t>(found - std::begin(Choice::kNames));
    return found != std::end(Choice::kNames);
  }

 private:
  const Header& header_;
  const GuestLayout& layout_;
};

// ---- Lines ----

Error CheckCharacters(std::string_view line) {
  if (line.size() > kMaxLine) {
    return ErrorAt(kMaxLine + 1, fmt::format("the line has {} bytes, expected at most {}",
                                             line.size(), kMaxLine));
  }
  for (size_t i = 0; i < line.size(); ++i) {
    if (!IsControl(line[i]) || line[i] == '\t') continue;
    return ErrorAt(i + 1, fmt::format("control character {}, expected printable text",
                                      Quote(line.substr(i, 1))));
  }
  return std::nullopt;
}

// The words of a line, without its comment.
std::vector<Word> SplitWords(std::string_view line) {
  line = line.substr(0, line.find('#'));
  std::vector<Word> words;
  for (size_t i = 0; i < line.size();) {
    if (IsBlank(line[i])) {
      ++i;
      continue;
    }
    const size_t begin = i;
    while (i < line.size() && !IsBlank(line[i])) ++i;
    words.push_back({line.substr(begin, i - begin), begin + 1});
  }
  return words;
}

// A line of words: what it is (`map`, `program`), and its arguments, each key known and given once.
class Line {
 public:
  // REQUIRES: words is not empty.
  explicit Line(const std::vector<Word>& words) : words_(words) {}

  std::string_view name() const { return words_.front().text; }
  size_t end_column() const { return words_.back().column + words_.back().text.size(); }

  Error ReadArguments(const Names& keys) {
    for (size_t i = 1; i < words_.size(); ++i) {
      const auto [text, column] = words_[i];
      const size_t equals = text.find('=');
      if (equals == text.npos) {
        return ErrorAt(column, fmt::format("stray {}, expected key=value", Quote(text)));
      }
      const std::string_view key = text.substr(0, equals);
      if (std::find(keys.begin(), keys.end(), key) == keys.end()) {
        return ErrorAt(column, fmt::format("unknown argument {} of {}, {}", Quote(key), name(),
                                           Suggest(key, keys)));
      }
      if (Find(key) != nullptr) {
        return ErrorAt(column, fmt::format("second '{}', expected it once", key));
      }
      arguments_.push_back({{key, column}, {text.substr(equals + 1), column + equals + 1}});
    }
    return std::nullopt;
  }

  const Argument* Find(std::string_view key) const {
    for (const Argument& argument : arguments_) {
      if (argument.key.text == key) return &argument;
    }
    return nullptr;
  }

  ParseError Missing(std::string_view key, std::string_view expected) const {
    return ErrorAt(end_column(), fmt::format("{} lacks '{}', expected {}", name(), key, expected));
  }
  static ParseError Bad(const Argument& argument, std::string_view expected) {
    return ErrorAt(argument.value.column, fmt::format("bad {} {}, expected {}", argument.key.text,
                                                      Quote(argument.value.text), expected));
  }

 private:
  const std::vector<Word>& words_;
  std::vector<Argument> arguments_;
};

// As a visitor, sets each argument of an operation to what the line says of it.
class OpReader {
 public:
  OpReader(const Line& line, const Header& header) : line_(line), domains_(header) {}

  void operator()(std::string_view key, auto& value) {
    if (error) return;
    const Argument* const argument = line_.Find(key);
    if (argument == nullptr) {
      error = line_.Missing(key, domains_.Expected(value));
    } else if (!domains_.Parse(argument->value.text, value)) {
      error = Line::Bad(*argument, domains_.Expected(value));
    }
  }

  Error error;

 private:
  const Line& line_;
  Domains domains_;
};

// As a visitor, sets each key of a header that the line has; the others keep their defaults.
class HeaderReader {
 public:
  static constexpr bool all_keys = true;

  explicit HeaderReader(const Line& line) : line_(line) {}

  template <typename Value>
  void operator()(std::string_view key, Value& value,
                  std::initializer_list<std::string_view> names) {
    const Argument* const argument = line_.Find(key);
    if (error || argument == nullptr) return;
    const auto* const found = std::find(names.begin(), names.end(), argument->value.text);
    if (found == names.end()) {
      error = Line::Bad(*argument, fmt::format("{}", fmt::join(names, " or ")));
    } else {
      value = static_cast<Value>(found - names.begin());
    }
  }

  Error error;

 private:
  const Line& line_;
};

// As a visitor, collects the names of the keys.
struct HeaderKeys {
  static constexpr bool all_keys = true;
  Names keys{"version"};

  void operator()(std::string_view key, const auto&, std::initializer_list<std::string_view>) {
    keys.push_back(key);
  }
};

// Only keys of its own kind of program may be in a header.
Error CheckKeys(const Line& line, const Header& header) {
  HeaderKeys all;
  ForEachHeaderField(header, all);
  Names fitting{"version", "mode"};
  ForEachHeaderField(
      header, [&fitting](std::string_view key, const auto&,
                         std::initializer_list<std::string_view>) { fitting.push_back(key); });
  for (const std::string_view key : all.keys) {
    const Argument* const argument = line.Find(key);
    if (argument == nullptr) continue;
    if (std::find(fitting.begin(), fitting.end(), key) != fitting.end()) continue;
    return ErrorAt(argument->key.column,
                   fmt::format("'{}' has no meaning here, expected it only {} a mode", key,
                               header.whole_mmu() ? "without" : "with"));
  }
  return std::nullopt;
}

Error ParseHeader(const std::vector<Word>& words, Header& header) {
  Line line(words);
  if (line.name() != kHeaderWord) {
    return ErrorAt(words.front().column,
                   fmt::format("the program begins with {}, expected 'program version={}'",
                               Quote(line.name()), kFormatVersion));
  }
  HeaderKeys names;
  ForEachHeaderField(header, names);
  if (Error error = line.ReadArguments(names.keys)) return error;

  const std::string version = fmt::format("{}", kFormatVersion);
  const Argument* const argument = line.Find("version");
  if (argument == nullptr) return line.Missing("version", version);
  if (ParseNumber(argument->value.text) != kFormatVersion) return Line::Bad(*argument, version);

  HeaderReader reader(line);
  ForEachHeaderField(header, reader);
  return reader.error ? reader.error : CheckKeys(line, header);
}

Error ParseOp(const std::vector<Word>& words, Program& program) {
  Line line(words);
  const std::vector<OpInfo>& table = OpTable();
  const auto row = std::find_if(table.begin(), table.end(),
                                [&](const OpInfo& info) { return info.name == line.name(); });
  if (row == table.end()) {
    Names names;
    for (const OpInfo& info : table) {
      if (FitsHeader(info, program.header)) names.push_back(info.name);
    }
    return ErrorAt(words.front().column, fmt::format("unknown operation {}, {}", Quote(line.name()),
                                                     Suggest(line.name(), names)));
  }
  if (!FitsHeader(*row, program.header)) {
    return ErrorAt(
        words.front().column,
        fmt::format("{} is of another kind of program, expected a header {} a mode",
                    Quote(line.name()), program.header.whole_mmu() ? "without" : "with"));
  }
  if (Error error = line.ReadArguments(row->arguments)) return error;

  Op op = kDefaultOps[static_cast<size_t>(row - table.begin())];
  OpReader reader(line, program.header);
  ForEachField(op, reader);
  if (!reader.error) program.ops.push_back(op);
  return reader.error;
}

// Takes the next line off `text`: without its end, which is LF, CRLF, or the end of the text.
std::string_view TakeLine(std::string_view& text) {
  const size_t end = std::min(text.find('\n'), text.size());
  std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  return line;
}

// What some editors begin a text with: the byte order mark, as UTF-8.
void SkipByteOrderMark(std::string_view& text) {
  constexpr std::string_view kMark = "\xef\xbb\xbf";
  if (text.substr(0, kMark.size()) == kMark) text.remove_prefix(kMark.size());
}

}  // namespace

std::variant<Program, ParseError> Parse(std::string_view text) {
  SkipByteOrderMark(text);
  Program program;
  bool header_seen = false;
  std::string_view line;
  int number = 0;
  while (!text.empty()) {
    line = TakeLine(text);
    ++number;
    Error error = CheckCharacters(line);
    if (!error) {
      const std::vector<Word> words = SplitWords(line);
      if (words.empty()) continue;
      error = header_seen ? ParseOp(words, program) : ParseHeader(words, program.header);
      header_seen = true;
    }
    if (error) {
      error->line = number;
      return *error;
    }
  }
  if (header_seen) return program;
  ParseError error = ErrorAt(
      line.size() + 1, fmt::format("no program, expected 'program version={}'", kFormatVersion));
  error.line = std::max(number, 1);
  return error;
}

bool LooksLikeText(std::string_view content) {
  SkipByteOrderMark(content);
  while (!content.empty()) {
    const std::vector<Word> words = SplitWords(TakeLine(content));
    if (!words.empty()) return words.front().text == kHeaderWord;
  }
  return false;
}

}  // namespace rmapdiff
