// A corpus made smaller by set cover (libfuzzer/set_cover.h), in a child process. The target goes
// on fuzzing meanwhile.
//
// Invariants: first the chosen inputs are in the corpus, then the others go, file by file. So after
// a kill at any moment the corpus reaches all that it did. There is no second folder that could be
// half in place. Inputs that came meanwhile stay, and so do those that could not be measured. An
// input that ends the target is a finding, and leaves the corpus. If libFuzzer did not measure or
// write everything, as on a full disk, nothing goes.
#ifndef RMAPDIFF_TOOLS_CLI_FUZZ_REDUCE_WORKER_H_
#define RMAPDIFF_TOOLS_CLI_FUZZ_REDUCE_WORKER_H_

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rmapdiff {

// The word by which this program is told to reduce, in place of a verb. Then come the corpus, a
// folder to work in, and the folder for artifacts. Then come the limits of the whole work, as
// seconds and MB, and the target with its flags. The folder to work in is emptied first and goes at
// the end.
inline constexpr const char* kReduceWord = "--reduce";
inline constexpr size_t kReduceWords = 6;  // at least so many follow

// The child; `words` are those after its word. Its standard error has libFuzzer's words. Its
// standard output is the answer, which ReducedTo reads. Throws a Failure if it cannot be done.
int Reduce(const std::vector<std::string>& words);

struct Reduction {
  size_t before = 0;
  size_t after = 0;
  size_t unmeasured = 0;  // of those after it
};
// Nothing if the answer is not whole.
std::optional<Reduction> ReducedTo(std::string_view answer);

}  // namespace rmapdiff

#endif  // RMAPDIFF_TOOLS_CLI_FUZZ_REDUCE_WORKER_H_
