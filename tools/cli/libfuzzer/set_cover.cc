#include "tools/cli/libfuzzer/set_cover.h"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <optional>
#include <string_view>
#include <system_error>

#include "fuzzers/finding/address_space.h"
#include "fuzzers/program/content_name.h"
#include "tools/cli/base/exit_codes.h"
#include "tools/cli/base/files.h"
#include "tools/cli/base/output.h"
#include "tools/cli/base/process.h"
#include "tools/cli/base/text.h"
#include "tools/cli/libfuzzer/built_target.h"
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
  const size_t begin = text.rfind('\n', end) + 1;  // npos + 1 is 0
  return text.substr(begin, end + 1 - begin);
}

// One run of libFuzzer in a folder to work in.
class Merge {
 public:
  Merge(const CoverTarget& target, const std::string& work) : target_(target), work_(work) {
    for (const std::string& flag : target_.flags) {
      if (!IsPlain(flag)) {
        Fail(fmt::format("has the option '{}', expected letters, digits and -_=.,:/",
                         Printable(flag)));
      }
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

  SetCover Run(const std::vector<std::string>& with, const std::vector<std::string>& from) {
    LinkAll(with, kInto);
    LinkAll(from, kFrom);
    const int code = Start();
    const std::string log = SetCoverLog(work_);
    const std::map<std::string, Measuring> seen = ReadMergeControl(FileContents(Below(kControl)));
    const bool all_begun = std::none_of(seen.begin(), seen.end(), [](const auto& one) {
      return one.second == Measuring::kNotBegun;
    });
    if (code != 0 || seen.empty() || !all_begun) {
      CheckAddressSpace(log);
      Fail(fmt::format("did not measure the inputs, exit code {}, its last words: {}", code,
                       Printable(LastLine(log))));
    }
    SetCover cover;
    for (const auto& [name, file] : files_) {
      const auto at = seen.find(name);
      if (at != seen.end() && at->second == Measuring::kDone) continue;
      const bool artifact = log.find("-" + ContentName(FileContents(file)) + "\n") != log.npos;
      (artifact ? cover.crashing : cover.unmeasured).push_back(file);
    }
    if (!cover.crashing.empty()) CheckAddressSpace(log);
    cover.chosen = Chosen(log);
    return cover;
  }

 private:
  [[noreturn]] void Fail(const std::string& why) const {
    throw Failure(kExitEnvironment, Printable(target_.program) + ": " + why);
  }

  std::string Below(const std::string& name) const { return work_ + "/" + name; }

  void Link(const std::string& file, const std::string& name) const {
    std::error_code error;
    fs::create_symlink(fs::absolute(file), Below(name), error);
    if (!error) return;
    throw Failure(kExitEnvironment, fmt::format("{}: cannot be made a link: {}",
                                                Printable(Below(name)), error.message()));
  }

  void LinkAll(const std::vector<std::string>& files, const std::string& folder) {
    for (const std::string& file : files) {
      const std::string name = fmt::format("{}/{:08}", folder, files_.size());
      Link(file, name);
      files_[name] = file;
    }
  }

  int Start() const {
    std::vector<std::string> words = {std::string("./") + kTarget,
                                      fmt::format("-artifact_prefix={}/", kArtifacts)};
    words.insert(words.end(), target_.flags.begin(), target_.flags.end());
    words.insert(words.end(), {"-set_cover_merge=1",
                               fmt::format("-merge_control_file={}", kControl), kInto, kFrom});
    const std::map<std::string, std::string> environment = {
        {"ASAN_OPTIONS", AsanOptions(/*symbolize=*/!target_.artifacts.empty())},
        {"RMAPDIFF_STATS", ""}};
    return RunGuarded(words, environment, work_, Below("log"));
  }

  // libFuzzer takes no notice of an input that it could not write.
  std::map<std::string, std::string> Chosen(const std::string& log) const {
    std::map<std::string, std::string> chosen;
    std::error_code error;
    for (fs::directory_iterator at(Below(kInto), error), end; !error && at != end;
         at.increment(error)) {
      if (at->is_symlink()) continue;
      const std::string name = at->path().filename().string();
      if (ContentName(FileContents(at->path().string())) == name) chosen[name] = at->path();
    }
    const std::optional<size_t> count = PickedBy(log);
    if (!error && count == chosen.size()) return chosen;
    Fail(fmt::format("wrote {} whole inputs, expected {} that it picked; is the disk full?",
                     chosen.size(), count.value_or(0)));
  }

  void CheckAddressSpace(const std::string& log) const {
    const std::string why = WhyNoAddressSpace(log, HasLimitedAddressSpace());
    if (why.empty()) return;
    Fail("lacks address space, expected a larger limit (ulimit -v): " + Printable(why));
  }

  const CoverTarget& target_;
  const std::string work_;
  std::map<std::string, std::string> files_;  // by the name that libFuzzer has for each
};

}  // namespace

SetCover FindSetCover(const CoverTarget& target, const std::vector<std::string>& with,
                      const std::vector<std::string>& from, const std::string& work) {
  // A thousand inputs take half a minute.
  if (isatty(STDERR_FILENO) != 0) {
    WriteError(fmt::format("\r{}: measuring {} inputs \x1b[K\r", target.name,
                           FormatCount(with.size() + from.size())));
  }
  return Merge(target, work).Run(with, from);
}

std::string SetCoverLog(const std::string& work) { return FileContents(work + "/log"); }

void SayUnmeasured(const std::string& file, const std::string& target) {
  WriteErrorLine(fmt::format("{}: could not be measured by {}, expected room for it to run",
                             Printable(file), target));
}

}  // namespace rmapdiff
