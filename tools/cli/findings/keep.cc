// rmapdiff keep FILE --cause=NAME: the minimized program as a regression, with its story above it.
#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <iterator>
#include <sstream>

#include "tools/cli/base/arguments.h"
#include "tools/cli/base/exit_codes.h"
#include "tools/cli/base/maps_option.h"
#include "tools/cli/base/output.h"
#include "tools/cli/base/text.h"
#include "tools/cli/base/verbs.h"
#include "tools/cli/findings/artifact.h"
#include "tools/cli/findings/confirmed_minimizer.h"
#include "tools/cli/findings/regressions.h"

namespace rmapdiff {
namespace {

constexpr size_t kColumns = 98;

// "Lost tail." of "lost_tail".
std::string CauseInWords(std::string cause) {
  std::replace(cause.begin(), cause.end(), '_', ' ');
  cause[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(cause[0])));
  return cause + ".";
}

// Comment lines of words; the story of a regression is its first lines.
std::string Comment(const std::string& text) {
  std::istringstream in(text);
  const std::vector<std::string> words{std::istream_iterator<std::string>(in), {}};
  std::string lines = Wrap(words, kColumns, 0);
  for (size_t at = 0; (at = lines.find('\n', at)) != lines.npos; at += 3)
    lines.insert(at + 1, "# ");
  return "# " + lines + "\n";
}

// The finding in a sentence.
std::string FindingInWords(const Program& program, const Trial& trial) {
  const std::string place = trial.place() < program.ops.size()
                                ? fmt::format("at op {}", trial.place() + 1)
                                : std::string("at teardown");
  if (trial.ending != Ending::kVerdict) return fmt::format("The process ended {}.", place);
  const Difference& difference = trial.verdict.difference;
  return fmt::format("It differed {} in {}: {}.", place, difference.subject,
                     difference.detail.empty() ? difference.actual : difference.detail);
}

void CheckCause(const Arguments& arguments, const std::string& cause) {
  const bool plain = !cause.empty() && cause.size() <= 80 &&
                     cause.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") == cause.npos;
  if (!plain) {
    arguments.Reject(
        fmt::format("--cause: '{}': expected a name of small letters, digits and _", cause));
  }
}

}  // namespace

int KeepVerb(const Words& words) {
  std::string file;
  std::string cause;
  std::string story;
  std::string folder = RegressionsFolder();
  bool as_is = false;
  Arguments arguments("keep", "Adds the minimized program to the regressions, named by its cause.",
                      "rmapdiff keep bug.ops --cause=unlink_loses_tail");
  arguments.File(&file, "a program that shows a finding");
  arguments.Option("--cause", "NAME", &cause, "the fault in few words, unlink_loses_tail say",
                   /*required=*/true);
  arguments.Option("--story", "TEXT", &story, "the same in a sentence or two [from the cause]");
  arguments.Option("--to", "DIR", &folder, "the folder [corpus/regressions]");
  const MapsOption maps(&arguments);
  arguments.Flag("--as-is", &as_is, "do not minimize; the program need not show a finding");
  if (const auto code = arguments.Take(words)) return *code;
  maps.Choose(arguments);
  CheckCause(arguments, cause);
  if (const auto code = arguments.Checked()) return *code;

  const Artifact artifact = ReadArtifact(file);
  const std::string path = folder + "/" + cause + ".ops";
  if (access(path.c_str(), F_OK) == 0) {
    throw Failure(kExitUsage, Printable(path) + ": is there already, expected a new cause");
  }
  if (artifact.codec || artifact.target.empty()) {
    throw Failure(kExitUsage,
                  Printable(file) + ": expected a program that a fuzz target for programs runs");
  }
  ConfirmedMinimizer minimizer(artifact.Request());
  const std::string signature = minimizer.Choose(artifact.program);
  if (signature.empty() && !as_is) {
    throw Failure(kExitUsage, Printable(file) +
                                  ": shows no finding, expected a program that does; "
                                  "--as-is keeps it all the same");
  }
  Program program = artifact.program;
  if (!as_is) program = minimizer.Minimize(program, program, {}).program;
  std::string text = Comment(story.empty() ? CauseInWords(cause) : Printable(story));
  if (!signature.empty()) {
    text += Comment(FindingInWords(program, minimizer.Run(program)));
    text += std::string(kShowedLine) + signature + ".\n";
  }
  WriteFile(path, text + Print(program));
  WriteOut(fmt::format("{}: {}; replayed by tools/test\n", Printable(path), OpCount(program)));
  return kExitDone;
}

}  // namespace rmapdiff
