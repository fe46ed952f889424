// rmapdiff triage DIR: many artifacts, and how many bugs they are.
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <ctime>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <tuple>

#include "fuzzers/program/program_file.h"
#include "tools/cli/base/arguments.h"
#include "tools/cli/base/exit_codes.h"
#include "tools/cli/base/json_fields.h"
#include "tools/cli/base/limit_options.h"
#include "tools/cli/base/maps_option.h"
#include "tools/cli/base/output.h"
#include "tools/cli/base/text.h"
#include "tools/cli/base/verbs.h"
#include "tools/cli/findings/artifact.h"
#include "tools/cli/findings/probe_client.h"
#include "tools/cli/findings/regressions.h"

namespace rmapdiff {
namespace {

namespace fs = std::filesystem;

// All artifacts with one signature, "" for no finding.
struct Group {
  std::string signature;
  size_t count = 0;
  time_t first = 0;
  time_t last = 0;
  std::string smallest;
  size_t ops = 0;
  std::string engine;
  size_t reproduced = 0;  // of the runs of all its artifacts
  size_t runs = 0;
  std::string known;  // the regression of the same signature
};

// By its name: as libFuzzer, OSS-Fuzz and AFL++ write them and a continuous run keeps them, or
// text.
bool IsArtifact(const fs::path& path) {
  const std::string name = path.filename().string();
  const std::string folder = path.parent_path().filename().string();
  if (path.extension() == ".txt") return false;  // the report beside an artifact
  if (path.extension() == ".ops") return true;
  // AFL++ names what it keeps for its coverage alike, in a folder beside these.
  if (name.starts_with("id:")) return folder == "crashes" || folder == "hangs";
  return IsInputName(name);
}

// Artifacts below the folder, in order; other files are left out.
std::vector<std::string> FilesBelow(const std::string& folder) {
  std::error_code error;
  const fs::file_status status = fs::status(folder, error);
  if (!fs::is_directory(status)) {
    const char* what = fs::exists(status) ? "is not a folder" : "no such folder";
    throw Failure(kExitUsage,
                  fmt::format("{}: {}, expected one of artifacts", Printable(folder), what));
  }
  std::vector<std::string> files;
  const auto skip = fs::directory_options::skip_permission_denied;
  fs::recursive_directory_iterator at(folder, skip, error);
  if (error) {
    throw Failure(kExitUsage, fmt::format("{}: {}, expected a readable folder", Printable(folder),
                                          error.message()));
  }
  for (; !error && at != fs::recursive_directory_iterator(); at.increment(error)) {
    std::error_code ignored;
    const fs::path& path = at->path();
    if (at->is_regular_file(ignored) && IsArtifact(path)) files.push_back(path.string());
  }
  std::sort(files.begin(), files.end());
  return files;
}

class Triage {
 public:
  Triage(uint64_t runs, const Limits& limits)
      : runs_(runs), limits_(limits), client_(BestBuild()) {}

  // False if the file does not hold a program.
  bool Add(const std::string& file) {
    try {
      Look(ReadArtifact(file));
      return true;
    } catch (const Failure& failure) {
      if (failure.code() != kExitUsage) throw;
      WriteErrorLine(failure.what());
      return false;
    }
  }

  // Findings first, the most frequent first.
  std::vector<Group> Groups() const {
    std::vector<Group> groups;
    for (const auto& [signature, group] : groups_) groups.push_back(group);
    std::sort(groups.begin(), groups.end(), [](const Group& a, const Group& b) {
      if (a.signature.empty() != b.signature.empty()) return b.signature.empty();
      return a.count != b.count ? a.count > b.count : a.signature < b.signature;
    });
    return groups;
  }

