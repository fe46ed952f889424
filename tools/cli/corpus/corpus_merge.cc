// rmapdiff corpus merge: programs of other corpora, those that add something.
#include <fmt/format.h>

#include <map>
#include <set>

#include "fuzzers/program/program_file.h"
#include "fuzzers/program/target_kinds.h"
#include "tools/cli/base/arguments.h"
#include "tools/cli/base/exit_codes.h"
#include "tools/cli/base/files.h"
#include "tools/cli/base/input.h"
#include "tools/cli/base/output.h"
#include "tools/cli/base/text.h"
#include "tools/cli/corpus/corpus.h"
#include "tools/cli/corpus/corpus_folder.h"
#include "tools/cli/corpus/corpus_work.h"
#include "tools/cli/libfuzzer/set_cover.h"

namespace rmapdiff {
namespace {

// What comes of the programs for one target.
struct Account {
  size_t candidates = 0;
  size_t present = 0;  // in the corpus already, or twice among the candidates
  size_t added = 0;
  size_t crashing = 0;
  size_t unmeasured = 0;
};

// "" if no target runs it.
std::string TargetOf(const CorpusFile& file, const Header& header) {
  const TargetKind* by_folder = FindTargetKind(file.target);
  if (by_folder != nullptr && by_folder->accepts(header)) return file.target;
  const TargetKind* by_header = TargetKindFor(header);
  return by_header != nullptr ? std::string(by_header->name) : "";
}

class Merge {
 public:
  // `bin_dir` is "" to take everything.
  Merge(const std::string& corpus, const std::string& bin_dir)
      : corpus_(corpus), bin_dir_(bin_dir), work_(corpus) {
    for (const TargetFolder& folder : ReadCorpus(corpus)) {
      for (const std::string& name : folder.names) {
        const std::string path = folder.path + "/" + name;
        known_[folder.target].insert(ContentName(ReadInput(path)));
        present_[folder.target].push_back(path);
      }
    }
  }

  // Puts a program where it is held until it is known whether it adds something.
  void Consider(const CorpusFile& file) {
    std::string content;
    std::string target = file.target;
    if (target == kCodecTarget) {
      content = ReadInput(file.path);
    } else {
      const Program program = ReadProgram(file.path);
      target = TargetOf(file, program.header);
      const std::vector<uint8_t> canonical = Encode(program);
      content.assign(canonical.begin(), canonical.end());
    }
    if (target.empty()) {
      WriteErrorLine(Printable(file.path) + ": no fuzz target runs such a program, left out");
      return;
    }
    Account& account = accounts_[target];
    const std::string name = ContentName(content);
    if (content.empty() || !known_[target].insert(name).second) {
      ++account.present;
      return;
    }
    if (account.candidates++ == 0) folders_[target] = work_.Folder(target);
    held_[target].push_back(folders_[target] + "/" + name);
    sources_[held_[target].back()] = file.path;
    WriteFile(held_[target].back(), content);
  }

  void TakeIn() {
    for (const auto& [target, files] : held_) {
      MakeFolder(corpus_ + "/" + target);
      if (!bin_dir_.empty()) {
        TakeNeeded(target, files);
        continue;
      }
      for (const std::string& file : files) Take(target, file);
    }
  }

  const std::map<std::string, Account>& accounts() const { return accounts_; }
  bool found_crash() const { return found_crash_; }
  bool measured_all() const { return measured_all_; }

 private:
  void TakeNeeded(const std::string& target, const std::vector<std::string>& files) {
    Account& account = accounts_[target];
    const SetCover cover =
        FindSetCover(BuiltTarget(bin_dir_, target), present_[target], files, work_.Folder("cover"));
    for (const std::string& name : cover.chosen) Take(target, folders_[target] + "/" + name);
    for (const std::string& file : cover.crashing) {
      if (sources_.count(file) > 0) ++account.crashing;
      WriteErrorLine(fmt::format("{}: crashes {}, put aside",
                                 Printable(work_.SetAside(target, file)), target));
      found_crash_ = true;
    }
    for (const std::string& file : cover.unmeasured) {
      const auto source = sources_.find(file);
      if (source != sources_.end()) ++account.unmeasured;
      SayUnmeasured(source != sources_.end() ? source->second : file, target);
      measured_all_ = false;
    }
  }

  void Take(const std::string& target, const std::string& path) {
    MoveFile(path, corpus_ + "/" + target + path.substr(path.rfind('/')));
    ++accounts_[target].added;
  }

  const std::string corpus_;
  const std::string bin_dir_;
  const CorpusWork work_;
  // By target: the names of all contents so far; the files that were there; those that are held
  // until it is known whether they add something, and the folder that they are in. By file that is
  // held: where it comes from.
  std::map<std::string, std::set<std::string>> known_;
  std::map<std::string, std::vector<std::string>> present_;
  std::map<std::string, std::vector<std::string>> held_;
  std::map<std::string, std::string> folders_;
  std::map<std::string, std::string> sources_;
  bool found_crash_ = false;
  bool measured_all_ = true;
  std::map<std::string, Account> accounts_;
};

std::string Text(const std::map<std::string, Account>& accounts) {
  std::string text;
  for (const auto& [target, one] : accounts) {
    const size_t useless = one.candidates - one.added - one.crashing - one.unmeasured;
    text += fmt::format("{}: {} added, {} add nothing, {} were there already", target,
                        FormatCount(one.added), FormatCount(useless), FormatCount(one.present));
    if (one.crashing > 0) text += fmt::format(", {} crash it", one.crashing);
    if (one.unmeasured > 0) text += fmt::format(", {} could not be measured", one.unmeasured);
    text += "\n";
  }
  return text.empty() ? "nothing to merge\n" : text;
}

}  // namespace

int CorpusMerge(const Words& words) {
  std::string corpus;
  std::vector<std::string> from;
  std::string bin_dir;
  bool all = false;
  Arguments arguments("corpus merge",
                      "Takes in programs of other corpora: canonical bytes, each for the target "
                      "that runs it, and\nonly those that add features to what is there.",
                      "rmapdiff corpus merge out/corpus other/corpus crash.ops");
  arguments.Positional("DIR", &corpus, "the corpus that grows; made if it is not there");
  arguments.Positionals("FROM", &from, "corpora, folders of one target, programs as bytes or text");
  arguments.Flag("--all", &all, "every program that is not there, whatever it adds");
  arguments.Option("--bin-dir", "DIR", &bin_dir, "where the targets are [tools/rmapdiff says]");
  if (const auto code = arguments.Take(words)) return *code;
  if (!all && bin_dir.empty()) {
    arguments.Reject("no --bin-dir, use tools/rmapdiff, which builds the targets, or --all");
  }
  if (const auto code = arguments.Checked()) return *code;

  std::vector<CorpusFile> files;
  for (const std::string& path : from) {
    const std::vector<CorpusFile> below = ProgramsBelow(path);
    files.insert(files.end(), below.begin(), below.end());
  }
  MakeFolder(corpus);
  Merge merge(corpus, all ? "" : bin_dir);
  bool unreadable = false;
  for (const CorpusFile& file : files) {
    try {
      merge.Consider(file);
    } catch (const Failure& failure) {
      if (failure.code() != kExitUsage) throw;
      WriteErrorLine(failure.what());
      unreadable = true;
    }
  }
  merge.TakeIn();
  WriteOut(Text(merge.accounts()));
  if (merge.found_crash()) return kExitFinding;
  if (!merge.measured_all()) return kExitEnvironment;
  return unreadable ? kExitUsage : kExitDone;
}

}  // namespace rmapdiff
