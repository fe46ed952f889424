// A run as a table: each operation with its outcome, then each engine's own order of the lists that
// it touched, which is what the reports leave out because order is not compared.
//
// Lists that were and are empty are left out, and so are lists of parents that did not change.
#ifndef RMAPDIFF_TOOLS_CLI_TRACE_H_
#define RMAPDIFF_TOOLS_CLI_TRACE_H_

#include <map>
#include <string>
#include <vector>

#include "fuzzers/program.h"
#include "fuzzers/runner.h"

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
  using Lists = std::vector<std::string>;  // one for each engine

  std::string ListRows(const std::string& title, const Lists& lists) const;

  const Program& program_;
  const std::vector<Engine>& engines_;
  std::map<std::string, Lists> shown_;  // by title
};

}  // namespace rmapdiff

#endif  // RMAPDIFF_TOOLS_CLI_TRACE_H_
