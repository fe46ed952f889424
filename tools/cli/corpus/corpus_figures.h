// The behaviour of the programs of a corpus, as numbers and their texts: pure functions.
//
// All counts are of the reference of each run, so that neither reverse map is preferred. That is
// the model, or on a whole MMU the engine on the plainest reverse map. They are:
//   outcomes         every operation that was run, by its kind and its outcome
//   rmap_lengths     at the end of a program, before teardown: each rmap that is not empty, by its
//                    entries
//   parent_lengths   at the same moment: each shadow page, by its parents
//   program_lengths  each program, by its operations
// The lists of a program that ends with a BUG are not counted.
#ifndef RMAPDIFF_TOOLS_CLI_CORPUS_CORPUS_FIGURES_H_
#define RMAPDIFF_TOOLS_CLI_CORPUS_CORPUS_FIGURES_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "fuzzers/state/observation.h"

namespace rmapdiff {

// Counts by class; a class that is not there counts zero.
using Histogram = std::vector<uint64_t>;

// "0", "1", "2", "3-4", "5-8", "9-16" ...: the classes of lists.
size_t ListClass(uint64_t length);
std::string ListClassName(size_t list_class);
// "0", "1", "2-3", "4-7", "8-15" ...: those of programs.
size_t ProgramClass(uint64_t length);
std::string ProgramClassName(size_t program_class);

struct CorpusFigures {
  uint64_t programs = 0;
  uint64_t bytes = 0;
  uint64_t ops = 0;
  uint64_t unreadable = 0;  // files that are no program
  uint64_t findings = 0;    // programs that show a divergence, or end the process that runs them
  std::map<std::string, std::map<std::string, uint64_t>> outcomes;  // by operation, by outcome
  Histogram rmap_lengths;
  Histogram parent_lengths;
  Histogram program_lengths;

  void CountOutcome(std::string_view op, OutcomeCode outcome);
  void CountLists(const Observation& complete);
  void CountProgram(uint64_t program_bytes, uint64_t program_ops);
  void Add(const CorpusFigures& more);
};

// For a pipe; false if the bytes are not whole figures.
std::string PackFigures(const CorpusFigures& figures);
bool UnpackFigures(std::string_view bytes, CorpusFigures* figures);

using FiguresByTarget = std::map<std::string, CorpusFigures>;
std::string FiguresTable(const FiguresByTarget& targets);
std::string FiguresJson(const FiguresByTarget& targets);

}  // namespace rmapdiff

#endif  // RMAPDIFF_TOOLS_CLI_CORPUS_CORPUS_FIGURES_H_
