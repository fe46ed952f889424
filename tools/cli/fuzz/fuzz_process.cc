#include "tools/cli/fuzz/fuzz_process.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <system_error>
#include <utility>

#include "tools/cli/base/exit_codes.h"
#include "tools/cli/base/output.h"
#include "tools/cli/base/text.h"

namespace rmapdiff {
namespace {

constexpr off_t kLongLog = 16 << 20;

void PutAsideIfLong(const std::string& log) {
  struct stat status = {};
  if (stat(log.c_str(), &status) != 0 || status.st_size < kLongLog) return;
  rename(log.c_str(), (log + ".old").c_str());
}

}  // namespace

FuzzCommand WorkerCommand(std::vector<std::string> words, const std::string& log_file) {
  words.insert(words.begin(), "/proc/self/exe");
  return {std::move(words), log_file, {}, /*worker=*/true};
}

FuzzProcess::FuzzProcess(const FuzzCommand& command) {
  PutAsideIfLong(command.log_file);
  log_file_ = Descriptor(OpenRegular(command.log_file, O_APPEND));
  // Reading begins with the words of this process.
  log_offset_ = lseek(log_file_.get(), 0, SEEK_END);
  ChildOptions options;
  options.in = ChildOptions::kNothing;
  options.out = options.err = log_file_.get();
  options.own_group = true;
  options.low_priority = command.worker;
  try {
    if (command.worker) answer_ = MemoryFile();
    if (command.worker) options.out = answer_.get();
    child_.emplace(options, [&] {
      for (const auto& [name, value] : command.environment) setenv(name.c_str(), value.c_str(), 1);
      const int code = Execv(command.words);
      dprintf(STDERR_FILENO, "cannot be run: %s\n", std::strerror(errno));
      return code;
    });
  } catch (const std::system_error& error) {
    throw Failure(kExitEnvironment, fmt::format("{}: cannot be started: {}",
                                                Printable(command.words[0]), error.what()));
  }
}

bool FuzzProcess::Poll() {
  const std::optional<ExitStatus> status = child_->Poll();
  char buffer[1 << 14];
  ssize_t count = 0;
  while ((count = pread(log_file_.get(), buffer, sizeof buffer, log_offset_)) > 0) {
    log_.Feed({buffer, static_cast<size_t>(count)});
    log_offset_ += count;
  }
  if (status) exit_code_ = status->code();
  return status.has_value();
}

void FuzzProcess::Interrupt() {
  interrupted_ = true;
  child_->SignalGroup(SIGINT);
}

}  // namespace rmapdiff
