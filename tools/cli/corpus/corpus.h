// The actions of rmapdiff corpus; each takes the words after its name, as a verb does
// (base/verbs.h).
#ifndef RMAPDIFF_TOOLS_CLI_CORPUS_CORPUS_H_
#define RMAPDIFF_TOOLS_CLI_CORPUS_CORPUS_H_

#include "tools/cli/base/verbs.h"

namespace rmapdiff {

int CorpusStats(const Words& words);
int CorpusMerge(const Words& words);
int CorpusPrune(const Words& words);
int CorpusPack(const Words& words);
int CorpusUnpack(const Words& words);
int CorpusMigrate(const Words& words);
int CorpusPromote(const Words& words);

}  // namespace rmapdiff

#endif  // RMAPDIFF_TOOLS_CLI_CORPUS_CORPUS_H_
