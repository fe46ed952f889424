// `repro --json`: what the runs of an artifact came to, for a program to read.
//
// One object: "file", "target", "ops", "runs", "reproduced", "sanitized", "signature" ("" if
// nothing was found), "others" ({signature: runs} of what else came of it), "engines" ({name: the
// source of its map}), "shared" (the source of what all maps share), "report" (as text).
// With a finding also "kind" ("divergence", "crash"), "engine", "source" (of the one map at fault,
// else "shared"; "" if nothing tells which engine is right), "op_index" (from 0; "ops" for
// teardown), "op", "check", "subject", "expected", "actual", "detail" ("" where that does not
// apply), "code" (an array of {"function", "file", "line", "first", "rank"}: the lines that the
// operation ran of the reverse map at fault, `first` for those that no operation before had run; of
// a crash the stack, innermost first; of a fault of the engine that all maps share candidates,
// `rank` from 1 for the most suspect function, 0 for all others).
//
// Not covered: JSON of a program that is merely run, which is report.h.
#ifndef RMAPDIFF_TOOLS_CLI_FINDINGS_REPRO_JSON_H_
#define RMAPDIFF_TOOLS_CLI_FINDINGS_REPRO_JSON_H_

#include <cstddef>
#include <map>
#include <string>

#include "fuzzers/finding/trial.h"
#include "fuzzers/program/program.h"
#include "tools/cli/findings/artifact.h"
#include "tools/cli/findings/guilty_code.h"

namespace rmapdiff {

struct ReproResult {
  size_t runs = 0;
  std::map<std::string, size_t> by_signature;  // "" for no finding
  std::string usual;                           // the finding met most often, "" for none
  bool sanitized = false;
};

// `program` is what was run of the artifact, `trial` the first run with the usual signature.
std::string ReproJson(const Artifact& artifact, const Program& program, const ReproResult& result,
                      const Trial& trial, const GuiltyCode& code);

}  // namespace rmapdiff

#endif  // RMAPDIFF_TOOLS_CLI_FINDINGS_REPRO_JSON_H_
