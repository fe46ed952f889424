// rmapdiff ops: the table of operations, as it is compiled in.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "fuzzers/program.h"
#include "tools/cli/arguments.h"
#include "tools/cli/output.h"
#include "tools/cli/verbs.h"

namespace rmapdiff {
namespace {

std::string ArgumentNames(const OpInfo& op) {
  return fmt::format("{}", fmt::join(op.arguments, " "));
}

std::string AsTable() {
  size_t name_width = 0;
  for (const OpInfo& op : OpTable()) name_width = std::max(name_width, op.name.size());
  std::string text = fmt::format("opcode  {:<{}}  {:<6}  {:>6}  arguments\n", "operation",
                                 name_width, "group", "weight");
  size_t opcode = 0;
  for (const OpInfo& op : OpTable()) {
    std::string line = fmt::format("{:>6}  {:<{}}  {:<6}  {:>6}  {}", opcode++, op.name, name_width,
                                   GroupName(op.group), op.weight, ArgumentNames(op));
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + fmt::format("\n{:8}  {}\n", "", op.help);
  }
  return text;
}

std::string AsMarkdown() {
  std::string text =
      "# Operations\n\n"
      "Made from the table in [fuzzers/ops.h](../fuzzers/ops.h), which describes guards, effects\n"
      "and values in full; do not edit, run `tools/rmapdiff ops --markdown > docs/operations.md`.\n"
      "The opcode is the first byte of a record, modulo the number of operations. The weight says\n"
      "how often random programs draw an operation.\n\n"
      "| opcode | operation | group | weight | arguments | what it does |\n"
      "| ---: | --- | --- | ---: | --- | --- |\n";
  size_t opcode = 0;
  for (const OpInfo& op : OpTable()) {
    const std::string arguments =
        op.arguments.empty() ? "" : fmt::format("`{}`", fmt::join(op.arguments, "` `"));
    text += fmt::format("| {} | `{}` | {} | {} | {} | {} |\n", opcode++, op.name,
                        GroupName(op.group), op.weight, arguments, op.help);
  }
  return text;
}

std::string AsJson() {
  nlohmann::ordered_json table = nlohmann::ordered_json::array();
  for (const OpInfo& op : OpTable()) {
    table.push_back({{"opcode", table.size()},
                     {"name", op.name},
                     {"group", GroupName(op.group)},
                     {"weight", op.weight},
                     {"arguments", op.arguments},
                     {"help", op.help}});
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
