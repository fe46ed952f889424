// rmapdiff corpus promote: programs that are worth keeping into the tree, as text.
#include <fmt/core.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "fuzzers/program/target_kinds.h"
#include "tools/cli/base/arguments.h"
#include "tools/cli/base/exit_codes.h"
#include "tools/cli/base/input.h"
#include "tools/cli/base/output.h"
#include "tools/cli/base/text.h"
#include "tools/cli/corpus/corpus.h"
#include "tools/cli/corpus/corpus_folder.h"
#include "tools/cli/findings/artifact.h"
#include "tools/cli/findings/regressions.h"

namespace rmapdiff {
namespace {

namespace fs = std::filesystem;

constexpr size_t kKindsInName = 3;
constexpr size_t kDigitsInName = 6;
// The presubmit knows this line too: a seed that still has it fails.
constexpr const char* kIdeaLine =
    "# Say in a line what this program shows that no other seed does.\n";

std::string CanonicalName(const Program& program) { return ContentName(ToBytes(program)); }

// The kinds of operation that are drawn most seldom, and a few digits of the content:
// "age_link_zap_3f2a1b". Most programs allocate pages and map; rare operations say more.
std::string DefaultName(const Program& program) {
  std::set<std::pair<int, size_t>> kinds;  // by weight
  for (const Op& op : program.ops) kinds.emplace(OpTable()[op.index()].weight, op.index());
  std::string name;
  size_t left = kKindsInName;
  for (const auto& [weight, kind] : kinds) {
    if (left-- == 0) break;
    name += std::string(OpTable()[kind].name) + "_";
  }
  return name + CanonicalName(program).substr(0, kDigitsInName);
}

// The paths of the texts below a folder, by the names of their canonical bytes.
std::map<std::string, std::string> SeedsBelow(const std::string& folder) {
  std::map<std::string, std::string> seeds;
  std::error_code error;
  for (fs::recursive_directory_iterator at(folder, error);
       !error && at != fs::recursive_directory_iterator(); at.increment(error)) {
    if (at->path().extension() != ".ops") continue;
    const std::string path = at->path().string();
    try {
      seeds[CanonicalName(ReadProgram(path))] = path;
    } catch (const Failure& failure) {
      // Those of program_fuzzer may be no programs.
      if (failure.code() != kExitUsage) throw;
    }
  }
  return seeds;
}

// Without a slash at the end, or a dot.
std::string PlainFolder(const std::string& folder) {
  return (fs::path(folder) / ".").lexically_normal().parent_path().string();
}

struct Promotion {
  std::string path;
  std::string text;
};

class Promoting {
 public:
  Promoting(const std::string& to, const std::string& name, const std::string& idea)
      : to_(to), name_(name), idea_(idea), corpus_(CorpusFolder(to)), seeds_(SeedsBelow(corpus_)) {}

  Promotion Prepare(const std::string& file) {
    const Artifact artifact = ReadArtifact(file);
    const std::string folder = FolderFor(file, artifact.program.header);
    const std::string content = CanonicalName(artifact.program);
    if (const auto known = seeds_.find(content); known != seeds_.end()) {
      throw Failure(kExitUsage, fmt::format("{}: is there already, as {}, expected a new program",
                                            Printable(file), Printable(known->second)));
    }
    const std::string name = name_.empty() ? DefaultName(artifact.program) : name_;
    const std::string path = (fs::path(folder) / (name + ".ops")).string();
    std::error_code ignored;
    if (fs::exists(path, ignored)) {
      throw Failure(kExitUsage, Printable(path) + ": is there already, expected another --name");
    }
    seeds_[content] = "the one before it";
    const std::string idea = idea_.empty() ? kIdeaLine : "# " + Printable(idea_) + "\n";
    return {path, idea + Print(artifact.program)};
  }

 private:
  // corpus/ of the tree, or what the given folder is in.
  static std::string CorpusFolder(const std::string& to) {
    if (to.empty()) return fs::path(RegressionsFolder()).parent_path().string();
    const fs::path above = fs::path(PlainFolder(to)).parent_path();
    return above.empty() ? "." : above.string();
  }

  std::string FolderFor(const std::string& file, const Header& header) const {
    const TargetKind* by_header = TargetKindFor(header);
    if (by_header == nullptr) {
      throw Failure(kExitUsage, Printable(file) + ": expected a program that a fuzz target runs");
    }
    const std::string folder =
        to_.empty() ? corpus_ + "/" + std::string(by_header->name) : PlainFolder(to_);
    const std::string name = fs::path(folder).filename();
    const TargetKind* by_folder = FindTargetKind(name);
    if (by_folder != nullptr && !by_folder->accepts(header)) {
      throw Failure(kExitUsage, fmt::format("{}: is not a program for {}, expected --to=corpus/{}",
                                            Printable(file), name, by_header->name));
    }
    std::error_code ignored;
    if (fs::is_directory(folder, ignored)) return folder;
    throw Failure(kExitUsage, Printable(folder) + ": no such folder, expected one of corpus/");
  }

  const std::string to_;
  const std::string name_;
  const std::string idea_;
  const std::string corpus_;
  std::map<std::string, std::string> seeds_;
};

void CheckName(const Arguments& arguments, const std::string& name, size_t files) {
  if (name.empty()) return;
  if (files > 1) arguments.Reject("--name: is for one file, expected none with several");
  if (name.size() <= 80 &&
      name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") == name.npos) {
    return;
  }
  arguments.Reject(
      fmt::format("--name: '{}': expected a name of small letters, digits and _", name));
}

}  // namespace

int CorpusPromote(const Words& words) {
  std::vector<std::string> files;
  std::string to;
  std::string name;
  std::string idea;
  Arguments arguments("corpus promote",
                      "Writes programs into the tree as seeds: text, with a line that says what "
                      "each is for.",
                      "rmapdiff corpus promote out/corpus/rmap_fuzzer/3f2a* --name=two_chains");
  arguments.Files(&files, "programs, as bytes or text");
  arguments.Option("--to", "DIR", &to, "the folder [corpus/TARGET, by the header]");
  arguments.Option("--name", "NAME", &name, "of the seed [its rarest operations and a hash]");
  arguments.Option("--idea", "TEXT", &idea, "its first line [one to be filled in]");
  if (const auto code = arguments.Parse(words)) return *code;
  CheckName(arguments, name, files.size());

  // All are looked at before one is written.
  Promoting promoting(to, name, idea);
  std::vector<Promotion> promotions;
  for (const std::string& file : files) promotions.push_back(promoting.Prepare(file));
  for (const Promotion& one : promotions) {
    WriteFile(one.path, one.text);
    WriteOut(Printable(one.path) + "\n");
  }
  if (idea.empty()) WriteOut("now say in the first line what each is for (corpus/README.md)\n");
  return kExitDone;
}

}  // namespace rmapdiff
