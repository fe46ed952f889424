#include "tools/cli/fuzz/reduce_worker.h"

#include <fmt/core.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <set>
#include <system_error>

#include "fuzzers/finding/packed.h"
#include "tools/cli/base/exit_codes.h"
#include "tools/cli/base/files.h"
#include "tools/cli/base/output.h"
#include "tools/cli/base/process.h"
#include "tools/cli/base/text.h"
#include "tools/cli/libfuzzer/set_cover.h"

namespace rmapdiff {
namespace {

namespace fs = std::filesystem;

constexpr size_t kShownBytes = 64 << 10;  // of libFuzzer's words, the end

[[noreturn]] void CannotReduce(const std::string& corpus, const std::string& why) {
  throw Failure(kExitEnvironment, fmt::format("{}: cannot be reduced: {}", Printable(corpus), why));
}

SetCover Measure(const CoverTarget& target, const std::string& corpus,
                 const std::vector<std::string>& names, const std::string& work) {
  std::vector<std::string> files;
  for (const std::string& name : names) {
    std::error_code ignored;
    const std::string path = corpus + "/" + name;
    if (fs::file_size(path, ignored) > 0) files.push_back(path);
  }
  return FindSetCover(target, {}, files, work);
}

void ReduceTo(const SetCover& cover, const std::string& corpus,
              const std::vector<std::string>& before) {
  std::set<std::string> kept;
  std::error_code error;
  for (const auto& [name, copy] : cover.chosen) {
    kept.insert(name);
    const std::string to = corpus + "/" + name;
    if (fs::exists(to, error)) continue;
    if (std::rename(copy.c_str(), to.c_str()) == 0) continue;
    throw Failure(kExitEnvironment, std::strerror(errno));
  }
  for (const std::string& file : cover.unmeasured) kept.insert(fs::path(file).filename());
  for (const std::string& name : before) {
    if (kept.count(name) == 0) fs::remove(corpus + "/" + name, error);
  }
  Packer answer;
  const size_t unmeasured = kept.size() - cover.chosen.size();
  for (const size_t number : {before.size(), kept.size(), unmeasured}) answer.Number(number);
  WriteOut(answer.bytes());
}

}  // namespace

int Reduce(const std::vector<std::string>& words) {
  const std::string& corpus = words[0];
  const std::string& work = words[1];
  const Limits limits = {ParseNumber(words[3]).value_or(0) * 1000,
                         ParseNumber(words[4]).value_or(0)};
  const CoverTarget target = {fs::path(words[5]).filename(),
                              words[5],
                              {words.begin() + kReduceWords, words.end()},
                              words[2]};
  std::string why;
  try {
    const ExitStatus status = RunInChild(limits, [&] {
      const std::vector<std::string> before = FilesIn(corpus);
      ReduceTo(Measure(target, corpus, before, work), corpus, before);
    });
    if (!status.ok()) why = EndText(status, limits);
  } catch (const Failure& failure) {
    why = failure.what();
  }
  const std::string log = SetCoverLog(work);
  WriteError(log.substr(log.size() - std::min(log.size(), kShownBytes)));
  if (!why.empty()) CannotReduce(corpus, why);
  std::error_code ignored;
  fs::remove_all(work, ignored);
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
