#include "tools/cli/base/maps_option.h"

#include <cstdlib>

#include "fuzzers/voices/voice.h"

namespace rmapdiff {

MapsOption::MapsOption(Arguments* arguments) {
  arguments->Option("--maps", "NAMES", &names_,
                    "the maps to compare, of " + NamesOf(AllEngines()) + " [" +
                        NamesOf(std::get<std::vector<Engine>>(EnginesNamed(""))) + "]");
}

void MapsOption::Choose(const Arguments& arguments) const {
  if (names_.empty()) return;
  const auto engines = EnginesNamed(names_);
  if (const auto* wrong = std::get_if<std::string>(&engines)) arguments.Reject("--maps: " + *wrong);
  setenv(kMapsVariable, names_.c_str(), 1);
}

}  // namespace rmapdiff
