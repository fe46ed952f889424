// rmapdiff ops: the table of operations, as it is compiled in.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <vector>

#include "fuzzers/program/program.h"
#include "tools/cli/base/arguments.h"
#include "tools/cli/base/output.h"
#include "tools/cli/base/verbs.h"

namespace rmapdiff {
namespace {

std::string ArgumentNames(const OpInfo& op) {
  return fmt::format("{}", fmt::join(op.arguments, " "));
}

// The two kinds of program, each with opcodes of its own.
struct Kind {
  const char* name;
  const char* title;
  Header header;
};
const Kind kKinds[] = {
    {"graph", "On a page graph", {}},
    {"mmu", "On a whole MMU (a header with a mode)", {.mode = MmuMode::kLong}},
};

// In the order of the opcodes, from 0.
std::vector<OpInfo> OpsOf(const Kind& kind) {
  std::vector<OpInfo> ops;
  for (const OpInfo& op : OpTable()) {
    if (FitsHeader(op, kind.header)) ops.push_back(op);
  }
  return ops;
}

std::string AsTable() {
  size_t name_width = 0;
  for (const OpInfo& op : OpTable()) name_width = std::max(name_width, op.name.size());
  std::string text;
  for (const Kind& kind : kKinds) {
    text +=
        fmt::format("{}{}\n\nopcode  {:<{}}  {:<6}  {:>6}  arguments\n", text.empty() ? "" : "\n",
                    kind.title, "operation", name_width, "group", "weight");
    size_t opcode = 0;
    for (const OpInfo& op : OpsOf(kind)) {
      std::string line = fmt::format("{:>6}  {:<{}}  {:<6}  {:>6}  {}", opcode++, op.name,
                                     name_width, GroupName(op.group), op.weight, ArgumentNames(op));
      line.erase(line.find_last_not_of(' ') + 1);
      text += line + fmt::format("\n{:8}  {}\n", "", op.help);
    }
  }
  return text;
}

std::string AsMarkdown() {
  std::string text =
      "# Operations\n\n"
      "Made from the table in [fuzzers/program/ops.h](../fuzzers/program/ops.h); the headers that "
      "it\n"
      "lists describe guards, effects and values in full. Do not edit, run\n"
      "`tools/rmapdiff ops --markdown > docs/operations.md`.\n\n"
      "A program works on a page graph or, if its header has a `mode`, on a whole MMU. Each kind "
      "has\n"
      "operations of its own. The opcode is the first byte of a record, modulo the number of\n"
      "operations of that kind. The weight says how often random programs draw an operation.\n";
  for (const Kind& kind : kKinds) {
    text += fmt::format(
        "\n## {}\n\n"
        "| opcode | operation | group | weight | arguments | what it does |\n"
        "| ---: | --- | --- | ---: | --- | --- |\n",
        kind.title);
    size_t opcode = 0;
    for (const OpInfo& op : OpsOf(kind)) {
      const std::string arguments =
          op.arguments.empty() ? "" : fmt::format("`{}`", fmt::join(op.arguments, "` `"));
      text += fmt::format("| {} | `{}` | {} | {} | {} | {} |\n", opcode++, op.name,
                          GroupName(op.group), op.weight, arguments, op.help);
    }
  }
  return text;
}

std::string AsJson() {
  nlohmann::ordered_json table = nlohmann::ordered_json::array();
  for (const Kind& kind : kKinds) {
    size_t opcode = 0;
    for (const OpInfo& op : OpsOf(kind)) {
      table.push_back({{"program", kind.name},
                       {"opcode", opcode++},
                       {"name", op.name},
                       {"group", GroupName(op.group)},
                       {"weight", op.weight},
                       {"arguments", op.arguments},
                       {"help", op.help}});
    }
  }
  return table.dump(2) + "\n";
}

}  // namespace

int OpsVerb(const Words& words) {
  bool json = false;
  bool markdown = false;
  Arguments arguments("ops", "Prints the table of operations.",
                      "rmapdiff ops --markdown > docs/operations.md");
  arguments.Flag("--json", &json, "as a JSON array");
  arguments.Flag("--markdown", &markdown, "as the page docs/operations.md");
  arguments.Excludes("--json", "--markdown");
  if (const auto code = arguments.Parse(words)) return *code;
  WriteOut(json ? AsJson() : markdown ? AsMarkdown() : AsTable());
  return 0;
}

}  // namespace rmapdiff
