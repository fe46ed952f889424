// The text form of programs, read: strict, and exact about what is wrong and where.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <iterator>
#include <optional>
#include <span>

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
template <typename... Args>
ParseError ErrorAt(size_t column, fmt::format_string<Args...> what, Args&&... args) {
  return {.line = 0,
          .column = static_cast<int>(column),
          .what = fmt::format(what, std::forward<Args>(args)...)};
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

using Value = std::optional<uint32_t>;

Value InRange(std::optional<uint64_t> number, uint64_t least, uint64_t most) {
  if (!number || *number < least || *number > most) return std::nullopt;
  return static_cast<uint32_t>(*number);
}

// `0/1/3/15`.
Value ParseWalk(std::string_view text) {
  uint32_t value = 0;
  for (size_t i = 0; i < std::size(VaArg::kMost); ++i) {
    const bool last = i + 1 == std::size(VaArg::kMost);
    const size_t end = last ? text.size() : text.find('/');
    if (end == text.npos) return std::nullopt;
    const Value index = InRange(ParseNumber(text.substr(0, end)), 0, VaArg::kMost[i]);
    if (!index) return std::nullopt;
    value |= *index << VaArg::kShift[i];
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return value;
}

// The place of the text among the words.
Value PlaceOf(std::string_view text, std::span<const std::string_view> words) {
  const auto found = std::find(words.begin(), words.end(), text);
  if (found == words.end()) return std::nullopt;
  return static_cast<uint32_t>(found - words.begin());
}

// The place of the number in the list.
Value PlaceIn(std::optional<uint64_t> number, std::span<const uint32_t> listed) {
  const auto found = std::find(listed.begin(), listed.end(), number);
  if (found == listed.end()) return std::nullopt;
  return static_cast<uint32_t>(found - listed.begin());
}

// `pwu`, or `-`.
Value ParseLetters(std::string_view text, std::span<const std::string_view> letters) {
  if (text == "-") return 0;
  if (text.empty()) return std::nullopt;
  uint32_t value = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const Value bit = PlaceOf(text.substr(i, 1), letters);
    if (!bit) return std::nullopt;
    value |= 1u << *bit;
  }
  return value;
}

// The value that a text stands for, if it has one.
Value ParseValue(std::string_view text, const Domain& domain, const Header& header) {
  const uint32_t last = domain.first + CountOf(domain, header) - 1;
  switch (domain.form) {
    case Domain::Form::kNumberOrNone:
      if (text == "none") return Domain::kNone;
      [[fallthrough]];
    case Domain::Form::kNumber:
      return InRange(ParseNumber(text), domain.first, last);
    case Domain::Form::kGfn: {
      const std::optional<uint64_t> gfn = ParseNumber(text);
      return gfn ? InRange(header.layout().IndexOf(*gfn), domain.first, last) : std::nullopt;
    }
    case Domain::Form::kWalk:
      return ParseWalk(text);
    case Domain::Form::kLetters:
      return ParseLetters(text, domain.words);
    case Domain::Form::kWord:
      return PlaceOf(text, domain.words);
    case Domain::Form::kListed:
      return PlaceIn(ParseNumber(text), domain.listed[static_cast<size_t>(header.limits)]);
  }
  return std::nullopt;
}

std::string OneOf(std::span<const std::string_view> words) {
  return fmt::format("{}", fmt::join(words, " or "));
}

// The texts that an argument may have, for messages.
std::string Expected(const Domain& domain, const Header& header) {
  const uint32_t last = domain.first + CountOf(domain, header) - 1;
  const GuestLayout& layout = header.layout();
  switch (domain.form) {
    case Domain::Form::kNumber:
    case Domain::Form::kNumberOrNone:
      return fmt::format("{} from {} to {}{}", domain.what, domain.first, last,
                         domain.form == Domain::Form::kNumber ? "" : ", or none");
    case Domain::Form::kGfn: {
      if (last < layout.kRegionIndexes) {
        return fmt::format("{} from {:#x} to {:#x}", domain.what, layout.gfn(0), layout.gfn(last));
      }
      std::vector<std::string> regions;
      for (uint32_t first = 0; first <= last; first += layout.kRegionIndexes) {
        regions.push_back(fmt::format("{:#x} to {:#x}", layout.gfn(first),
                                      layout.gfn(first + layout.kRegionIndexes - 1)));
      }
      return fmt::format("{}: {}", domain.what, fmt::join(regions, ", "));
    }
    case Domain::Form::kWalk:
    case Domain::Form::kLetters:
    case Domain::Form::kListed:
      return domain.what;
    case Domain::Form::kWord:
      break;
  }
  return domain.what != nullptr ? domain.what : OneOf(domain.words);
}

// ---- Lines ----

Error CheckCharacters(std::string_view line) {
  if (line.size() > kMaxLine) {
    return ErrorAt(kMaxLine + 1, "the line has {} bytes, expected at most {}", line.size(),
                   kMaxLine);
  }
  const auto bad =
      std::find_if(line.begin(), line.end(), [](char c) { return IsControl(c) && c != '\t'; });
  if (bad == line.end()) return std::nullopt;
  return ErrorAt(static_cast<size_t>(bad - line.begin()) + 1,
                 "control character {}, expected printable text", Quote({&*bad, 1}));
}

// The words of a line, without its comment.
std::vector<Word> SplitWords(std::string_view line) {
  constexpr const char* kBlanks = " \t";
  line = line.substr(0, line.find('#'));
  std::vector<Word> words;
  for (size_t end = 0;;) {
    const size_t begin = line.find_first_not_of(kBlanks, end);
    if (begin == line.npos) return words;
    end = std::min(line.find_first_of(kBlanks, begin), line.size());
    words.push_back({line.substr(begin, end - begin), begin + 1});
  }
}

// A line of words: its name (`map`, `program`), and its arguments, each key known and given once.
class Line {
 public:
  // REQUIRES: words is not empty.
  explicit Line(const std::vector<Word>& words) : words_(words) {}

  std::string_view name() const { return words_.front().text; }

  Error ReadArguments(const Names& keys) {
    for (size_t i = 1; i < words_.size(); ++i) {
      const auto [text, column] = words_[i];
      const size_t equals = text.find('=');
      if (equals == text.npos) {
        return ErrorAt(column, "stray {}, expected key=value", Quote(text));
      }
      const std::string_view key = text.substr(0, equals);
      if (std::find(keys.begin(), keys.end(), key) == keys.end()) {
        return ErrorAt(column, "unknown argument {} of {}, {}", Quote(key), name(),
                       Suggest(key, keys));
      }
      if (Find(key) != nullptr) {
        return ErrorAt(column, "second '{}', expected it once", key);
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
    const size_t end = words_.back().column + words_.back().text.size();
    return ErrorAt(end, "{} lacks '{}', expected {}", name(), key, expected);
  }
  static ParseError Bad(const Argument& argument, std::string_view expected) {
    return ErrorAt(argument.value.column, "bad {} {}, expected {}", argument.key.text,
                   Quote(argument.value.text), expected);
  }

 private:
  const std::vector<Word>& words_;
  std::vector<Argument> arguments_;
};

// In words, the header of the other kind of program.
std::string_view OtherKind(const Header& header) { return header.whole_mmu() ? "without" : "with"; }

// As a visitor, sets the argument of an operation, or the key of a header, to the line's value.
class ArgumentReader {
 public:
  ArgumentReader(const Line& line, const Header& header) : line_(line), header_(header) {}

  // An argument, which the line must have.
  void operator()(std::string_view name, auto& arg) {
    if (error) return;
    const Domain& domain = arg.kDomain;
    const Argument* const argument = line_.Find(name);
    if (argument == nullptr) {
      if (!domain.appended) error = line_.Missing(name, Expected(domain, header_));
    } else if (const Value value = ParseValue(argument->value.text, domain, header_)) {
      arg.value = static_cast<decltype(arg.value)>(*value);
    } else {
      error = Line::Bad(*argument, Expected(domain, header_));
    }
  }

  // A key, which keeps its default if the line lacks it.
  template <typename Enum>
  void operator()(const HeaderField& field, Enum& key) {
    const Argument* const argument = line_.Find(field.name);
    if (error || argument == nullptr) return;
    const Value value = PlaceOf(argument->value.text, field.words);
    if (!value) {
      error = Line::Bad(*argument, OneOf(field.words));
    } else if (!field.fits) {
      error = ErrorAt(argument->key.column, "'{}' has no meaning here, expected it only {} a mode",
                      field.name, OtherKind(header_));
    } else {
      key = static_cast<Enum>(*value);
    }
  }

  Error error;

 private:
  const Line& line_;
  const Header& header_;
};

Error ParseHeader(const std::vector<Word>& words, Header& header) {
  Line line(words);
  if (line.name() != kHeaderWord) {
    return ErrorAt(words.front().column,
                   "the program begins with {}, expected 'program version={}'", Quote(line.name()),
                   kFormatVersion);
  }
  Names names{"version"};
  ForEachHeaderField(
      header, [&names](const HeaderField& field, const auto&) { names.push_back(field.name); });
  if (Error error = line.ReadArguments(names)) return error;

  const Argument* const argument = line.Find("version");
  if (argument == nullptr) return line.Missing("version", fmt::format("{}", kFormatVersion));
  // A text names everything, so one of an older version means the same in this one.
  if (!InRange(ParseNumber(argument->value.text), 1, kFormatVersion)) {
    return Line::Bad(*argument, fmt::format("1 to {}", kFormatVersion));
  }

  ArgumentReader reader(line, header);
  ForEachHeaderField(header, reader);
  return reader.error;
}

Error ParseOp(const std::vector<Word>& words, Program& program) {
  Line line(words);
  const size_t column = words.front().column;
  const std::vector<OpInfo>& table = OpTable();
  const auto row = std::find_if(table.begin(), table.end(),
                                [&](const OpInfo& info) { return info.name == line.name(); });
  if (row == table.end()) {
    Names names;
    for (const OpInfo& info : table) {
      if (FitsHeader(info, program.header)) names.push_back(info.name);
    }
    return ErrorAt(column, "unknown operation {}, {}", Quote(line.name()),
                   Suggest(line.name(), names));
  }
  if (!FitsHeader(*row, program.header)) {
    return ErrorAt(column, "{} is of another kind of program, expected a header {} a mode",
                   Quote(line.name()), OtherKind(program.header));
  }
  if (Error error = line.ReadArguments(row->arguments)) return error;

  Op op = kDefaultOps[static_cast<size_t>(row - table.begin())];
  ArgumentReader reader(line, program.header);
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

// The byte order mark in UTF-8, with which some editors begin a text.
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
  ParseError error =
      ErrorAt(line.size() + 1, "no program, expected 'program version={}'", kFormatVersion);
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
