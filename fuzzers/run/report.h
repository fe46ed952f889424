// A verdict for a reader: text and the stable signature. Golden-tested.
//
// Invariant: same program, verdict and options: same bytes. Control characters of file names never
// reach the output. Not covered: colours.
#ifndef RMAPDIFF_FUZZERS_RUN_REPORT_H_
#define RMAPDIFF_FUZZERS_RUN_REPORT_H_

#include <string>

#include "fuzzers/program/program.h"
#include "fuzzers/run/verdict.h"

namespace rmapdiff {

// The finding, its operation and the guilty engine: "rmap-missing/write_protect/sibling". Programs
// with the same signature probably show the same bug. "" without a finding.
std::string Signature(const Program& program, const Verdict& verdict);

struct ReportOptions {
  std::string file;     // the file the program came from, for the commands at the end; "" for none
  size_t max_ops = 40;  // of the program listing, around the end
  std::string story = {};  // to stand before the program (report_story.h)
  bool listing = true;     // with the program
  std::string maps = {};   // that the commands name; "" for none
};

// In text, operations count from 1.
std::string ReportText(const Program& program, const Verdict& verdict,
                       const ReportOptions& options = {});

// The program, or the `max_ops` operations around the one that is marked, of which most come before
// it.
std::string ProgramListing(const Program& program, size_t marked, size_t max_ops);

// The commands to go on with: "reproduce:  tools/rmapdiff repro FILE" ...
std::string CommandsText(const std::string& file, const std::string& maps);
// The words of a command on the file, with "--maps=" before them if `maps` is not "".
std::string WordsFor(const std::string& file, const std::string& maps);
// A file name as one word of a shell's command line, without raw control characters.
std::string ShellWord(const std::string& file);

}  // namespace rmapdiff

#endif  // RMAPDIFF_FUZZERS_RUN_REPORT_H_