 private:
  void Look(const Artifact& artifact) {
    ProbeRequest request = artifact.Request();
    request.leaks = true;
    request.limits = limits_;
    std::map<std::string, size_t> times;
    Trial trial;
    std::string signature;  // of the first finding
    for (uint64_t i = 0; i < runs_; ++i) {
      const Trial one = client_.Try(request);
      const std::string shown = Signature(artifact.program, one);
      ++times[shown];
      if (signature.empty()) std::tie(trial, signature) = std::tie(one, shown);
    }
    struct stat status = {};
    stat(artifact.file.c_str(), &status);
    Group& group = groups_[signature];
    const bool first = group.count++ == 0;
    group.signature = signature;
    group.first = first ? status.st_mtime : std::min(group.first, status.st_mtime);
    group.last = std::max(group.last, status.st_mtime);
    group.engine = GuiltyName(trial);
    group.reproduced += times[signature];
    group.runs += runs_;
    if (const auto cause = known_.find(signature); cause != known_.end()) {
      group.known = cause->second;
    }
    if (!first && artifact.program.ops.size() >= group.ops) return;
    group.ops = artifact.program.ops.size();
    group.smallest = artifact.file;
  }

  const uint64_t runs_;
  const Limits limits_;
  ProbeClient client_;
  const std::map<std::string, std::string> known_ = KnownRegressions(RegressionsFolder());
  std::map<std::string, Group> groups_;
};

std::string IsoTime(time_t time) {
  char text[32] = {};
  tm parts = {};
  gmtime_r(&time, &parts);
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

std::string Table(const std::vector<Group>& groups) {
  size_t width = std::string("signature").size();
  for (const Group& group : groups) width = std::max(width, group.signature.size());
  std::string text = fmt::format("{:<{}}  count  reproduced  engine   {:<16}  last seen\n",
                                 "signature", width, "first seen");
  for (const Group& group : groups) {
    const bool none = group.signature.empty();
    text += fmt::format("{:<{}}  {:>5}  {:>10}  {:<7}  {}  {}\n",
                        none ? "(no finding)" : group.signature, width, group.count,
                        fmt::format("{}/{}", group.reproduced, group.runs),
                        none ? "-" : group.engine, UtcTime(group.first), UtcTime(group.last));
    text += fmt::format("  smallest {} ({})\n", Printable(group.smallest), OpCount(group.ops));
    if (!group.known.empty()) text += fmt::format("  known as {}\n", group.known);
  }
  return text;
}

nlohmann::ordered_json ToJson(const std::vector<Group>& groups, size_t unreadable) {
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  for (const Group& group : groups) {
    rows.push_back({{"signature", group.signature},
                    {"count", group.count},
                    {"first_seen", IsoTime(group.first)},
                    {"last_seen", IsoTime(group.last)},
                    {"smallest", group.smallest},
                    {"ops", group.ops},
                    {"engine", group.engine},
                    {"reproduced", group.reproduced},
                    {"runs", group.runs},
                    {"known", group.known}});
  }
  return {{"groups", rows}, {"unreadable", unreadable}};
}

}  // namespace

int TriageVerb(const Words& words) {
  std::string folder;
  std::string runs = "3";
  bool json = false;
  Arguments arguments("triage", "Groups artifacts by what they show: one row for each bug.",
                      "rmapdiff triage out/findings");
  arguments.File(&folder, "a folder with artifacts, in folders of their own or not");
  arguments.Option("-k,--runs", "N", &runs, "how often each is run [3]");
  const MapsOption maps(&arguments);
  const LimitOptions limit_options(&arguments);
  arguments.Flag("--json", &json, "one JSON object");
  if (const auto code = arguments.Take(words)) return *code;
  maps.Choose(arguments);
  const uint64_t count = arguments.Number("--runs", runs, 1, 1000);
  const Limits limits = limit_options.Checked(arguments);
  if (const auto code = arguments.Checked()) return *code;

  Triage triage(count, limits);
  size_t unreadable = 0;
  const std::vector<std::string> files = FilesBelow(folder);
  for (size_t i = 0; i < files.size(); ++i) {
    if (isatty(STDERR_FILENO) != 0) WriteError(fmt::format("\r{} of {} \x1b[K\r", i, files.size()));
    if (!triage.Add(files[i])) ++unreadable;
  }
  const std::vector<Group> groups = triage.Groups();
  if (json) {
    WriteOut(JsonText(ToJson(groups, unreadable), 2));
  } else if (groups.empty()) {
    WriteOut(Printable(folder) + ": no artifacts\n");
  } else {
    WriteOut(Table(groups));
  }
  const bool found = !groups.empty() && !groups[0].signature.empty();
  return found ? kExitFinding : unreadable > 0 ? kExitUsage : kExitDone;
}

}  // namespace rmapdiff
