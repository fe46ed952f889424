#include "tools/cli/base/output.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <optional>
#include <system_error>
#include <vector>

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

// Writes what it is given to a descriptor, up to the first error.
class Writing {
 public:
  explicit Writing(int fd) : fd_(fd) {}

  void Put(std::string_view piece) {
    if (error_ == 0 && !WriteAll(fd_, piece)) error_ = errno;
  }
  int error() const { return error_; }

 private:
  const int fd_;
  int error_ = 0;
};

// The descriptor that we were given for this very file, and can write to; -1 for none.
int GivenDescriptor(const struct stat& file) {
  std::vector<int> numbers;
  std::error_code error;
  const std::filesystem::directory_iterator end;
  for (std::filesystem::directory_iterator at("/proc/self/fd", error); !error && at != end;
       at.increment(error)) {
    const std::optional<uint64_t> number = ParseNumber(at->path().filename().string());
    if (number) numbers.push_back(static_cast<int>(*number));
  }
  std::sort(numbers.begin(), numbers.end());
  for (const int fd : numbers) {
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

// What is at a path, and what takes its place if it can be replaced.
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
  const int fd = given >= 0 ? given : OpenInPlace(path, place.status.st_mode);
  Writing writing(fd);
  try {
    make([&](std::string_view piece) { writing.Put(piece); });
  } catch (...) {
    if (given < 0) close(fd);
    throw;
  }
  if (given < 0) close(fd);
  if (writing.error() != 0 && writing.error() != EPIPE) CannotWrite(path, writing.error());
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
  WriteFile(path, [content](const Put& put) { put(content); });
}

void WriteFile(const std::string& path, const std::function<void(const Put&)>& make) {
  const Place place = Look(path);
  if (!place.replaceable) return WriteInPlace(path, place, make);

  std::string temporary =
      (place.target.parent_path() / (std::string(kTemporaryFile) + "XXXXXX")).string();
  const int fd = mkostemp(temporary.data(), O_CLOEXEC);
  if (fd < 0) CannotWrite(path, errno);
  Writing writing(fd);
  try {
    make([&](std::string_view piece) { writing.Put(piece); });
  } catch (...) {
    close(fd);
    unlink(temporary.c_str());
    throw;
  }
  int error = writing.error();
  if (error == 0 && fchmod(fd, ModeFor(place.exists, place.status)) != 0) error = errno;
  if (close(fd) != 0 && error == 0) error = errno;
  if (error == 0 && rename(temporary.c_str(), place.target.c_str()) != 0) error = errno;
  if (error == 0) return;
  unlink(temporary.c_str());
  CannotWrite(path, error);
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
