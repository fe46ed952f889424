// rmapdiff corpus: tends the inputs that fuzzing has found. One file an action: corpus_stats.cc ...
#include "tools/cli/corpus/corpus.h"

#include "tools/cli/base/exit_codes.h"
#include "tools/cli/base/output.h"

namespace rmapdiff {
namespace {

constexpr Verb kActions[] = {
    {"stats", "count what the programs do: outcomes, lengths of lists and programs", CorpusStats},
    {"merge", "take programs of other corpora in, those that add something", CorpusMerge},
    {"prune", "keep only the inputs that are needed to reach all that is reached", CorpusPrune},
    {"pack", "make one archive, the same bytes for the same inputs", CorpusPack},
    {"unpack", "take the inputs of an archive in", CorpusUnpack},
    {"migrate", "rewrite inputs in the current version of the format", CorpusMigrate},
    {"promote", "write programs into the tree, as text", CorpusPromote},
};

std::string Help() {
  return "Tends a corpus: a folder for each fuzz target, inputs named by the SHA-1 of their "
         "content.\n"
         "Usage: rmapdiff corpus ACTION [OPTIONS] ...\n\nActions:\n" +
         VerbLines(kActions) +
         "\n  rmapdiff corpus ACTION --help   options and an example\n"
         "\nExample:\n  rmapdiff corpus stats out/corpus\n";
}

}  // namespace

int CorpusVerb(const Words& words) {
  if (!words.empty() && (words[0] == "--help" || words[0] == "-h")) {
    WriteOut(Help());
    return kExitDone;
  }
  const Verb& action = FindVerb(kActions, "rmapdiff corpus", "action", words);
  return action.run({words.begin() + 1, words.end()});
}

}  // namespace rmapdiff
