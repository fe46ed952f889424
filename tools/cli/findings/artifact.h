// A file that a user wants explained: the program in it, and the fuzz target that it is for.
//
// The content distinguishes raw artifacts of libFuzzer, test cases of OSS-Fuzz and text. The header
// of the program tells which targets run it. Of several, the names of the file and its folders
// decide, and the record of a finding beside it (run_folder/finding_folders.h). They alone can name
// program_fuzzer, which takes anything.
#ifndef RMAPDIFF_TOOLS_CLI_FINDINGS_ARTIFACT_H_
#define RMAPDIFF_TOOLS_CLI_FINDINGS_ARTIFACT_H_

#include <string>

#include "fuzzers/finding/probe.h"
#include "fuzzers/program/program.h"

namespace rmapdiff {

struct Artifact {
  std::string file;
  std::string bytes;  // what the fuzz target reads
  Program program;
  std::string target;  // "tiny_rmap_fuzzer"; "" if no target runs such a program
  bool codec = false;  // of program_fuzzer
  std::string maps;    // to compare: those that are chosen, else those of its finding's record

  // "crash-3f2a: 40 ops on a page graph, tiny limits; a program for tiny_rmap_fuzzer".
  std::string Describe() const;
  ProbeRequest Request() const;
};

// Throws as ReadProgram (base/input.h).
Artifact ReadArtifact(const std::string& file);

// "1 op", "3 ops".
std::string OpCount(size_t ops);
inline std::string OpCount(const Program& program) { return OpCount(program.ops.size()); }

// The commands to go on with from a file, one a line; `maps` as CommandsText.
std::string NextCommands(const std::string& file, const std::string& maps);

}  // namespace rmapdiff

#endif  // RMAPDIFF_TOOLS_CLI_FINDINGS_ARTIFACT_H_
