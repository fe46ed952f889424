// A verdict as JSON, for `run --json`.
//
// Invariant: plain ASCII without control characters. A byte that is not UTF-8 shows as U+FFFD.
#ifndef RMAPDIFF_TOOLS_CLI_PROGRAMS_VERDICT_JSON_H_
#define RMAPDIFF_TOOLS_CLI_PROGRAMS_VERDICT_JSON_H_

#include <string>

#include "fuzzers/program/program.h"
#include "fuzzers/run/verdict.h"

namespace rmapdiff {

// One object on one line. Always: "kind" (agree, bug, classified, divergence), "ops", "ops_run",
// "state_hash" (a string, "0x..."; after a divergence zeros), "file" ("" for none). Unless agree:
// "op_index" (from 0; `ops` for teardown), "op" (its text, or "teardown"), "values" (an array of
// {"voice", "value"}). Classified: "classified" ("D11"). Divergence: "signature", "guilty", "check"
// (model, mmus, audit, add-return, truth, teardown), "finding", "subject", "expected", "actual",
// "detail".
std::string VerdictJson(const Program& program, const Verdict& verdict, const std::string& file);

}  // namespace rmapdiff

#endif  // RMAPDIFF_TOOLS_CLI_PROGRAMS_VERDICT_JSON_H_
