// --maps: the reverse maps that a verb compares, for a verb that runs programs.
#ifndef RMAPDIFF_TOOLS_CLI_BASE_MAPS_OPTION_H_
#define RMAPDIFF_TOOLS_CLI_BASE_MAPS_OPTION_H_

#include <string>

#include "tools/cli/base/arguments.h"

namespace rmapdiff {

class MapsOption {
 public:
  // Adds the option. This outlives the parsing.
  explicit MapsOption(Arguments* arguments);

  // Chooses the maps as given, for this process and all that it starts, by kMapsVariable. Throws a
  // Failure with kExitUsage if there is no such map. REQUIRES: ChosenEngines() was not called yet.
  void Choose(const Arguments& arguments) const;

 private:
  std::string names_;
};

}  // namespace rmapdiff

#endif  // RMAPDIFF_TOOLS_CLI_BASE_MAPS_OPTION_H_
