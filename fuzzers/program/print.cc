// The canonical text of programs. parse.cc is the way back.
#include <fmt/format.h>

#include <initializer_list>
#include <iterator>

#include "fuzzers/program/fields.h"
#include "fuzzers/program/program.h"

namespace rmapdiff {
namespace {

// Appends " name=value" for each argument it visits.
class FieldPrinter {
 public:
  FieldPrinter(std::string& text, const Header& header) : text_(text), layout_(header.layout()) {}

  void operator()(const char* name, const PageArg& arg) { Number(name, arg.id); }
  void operator()(const char* name, const MaybePageArg& arg) {
    if (arg.none()) {
      Value(name, "none");
    } else {
      Number(name, arg.id);
    }
  }
  void operator()(const char* name, const IndexArg& arg) { Number(name, arg.index); }
  void operator()(const char* name, const GfnArg& arg) { PutGfn(name, arg.index); }
  void operator()(const char* name, const LevelArg& arg) { Number(name, arg.level); }
  void operator()(const char* name, const RmapLevelArg& arg) { Number(name, arg.level); }
  void operator()(const char* name, const HostArg& arg) { Number(name, arg.generation); }
  void operator()(const char* name, const CountArg& arg) { Number(name, arg.count); }
  void operator()(const char* name, const FlagArg& arg) { Value(name, arg.on ? "yes" : "no"); }
  void operator()(const char* name, const VcpuArg& arg) { Number(name, arg.vcpu); }
  void operator()(const char* name, const VaArg& arg) {
    fmt::format_to(std::back_inserter(text_), " {}={}/{}/{}/{}", name, arg.top(), arg.third(),
                   arg.directory(), arg.table());
  }
  void operator()(const char* name, const TableArg& arg) { PutGfn(name, arg.index); }
  void operator()(const char* name, const EntryArg& arg) { Number(name, arg.index); }
  void operator()(const char* name, const GpteFlagsArg& arg) {
    std::string letters;
    for (const char* letter = arg.kLetters; *letter != 0; ++letter) {
      if (arg.Has(*letter)) letters += *letter;
    }
    Value(name, letters.empty() ? "-" : letters);
  }
  void operator()(const char* name, const SlotArg& arg) { Number(name, arg.slot); }
  template <typename Choice>
    requires requires { Choice::kNames; }
  void operator()(const char* name, const Choice& arg) {
    Value(name, Choice::kNames[arg.value]);
  }

  // A key of the header.
  void operator()(const char* key, const auto& value,
                  std::initializer_list<std::string_view> names) {
    Value(key, names.begin()[static_cast<size_t>(value)]);
  }

 private:
  void PutGfn(const char* name, uint32_t index) {
    fmt::format_to(std::back_inserter(text_), " {}={:#x}", name, layout_.gfn(index));
  }
  void Number(const char* name, unsigned value) {
    fmt::format_to(std::back_inserter(text_), " {}={}", name, value);
  }
  void Value(const char* name, std::string_view value) {
    fmt::format_to(std::back_inserter(text_), " {}={}", name, value);
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
