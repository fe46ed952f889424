#include "tools/cli/base/output.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

#include "fuzzers/finding/child_process.h"
#include "tools/cli/base/exit_codes.h"
#include "tools/cli/base/input.h"
#include "tools/cli/base/text.h"

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

// Makes a content and writes it; returns the errno of the first error, 0 for none.
int WritePieces(int fd, const std::function<void(const Put&)>& make) {
  int error = 0;
  make([&](std::string_view piece) {
    if (error == 0 && !WriteAll(fd, piece)) error = errno;
  });
  return error;
}

// A new file beside another one. It is removed unless it takes that one's place.
class Temporary {
 public:
  // fd() is -1, with errno, if there can be no such file.
  explicit Temporary(const std::filesystem::path& target)
      : path_(target.parent_path() / (std::string(kTemporaryFile) + "XXXXXX")),
        fd_(mkostemp(path_.data(), O_CLOEXEC)) {}
  Temporary(const Temporary&) = delete;
  Temporary& operator=(const Temporary&) = delete;
  ~Temporary() {
    if (fd_ >= 0) close(fd_);
    unlink(path_.c_str());
  }

  int fd() const { return fd_; }
  // False with errno if that cannot be.
  bool TakePlaceOf(const std::filesystem::path& target, mode_t mode) {
    if (fchmod(fd_, mode) != 0 || close(std::exchange(fd_, -1)) != 0) return false;
    if (rename(path_.c_str(), target.c_str()) != 0) return false;
    path_.clear();
    return true;
  }

 private:
  std::string path_;
  int fd_;
};

// The descriptor that this process was given for this very file, and can write to; -1 for none.
int GivenDescriptor(const struct stat& file) {
  constexpr int kMost = 256;  // callers give small numbers
  for (int fd = 0; fd < kMost; ++fd) {
    struct stat status = {};
    if (fstat(fd, &status) != 0 || status.st_dev != file.st_dev || status.st_ino != file.st_ino) {
      continue;
    }
    if ((fcntl(fd, F_GETFL) & O_ACCMODE) != O_RDONLY) return fd;
  }
  return -1;
}

// Where the last link of a path leads, whether there is anything or not.
std::filesystem::path Followed(const std::string& path) {
  constexpr int kMaxLinks = 40;  // as the kernel
  std::error_code error;
  std::filesystem::path at = path;
  for (int i = 0; i < kMaxLinks; ++i) {
    const std::filesystem::path to = std::filesystem::read_symlink(at, error);
    if (error) break;
    at = at.parent_path() / to;
  }
  return at;
}

// A path as it is, and the file to replace if it can be.
struct Place {
  struct stat status = {};
  bool exists = false;
  bool replaceable = false;
  std::filesystem::path target;
};

Place Look(const std::string& path) {
  Place place;
  place.exists = stat(path.c_str(), &place.status) == 0;
  if (!place.exists && errno != ENOENT) CannotWrite(path, errno);
  place.target = Followed(path);
  struct stat there = {};
  // /proc has links to files that were removed.
  const bool leads_there = stat(place.target.c_str(), &there) == 0 &&
                           there.st_dev == place.status.st_dev &&
                           there.st_ino == place.status.st_ino;
  place.replaceable = !place.exists || (S_ISREG(place.status.st_mode) && leads_there &&
                                        GivenDescriptor(place.status) < 0);
  return place;
}

int OpenInPlace(const std::string& path, mode_t mode) {
  // O_NONBLOCK: a pipe without a reader is not waited for.
  const int fd = open(path.c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
  if (fd >= 0) return fd;
  if (errno != ENXIO || !(S_ISFIFO(mode) || S_ISSOCK(mode))) CannotWrite(path, errno);
  throw Failure(kExitEnvironment, fmt::format("{}: {} without a reader, expected one",
                                              Printable(path), KindOf(mode)));
}

void WriteInPlace(const std::string& path, const Place& place,
                  const std::function<void(const Put&)>& make) {
  const int given = GivenDescriptor(place.status);
  const Descriptor opened(given < 0 ? OpenInPlace(path, place.status.st_mode) : -1);
  const int error = WritePieces(given < 0 ? opened.get() : given, make);
  if (error != 0 && error != EPIPE) CannotWrite(path, error);
}

// The mode of the file that is replaced, or that of a new one under the umask.
mode_t ModeFor(const Place& place) {
  if (place.exists) return place.status.st_mode & 07777;
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
  WriteFile(path, [content](const Put& put) { put(content); });
}

void WriteFile(const std::string& path, const std::function<void(const Put&)>& make) {
  const Place place = Look(path);
  if (!place.replaceable) return WriteInPlace(path, place, make);

  Temporary file(place.target);
  if (file.fd() < 0) CannotWrite(path, errno);
  if (const int error = WritePieces(file.fd(), make)) CannotWrite(path, error);
  if (!file.TakePlaceOf(place.target, ModeFor(place))) CannotWrite(path, errno);
}

bool IsReplaceable(const std::string& path) { return Look(path).replaceable; }

int OpenRegular(const std::string& path, int flags) {
  const int fd =
      open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | flags, 0666);
  if (fd < 0) CannotWrite(path, errno);
  struct stat status = {};
  if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode)) return fd;
  close(fd);
  throw Failure(kExitEnvironment,
                fmt::format("{}: {}, expected a file", Printable(path), KindOf(status.st_mode)));
}

}  // namespace rmapdiff
