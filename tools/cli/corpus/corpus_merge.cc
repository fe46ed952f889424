// rmapdiff corpus merge: programs of other corpora, those that add something.
#include <fmt/core.h>

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
#include "tools/cli/libfuzzer/built_target.h"
#include "tools/cli/libfuzzer/set_cover.h"

namespace rmapdiff {
namespace {

// The work for one target.
struct Part {
  std::set<std::string> known;       // the names of all contents so far
  std::vector<std::string> present;  // the files that were there
  std::vector<std::string> held;     // the files of candidates, in the folder for them
  std::string folder;
  size_t repeated = 0;  // in the corpus already, or twice among the candidates
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
      Part& part = parts_[folder.target];
      for (const std::string& name : folder.names) {
        part.present.push_back(folder.path + "/" + name);
        part.known.insert(ContentName(ReadInput(part.present.back())));
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
      content = ToBytes(program);
    }
    if (target.empty()) {
      WriteErrorLine(Printable(file.path) +
                     ": left out, expected a program that a fuzz target runs");
      return;
    }
    Part& part = parts_[target];
    const std::string name = ContentName(content);
    if (content.empty() || !part.known.insert(name).second) {
      ++part.repeated;
      return;
    }
    if (part.held.empty()) part.folder = work_.Folder(target);
    part.held.push_back(part.folder + "/" + name);
    sources_[part.held.back()] = file.path;
    WriteFile(part.held.back(), content);
  }

  void TakeIn() {
    for (auto& [target, part] : parts_) {
      if (part.held.empty()) continue;
      MakeFolder(corpus_ + "/" + target);
      if (bin_dir_.empty()) {
        for (const std::string& file : part.held) Take(target, file, &part);
      } else {
        TakeNeeded(target, &part);
      }
    }
  }

  std::string Text() const {
    std::string text;
    for (const auto& [target, part] : parts_) {
      if (part.held.empty() && part.repeated == 0) continue;
      const size_t useless = part.held.size() - part.added - part.crashing - part.unmeasured;
      text +=
          fmt::format("{}: {} added, {} add nothing, {} were there already", target,
                      FormatCount(part.added), FormatCount(useless), FormatCount(part.repeated));
      if (part.crashing > 0) text += fmt::format(", {} crash it", part.crashing);
      if (part.unmeasured > 0) text += fmt::format(", {} could not be measured", part.unmeasured);
      text += "\n";
    }
    return text.empty() ? "nothing to merge\n" : text;
  }

  bool found_crash() const { return found_crash_; }
  bool measured_all() const { return measured_all_; }

 private:
  void TakeNeeded(const std::string& target, Part* part) {
    const BuiltTarget built = FindBuiltTarget(bin_dir_, target);
    const SetCover cover = FindSetCover({target, built.binary, RunLimitFlags(), ""}, part->present,
                                        part->held, work_.Folder("cover"));
    for (const auto& [name, copy] : cover.chosen) Take(target, part->folder + "/" + name, part);
    for (const std::string& file : cover.crashing) {
      if (sources_.count(file) > 0) ++part->crashing;
      WriteErrorLine(fmt::format("{}: crashes {}, put aside",
                                 Printable(work_.SetAside(target, file)), target));
      found_crash_ = true;
    }
    for (const std::string& file : cover.unmeasured) {
      const auto source = sources_.find(file);
      if (source != sources_.end()) ++part->unmeasured;
      SayUnmeasured(source != sources_.end() ? source->second : file, target);
      measured_all_ = false;
    }
  }

  void Take(const std::string& target, const std::string& path, Part* part) {
    MoveFile(path, corpus_ + "/" + target + path.substr(path.rfind('/')));
    ++part->added;
  }

  const std::string corpus_;
  const std::string bin_dir_;
  const CorpusWork work_;
  std::map<std::string, Part> parts_;           // by target
  std::map<std::string, std::string> sources_;  // of each candidate, by the file that holds it
  bool found_crash_ = false;
  bool measured_all_ = true;
};

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
  WriteOut(merge.Text());
  if (merge.found_crash()) return kExitFinding;
  if (!merge.measured_all()) return kExitEnvironment;
  return unreadable ? kExitUsage : kExitDone;
}

}  // namespace rmapdiff
