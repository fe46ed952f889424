// libFuzzer's -set_cover_merge=1: which inputs a target needs to show all that they show. Whatever
// needs a merge of libFuzzer runs it through this class.
//
// libFuzzer runs the inputs in a process that it starts by system(), with its own command line as
// the text: each path in it is read by a shell. So the target runs in a folder of its own and is
// told only names from there, which are ours: ./target, into, from/00000012. They are links to what
// is meant, wherever that is. A flag may hold only characters that mean nothing to a shell.
//
// Not covered: what else a target might do with a path; and TMPDIR, which libFuzzer does not read
// where it is given a control file.
#ifndef RMAPDIFF_TOOLS_CLI_LIBFUZZER_MERGE_H_
#define RMAPDIFF_TOOLS_CLI_LIBFUZZER_MERGE_H_

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace rmapdiff {

struct MergeTarget {
  std::string program;
  std::vector<std::string> flags;
  std::string artifacts;   // the folder for inputs that end the target; "" to keep none
  bool symbolize = false;  // the report on such an input
};

struct Merged {
  std::set<std::string> picked;   // by the names of their contents; in picked_folder()
  std::vector<std::string> left;  // files of either list: begun and not measured, or gone meanwhile
};

class LibFuzzerMerge {
 public:
  // `work` is emptied first, and made. Throws a Failure with kExitEnvironment, as Run does.
  LibFuzzerMerge(const std::string& work, const MergeTarget& target);

  // Which files of `from` the target needs beside those of `with`, none of which is empty. To be
  // called once. Throws if libFuzzer fails, or has not begun each input, or has not written all
  // that it picked; its last words are in the message.
  Merged Run(const std::vector<std::string>& with, const std::vector<std::string>& from);
  // Whether the input, run alone, ends the target.
  bool Ends(const std::string& file) const;

  std::string picked_folder() const;
  // What libFuzzer has said so far.
  std::string log() const;

 private:
  std::string Below(const std::string& name) const { return work_ + "/" + name; }
  void Link(const std::string& file, const std::string& name) const;
  void LinkAll(const std::vector<std::string>& files, const std::string& folder);
  int Start(const std::vector<std::string>& words) const;
  std::set<std::string> Picked() const;
  void CheckAddressSpace(size_t begin) const;

  const std::string work_;
  const MergeTarget target_;
  std::map<std::string, std::string> files_;  // by the name that libFuzzer has for each
};

// How many inputs libFuzzer says it has picked; nothing if it has not come to its end.
std::optional<size_t> PickedBy(std::string_view log);

}  // namespace rmapdiff

#endif  // RMAPDIFF_TOOLS_CLI_LIBFUZZER_MERGE_H_
