// The verbs of the command line. Each takes the words after its name and returns an exit code, or
// throws a Failure.
#ifndef RMAPDIFF_TOOLS_CLI_BASE_VERBS_H_
#define RMAPDIFF_TOOLS_CLI_BASE_VERBS_H_

#include <span>
#include <string>
#include <vector>

namespace rmapdiff {

using Words = std::vector<std::string>;

int RunVerb(const Words& words);
int ShowVerb(const Words& words);
int AssembleVerb(const Words& words);
int ReproVerb(const Words& words);
int MinimizeVerb(const Words& words);
int DraftTestVerb(const Words& words);
int KeepVerb(const Words& words);
int TriageVerb(const Words& words);
int GraphVerb(const Words& words);
int MapsVerb(const Words& words);
int OpsVerb(const Words& words);
int FuzzVerb(const Words& words);
int CorpusVerb(const Words& words);
int StatusVerb(const Words& words);

struct Verb {
  const char* name;
  const char* summary;
  int (*run)(const Words& words);
};

// The lines of a help on them: their names and summaries.
std::string VerbLines(std::span<const Verb> verbs);

// The verb that the words begin with. Throws a Failure with kExitUsage, as in "rmapdiff corpus: no
// action 'pak', did you mean 'pack'?". There the command is "rmapdiff corpus", the kind "action".
const Verb& FindVerb(std::span<const Verb> verbs, const std::string& command,
                     const std::string& kind, const Words& words);

}  // namespace rmapdiff

#endif  // RMAPDIFF_TOOLS_CLI_BASE_VERBS_H_
