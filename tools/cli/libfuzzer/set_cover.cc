#include "tools/cli/libfuzzer/set_cover.h"

#include <fmt/format.h>
#include <unistd.h>

#include <utility>

#include "tools/cli/base/exit_codes.h"
#include "tools/cli/base/output.h"
#include "tools/cli/base/text.h"
#include "tools/cli/libfuzzer/built_targets.h"
#include "tools/cli/libfuzzer/merge.h"

namespace rmapdiff {

FuzzTarget BuiltTarget(const std::string& bin_dir, const std::string& name) {
  for (FuzzTarget& target : FindFuzzTargets(bin_dir, FuzzBuild::kNative)) {
    if (target.name != name) continue;
    CheckIsBuilt(target);
    return std::move(target);
  }
  throw Failure(kExitEnvironment, fmt::format("{}: {} was not built there, expected every target",
                                              Printable(bin_dir), name));
}

void SayUnmeasured(const std::string& file, const std::string& target) {
  WriteErrorLine(fmt::format("{}: could not be measured by {}, expected room for it to run",
                             Printable(file), target));
}

SetCover FindSetCover(const FuzzTarget& target, const std::vector<std::string>& with,
                      const std::vector<std::string>& from, const std::string& work) {
  // A thousand inputs take half a minute.
  if (isatty(STDERR_FILENO) != 0) {
    WriteError(fmt::format("\r{}: measuring {} inputs \x1b[K\r", target.name,
                           FormatCount(with.size() + from.size())));
  }
  LibFuzzerMerge merge(work, {target.binary, RunLimitFlags(), "", false});
  const Merged merged = merge.Run(with, from);
  SetCover cover;
  cover.chosen = merged.picked;
  for (const std::string& file : merged.left) {
    (merge.Ends(file) ? cover.crashing : cover.unmeasured).push_back(file);
  }
  return cover;
}

}  // namespace rmapdiff
