// The way of an artifact to a folder of DIR/findings, in a child process. The run goes on fuzzing
// meanwhile.
//
// The artifact is run a few times under sanitizers, so that one bug has one name whichever way it
// came. A signature that is there already goes no further. Else the program is minimized for a
// while, and the folder written. The artifact itself stays until the parent removes it, which knows
// then that the finding is kept. So a child that is killed has lost nothing.
//
// A finding of a scout counts only if it comes again, under sanitizers or in a plain build. Any
// other finding that does not come again is a finding all the same. Its name is the signature in
// the target's log. Without one, it is "unreproduced/" and the words of a sanitizer or of
// libFuzzer.
#ifndef RMAPDIFF_TOOLS_CLI_FUZZ_INTAKE_WORKER_H_
#define RMAPDIFF_TOOLS_CLI_FUZZ_INTAKE_WORKER_H_

#include <string>
#include <string_view>

#include "tools/cli/base/verbs.h"

namespace rmapdiff {

// The word by which this program is told to take in an artifact, in place of a verb. Then come the
// folder of the run, the target, the path of the artifact, and the seconds for minimizing. There 0
// means not at all, and "none" to believe the log and run nothing. The gate adds the signature of
// the target's output, in place of a sighting beside the artifact (libfuzzer/sighting.h). It also
// adds how often the finding came.
inline constexpr const char* kTakeInWord = "--take-in";

// The answer of the child on a finding of a scout that does not come again. Nothing is kept.
inline constexpr const char* kUnconfirmed = "unconfirmed\n";

// The child; `words` are those after its word. SIGTERM tells it to hurry: it keeps the simplest
// program of some seconds later. Prints the record that is kept, as a FindingLine. Throws
// a Failure if the finding is not kept.
int TakeIn(const Words& words);

// The signature in the child's answer; "" if it is not whole.
std::string TakenIn(std::string_view answer);

}  // namespace rmapdiff

#endif  // RMAPDIFF_TOOLS_CLI_FUZZ_INTAKE_WORKER_H_
