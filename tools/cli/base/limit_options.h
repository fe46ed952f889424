// --timeout and --memory: the limits of each run, for a verb that runs programs in children.
#ifndef RMAPDIFF_TOOLS_CLI_BASE_LIMIT_OPTIONS_H_
#define RMAPDIFF_TOOLS_CLI_BASE_LIMIT_OPTIONS_H_

#include <string>

#include "fuzzers/finding/child_process.h"
#include "tools/cli/base/arguments.h"

namespace rmapdiff {

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
