// From blocks of code that ran to lines of source: what an operation did in a reverse map.
//
// llvm-symbolizer-19 knows the lines; without it, or without the sources, there is nothing to show,
// which is no error.
#ifndef RMAPDIFF_TOOLS_CLI_CODE_LINES_H_
#define RMAPDIFF_TOOLS_CLI_CODE_LINES_H_

#include <cstdint>
#include <string>
#include <vector>

namespace rmapdiff {

struct CodeLine {
  std::string function;  // "SiblingMap::Unlink"
  std::string file;      // "mmu/sibling_map.h"
  std::string path;      // as the compiler saw it
  int line = 0;
};

// Every line in a file of that name, inlined ones included, sorted, each once.
std::vector<CodeLine> LinesOf(const std::string& program, const std::vector<uint64_t>& blocks,
                              const std::string& file);

// The lines with their sources, those of `marked` with a mark before them.
std::string CodeText(const std::vector<CodeLine>& lines, const std::vector<CodeLine>& marked);

}  // namespace rmapdiff

#endif  // RMAPDIFF_TOOLS_CLI_CODE_LINES_H_
