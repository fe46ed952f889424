// How a command ends: the documented exit codes, and the exception that carries one.
//
// Invariant: the text of a Failure is one clear line, with the fault, its place and the expected
// form. File names in it are Printable.
#ifndef RMAPDIFF_TOOLS_CLI_BASE_EXIT_CODES_H_
#define RMAPDIFF_TOOLS_CLI_BASE_EXIT_CODES_H_

#include <stdexcept>
#include <string>

namespace rmapdiff {

enum ExitCode : int {
  kExitDone = 0,           // agree, done
  kExitFinding = 1,        // a divergence, a finding
  kExitUsage = 2,          // wrong usage, bad input
  kExitEnvironment = 3,    // a missing tool, no space, no rights
  kExitInternalError = 4,  // a fault of the program itself
};

class Failure : public std::runtime_error {
 public:
  Failure(ExitCode code, const std::string& line) : std::runtime_error(line), code_(code) {}
  ExitCode code() const { return code_; }

 private:
  ExitCode code_;
};

}  // namespace rmapdiff

#endif  // RMAPDIFF_TOOLS_CLI_BASE_EXIT_CODES_H_
