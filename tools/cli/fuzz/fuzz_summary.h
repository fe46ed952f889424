// The results of a session of the fuzz targets, as values, and their texts: pure functions.
#ifndef RMAPDIFF_TOOLS_CLI_FUZZ_FUZZ_SUMMARY_H_
#define RMAPDIFF_TOOLS_CLI_FUZZ_FUZZ_SUMMARY_H_

#include <cstdint>
#include <string>
#include <vector>

#include "tools/cli/run_folder/finding_folders.h"
#include "tools/cli/run_folder/sample.h"

namespace rmapdiff {

// Of one session: the corpus has the seeds as well, and findings are distinct ones.
struct TargetFigures : TargetSample {
  std::string name;

  double ops_per_second() const { return seconds > 0 ? static_cast<double>(ops) / seconds : 0; }
};

struct FuzzSummary {
  std::string folder;  // of the run
  uint64_t seed = 0;
  uint64_t jobs = 0;
  uint64_t sanitized = 100;  // percent of the time of a target with a scout
  uint64_t budget = 0;       // seconds; 0 for no end
  double elapsed = 0;
  bool interrupted = false;
  std::vector<TargetFigures> targets;
  std::vector<FindingRecord> findings;  // with the counts of this session

  TargetFigures Total() const;
};

// One line; `before` is the summary of the last line, so that the rates are of now.
std::string ProgressText(const FuzzSummary& before, const FuzzSummary& now);
std::string SummaryTable(const FuzzSummary& summary);
std::string SummaryJson(const FuzzSummary& summary);

}  // namespace rmapdiff

#endif  // RMAPDIFF_TOOLS_CLI_FUZZ_FUZZ_SUMMARY_H_
