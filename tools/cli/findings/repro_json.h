// `repro --json`: the outcome of the runs of an artifact, for a program to read.
//
// One object. It has "file", "target", "ops", "runs", "reproduced", "sanitized" and "report"
// (text). The "signature" is "" if nothing was found. Then "others" has all other outcomes,
// {signature: runs}. Each name of "engines" has the source of its map. The MMU that they share is
// "shared".
//
// With a finding also "engine", "op", "check", "subject", "expected", "actual" and "detail". They
// are
// "" where they do not apply. The "kind" is "divergence" or "crash". Teardown has the "op_index"
// "ops". The "source" is that of the one map at fault, else "shared". If nothing tells the right
// engine, it is "".
//
// Lines of "code" have "function", "file", "line", "first" and "rank". Of a map at fault they are
// lines that the operation ran, `first` if no operation before ran them. Of a crash they
// are the stack, innermost first. Of a fault of the shared MMU they are candidates, with a `rank`
// from 1 for the most suspect function. All others have rank 0.
//
// Not covered: JSON of a program that is merely run, which is report.h.
#ifndef RMAPDIFF_TOOLS_CLI_FINDINGS_REPRO_JSON_H_
#define RMAPDIFF_TOOLS_CLI_FINDINGS_REPRO_JSON_H_

#include <string>

#include "fuzzers/program/program.h"
#include "tools/cli/findings/artifact.h"
#include "tools/cli/findings/guilty_code.h"
#include "tools/cli/findings/runs.h"

namespace rmapdiff {

// `program` is the part of the artifact that was run.
std::string ReproJson(const Artifact& artifact, const Program& program, const Runs& runs,
                      const GuiltyCode& code);

}  // namespace rmapdiff

#endif  // RMAPDIFF_TOOLS_CLI_FINDINGS_REPRO_JSON_H_
