// The canonical text of programs. parse.cc is the way back.
#include <fmt/format.h>

#include <iterator>

#include "fuzzers/program/fields.h"
#include "fuzzers/program/program.h"

namespace rmapdiff {
namespace {

// Appends " name=value" for each argument it visits.
class FieldPrinter {
 public:
  FieldPrinter(std::string& text, const Header& header) : text_(text), layout_(header.layout()) {}

  // An argument.
  void operator()(const char* name, const auto& arg) { Put(name, arg.kDomain, arg.value); }
  // A key of the header.
  void operator()(const char* key, const auto& value, HeaderWords words) {
    Word(key, words[static_cast<size_t>(value)]);
  }

 private:
  void Put(const char* name, const Domain& domain, uint32_t value) {
    switch (domain.form) {
      case Domain::Form::kNumberOrNone:
        if (value == Domain::kNone) return Word(name, "none");
        [[fallthrough]];
      case Domain::Form::kNumber:
        fmt::format_to(std::back_inserter(text_), " {}={}", name, value);
        break;
      case Domain::Form::kGfn:
        fmt::format_to(std::back_inserter(text_), " {}={:#x}", name, layout_.gfn(value));
        break;
      case Domain::Form::kWalk: {
        const VaArg va{static_cast<uint8_t>(value)};
        fmt::format_to(std::back_inserter(text_), " {}={}/{}/{}/{}", name, va.top(), va.third(),
                       va.directory(), va.table());
        break;
      }
      case Domain::Form::kLetters: {
        std::string letters;
        for (size_t bit = 0; bit < domain.words.size(); ++bit) {
          if ((value >> bit & 1u) != 0) letters += domain.words[bit];
        }
        Word(name, letters.empty() ? "-" : letters);
        break;
      }
      case Domain::Form::kWord:
        Word(name, domain.words[value]);
        break;
    }
  }
  void Word(const char* name, std::string_view word) {
    fmt::format_to(std::back_inserter(text_), " {}={}", name, word);
  }

  std::string& text_;
  const GuestLayout& layout_;
};

void AppendOp(const Header& header, const Op& op, std::string& text) {
  text += OpName(op);
  FieldPrinter printer(text, header);
  ForEachField(op, printer);
}

}  // namespace

std::string_view ModeName(MmuMode mode) { return kModeWords[static_cast<size_t>(mode)]; }

std::string PrintOp(const Header& header, const Op& op) {
  std::string text;
  AppendOp(header, op, text);
  return text;
}

std::string Print(const Program& program) {
  std::string text = fmt::format("program version={}", kFormatVersion);
  ForEachHeaderField(program.header, FieldPrinter(text, program.header));
  text += '\n';
  for (const Op& op : program.ops) {
    AppendOp(program.header, op, text);
    text += '\n';
  }
  return text;
}

}  // namespace rmapdiff
