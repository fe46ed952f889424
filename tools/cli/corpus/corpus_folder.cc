#include "tools/cli/corpus/corpus_folder.h"

#include <fmt/core.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "fuzzers/program/program_file.h"
#include "fuzzers/program/target_kinds.h"
#include "tools/cli/base/exit_codes.h"
#include "tools/cli/base/input.h"
#include "tools/cli/base/text.h"

namespace rmapdiff {
namespace {

namespace fs = std::filesystem;

struct Listing {
  std::vector<std::string> folders;
  std::vector<std::string> files;
};

// The names in the folder, in order, without hidden ones.
Listing List(const std::string& folder) {
  std::error_code error;
  fs::directory_iterator at(folder, error);
  Listing listing;
  for (; !error && at != fs::directory_iterator(); at.increment(error)) {
    const std::string name = at->path().filename().string();
    if (name[0] == '.') continue;
    std::error_code ignored;
    if (at->is_directory(ignored)) listing.folders.push_back(name);
    if (at->is_regular_file(ignored)) listing.files.push_back(name);
  }
  if (error) {
    throw Failure(kExitUsage, fmt::format("{}: {}, expected a readable folder", Printable(folder),
                                          error.message()));
  }
  std::sort(listing.folders.begin(), listing.folders.end());
  std::sort(listing.files.begin(), listing.files.end());
  return listing;
}

// No slash twice, whatever the folder ends with.
std::string Below(const std::string& folder, const std::string& name) {
  return (fs::path(folder) / name).string();
}

// The last name of a path, however it is written.
std::string NameOf(const std::string& path) {
  std::error_code ignored;
  return fs::weakly_canonical(path, ignored).filename().string();
}

fs::file_status Look(const std::string& path) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (fs::exists(status)) return status;
  throw Failure(kExitUsage, Printable(path) + ": no such file or folder, expected a corpus");
}

void AddFiles(const std::string& folder, const std::vector<std::string>& names,
              const std::string& target, std::vector<CorpusFile>* files) {
  for (const std::string& name : names) files->push_back({target, Below(folder, name)});
}

[[noreturn]] void CannotChange(const std::string& path, const std::string& why) {
  throw Failure(kExitEnvironment, fmt::format("{}: {}", Printable(path), why));
}

TargetFolder ReadTarget(const std::string& folder, const std::string& target) {
  TargetFolder read{target, Below(folder, target), {}};
  for (const std::string& name : List(read.path).files) {
    const std::string path = Below(read.path, name);
    if (name.ends_with(".ops")) {
      throw Failure(kExitUsage, Printable(path) + ": is a text, expected inputs as bytes");
    }
    std::error_code ignored;
    if (fs::file_size(path, ignored) > 0) read.names.push_back(name);
  }
  return read;
}

}  // namespace

std::vector<std::string> TargetNames() {
  std::vector<std::string> names;
  for (const TargetKind& kind : TargetKinds()) names.emplace_back(kind.name);
  names.emplace_back(kCodecTarget);
  return names;
}

bool IsTargetName(std::string_view name) {
  return FindTargetKind(name) != nullptr || name == kCodecTarget;
}

std::vector<CorpusFile> ProgramsBelow(const std::string& path) {
  if (!fs::is_directory(Look(path))) return {{"", path}};
  const std::string name = NameOf(path);
  const Listing top = List(path);
  std::vector<CorpusFile> files;
  if (IsTargetName(name) || top.folders.empty()) {
    AddFiles(path, top.files, IsTargetName(name) ? name : "", &files);
    return files;
  }
  for (const std::string& folder : top.folders) {
    if (folder == kCrashingFolder) continue;
    const std::string below = Below(path, folder);
    AddFiles(below, List(below).files, IsTargetName(folder) ? folder : "", &files);
  }
  return files;
}

std::vector<TargetFolder> ReadCorpus(const std::string& folder) {
  if (!fs::is_directory(Look(folder))) {
    throw Failure(kExitUsage, Printable(folder) + ": is not a folder, expected a corpus");
  }
  const Listing top = List(folder);
  std::vector<std::string> foreign = top.files;
  std::vector<TargetFolder> targets;
  for (const std::string& name : top.folders) {
    if (name == kCrashingFolder) continue;
    if (!IsTargetName(name)) {
      foreign.push_back(name);
    } else if (foreign.empty()) {
      targets.push_back(ReadTarget(folder, name));
    }
  }
  if (!foreign.empty()) {
    throw Failure(kExitUsage,
                  fmt::format("{}: does not belong in a corpus, expected folders named {}",
                              Printable(Below(folder, foreign[0])), Join(TargetNames())));
  }
  return targets;
}

std::string ReadInput(const std::string& path) {
  return ReadFile(path, kMaxInputBytes, "an input", kExitEnvironment);
}

void RemoveFile(const std::string& path) {
  std::error_code error;
  fs::remove(path, error);
  if (error) CannotChange(path, "cannot be removed: " + error.message());
}

void MoveFile(const std::string& from, const std::string& to) {
  if (std::rename(from.c_str(), to.c_str()) == 0) return;
  CannotChange(to, fmt::format("cannot be written: {}", std::strerror(errno)));
}

}  // namespace rmapdiff
