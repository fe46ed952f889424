#include "fuzzers/finding/test_draft.h"

#include <fmt/format.h>

#include <cctype>
#include <vector>

#include "fuzzers/program/fields.h"

namespace rmapdiff {
namespace {

constexpr size_t kColumns = 100;
constexpr size_t kMaxLiteral = 88;

// As a visitor, collects ".page = {3}" for each argument.
class Initializers {
 public:
  explicit Initializers(std::vector<std::string>* words) : words_(words) {}

  void operator()(const char* name, const auto& arg) {
    std::string value = fmt::format("{}", arg.value);  // of a flag: true, false
    if (IsNone(arg.kDomain, arg.value)) value = "MaybePageArg::kNone";
    words_->push_back(fmt::format(".{} = {{{}}}", name, value));
  }

 private:
  std::vector<std::string>* const words_;
};

// "ops::Map{.page = {3}, ...}," as clang-format has it: in one line, below, or an argument a line.
std::string Initializer(const Op& op) {
  std::vector<std::string> words;
  Initializers visitor(&words);
  ForEachField(op, visitor);
  const std::string begin = "          ops::" + CamelCase(std::string(OpName(op))) + "{";
  const std::string line = fmt::format("{}{}}},\n", begin, fmt::join(words, ", "));
  if (line.size() <= kColumns + 1) return line;
  const std::string below = fmt::format("              {}}},\n", fmt::join(words, ", "));
  if (below.size() <= kColumns + 1) return begin + "\n" + below;
  return fmt::format("{}{}}},\n", begin, fmt::join(words, ",\n" + std::string(begin.size(), ' ')));
}

// "Parse("program version=2 ...")" as clang-format has it.
std::string ParseHeader(const Header& header) {
  std::string line = Print(Program{header, {}});
  line.pop_back();
  if (line.size() + 16 <= kColumns) return "\n      Parse(\"" + line + "\\n\");\n";
  std::string text = " Parse(\n";
  while (line.size() > kMaxLiteral) {
    const size_t end = line.rfind(' ', kMaxLiteral) + 1;
    text += "      \"" + line.substr(0, end) + "\"\n";
    line.erase(0, end);
  }
  return text + "      \"" + line + "\\n\");\n";
}

std::string Comment(const std::string& text, const std::string& mark) {
  std::string comment;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    std::string line = mark + text.substr(at, end - at);
    line.erase(line.find_last_not_of(' ') + 1);
    // A line that ends so would go on with the next one.
    if (!line.empty() && line.back() == '\\') line += '.';
    comment += line + "\n";
    at = end + 1;
  }
  return comment;
}

}  // namespace

std::string CamelCase(const std::string& words) {
  std::string name;
  bool begins = true;
  for (const char c : words) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) == 0) {
      begins = true;
    } else {
      name += begins ? static_cast<char>(std::toupper(byte)) : c;
      begins = false;
    }
  }
  return name;
}

std::string DraftTest(const Program& program, const std::string& signature,
                      const std::string& story) {
  std::string text = fmt::format(
      "// A regression test for {}.\n//\n{}#include <gtest/gtest.h>\n\n#include <variant>\n\n"
      "#include \"fuzzers/program/program.h\"\n#include \"fuzzers/run/report.h\"\n"
      "#include \"fuzzers/run/runner.h\"\n\nnamespace rmapdiff {{\nnamespace {{\n\n"
      "TEST(RegressionTest, {}) {{\n",
      signature, Comment(story, "// "), CamelCase(signature));
  text += "  const auto parsed =" + ParseHeader(program.header) +
          "  ASSERT_TRUE(std::holds_alternative<Program>(parsed));\n";
  text +=
      "  const Program program{\n      .header = std::get<Program>(parsed).header,\n"
      "      .ops = {\n";
  for (const Op& op : program.ops) {
    text += "          // " + PrintOp(program.header, op) + "\n" + Initializer(op);
  }
  return text +
         "      }};\n  const Verdict verdict = RunProgram(program);\n"
         "  EXPECT_NE(verdict.kind, VerdictKind::kDivergence) << ReportText(program, verdict);\n"
         "}\n\n}  // namespace\n}  // namespace rmapdiff\n";
}

}  // namespace rmapdiff
