#include "tools/cli/set_cover.h"

#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>
#include <map>
#include <utility>

#include "tools/cli/corpus_folder.h"
#include "tools/cli/exit_codes.h"
#include "tools/cli/folders.h"
#include "tools/cli/guarded_process.h"
#include "tools/cli/merge_control.h"
#include "tools/cli/output.h"
#include "tools/cli/text.h"

namespace rmapdiff {
namespace {

namespace fs = std::filesystem;

int Run(const FuzzTarget& target, const std::string& work, std::vector<std::string> words) {
  words.insert(words.begin(), {target.binary, "-artifact_prefix=" + work + "/", "-timeout=25",
                               "-rss_limit_mb=2560"});
  const std::map<std::string, std::string> environment = {
      {"ASAN_OPTIONS", AsanOptions(/*symbolize=*/false)}, {"RMAPDIFF_STATS", ""}};
  return RunGuarded(words, environment, work + "/log");
}

std::string LastLine(const std::string& text) {
  const size_t end = text.find_last_not_of('\n');
  if (end == text.npos) return "(nothing)";
  const size_t begin = text.rfind('\n', end);
  return text.substr(begin == text.npos ? 0 : begin + 1, end - (begin + 1) + 1);
}

// Links to files, in a folder of their own: what is measured is then exactly what was asked about,
// and nothing can be written through a name that an output may have.
class Links {
 public:
  explicit Links(const std::string& folder) : folder_(folder) { MakeFolder(folder); }

  void Add(const std::vector<std::string>& files, const std::string& prefix) {
    for (const std::string& file : files) {
      const std::string link = folder_ + "/" + prefix + fs::path(file).filename().string();
      std::error_code error;
      fs::create_symlink(fs::absolute(file), link, error);
      if (error) {
        throw Failure(kExitEnvironment, fmt::format("{}: cannot be made a link: {}",
                                                    Printable(link), error.message()));
      }
      files_[link] = file;
    }
  }
  const std::string& folder() const { return folder_; }
  const std::map<std::string, std::string>& files() const { return files_; }

 private:
  const std::string folder_;
  std::map<std::string, std::string> files_;  // by link
};

std::set<std::string> NewFiles(const std::string& folder) {
  std::set<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.is_symlink()) continue;
    const std::string name = entry.path().filename().string();
    if (ContentName(FileContents(entry.path().string())) != name) {
      throw Failure(kExitEnvironment, Printable(folder) +
                                          ": an input was not written as a whole, "
                                          "expected space for it");
    }
    names.insert(name);
  }
  return names;
}

}  // namespace

FuzzTarget BuiltTarget(const std::string& bin_dir, const std::string& name) {
  for (FuzzTarget& target : FindFuzzTargets(bin_dir, FuzzBuild::kNative)) {
    if (target.name == name) return std::move(target);
  }
  throw Failure(kExitEnvironment, fmt::format("{}: {} was not built there, expected every target",
                                              Printable(bin_dir), name));
}

SetCover FindSetCover(const FuzzTarget& target, const std::vector<std::string>& with,
                      const std::vector<std::string>& from, const std::string& work) {
  Links into(work + "/into");
  into.Add(with, "with-");
  Links offered(work + "/from");
  offered.Add(from, "");
  const std::string control_file = work + "/control";
  // A thousand inputs take half a minute.
  if (isatty(STDERR_FILENO) != 0) {
    WriteError(fmt::format("\r{}: measuring {} inputs \x1b[K\r", target.name,
                           FormatCount(with.size() + from.size())));
  }
  const int code = Run(target, work,
                       {"-set_cover_merge=1", "-merge_control_file=" + control_file, into.folder(),
                        offered.folder()});
  size_t measured = 0;
  const std::vector<std::string> left = UnmeasuredFiles(FileContents(control_file), &measured);
  if (code != 0 || measured + left.size() != with.size() + from.size()) {
    throw Failure(kExitEnvironment,
                  fmt::format("{}: did not measure the inputs, exit code {}, its last words: {}",
                              Printable(target.binary), code,
                              Printable(LastLine(FileContents(work + "/log")))));
  }
  SetCover cover;
  cover.chosen = NewFiles(into.folder());
  for (const std::string& link : left) {
    const bool crashes = Run(target, work, {link}) != 0;
    const Links& links = into.files().count(link) > 0 ? into : offered;
    (crashes ? cover.crashing : cover.unmeasured).push_back(links.files().at(link));
  }
  return cover;
}

}  // namespace rmapdiff
