// rmapdiff corpus prune: only the inputs that are needed to reach all that is reached.
//
// They are known before anything is removed. Then redundant files are removed one by one: a kill at
// any moment leaves all that is needed and some of the rest. A file that is added meanwhile has not
// been measured, and stays. But two processes that remove, each counting on an input that the other
// removes, would lose something. A session of rmapdiff fuzz reduces its corpora itself, so while
// one is at work this is refused.
#include <fmt/core.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <set>

#include "fuzzers/program/target_kinds.h"
#include "tools/cli/base/arguments.h"
#include "tools/cli/base/exit_codes.h"
#include "tools/cli/base/input.h"
#include "tools/cli/base/output.h"
#include "tools/cli/base/text.h"
#include "tools/cli/corpus/corpus.h"
#include "tools/cli/corpus/corpus_folder.h"
#include "tools/cli/corpus/corpus_work.h"
#include "tools/cli/libfuzzer/built_target.h"
#include "tools/cli/libfuzzer/set_cover.h"
#include "tools/cli/run_folder/run_lock.h"

namespace rmapdiff {
namespace {

// The inputs of one target, and those that stay.
struct Account {
  size_t inputs = 0;
  uint64_t bytes = 0;
  size_t kept = 0;
  uint64_t kept_bytes = 0;
  size_t foreign = 0;  // of the kept ones: no programs for this target
  size_t unmeasured = 0;
  size_t crashing = 0;
};

bool IsForeign(const std::string& target, const std::string& content) {
  const TargetKind* kind = FindTargetKind(target);
  return kind != nullptr && !kind->accepts(FromBytes(content).header);
}

Account Prune(const TargetFolder& folder, const BuiltTarget& target, const CorpusWork& work) {
  Account account;
  const auto keep = [&account](const std::string& content) {
    ++account.kept;
    account.kept_bytes += content.size();
  };
  std::vector<std::string> measured;
  for (const std::string& name : folder.names) {
    const std::string path = folder.path + "/" + name;
    const std::string content = ReadInput(path);
    ++account.inputs;
    account.bytes += content.size();
    if (IsForeign(folder.target, content)) {  // the target would not run it
      keep(content);
      ++account.foreign;
    } else {
      measured.push_back(path);
    }
  }
  if (measured.empty()) return account;
  SetCover cover = FindSetCover({target.name, target.binary, RunLimitFlags(), ""}, {}, measured,
                                work.Folder(folder.target));
  const std::set<std::string> crashing(cover.crashing.begin(), cover.crashing.end());
  const std::set<std::string> undecided(cover.unmeasured.begin(), cover.unmeasured.end());
  for (const std::string& path : measured) {
    const std::string content = ReadInput(path);
    if (crashing.count(path) > 0) {
      WriteErrorLine(fmt::format("{}: crashes {}, put aside",
                                 Printable(work.SetAside(folder.target, path)), folder.target));
    } else if (undecided.count(path) > 0 || cover.chosen.erase(ContentName(content)) > 0) {
      keep(content);
    } else {
      RemoveFile(path);
    }
  }
  for (const std::string& path : undecided) SayUnmeasured(path, folder.target);
  account.crashing = crashing.size();
  account.unmeasured = undecided.size();
  return account;
}

std::string Text(const std::string& target, const Account& account) {
  std::string text = fmt::format("{}: {} of {} inputs needed, {} of {} bytes", target,
                                 FormatCount(account.kept), FormatCount(account.inputs),
                                 FormatCount(account.kept_bytes), FormatCount(account.bytes));
  if (account.crashing > 0) text += fmt::format(", {} crash it", account.crashing);
  if (account.foreign > 0) text += fmt::format(", {} are not programs for it", account.foreign);
  if (account.unmeasured > 0) {
    text += fmt::format(", {} could not be measured and stay", account.unmeasured);
  }
  return text + "\n";
}

void CheckNames(const Arguments& arguments, const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    if (IsTargetName(name)) continue;
    arguments.Reject(
        fmt::format("--target: no target '{}', expected one of {}", name, Join(TargetNames())));
  }
}

void CheckNoSession(const std::string& corpus) {
  const std::string run = (std::filesystem::path(corpus) / "..").lexically_normal().string();
  const std::optional<pid_t> pid = HolderOf(run);
  if (!pid) return;
  throw Failure(
      kExitEnvironment,
      fmt::format("{}: a session of rmapdiff fuzz is at work{} and reduces it, expected none",
                  Printable(corpus), *pid == 0 ? "" : fmt::format(" (pid {})", *pid)));
}

}  // namespace

int CorpusPrune(const Words& words) {
  std::string corpus;
  std::string bin_dir;
  std::vector<std::string> names;
  Arguments arguments("corpus prune",
                      "Removes the inputs that show nothing that the others do not show, by the "
                      "coverage of the\nfuzz targets themselves.",
                      "rmapdiff corpus prune out/corpus");
  arguments.Positional("DIR", &corpus, "the corpus");
  arguments.Repeated("--target", "NAME", &names, "only this one; can be repeated");
  arguments.Option("--bin-dir", "DIR", &bin_dir, "where the targets are [tools/rmapdiff says]");
  if (const auto code = arguments.Take(words)) return *code;
  if (bin_dir.empty()) {
    arguments.Reject("no --bin-dir, use tools/rmapdiff, which builds the targets");
  }
  CheckNames(arguments, names);
  if (const auto code = arguments.Checked()) return *code;

  bool crashes = false;
  bool measured_all = true;
  const std::vector<TargetFolder> folders = ReadCorpus(corpus);
  CheckNoSession(corpus);
  const CorpusWork work(corpus);
  for (const TargetFolder& folder : folders) {
    const bool wanted = std::find(names.begin(), names.end(), folder.target) != names.end();
    if (!names.empty() && !wanted) continue;
    const Account account = Prune(folder, FindBuiltTarget(bin_dir, folder.target), work);
    WriteOut(Text(folder.target, account));
    crashes = crashes || account.crashing > 0;
    measured_all = measured_all && account.unmeasured == 0;
  }
  if (folders.empty()) WriteOut(Printable(corpus) + ": no inputs\n");
  return crashes ? kExitFinding : measured_all ? kExitDone : kExitEnvironment;
}

}  // namespace rmapdiff
