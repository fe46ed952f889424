#include "tools/cli/reduce.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <set>
#include <system_error>

#include "tools/cli/exit_codes.h"
#include "tools/cli/folders.h"
#include "tools/cli/merge_control.h"
#include "tools/cli/output.h"
#include "tools/cli/text.h"

namespace rmapdiff {
namespace {

namespace fs = std::filesystem;

constexpr const char* kReduced = "REDUCED: ";
constexpr size_t kShownBytes = 64 << 10;  // of what libFuzzer says, the end

[[noreturn]] void CannotReduce(const std::string& corpus, const std::string& why) {
  throw Failure(kExitEnvironment, fmt::format("{}: cannot be reduced: {}", Printable(corpus), why));
}

// What the program prints, which is also shown; nothing if it does not end with 0.
std::optional<std::string> OutputOf(const std::vector<std::string>& command,
                                    const std::string& log) {
  const pid_t child = fork();
  if (child == 0) {
    signal(SIGTERM, SIG_DFL);
    const int fd = open(log.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    dup2(fd, STDOUT_FILENO);
    dup2(fd, STDERR_FILENO);
    std::vector<char*> words;
    for (const std::string& word : command) words.push_back(const_cast<char*>(word.c_str()));
    words.push_back(nullptr);
    execv(words[0], words.data());
    _exit(127);
  }
  int status = 1;
  while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  const std::string printed = FileContents(log);
  WriteOut(printed.substr(printed.size() - std::min(printed.size(), kShownBytes)));
  if (child < 0 || status != 0) return std::nullopt;
  return printed;
}

// Whether the file is what it is a copy of; one that has no original was named otherwise there.
bool IsWhole(const std::string& picked, const std::string& original) {
  std::error_code error;
  if (!fs::exists(original, error)) return fs::file_size(picked, error) > 0;
  return FileContents(picked) == FileContents(original);
}

// What libFuzzer has not measured, by name: for want of memory perhaps. An input that ends the
// target is not measured either; but then an artifact has been written, and is a finding.
std::set<std::string> Unmeasured(const std::string& control_file, const std::string& printed) {
  size_t measured = 0;
  std::set<std::string> names;
  for (const std::string& file : UnmeasuredFiles(FileContents(control_file), &measured)) {
    const std::string name = fs::path(file).filename().string();
    if (printed.find("-" + name + "\n") == printed.npos) names.insert(name);
  }
  return names;
}

}  // namespace

int Reduce(const std::string& corpus, const std::string& work,
           const std::vector<std::string>& command) {
  signal(SIGTERM, [](int) { kill(0, SIGKILL); });
  std::error_code error;
  fs::remove_all(work, error);
  const std::string picked_folder = work + "/picked";
  MakeFolder(picked_folder);
  const std::vector<std::string> before = FilesIn(corpus);
  std::vector<std::string> words = command;
  words.push_back("-set_cover_merge=1");
  words.push_back("-merge_control_file=" + work + "/control");
  words.push_back(picked_folder);
  words.push_back(corpus);
  const std::optional<std::string> printed = OutputOf(words, work + "/log");
  if (!printed) CannotReduce(corpus, "libFuzzer failed");
  const std::vector<std::string> names = FilesIn(picked_folder);
  if (PickedBy(*printed) != names.size()) CannotReduce(corpus, "its files are not all there");
  for (const std::string& name : names) {
    if (!IsWhole(picked_folder + "/" + name, corpus + "/" + name)) {
      CannotReduce(corpus, "'" + Printable(name) + "' is not whole");
    }
  }
  for (const std::string& name : names) {
    const std::string to = corpus + "/" + name;
    if (fs::exists(to, error)) continue;
    if (std::rename((picked_folder + "/" + name).c_str(), to.c_str()) != 0) {
      CannotReduce(corpus, std::strerror(errno));
    }
  }
  std::set<std::string> kept = Unmeasured(work + "/control", *printed);
  kept.insert(names.begin(), names.end());
  for (const std::string& name : before) {
    if (kept.count(name) == 0) fs::remove(corpus + "/" + name, error);
  }
  fs::remove_all(work, error);
  WriteOut(fmt::format("{}{} {}\n", kReduced, before.size(), kept.size()));
  return kExitDone;
}

std::optional<Reduction> ReducedTo(std::string_view printed) {
  const size_t at = printed.rfind(kReduced);
  if (at == printed.npos) return std::nullopt;
  Reduction reduction;
  const std::string line(printed.substr(at + std::strlen(kReduced)));
  if (std::sscanf(line.c_str(), "%zu %zu", &reduction.before, &reduction.after) != 2) {
    return std::nullopt;
  }
  return reduction;
}

// "MERGE-OUTER: 921 new files with 33508 new features added; 4404 new coverage edges".
std::optional<size_t> PickedBy(std::string_view log) {
  const size_t end = log.rfind(" new files with ");
  if (end == log.npos) return std::nullopt;
  const size_t begin = log.find_last_not_of("0123456789", end - 1) + 1;
  return ParseNumber(log.substr(begin, end - begin));
}

}  // namespace rmapdiff
