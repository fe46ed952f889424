// The canonical text of programs. parse.cc is the way back.
#include <fmt/core.h>

#include <iterator>

#include "fuzzers/program/fields.h"
#include "fuzzers/program/program.h"

namespace rmapdiff {
namespace {

// The text of an argument's value.
std::string TextOf(const Domain& domain, uint32_t value, const Header& header) {
  switch (domain.form) {
    case Domain::Form::kNumberOrNone:
      if (value == Domain::kNone) return "none";
      [[fallthrough]];
    case Domain::Form::kNumber:
      break;
    case Domain::Form::kGfn:
      return fmt::format("{:#x}", header.layout().gfn(value));
    case Domain::Form::kWalk: {
      const VaArg va{static_cast<uint8_t>(value)};
      return fmt::format("{}/{}/{}/{}", va.top(), va.third(), va.directory(), va.table());
    }
    case Domain::Form::kLetters: {
      std::string letters;
      for (size_t bit = 0; bit < domain.words.size(); ++bit) {
        if ((value >> bit & 1u) != 0) letters += domain.words[bit];
      }
      return letters.empty() ? "-" : letters;
    }
    case Domain::Form::kWord:
      return std::string(domain.words[value]);
    case Domain::Form::kListed:
      return fmt::format("{:#x}", ListedNumber(domain, header, value));
  }
  return fmt::format("{}", value);
}

// As a visitor, appends " name=value" for each argument, and for each key of the header.
struct FieldPrinter {
  std::string& text;
  const Header& header;

  void operator()(std::string_view name, const auto& arg) const {
    if (arg.kDomain.appended && arg.value == 0) return;
    Append(name, TextOf(arg.kDomain, arg.value, header));
  }
  void operator()(const HeaderField& field, const auto& value) const {
    if (!field.fits || (field.name == "mode" && !header.whole_mmu())) return;
    Append(field.name, field.words[static_cast<size_t>(value)]);
  }
  void Append(std::string_view name, std::string_view value) const {
    fmt::format_to(std::back_inserter(text), " {}={}", name, value);
  }
};

void AppendOp(const Header& header, const Op& op, std::string& text) {
  text += OpName(op);
  const FieldPrinter printer{text, header};
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
  ForEachHeaderField(program.header, FieldPrinter{text, program.header});
  text += '\n';
  for (const Op& op : program.ops) {
    AppendOp(program.header, op, text);
    text += '\n';
  }
  return text;
}

}  // namespace rmapdiff
