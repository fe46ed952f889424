#include "tools/cli/fuzz/fuzz_corpus.h"

#include <filesystem>
#include <set>
#include <system_error>

#include "tools/cli/base/files.h"
#include "tools/cli/base/output.h"

namespace rmapdiff {
namespace {

namespace fs = std::filesystem;

// The SHA-1 of nothing: the one input that is empty and whole.
constexpr std::string_view kEmptyInput = "da39a3ee5e6b4b0d3255bfef95601890afd80709";

bool EndsWith(std::string_view text, std::string_view end) {
  return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

// Files of no content in the folder, but for the input that has none, and temporary files.
void RemoveHalfWritten(const std::string& folder) {
  RemoveTemporaries(folder);
  for (const std::string& name : FilesIn(folder)) {
    std::error_code error;
    const fs::path path = fs::path(folder) / name;
    if (!EndsWith(name, kEmptyInput) && fs::file_size(path, error) == 0 && !error) {
      fs::remove(path, error);
    }
  }
}

}  // namespace

FuzzCorpus::FuzzCorpus(const std::string& run_folder, const BuiltTarget& target)
    : folder_(run_folder + "/corpus/" + target.name),
      quarantine_(run_folder + "/quarantine/" + target.name),
      filtered_(run_folder + "/seeds/" + target.name),
      built_seeds_(target.seeds),
      seeds_(target.seeds) {
  const std::string incoming = run_folder + "/incoming/" + target.name;
  MakeFolder(folder_);
  MakeFolder(incoming);
  RemoveHalfWritten(folder_);
  RemoveHalfWritten(incoming);
  std::error_code error;
  const auto built = fs::last_write_time(target.binary, error);
  const auto set_aside = error ? built : fs::last_write_time(quarantine_, error);
  if (!error && built > set_aside) ReleaseAll();
  FilterSeeds();
}

CorpusSize FuzzCorpus::Size() const {
  CorpusSize size;
  for (const std::string& name : FilesIn(folder_)) {
    std::error_code error;
    const uint64_t bytes = fs::file_size(fs::path(folder_) / name, error);
    if (error) continue;  // replaced by a smaller one meanwhile
    ++size.inputs;
    size.bytes += bytes;
  }
  return size;
}

void FuzzCorpus::SetAside(const std::string& artifact) {
  const std::string name = fs::path(artifact).filename().string();
  const std::string digits = name.substr(name.rfind('-') + 1);
  const std::string to = quarantine_ + "/" + digits;
  std::error_code error;
  if (fs::exists(folder_ + "/" + digits, error)) {
    MakeFolder(quarantine_);
    fs::rename(folder_ + "/" + digits, to, error);
    return;
  }
  const std::string content = FileContents(artifact);
  for (const std::string& seed : FilesIn(built_seeds_)) {
    const std::string path = built_seeds_ + "/" + seed;
    if (fs::file_size(path, error) != content.size() || FileContents(path) != content) continue;
    MakeFolder(quarantine_);
    WriteFile(to, content);
    FilterSeeds();
    return;
  }
}

void FuzzCorpus::ReleaseAll() {
  std::error_code ignored;
  for (const std::string& name : FilesIn(quarantine_)) {
    fs::rename(quarantine_ + "/" + name, folder_ + "/" + name, ignored);
  }
}

void FuzzCorpus::FilterSeeds() {
  std::error_code error;
  fs::remove_all(filtered_, error);
  seeds_ = built_seeds_;
  std::set<std::string> bad;
  for (const std::string& name : FilesIn(quarantine_)) {
    bad.insert(FileContents(quarantine_ + "/" + name));
  }
  if (bad.empty() || built_seeds_.empty()) return;
  MakeFolder(filtered_);
  for (const std::string& name : FilesIn(built_seeds_)) {
    const std::string content = FileContents(built_seeds_ + "/" + name);
    if (bad.count(content) == 0) WriteFile(filtered_ + "/" + name, content);
  }
  seeds_ = filtered_;
}

}  // namespace rmapdiff
