// From a program that shows a finding to the simplest one that shows the same finding.
//
// Works on operations, not on bytes, in rounds until nothing changes. A round leaves out all that
// name one thing (a page, a gfn, a vcpu ...). It leaves out halves, quarters ... single operations
// (delta debugging, Zeller and Hildebrandt 2002) and pairs. It makes two things one and arguments
// smaller, and sets keys of the header to their defaults. The same finding means the same signature
// (trial.h). A finding with another one is handed aside and never followed.
//
// Invariants
//  1. The result has the signature of the input, and is no longer in operations.
//  2. A finished result is 1-minimal. Without any one of its operations the signature is another
//     one. No step of ours can make an argument smaller.
//  3. Same program, same engines: same result, unless it was stopped.
// Not covered: the mode and limits of a program, which stay as they are.
#ifndef RMAPDIFF_FUZZERS_FINDING_MINIMIZE_H_
#define RMAPDIFF_FUZZERS_FINDING_MINIMIZE_H_

#include <cstddef>
#include <functional>
#include <optional>
#include <string>

#include "fuzzers/finding/trial.h"
#include "fuzzers/program/program.h"
#include "fuzzers/run/runner.h"

namespace rmapdiff {

struct Minimized {
  Program program;
  std::string signature;
  size_t runs = 0;       // of programs that were tried
  bool finished = true;  // false: stopped, this is the best so far
};

struct MinimizeOptions {
  // How a program is run, each one to the same trial each time.
  std::function<Trial(const Program& program)> run;
  // Asked before each run: true ends it with the best so far.
  std::function<bool()> stop = {};
  // Each time the program has become simpler.
  std::function<void(const Minimized& best)> progress = {};
  // A finding with another signature, once for each signature.
  std::function<void(const Program& program, const std::string& signature)> other = {};
};

// Runs programs in this very process, with these options, for a caller that trusts the engines.
std::function<Trial(const Program& program)> RunHere(RunOptions options = {});

// Nothing if the program shows no finding.
std::optional<Minimized> Minimize(const Program& program, const MinimizeOptions& options);

}  // namespace rmapdiff

#endif  // RMAPDIFF_FUZZERS_FINDING_MINIMIZE_H_
