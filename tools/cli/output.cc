#include "tools/cli/output.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "tools/cli/exit_codes.h"
#include "tools/cli/text.h"

namespace rmapdiff {
namespace {

// Writes it all, whatever the kernel takes at a time; false with errno if that cannot be.
bool WriteAll(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t count = write(fd, text.data(), text.size());
    if (count >= 0) {
      text.remove_prefix(static_cast<size_t>(count));
    } else if (errno == EAGAIN) {
      pollfd ready{fd, POLLOUT, 0};
      poll(&ready, 1, -1);
    } else if (errno != EINTR) {
      return false;
    }
  }
  return true;
}

[[noreturn]] void CannotWrite(const std::string& path, int error) {
  throw Failure(kExitEnvironment,
                fmt::format("{}: cannot be written: {}", Printable(path), std::strerror(error)));
}

void WriteInPlace(const std::string& path, std::string_view content) {
  const int fd = open(path.c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY);
  if (fd < 0) CannotWrite(path, errno);
  const bool written = WriteAll(fd, content);
  const int error = errno;
  close(fd);
  if (!written && error != EPIPE) CannotWrite(path, error);
}

// What a file that has been replaced keeps, or what the umask leaves to a new one.
mode_t ModeFor(bool exists, const struct stat& status) {
  if (exists) return status.st_mode & 07777;
  const mode_t mask = umask(0);
  umask(mask);
  return 0666 & ~mask;
}

}  // namespace

void GuardStandardDescriptors() {
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd) {
    if (fcntl(fd, F_GETFD) >= 0) continue;
    // The lowest free descriptor is this one; opened the wrong way round, it fails when it is used.
    [[maybe_unused]] const int opened = open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
  }
}

void WriteOut(std::string_view text) {
  if (WriteAll(STDOUT_FILENO, text) || errno == EPIPE) return;
  CannotWrite("standard output", errno);
}

void WriteError(std::string_view text) { WriteAll(STDERR_FILENO, text); }

void WriteErrorLine(std::string_view line) { WriteError(std::string(line) + "\n"); }

void WriteFile(const std::string& path, std::string_view content) {
  struct stat status = {};
  const bool exists = stat(path.c_str(), &status) == 0;
  if (exists && !S_ISREG(status.st_mode)) return WriteInPlace(path, content);

  std::error_code ignored;
  const std::filesystem::path resolved = std::filesystem::weakly_canonical(path, ignored);
  const std::filesystem::path target = resolved.empty() ? std::filesystem::path(path) : resolved;
  std::string temporary =
      (target.parent_path() / (std::string(kTemporaryFile) + "XXXXXX")).string();
  const int fd = mkostemp(temporary.data(), O_CLOEXEC);
  if (fd < 0) CannotWrite(path, errno);
  bool done = WriteAll(fd, content) && fchmod(fd, ModeFor(exists, status)) == 0;
  int error = errno;
  if (close(fd) != 0 && done) {
    done = false;
    error = errno;
  }
  if (done && rename(temporary.c_str(), target.c_str()) == 0) return;
  if (done) error = errno;
  unlink(temporary.c_str());
  CannotWrite(path, error);
}

}  // namespace rmapdiff
