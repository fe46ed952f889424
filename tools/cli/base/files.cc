#include "tools/cli/base/files.h"

#include <fmt/core.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

#include "tools/cli/base/exit_codes.h"
#include "tools/cli/base/input.h"
#include "tools/cli/base/output.h"
#include "tools/cli/base/text.h"

namespace rmapdiff {
namespace {

namespace fs = std::filesystem;

// libFuzzer takes no notice of an input that it cannot write, so there must always be room.
constexpr uint64_t kLeastBytes = 16 << 20;
constexpr uint64_t kLeastFiles = 256;

}  // namespace

void MakeFolder(const std::string& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (!error) return;
  throw Failure(kExitEnvironment, fmt::format("{}: cannot be made a directory: {}", Printable(path),
                                              error.message()));
}

std::vector<std::string> FilesIn(const std::string& folder) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    std::error_code ignored;
    std::string name = at->path().filename().string();
    if (name[0] != '.' && at->is_regular_file(ignored)) names.push_back(std::move(name));
  }
  std::sort(names.begin(), names.end());
  return names;
}

void RemoveTemporaries(const std::string& folder) {
  std::error_code error;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    std::error_code ignored;
    const bool ours = at->path().filename().string().rfind(kTemporaryFile, 0) == 0;
    if (ours && at->is_regular_file(ignored)) fs::remove(at->path(), ignored);
  }
}

std::string FileContents(const std::string& path) {
  FileRead file = TryReadFile(path, kMaxFileBytes, "text");
  return file.problem.empty() ? std::move(file.content) : "";
}

std::string NameForDamaged(const std::string& path) {
  std::error_code ignored;
  std::string name = path + ".damaged";
  for (int i = 2; fs::exists(name, ignored); ++i) name = fmt::format("{}.damaged-{}", path, i);
  return name;
}

bool HasRoom(const std::string& folder, uint64_t bytes) {
  struct statvfs disk = {};
  return statvfs(folder.c_str(), &disk) != 0 || uint64_t{disk.f_bavail} * disk.f_frsize >= bytes;
}

std::string WhyNoRoom(const std::string& folder) {
  struct statvfs disk = {};
  if (statvfs(folder.c_str(), &disk) != 0) return "";
  const uint64_t bytes = uint64_t{disk.f_bavail} * disk.f_frsize;
  if (bytes < kLeastBytes) {
    return fmt::format("{}: the disk is full, {} MB are left, expected at least {}",
                       Printable(folder), bytes >> 20, kLeastBytes >> 20);
  }
  // Some file systems have no number of files that they could hold.
  if (disk.f_files > 0 && disk.f_favail < kLeastFiles) {
    return fmt::format("{}: the disk takes only {} files more, expected at least {}",
                       Printable(folder), disk.f_favail, kLeastFiles);
  }
  return "";
}

}  // namespace rmapdiff
