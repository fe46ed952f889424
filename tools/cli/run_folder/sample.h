// A line of DIR/stats.jsonl: how a continuous run has grown, over all its restarts.
//
//   {"time": unix seconds, "run": n-th start, "elapsed": seconds of all runs so far, "jobs": N,
//    "seed": N, "sanitized": percent, "targets": {NAME: {"execs", "ops", "seconds", "scout_execs",
//    "scout_ops", "scout_seconds", "coverage", "features", "corpus", "corpus_bytes", "findings",
//    "reduced_to"}}, "findings": N, "final": true}
//
// A figure that a line does not name is as in the line before. A line makes no sense if a figure is
// of another kind or out of all range. Such a line is left out, so it hides no earlier figures.
#ifndef RMAPDIFF_TOOLS_CLI_RUN_FOLDER_SAMPLE_H_
#define RMAPDIFF_TOOLS_CLI_RUN_FOLDER_SAMPLE_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace rmapdiff {

struct TargetSample {
  uint64_t execs = 0;
  uint64_t ops = 0;
  double seconds = 0;     // of its processes
  uint64_t coverage = 0;  // the most that was seen, as features
  uint64_t features = 0;
  uint64_t corpus = 0;  // inputs in DIR/corpus/NAME
  uint64_t corpus_bytes = 0;
  uint64_t findings = 0;
  uint64_t reduced_to = 0;  // inputs after the last set cover
  // Of all that, by the scout of the target, without sanitizers.
  uint64_t scout_execs = 0;
  uint64_t scout_ops = 0;
  double scout_seconds = 0;
};

struct Sample {
  double time = 0;   // Unix seconds
  uint64_t run = 0;  // from 1; 0 for no sample
  double elapsed = 0;
  uint64_t jobs = 0;
  uint64_t seed = 0;
  uint64_t sanitized = 100;  // percent of the time of a target with a scout
  std::map<std::string, TargetSample> targets;
  uint64_t findings = 0;
  bool final = false;  // the last line of a session that ended by itself
};

// "scouts without sanitizers ran 12,345 of the programs in 0:45 of 1:00", a line; "" if none ran.
std::string ScoutsText(const TargetSample& total);

nlohmann::ordered_json TargetJson(const TargetSample& one);
nlohmann::ordered_json SampleJson(const Sample& sample);

// The lines that are samples, in order; the last one may be cut off. `*skipped` counts the others.
std::vector<Sample> ReadSamples(std::string_view text, size_t* skipped);
// "3 lines make no sense".
std::string SkippedText(size_t skipped);

// Some thousands of them, evenly: the first, the last, and the first of each session among them.
std::vector<Sample> Thinned(const std::vector<Sample>& samples);

}  // namespace rmapdiff

#endif  // RMAPDIFF_TOOLS_CLI_RUN_FOLDER_SAMPLE_H_
