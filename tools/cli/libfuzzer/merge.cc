#include "tools/cli/libfuzzer/merge.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <system_error>

#include "fuzzers/finding/address_space.h"
#include "tools/cli/base/content_name.h"
#include "tools/cli/base/exit_codes.h"
#include "tools/cli/base/files.h"
#include "tools/cli/base/process.h"
#include "tools/cli/base/text.h"
#include "tools/cli/libfuzzer/built_targets.h"
#include "tools/cli/libfuzzer/merge_control.h"

namespace rmapdiff {
namespace {

namespace fs = std::filesystem;

// All names that libFuzzer is told.
constexpr const char* kTarget = "target";
constexpr const char* kInto = "into";
constexpr const char* kFrom = "from";
constexpr const char* kControl = "control";
constexpr const char* kArtifacts = "artifacts";
constexpr const char* kAlone = "alone";
constexpr const char* kLog = "log";  // libFuzzer is not told this one

// Whether a shell takes the word for itself and nothing more.
bool IsPlain(std::string_view word) {
  return std::all_of(word.begin(), word.end(), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
           std::string_view("-_=.,:/").find(c) != std::string_view::npos;
  });
}

std::string LastLine(const std::string& text) {
  const size_t end = text.find_last_not_of('\n');
  if (end == text.npos) return "(nothing)";
  const size_t begin = text.rfind('\n', end);
  return text.substr(begin == text.npos ? 0 : begin + 1, end - (begin + 1) + 1);
}

}  // namespace

LibFuzzerMerge::LibFuzzerMerge(const std::string& work, const MergeTarget& target)
    : work_(work), target_(target) {
  for (const std::string& flag : target_.flags) {
    if (IsPlain(flag)) continue;
    throw Failure(kExitEnvironment,
                  fmt::format("{}: has the option '{}', expected letters, digits and -_=.,:/",
                              Printable(target_.program), Printable(flag)));
  }
  std::error_code ignored;
  fs::remove_all(work_, ignored);
  MakeFolder(Below(kInto));
  MakeFolder(Below(kFrom));
  Link(target_.program, kTarget);
  if (target_.artifacts.empty()) {
    MakeFolder(Below(kArtifacts));
  } else {
    Link(target_.artifacts, kArtifacts);
  }
}

void LibFuzzerMerge::Link(const std::string& file, const std::string& name) const {
  std::error_code error;
  fs::create_symlink(fs::absolute(file), Below(name), error);
  if (!error) return;
  throw Failure(kExitEnvironment, fmt::format("{}: cannot be made a link: {}",
                                              Printable(Below(name)), error.message()));
}

void LibFuzzerMerge::LinkAll(const std::vector<std::string>& files, const std::string& folder) {
  for (const std::string& file : files) {
    const std::string name = fmt::format("{}/{:08}", folder, files_.size());
    Link(file, name);
    files_[name] = file;
  }
}

int LibFuzzerMerge::Start(const std::vector<std::string>& words) const {
  std::vector<std::string> all = {std::string("./") + kTarget,
                                  fmt::format("-artifact_prefix={}/", kArtifacts)};
  all.insert(all.end(), target_.flags.begin(), target_.flags.end());
  all.insert(all.end(), words.begin(), words.end());
  const std::map<std::string, std::string> environment = {
      {"ASAN_OPTIONS", AsanOptions(target_.symbolize)}, {"RMAPDIFF_STATS", ""}};
  return RunGuarded(all, environment, work_, Below(kLog));
}

Merged LibFuzzerMerge::Run(const std::vector<std::string>& with,
                           const std::vector<std::string>& from) {
  LinkAll(with, kInto);
  LinkAll(from, kFrom);
  const int code =
      Start({"-set_cover_merge=1", fmt::format("-merge_control_file={}", kControl), kInto, kFrom});
  Merged merged;
  const std::map<std::string, Measuring> seen = ReadMergeControl(FileContents(Below(kControl)));
  const bool all_begun = std::all_of(
      seen.begin(), seen.end(), [](const auto& one) { return one.second != Measuring::kNotBegun; });
  if (code != 0 || seen.empty() || !all_begun) {
    CheckAddressSpace(0);
    throw Failure(kExitEnvironment,
                  fmt::format("{}: did not measure the inputs, exit code {}, its last words: {}",
                              Printable(target_.program), code, Printable(LastLine(log()))));
  }
  for (const auto& [name, file] : files_) {
    const auto at = seen.find(name);
    if (at == seen.end() || at->second != Measuring::kDone) merged.left.push_back(file);
  }
  merged.picked = Picked();
  return merged;
}

// libFuzzer takes no notice of what it could not write.
std::set<std::string> LibFuzzerMerge::Picked() const {
  std::set<std::string> names;
  std::error_code error;
  for (fs::directory_iterator at(Below(kInto), error), end; !error && at != end;
       at.increment(error)) {
    if (at->is_symlink()) continue;
    const std::string name = at->path().filename().string();
    if (ContentName(FileContents(at->path().string())) == name) names.insert(name);
  }
  const std::optional<size_t> count = PickedBy(log());
  if (!error && count == names.size()) return names;
  throw Failure(kExitEnvironment,
                fmt::format("{}: wrote {} whole inputs, expected {} that it picked; is the disk "
                            "full?",
                            Printable(target_.program), names.size(), count.value_or(0)));
}

bool LibFuzzerMerge::Ends(const std::string& file) const {
  std::error_code ignored;
  fs::remove(Below(kAlone), ignored);
  Link(file, kAlone);
  const size_t before = log().size();
  if (Start({kAlone}) == 0) return false;
  CheckAddressSpace(before);
  return true;
}

// Of a process that has failed, whose words in the log begin at `begin`.
void LibFuzzerMerge::CheckAddressSpace(size_t begin) const {
  const std::string why = WhyNoAddressSpace(log().substr(begin), HasLimitedAddressSpace());
  if (why.empty()) return;
  throw Failure(kExitEnvironment,
                fmt::format("{}: lacks address space, expected a larger limit (ulimit -v): {}",
                            Printable(target_.program), Printable(why)));
}

std::string LibFuzzerMerge::picked_folder() const { return Below(kInto); }

std::string LibFuzzerMerge::log() const { return FileContents(Below(kLog)); }

// "MERGE-OUTER: 921 new files with 33508 new features added; 4404 new coverage edges".
std::optional<size_t> PickedBy(std::string_view log) {
  const size_t end = log.rfind(" new files with ");
  if (end == log.npos) return std::nullopt;
  const size_t begin = log.find_last_not_of("0123456789", end - 1) + 1;
  return ParseNumber(log.substr(begin, end - begin));
}

}  // namespace rmapdiff
