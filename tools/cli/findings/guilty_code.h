// The lines of an MMU that a finding leads to. If one reverse map is at fault, they are the lines
// of the map that the operation ran. If the process has ended, they are those on its stack. Else
// they are candidates in the engine that all maps share.
//
// A fault of the shared engine is often seen at a later operation than the one that went wrong.
// Most of the code that both ran is in order. So the program is compared with its neighbours
// (neighbours.h). The lines that they ran, if they show the finding and if they do not, are ranked
// (suspects.h).
//
// Empty if the engines disagree and nothing tells the right one, or without a sanitized build. Not
// covered: a fault outside these lines; it may be in one that should have run.
#ifndef RMAPDIFF_TOOLS_CLI_FINDINGS_GUILTY_CODE_H_
#define RMAPDIFF_TOOLS_CLI_FINDINGS_GUILTY_CODE_H_

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "fuzzers/finding/probe.h"
#include "fuzzers/finding/trial.h"
#include "fuzzers/program/program.h"
#include "tools/cli/findings/code_lines.h"
#include "tools/cli/findings/suspects.h"

namespace rmapdiff {

struct GuiltyCode {
  std::string map;  // the reverse map's source; "" if it is not one map's fault
  // Of a map by line, marked if no operation before had run it; of a stack innermost first.
  std::vector<CodeLine> lines;
  // In the shared engine, the most suspect place first, and the programs that say so.
  std::vector<Suspect> suspects;
  size_t programs = 0;  // beside the finding's own
  size_t showing = 0;   // of these, that show the finding
};

// The source that a finding leads to, without lines. If one reverse map is at fault, it is the
// map's. Else it is the MMU that all maps share. "" if nothing tells which engine is right.
std::string SourceAtFault(const Program& program, const Trial& trial);
// The source of the MMU that all maps share, for programs with this header.
std::string SharedSource(const Header& header);

// The trial of `program` must come from the sanitized probe, with a request like `like`. `stop` is
// asked before each run of a neighbour: if true, those so far must do.
GuiltyCode FindGuiltyCode(const Program& program, const Trial& trial, const ProbeRequest& like,
                          const std::function<bool()>& stop = {});

// With the sources, and a heading; "" if there is nothing.
std::string GuiltyCodeText(const GuiltyCode& code, const Program& program, const Trial& trial);

}  // namespace rmapdiff

#endif  // RMAPDIFF_TOOLS_CLI_FINDINGS_GUILTY_CODE_H_
