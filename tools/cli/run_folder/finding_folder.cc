#include "tools/cli/run_folder/finding_folder.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>
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
using Json = nlohmann::ordered_json;

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
  return path.filename().string().rfind(with, 0) == 0;
}

Json ToJson(const FindingRecord& record) {
  return {{"signature", record.signature},
          {"target", record.target},
          {"kind", record.kind},
          {"engine", record.engine},
          {"reproduced", record.reproduced},
          {"count", record.count},
          {"first_seen", record.first_seen},
          {"last_seen", record.last_seen},
          {"artifact", record.artifact},
          {"ops", record.ops},
          {"minimal", record.minimal},
          {"report", record.report},
          {"draft", record.draft}};
}

void Move(const std::string& from, const std::string& to) {
  if (std::rename(from.c_str(), to.c_str()) == 0) return;
  throw Failure(kExitEnvironment, fmt::format("{}: cannot be moved to {}: {}", Printable(from),
                                              Printable(to), std::strerror(errno)));
}

// A folder in the place of a finding whose record cannot be read: what is in it is not lost.
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

std::string FindingJson(const FindingRecord& record) {
  return ToJson(record).dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string FindingLine(const FindingRecord& record) {
  Json json = ToJson(record);
  json["folder"] = record.folder;
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::optional<FindingRecord> ReadFinding(std::string_view text) {
  const nlohmann::json json = ParseJson(text);
  FindingRecord record;
  record.signature = TextOf(json, "signature");
  if (record.signature.empty()) return std::nullopt;
  record.target = TextOf(json, "target");
  record.kind = TextOf(json, "kind");
  record.engine = TextOf(json, "engine");
  record.reproduced = TextOf(json, "reproduced");
  record.count = std::max<uint64_t>(WholeOf(json, "count"), 1);
  record.first_seen = static_cast<int64_t>(NumberOf(json, "first_seen"));
  record.last_seen = static_cast<int64_t>(NumberOf(json, "last_seen"));
  record.artifact = TextOf(json, "artifact");
  record.ops = WholeOf(json, "ops");
  record.minimal = TextOf(json, "minimal");
  record.report = TextOf(json, "report");
  record.draft = TextOf(json, "draft");
  return record;
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
    std::optional<FindingRecord> record = FindingOf(file);
    if (!record) {
      damaged->push_back(file.string());
      continue;
    }
    all.push_back(std::move(*record));
  }
  return all;
}

std::optional<FindingRecord> FindingFolders::Find(std::string_view signature) const {
  return FindingOf(PathOf(signature) + "/" + kRecord);
}

void FindingFolders::Clean() const {
  std::error_code ignored;
  for (const fs::path& folder : EntriesOf(root_)) {
    if (NameBegins(folder, kTemporary)) {
      fs::remove_all(folder, ignored);
      continue;
    }
    RemoveTemporaries(folder.string());
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
    WriteFile(temporary + "/" + kRecord, FindingJson(record));
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
  WriteFile(folder + "/" + kRecord, FindingJson(*record));
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
