// What a run of the fuzz targets has come to, as values, and how it is shown: pure functions.
#ifndef RMAPDIFF_TOOLS_CLI_FUZZ_FUZZ_SUMMARY_H_
#define RMAPDIFF_TOOLS_CLI_FUZZ_FUZZ_SUMMARY_H_

#include <cstdint>
#include <string>
#include <vector>

namespace rmapdiff {

// One bug, as far as its signature tells.
struct FuzzFinding {
  std::string target;
  std::string signature;
  std::string kind;          // libfuzzer/ending.h
  std::string folder;        // where it is kept (run_folder/finding_folders.h)
  std::string artifact;      // the input that showed it first; "" if there is none
  std::string report;        // the file that says what is wrong
  uint64_t minimal_ops = 0;  // of the simplest program; 0 if there is none
  uint64_t count = 0;        // how often it came in this session
};

struct TargetFigures {
  std::string name;
  uint64_t execs = 0;
  uint64_t ops = 0;    // 0 if the target does not count them
  double seconds = 0;  // of all its processes together
  uint64_t coverage = 0;
  uint64_t features = 0;
  uint64_t corpus = 0;    // inputs that the process uses, seeds among them
  uint64_t findings = 0;  // distinct ones

  double ops_per_second() const { return seconds > 0 ? static_cast<double>(ops) / seconds : 0; }
};

struct FuzzSummary {
  uint64_t seed = 0;
  uint64_t jobs = 0;
  uint64_t budget = 0;  // seconds; 0 for no end
  double elapsed = 0;
  bool interrupted = false;
  std::vector<TargetFigures> targets;
  std::vector<FuzzFinding> findings;

  TargetFigures Total() const;
};

// One line; `before` is what the last one was about, so that the rates are of now.
std::string ProgressText(const FuzzSummary& before, const FuzzSummary& now);
std::string SummaryTable(const FuzzSummary& summary);
std::string SummaryJson(const FuzzSummary& summary);

}  // namespace rmapdiff

#endif  // RMAPDIFF_TOOLS_CLI_FUZZ_FUZZ_SUMMARY_H_
