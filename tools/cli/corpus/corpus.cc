// rmapdiff corpus: tends the inputs that fuzzing has found. One file an action: corpus_stats.cc ...
#include "tools/cli/corpus/corpus.h"

#include <fmt/format.h>

#include "tools/cli/base/exit_codes.h"
#include "tools/cli/base/output.h"
#include "tools/cli/base/text.h"

namespace rmapdiff {
namespace {

struct Action {
  const char* name;
  const char* summary;
  int (*run)(const Words& words);
};

constexpr Action kActions[] = {
    {"stats", "count what the programs do: outcomes, lengths of lists and programs", CorpusStats},
    {"merge", "take programs of other corpora in, those that add something", CorpusMerge},
    {"prune", "keep only the inputs that are needed to reach all that is reached", CorpusPrune},
    {"pack", "make one archive, the same bytes for the same inputs", CorpusPack},
    {"unpack", "take the inputs of an archive in", CorpusUnpack},
    {"migrate", "rewrite inputs in the current version of the format", CorpusMigrate},
    {"promote", "write programs into the tree, as text", CorpusPromote},
};

std::string Help() {
  std::string help =
      "Tends a corpus: a folder for each fuzz target, inputs named by the SHA-1 of their content.\n"
      "Usage: rmapdiff corpus ACTION [OPTIONS] ...\n\nActions:\n";
  for (const Action& one : kActions) help += fmt::format("  {:<8} {}\n", one.name, one.summary);
  return help +
         "\n  rmapdiff corpus ACTION --help   options and an example\n"
         "\nExample:\n  rmapdiff corpus stats out/corpus\n";
}

}  // namespace

int CorpusVerb(const Words& words) {
  if (!words.empty() && (words[0] == "--help" || words[0] == "-h")) {
    WriteOut(Help());
    return kExitDone;
  }
  std::vector<std::string> names;
  for (const Action& one : kActions) {
    if (!words.empty() && words[0] == one.name) return one.run({words.begin() + 1, words.end()});
    names.emplace_back(one.name);
  }
  const std::string what =
      words.empty() ? "no action" : fmt::format("no action '{}'", Printable(words[0]));
  const std::string nearest = words.empty() ? "" : Nearest(words[0], names);
  const std::string hint =
      nearest.empty() ? "expected one of " + Join(names) : "did you mean '" + nearest + "'?";
  throw Failure(kExitUsage, fmt::format("rmapdiff corpus: {}, {}", what, hint));
}

}  // namespace rmapdiff
