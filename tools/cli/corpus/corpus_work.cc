#include "tools/cli/corpus/corpus_work.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "tools/cli/base/exit_codes.h"
#include "tools/cli/base/files.h"
#include "tools/cli/base/output.h"
#include "tools/cli/base/text.h"
#include "tools/cli/corpus/corpus_folder.h"

namespace rmapdiff {
namespace {

namespace fs = std::filesystem;

// Whether the folder is that of a run of rmapdiff fuzz.
bool IsRun(const fs::path& folder) {
  std::error_code ignored;
  return fs::exists(folder / "incoming", ignored) || fs::exists(folder / "stats.jsonl", ignored) ||
         fs::exists(folder / ".lock", ignored);
}

}  // namespace

CorpusWork::CorpusWork(const std::string& corpus)
    : corpus_(corpus), folder_((fs::path(corpus) / ".work").string()) {
  fd_ = open(corpus.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd_ < 0 || flock(fd_, LOCK_EX | LOCK_NB) != 0) {
    const std::string why = fd_ >= 0 && errno == EWOULDBLOCK
                                ? "in use by another rmapdiff corpus, expected to be alone"
                                : std::string("cannot be locked: ") + std::strerror(errno);
    if (fd_ >= 0) close(fd_);
    throw Failure(kExitEnvironment, Printable(corpus) + ": " + why);
  }
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
}

CorpusWork::~CorpusWork() {
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
  close(fd_);
}

std::string CorpusWork::Folder(const std::string& name) const {
  const std::string folder = folder_ + "/" + name;
  std::error_code ignored;
  fs::remove_all(folder, ignored);
  MakeFolder(folder);
  return folder;
}

bool CorpusWork::Put(const std::string& target, std::string_view content) const {
  const std::string name = ContentName(content);
  const fs::path folder = fs::path(corpus_) / target;
  const std::string place = (folder / name).string();
  std::error_code ignored;
  // A name of another size is what a process left that was killed while it wrote.
  if (fs::file_size(place, ignored) == content.size()) return false;
  MakeFolder(folder_);
  MakeFolder(folder.string());
  const std::string unfinished = folder_ + "/" + name;
  WriteFile(unfinished, content);
  MoveFile(unfinished, place);
  return true;
}

std::string CorpusWork::SetAside(const std::string& target, const std::string& path) const {
  const fs::path run = (fs::path(corpus_) / "..").lexically_normal();
  const fs::path top = IsRun(run) ? run / "incoming" : fs::path(corpus_) / kCrashingFolder;
  const fs::path folder = top / target;
  const std::string content = ReadInput(path);
  const std::string place = (folder / ("crash-" + ContentName(content))).string();
  // Written before it is removed: it may be another file system, and a kill must not lose it.
  MakeFolder(folder.string());
  WriteFile(place, content);
  RemoveFile(path);
  return place;
}

}  // namespace rmapdiff
