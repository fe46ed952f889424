#include "tools/cli/run_folder/finding_folders.h"

#include <fmt/core.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "fuzzers/program/fnv.h"
#include "tools/cli/base/exit_codes.h"
#include "tools/cli/base/files.h"
#include "tools/cli/base/json_fields.h"
#include "tools/cli/base/output.h"
#include "tools/cli/base/text.h"

namespace rmapdiff {
namespace {

namespace fs = std::filesystem;

constexpr const char* kRecord = "finding.json";
constexpr const char* kTemporary = ".new-";
constexpr size_t kMaxName = 100;

std::vector<fs::path> EntriesOf(const fs::path& folder) {
  std::vector<fs::path> entries;
  std::error_code error;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    entries.push_back(at->path());
  }
  std::sort(entries.begin(), entries.end());
  return entries;
}

bool NameBegins(const fs::path& path, std::string_view with) {
  return path.filename().string().starts_with(with);
}

// Visits a constant one, too.
void VisitFinding(auto& record, auto& visit) {
  visit("signature", record.signature);
  visit("target", record.target);
  visit("kind", record.kind);
  visit("engine", record.engine);
  visit("maps", record.maps);
  visit("reproduced", record.reproduced);
  visit("count", record.count);
  visit("first_seen", record.first_seen);
  visit("last_seen", record.last_seen);
  visit("artifact", record.artifact);
  visit("ops", record.ops);
  visit("minimal", record.minimal);
  visit("report", record.report);
  visit("draft", record.draft);
}

void Move(const std::string& from, const std::string& to) {
  if (std::rename(from.c_str(), to.c_str()) == 0) return;
  throw Failure(kExitEnvironment, fmt::format("{}: cannot be moved to {}: {}", Printable(from),
                                              Printable(to), std::strerror(errno)));
}

// A folder in the place of a finding whose record cannot be read. Its files are not lost.
void SetAside(const std::string& folder) {
  const std::string name = NameForDamaged(folder);
  Move(folder, name);
  WriteErrorLine(fmt::format("{}: its {} makes no sense, set aside as {}", Printable(folder),
                             kRecord, Printable(name)));
}

}  // namespace

std::string SlugOf(std::string_view signature) {
  std::string name;
  for (const char c : signature) {
    const bool plain = std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-';
    name += plain ? c : c == '/' ? '.' : '_';
  }
  return fmt::format("{}-{:08x}", name.substr(0, kMaxName), Fnv32(signature));
}

std::string InputName(std::string_view artifact_name) {
  return "input-" + std::string(artifact_name.substr(artifact_name.rfind('-') + 1));
}

nlohmann::ordered_json ToJson(const FindingRecord& record) {
  FieldWriter write;
  VisitFinding(record, write);
  return write.json;
}

std::string FindingLine(const FindingRecord& record) {
  nlohmann::ordered_json json = ToJson(record);
  json["folder"] = record.folder;
  return JsonText(json);
}

std::optional<FindingRecord> ReadFinding(std::string_view text) {
  const nlohmann::json json = ParseJson(text);
  FindingRecord record;
  FieldReader read(json);
  VisitFinding(record, read);
  record.count = std::max<uint64_t>(record.count, 1);
  return record.signature.empty() ? std::nullopt : std::optional(std::move(record));
}

std::optional<FindingRecord> FindingOf(const std::string& file) {
  const fs::path folder = fs::path(file).parent_path();
  std::optional<FindingRecord> record = ReadFinding(FileContents(folder / kRecord));
  if (record) record->folder = folder.filename().string();
  return record;
}

std::vector<FindingRecord> FindingFolders::All(std::vector<std::string>* damaged) const {
  std::vector<FindingRecord> all;
  std::error_code ignored;
  for (const fs::path& folder : EntriesOf(root_)) {
    const fs::path file = folder / kRecord;
    if (NameBegins(folder, ".") || !fs::exists(file, ignored)) continue;
    if (std::optional<FindingRecord> record = FindingOf(file)) {
      all.push_back(std::move(*record));
    } else {
      damaged->push_back(file.string());
    }
  }
  return all;
}

std::optional<FindingRecord> FindingFolders::Find(std::string_view signature) const {
  return FindingOf(PathOf(signature) + "/" + kRecord);
}

void FindingFolders::Clean() const {
  std::error_code ignored;
  for (const fs::path& folder : EntriesOf(root_)) {
    RemoveTemporaries(folder.string());
    if (NameBegins(folder, kTemporary)) fs::remove_all(folder, ignored);
  }
}

void FindingFolders::Make(const FindingRecord& record,
                          const std::map<std::string, std::string>& files) const {
  const std::string temporary = root_ + "/" + kTemporary + SlugOf(record.signature);
  std::error_code ignored;
  fs::remove_all(temporary, ignored);
  MakeFolder(temporary);
  try {
    for (const auto& [name, content] : files) WriteFile(temporary + "/" + name, content);
    WriteFile(temporary + "/" + kRecord, JsonText(ToJson(record), 2));
    const std::string place = PathOf(record.signature);
    if (fs::exists(place, ignored)) SetAside(place);
    Move(temporary, place);
  } catch (const Failure&) {
    fs::remove_all(temporary, ignored);
    throw;
  }
}

void FindingFolders::Again(std::string_view signature, uint64_t times, int64_t now,
                           const std::string& input) const {
  const std::string folder = PathOf(signature);
  std::optional<FindingRecord> record = FindingOf(folder + "/" + kRecord);
  if (!record) return;
  record->count += times;
  record->last_seen = std::max(record->last_seen, now);
  WriteFile(folder + "/" + kRecord, JsonText(ToJson(*record), 2));
  std::error_code error;
  if (input.empty() || !fs::exists(input, error)) return;
  size_t inputs = 0;
  for (const fs::path& file : EntriesOf(folder)) inputs += NameBegins(file, "input-") ? 1 : 0;
  const std::string kept = folder + "/" + InputName(fs::path(input).filename().string());
  if (inputs < kMaxInputs && !fs::exists(kept, error)) {
    Move(input, kept);
  } else {
    fs::remove(input, error);
  }
}

}  // namespace rmapdiff
