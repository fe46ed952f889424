// Work on a corpus: one command at a time, and no unfinished file is seen in it.
//
// The lock is on the folder itself, so it leaves nothing behind. Unfinished files are in .work, a
// hidden folder beside those of the targets. It is in the same file system: an input is written
// there and then takes its place by a rename. A command that is killed leaves .work to the next
// one, which removes it.
//
// A session of rmapdiff fuzz may add inputs meanwhile. Nothing here removes an input that it has
// not read.
#ifndef RMAPDIFF_TOOLS_CLI_CORPUS_CORPUS_WORK_H_
#define RMAPDIFF_TOOLS_CLI_CORPUS_CORPUS_WORK_H_

#include <string>
#include <string_view>

namespace rmapdiff {

class CorpusWork {
 public:
  // The folder must exist. Throws a Failure with kExitEnvironment if another command is at work.
  explicit CorpusWork(const std::string& corpus);
  CorpusWork(const CorpusWork&) = delete;
  CorpusWork& operator=(const CorpusWork&) = delete;
  ~CorpusWork();

  // A new, empty folder below .work.
  std::string Folder(const std::string& name) const;
  // Puts an input in its place, under the name of its content; false if it is there already.
  bool Put(const std::string& target, std::string_view content) const;
  // Takes an input that crashes its target out of the corpus. In the corpus of a run it goes to
  // RUN/incoming. The next session of rmapdiff fuzz takes it in from there, as a finding. Else it
  // goes to crashing/ in the corpus. Returns its new path.
  std::string SetAside(const std::string& target, const std::string& path) const;

 private:
  const std::string corpus_;
  const std::string folder_;
  int fd_ = -1;
};

}  // namespace rmapdiff

#endif  // RMAPDIFF_TOOLS_CLI_CORPUS_CORPUS_WORK_H_
