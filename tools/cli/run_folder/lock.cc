#include "tools/cli/run_folder/lock.h"

#include <fcntl.h>
#include <fmt/format.h>
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

// What a killed run was just about to start has its descriptors for a moment more.
constexpr int kTries = 150;
constexpr timespec kBetweenTries = {0, 20'000'000};

// 0 if the holder has not said it yet.
pid_t HolderOf(int fd) {
  char text[32] = {};
  const ssize_t count = pread(fd, text, sizeof text - 1, 0);
  const std::string_view line(text, count > 0 ? static_cast<size_t>(count) : 0);
  return static_cast<pid_t>(ParseNumber(line.substr(0, line.find('\n'))).value_or(0));
}

// Waits for nobody who lives; false with errno if it cannot be had.
bool Lock(int fd) {
  for (int i = 0; i < kTries; ++i) {
    if (flock(fd, LOCK_EX | LOCK_NB) == 0) return true;
    if (errno != EWOULDBLOCK) return false;
    const pid_t holder = HolderOf(fd);
    if (holder > 0 && (kill(holder, 0) == 0 || errno == EPERM)) break;
    nanosleep(&kBetweenTries, nullptr);
  }
  errno = EWOULDBLOCK;
  return false;
}

std::string WhyNotLocked(int fd, int error) {
  if (error != EWOULDBLOCK) return fmt::format("cannot be locked: {}", std::strerror(error));
  const pid_t holder = HolderOf(fd);
  return fmt::format("in use by another run{}, expected a folder of its own",
                     holder > 0 ? fmt::format(" (process {})", holder) : "");
}

}  // namespace

FuzzLock::FuzzLock(const std::string& run_folder) {
  fd_ = OpenRegular(run_folder + "/.lock", 0);
  if (!Lock(fd_)) {
    const std::string why = WhyNotLocked(fd_, errno);
    close(fd_);
    throw Failure(kExitEnvironment, Printable(run_folder) + ": " + why);
  }
  // For a reader only, so nothing is said if it cannot be written.
  const std::string pid = fmt::format("{}\n", getpid());
  [[maybe_unused]] const bool written =
      ftruncate(fd_, 0) == 0 && pwrite(fd_, pid.data(), pid.size(), 0) > 0;
}

FuzzLock::~FuzzLock() { close(fd_); }

}  // namespace rmapdiff
