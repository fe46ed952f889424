// The canonical text of programs. program_parse.cc is the way back.
#include <fmt/format.h>

#include <initializer_list>
#include <iterator>

#include "fuzzers/program.h"
#include "fuzzers/program_fields.h"

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
  void operator()(const char* name, const GfnArg& arg) {
    fmt::format_to(std::back_inserter(text_), " {}={:#x}", name, layout_.gfn(arg.index));
  }
  void operator()(const char* name, const LevelArg& arg) { Number(name, arg.level); }
  void operator()(const char* name, const RmapLevelArg& arg) { Number(name, arg.level); }
  void operator()(const char* name, const HostArg& arg) { Number(name, arg.generation); }
  void operator()(const char* name, const CountArg& arg) { Number(name, arg.count); }
  void operator()(const char* name, const FlagArg& arg) { Value(name, arg.on ? "yes" : "no"); }

  // A key of the header.
  void operator()(const char* key, const auto& value,
                  std::initializer_list<std::string_view> names) {
    Value(key, names.begin()[static_cast<size_t>(value)]);
  }

 private:
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
