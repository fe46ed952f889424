// rmapdiff show FILE...: programs as text.
#include "fuzzers/program/program.h"
#include "tools/cli/base/arguments.h"
#include "tools/cli/base/input.h"
#include "tools/cli/base/output.h"
#include "tools/cli/base/text.h"
#include "tools/cli/base/verbs.h"

namespace rmapdiff {

int ShowVerb(const Words& words) {
  std::vector<std::string> files;
  Arguments arguments("show", "Prints programs as text.",
                      "rmapdiff show fuzz-out/findings/*/input-* > inputs.ops");
  arguments.Files(&files, "programs, as text or bytes; - is standard input");
  if (const auto code = arguments.Parse(words)) return *code;

  // All are read before any is printed, so that bad input prints nothing.
  std::string text;
  for (const std::string& file : files) {
    if (files.size() > 1) text += "# " + Printable(file) + "\n";
    text += Print(ReadProgram(file));
  }
  WriteOut(text);
  return 0;
}

}  // namespace rmapdiff
