// A corpus made smaller by set cover, in a child process of a continuous run, while the target goes
// on: libFuzzer (`-set_cover_merge=1`) picks inputs that together reach all that the corpus does,
// and what it did not pick goes.
//
// Invariants: first what was picked is in the corpus, then the rest goes, file by file. So at each
// moment, whoever is killed, the corpus reaches all that it did; there is no second folder that
// could be half in place. Inputs that came meanwhile stay, and those that could not be measured;
// what crashes is a finding, and out of the corpus then. What libFuzzer did not measure or did not
// write in full, as on a full disk, it did not do: then nothing goes.
#ifndef RMAPDIFF_TOOLS_CLI_FUZZ_REDUCE_WORKER_H_
#define RMAPDIFF_TOOLS_CLI_FUZZ_REDUCE_WORKER_H_

#include <optional>
#include <string>
#include <string_view>

#include "tools/cli/libfuzzer/merge.h"

namespace rmapdiff {

// The word by which this program is told to reduce, in place of a verb; then the corpus, a folder
// to work in, which is emptied first and goes at the end, the folder for artifacts, and the target
// with its flags.
inline constexpr const char* kReduceWord = "--reduce";

// The child. Its standard error has what libFuzzer says; its standard output is the answer, which
// ReducedTo reads. Throws a Failure if it cannot be done.
int Reduce(const std::string& corpus, const std::string& work, const MergeTarget& target);

struct Reduction {
  size_t before = 0;
  size_t after = 0;
  size_t unmeasured = 0;  // of those after it
};
// Nothing if the answer is not whole.
std::optional<Reduction> ReducedTo(std::string_view answer);

}  // namespace rmapdiff

#endif  // RMAPDIFF_TOOLS_CLI_FUZZ_REDUCE_WORKER_H_
