// The inputs of one fuzz target in the folder of a continuous run.
//
//   DIR/corpus/TARGET      libFuzzer's inputs, each file named by the SHA-1 of its content
//   DIR/quarantine/TARGET  inputs of the corpus, or seeds, that end the target whenever it reads
//                          them: with one of them it would never come past its start
//   DIR/seeds/TARGET       if there are seeds in quarantine, the other ones
//
// Invariant: an input moves by one rename, so it is in one place or the other whenever this process
// ends. An input goes back from quarantine once the target has been built anew.
#ifndef RMAPDIFF_TOOLS_CLI_FUZZ_FUZZ_CORPUS_H_
#define RMAPDIFF_TOOLS_CLI_FUZZ_FUZZ_CORPUS_H_

#include <cstdint>
#include <string>

#include "tools/cli/libfuzzer/built_target.h"

namespace rmapdiff {

struct CorpusSize {
  uint64_t inputs = 0;
  uint64_t bytes = 0;
};

class FuzzCorpus {
 public:
  // Makes the folders, and puts back the inputs that a new build may take better. Removes the empty
  // files of a process that was killed as it wrote. Throws a Failure with kExitEnvironment.
  FuzzCorpus(const std::string& run_folder, const BuiltTarget& target);

  const std::string& folder() const { return folder_; }
  // "" if there are none.
  const std::string& seeds() const { return seeds_; }
  CorpusSize Size() const;

  // The artifact has ended the target. If it was an input of ours, it leaves the corpus.
  void SetAside(const std::string& artifact);

 private:
  void ReleaseAll();
  void FilterSeeds();

  const std::string folder_;
  const std::string quarantine_;
  const std::string filtered_;
  const std::string built_seeds_;
  std::string seeds_;
};

}  // namespace rmapdiff

#endif  // RMAPDIFF_TOOLS_CLI_FUZZ_FUZZ_CORPUS_H_
