// The table of operations, as values. The forms of a program are in bytes.cc, print.cc
// and parse.cc.
#include "fuzzers/program/program.h"

#include "fuzzers/program/fields.h"

namespace rmapdiff {
namespace {

OpInfo InfoOf(const Op& op) {
  OpInfo info = std::visit(
      [](const auto& one) { return OpInfo{one.kName, one.kGroup, one.kWeight, one.kHelp, {}}; },
      op);
  const auto add_name = [&info](const char* name, const auto&) { info.arguments.push_back(name); };
  ForEachField(op, add_name);
  return info;
}

}  // namespace

const std::vector<OpInfo>& OpTable() {
  static const std::vector<OpInfo> table = [] {
    std::vector<OpInfo> rows;
    for (const Op& op : kDefaultOps) rows.push_back(InfoOf(op));
    return rows;
  }();
  return table;
}

std::string_view OpName(const Op& op) { return OpTable()[op.index()].name; }

std::string_view GroupName(OpGroup group) { return kGroupNames[static_cast<size_t>(group)]; }

}  // namespace rmapdiff
