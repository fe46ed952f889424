// A corpus made smaller by set cover, in a child process of a continuous run, while the target goes
// on: libFuzzer (`-set_cover_merge=1`) picks inputs that together reach all that the corpus does,
// and what it did not pick goes.
//
// Invariants: first what was picked is in the corpus, then the rest goes, file by file. So at each
// moment, whoever is killed, the corpus reaches all that it did; there is no second folder that
// could be half in place. Inputs that came meanwhile stay, and those that libFuzzer has begun and
// not measured (merge_control.h); what crashes is a finding, and out of the corpus then. What
// libFuzzer did not write in full, as on a full disk, it did not do: then nothing goes.
#ifndef RMAPDIFF_TOOLS_CLI_REDUCE_H_
#define RMAPDIFF_TOOLS_CLI_REDUCE_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rmapdiff {

// The word by which this program is told to reduce, in place of a verb; then the corpus, a folder
// to work in, which is emptied first and goes at the end, and the words of the target with its
// flags.
inline constexpr const char* kReduceWord = "--reduce";

// The child. Ends its process group with itself if it gets SIGTERM, since libFuzzer starts
// processes of its own. Prints one line, which ReducedTo reads. Throws a Failure if it cannot be
// done.
int Reduce(const std::string& corpus, const std::string& work,
           const std::vector<std::string>& command);

struct Reduction {
  size_t before = 0;
  size_t after = 0;
};
std::optional<Reduction> ReducedTo(std::string_view printed);

// How many inputs libFuzzer says it has picked; nothing if it has not come to its end.
std::optional<size_t> PickedBy(std::string_view log);

}  // namespace rmapdiff

#endif  // RMAPDIFF_TOOLS_CLI_REDUCE_H_
