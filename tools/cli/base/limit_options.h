// --timeout and --memory: the limits of each run, for a verb that runs programs in children.
#ifndef RMAPDIFF_TOOLS_CLI_BASE_LIMIT_OPTIONS_H_
#define RMAPDIFF_TOOLS_CLI_BASE_LIMIT_OPTIONS_H_

#include <cstdint>
#include <string>

#include "fuzzers/finding/child_process.h"
#include "tools/cli/base/arguments.h"

namespace rmapdiff {

// The value of an option, from 1 to `most`, or a Failure with kExitUsage.
uint64_t NumberIn(const Arguments& arguments, const char* name, const std::string& text,
                  uint64_t most);

// The same of a time, in seconds.
uint64_t DurationIn(const Arguments& arguments, const char* name, const std::string& text);

class LimitOptions {
 public:
  // Adds both options; `usual` is for those that are not given. This outlives the parsing.
  explicit LimitOptions(Arguments* arguments, const Limits& usual = {});

  // The limits as given, or a Failure with kExitUsage.
  Limits Checked(const Arguments& arguments) const;

 private:
  const Limits usual_;
  std::string timeout_;  // as given; "" if it is not
  std::string memory_;
};

}  // namespace rmapdiff

#endif  // RMAPDIFF_TOOLS_CLI_BASE_LIMIT_OPTIONS_H_
