// A run as a table: each operation with its outcome, then the lists that it touched. The model and
// the engines stand side by side, each list in its own order. Reports do not have that order,
// because it is not compared.
//
// Made for a terminal of 100 columns. Lists that were and are empty are left out, and so are lists
// of parents that did not change.
#ifndef RMAPDIFF_TOOLS_CLI_PROGRAMS_TRACE_TABLE_H_
#define RMAPDIFF_TOOLS_CLI_PROGRAMS_TRACE_TABLE_H_

#include <map>
#include <string>
#include <vector>

#include "fuzzers/program/program.h"
#include "fuzzers/run/runner.h"

namespace rmapdiff {

class TraceTable {
 public:
  // Both outlive the table.
  TraceTable(const Program& program, const std::vector<Engine>& engines)
      : program_(program), engines_(engines) {}

  std::string Head() const;
  // At most 100 columns.
  std::string Rows(const TraceStep& step);

 private:
  using Lists = std::vector<std::string>;  // the model's, then one for each engine

  // The names in a row, and what belongs to each below it.
  std::string Columns(const Lists& cells) const;

  const Program& program_;
  const std::vector<Engine>& engines_;
  std::map<std::string, Lists> shown_;  // by title
};

}  // namespace rmapdiff

#endif  // RMAPDIFF_TOOLS_CLI_PROGRAMS_TRACE_TABLE_H_
