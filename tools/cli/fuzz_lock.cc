#include "tools/cli/fuzz_lock.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "tools/cli/exit_codes.h"
#include "tools/cli/text.h"

namespace rmapdiff {
namespace {

// " (process 1234)"; "" if the holder has not said it yet.
std::string HolderOf(int fd) {
  char text[32] = {};
  const ssize_t count = pread(fd, text, sizeof text - 1, 0);
  const std::string_view line(text, count > 0 ? static_cast<size_t>(count) : 0);
  const auto pid = ParseNumber(line.substr(0, line.find('\n')));
  return pid ? fmt::format(" (process {})", *pid) : "";
}

}  // namespace

FuzzLock::FuzzLock(const std::string& run_folder) {
  fd_ = open((run_folder + "/.lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (fd_ < 0) {
    throw Failure(kExitEnvironment, fmt::format("{}: cannot be written: {}", Printable(run_folder),
                                                std::strerror(errno)));
  }
  if (flock(fd_, LOCK_EX | LOCK_NB) != 0) {
    const std::string why =
        errno == EWOULDBLOCK
            ? fmt::format("in use by another run{}, expected a folder of its own", HolderOf(fd_))
            : fmt::format("cannot be locked: {}", std::strerror(errno));
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
