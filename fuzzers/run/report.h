// A verdict for a reader: text, JSON and the stable signature. Golden-tested.
//
// Invariant: same program, verdict and options: same bytes. Control characters of file names never
// reach the output. Not covered: colours, and what to do next (the command line's matter).
#ifndef RMAPDIFF_FUZZERS_RUN_REPORT_H_
#define RMAPDIFF_FUZZERS_RUN_REPORT_H_

#include <string>

#include "fuzzers/program/program.h"
#include "fuzzers/run/verdict.h"

namespace rmapdiff {

// What is wrong / in which operation / whose fault: "rmap-missing/write_protect/sibling". Two
// programs with the same signature show the same bug as far as can be told. "" for a verdict that
// is no finding.
std::string Signature(const Program& program, const Verdict& verdict);

struct ReportOptions {
  std::string file;     // the file the program came from, for the commands at the end; "" for none
  size_t max_ops = 40;  // of the program listing, around the end
  std::string story = {};  // to stand before the program (report_story.h)
  bool listing = true;     // with the program
};

// In text, operations count from 1.
std::string ReportText(const Program& program, const Verdict& verdict,
                       const ReportOptions& options = {});

// The program, or the `max_ops` operations around the one that is marked, of which most come before
// it.
std::string ProgramListing(const Program& program, size_t marked, size_t max_ops);

// The commands to go on with: "reproduce:  tools/rmapdiff repro FILE" ...
std::string CommandsText(const std::string& file);
// A file name as one word of a shell's command line, without raw control characters.
std::string ShellWord(const std::string& file);

// One JSON object on one line. Always: "kind" (agree, bug, classified, divergence), "ops",
// "ops_run", "state_hash" (a string, "0x..."; after a divergence zeros), "file" ("" for none).
// Unless agree: "op_index" (from 0; `ops` for teardown), "op" (its text, or "teardown"), "values"
// (an array of
// {"voice", "value"}). Classified: "classified" ("D11"). Divergence: "signature", "guilty", "check"
// (model, mmus, audit, add-return, truth, teardown), "finding", "subject", "expected", "actual",
// "detail".
std::string ReportJson(const Program& program, const Verdict& verdict,
                       const ReportOptions& options = {});

}  // namespace rmapdiff

#endif  // RMAPDIFF_FUZZERS_RUN_REPORT_H_
