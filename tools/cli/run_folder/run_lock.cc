#include "tools/cli/run_folder/run_lock.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <signal.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <ctime>

#include "tools/cli/base/exit_codes.h"
#include "tools/cli/base/output.h"
#include "tools/cli/base/text.h"

namespace rmapdiff {
namespace {

// A process that a killed run was about to start has its descriptors for a moment more.
constexpr int kTries = 150;
constexpr timespec kBetweenTries = {0, 20'000'000};

// 0 if the file does not tell.
pid_t NamedIn(int fd) {
  char text[32] = {};
  const ssize_t count = pread(fd, text, sizeof text - 1, 0);
  const std::string_view line(text, count > 0 ? static_cast<size_t>(count) : 0);
  const uint64_t number = ParseNumber(line.substr(0, line.find('\n'))).value_or(0);
  return number <= INT32_MAX ? static_cast<pid_t>(number) : 0;
}

// Does not wait for a process that lives. False with errno if the lock is not taken.
bool Lock(int fd) {
  for (int i = 0; i < kTries; ++i) {
    if (flock(fd, LOCK_EX | LOCK_NB) == 0) return true;
    if (errno != EWOULDBLOCK) return false;
    const pid_t holder = NamedIn(fd);
    if (holder > 0 && (kill(holder, 0) == 0 || errno == EPERM)) break;
    nanosleep(&kBetweenTries, nullptr);
  }
  errno = EWOULDBLOCK;
  return false;
}

std::string WhyNotLocked(int fd, int error) {
  if (error != EWOULDBLOCK) return fmt::format("cannot be locked: {}", std::strerror(error));
  const pid_t holder = NamedIn(fd);
  return fmt::format("in use by another run{}, expected a folder of its own",
                     holder > 0 ? fmt::format(" (process {})", holder) : "");
}

}  // namespace

RunLock::RunLock(const std::string& run_folder) : file_(OpenRegular(run_folder + "/.lock", 0)) {
  const int fd = file_.get();
  if (!Lock(fd)) {
    throw Failure(kExitEnvironment, Printable(run_folder) + ": " + WhyNotLocked(fd, errno));
  }
  // For readers alone, so nothing is said if it cannot be written.
  const std::string pid = fmt::format("{}\n", getpid());
  [[maybe_unused]] const bool written =
      ftruncate(fd, 0) == 0 && pwrite(fd, pid.data(), pid.size(), 0) > 0;
}

std::optional<pid_t> HolderOf(const std::string& run_folder) {
  const std::string path = run_folder + "/.lock";
  const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  const bool held =
      file.get() >= 0 && flock(file.get(), LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
  return held ? std::optional(NamedIn(file.get())) : std::nullopt;
}

}  // namespace rmapdiff
