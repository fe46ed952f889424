#include "tools/cli/fuzz/reduce_worker.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <set>
#include <system_error>

#include "fuzzers/finding/packed.h"
#include "tools/cli/base/content_name.h"
#include "tools/cli/base/exit_codes.h"
#include "tools/cli/base/files.h"
#include "tools/cli/base/output.h"
#include "tools/cli/base/text.h"

namespace rmapdiff {
namespace {

namespace fs = std::filesystem;

constexpr size_t kShownBytes = 64 << 10;  // of what libFuzzer says, the end

[[noreturn]] void CannotReduce(const std::string& corpus, const std::string& why) {
  throw Failure(kExitEnvironment, fmt::format("{}: cannot be reduced: {}", Printable(corpus), why));
}

void ShowEnd(const std::string& log) {
  WriteError(log.substr(log.size() - std::min(log.size(), kShownBytes)));
}

Merged Measure(LibFuzzerMerge* merge, const std::string& corpus,
               const std::vector<std::string>& names) {
  std::vector<std::string> files;
  for (const std::string& name : names) {
    std::error_code ignored;
    const std::string path = corpus + "/" + name;
    if (fs::file_size(path, ignored) > 0) files.push_back(path);
  }
  try {
    const Merged merged = merge->Run({}, files);
    ShowEnd(merge->log());
    return merged;
  } catch (const Failure& failure) {
    ShowEnd(merge->log());
    CannotReduce(corpus, failure.what());
  }
}

// Whether an artifact has been written for the input, which is a finding then.
bool IsArtifact(const std::string& file, const std::string& log) {
  return log.find("-" + ContentName(FileContents(file)) + "\n") != log.npos;
}

}  // namespace

int Reduce(const std::string& corpus, const std::string& work, const MergeTarget& target) {
  const std::vector<std::string> before = FilesIn(corpus);
  LibFuzzerMerge merge(work, target);
  const Merged merged = Measure(&merge, corpus, before);
  const std::string log = merge.log();
  std::set<std::string> kept = merged.picked;
  size_t unmeasured = 0;
  for (const std::string& file : merged.left) {
    if (IsArtifact(file, log)) continue;
    unmeasured += kept.insert(fs::path(file).filename().string()).second ? 1 : 0;
  }
  std::error_code error;
  for (const std::string& name : merged.picked) {
    const std::string to = corpus + "/" + name;
    if (fs::exists(to, error)) continue;
    if (std::rename((merge.picked_folder() + "/" + name).c_str(), to.c_str()) != 0) {
      CannotReduce(corpus, std::strerror(errno));
    }
  }
  for (const std::string& name : before) {
    if (kept.count(name) == 0) fs::remove(corpus + "/" + name, error);
  }
  fs::remove_all(work, error);
  Packer answer;
  for (const size_t number : {before.size(), kept.size(), unmeasured}) answer.Number(number);
  WriteOut(answer.bytes());
  return kExitDone;
}

std::optional<Reduction> ReducedTo(std::string_view answer) {
  Unpacker from(answer);
  Reduction reduction;
  for (size_t* number : {&reduction.before, &reduction.after, &reduction.unmeasured}) {
    *number = from.Number();
  }
  return from.ok() ? std::optional(reduction) : std::nullopt;
}

}  // namespace rmapdiff
