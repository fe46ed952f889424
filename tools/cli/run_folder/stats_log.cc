#include "tools/cli/run_folder/stats_log.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <optional>
#include <string_view>

#include "tools/cli/base/exit_codes.h"
#include "tools/cli/base/files.h"
#include "tools/cli/base/output.h"
#include "tools/cli/base/text.h"

namespace rmapdiff {
namespace {

constexpr off_t kMaxLine = 1 << 20;
constexpr double kShortInterval = 10;
constexpr double kLinesAtAPace = 2000;  // fourteen days make ten thousand lines

// The last bytes of the file, as many as a line can have.
std::string TailOf(int fd, off_t size) {
  std::string tail(static_cast<size_t>(std::min(size, kMaxLine)), '\0');
  const ssize_t count = pread(fd, tail.data(), tail.size(), size - static_cast<off_t>(tail.size()));
  tail.resize(static_cast<size_t>(std::max<ssize_t>(count, 0)));
  return tail;
}

}  // namespace

FuzzStatsLog::FuzzStatsLog(const std::string& path) : path_(path) {
  fd_ = OpenRegular(path, O_APPEND);
  const off_t size = lseek(fd_, 0, SEEK_END);
  const std::string tail = TailOf(fd_, size);
  const size_t whole = tail.rfind('\n') + 1;  // npos + 1 is 0
  if (whole == 0 && tail.size() == static_cast<size_t>(kMaxLine)) {
    SetAside();
    return;
  }
  if (whole < tail.size() && ftruncate(fd_, size - static_cast<off_t>(tail.size() - whole)) != 0) {
    CannotWrite(errno);
  }
  TakeLast(std::string_view(tail).substr(0, whole));
}

// Of whole lines, the last one that makes sense.
void FuzzStatsLog::TakeLast(std::string_view lines) {
  size_t damaged = 0;
  while (!lines.empty()) {
    lines.remove_suffix(1);
    const size_t begin = lines.rfind('\n') + 1;
    if (const auto sample = ReadSample(lines.substr(begin))) {
      last_ = *sample;
      break;
    }
    ++damaged;
    lines = lines.substr(0, begin);
  }
  if (damaged == 0) return;
  WriteErrorLine(
      fmt::format("{}: the last {} lines make no sense, left out", Printable(path_), damaged));
}

// What has no end of a line where one must be is no log of ours.
void FuzzStatsLog::SetAside() {
  const std::string name = NameForDamaged(path_);
  close(fd_);
  if (rename(path_.c_str(), name.c_str()) != 0) CannotWrite(errno);
  WriteErrorLine(
      fmt::format("{}: makes no sense, set aside as {}", Printable(path_), Printable(name)));
  fd_ = OpenRegular(path_, O_APPEND);
}

FuzzStatsLog::~FuzzStatsLog() { close(fd_); }

void FuzzStatsLog::Append(const Sample& sample) {
  const std::string line = SampleLine(sample);
  const off_t before = lseek(fd_, 0, SEEK_END);
  ssize_t count = 0;
  while ((count = write(fd_, line.data(), line.size())) < 0 && errno == EINTR) {
  }
  if (count == static_cast<ssize_t>(line.size())) return;
  // A file takes less than it is given if there is no room for more.
  const int error = count < 0 ? errno : ENOSPC;
  if (count > 0 && ftruncate(fd_, before) != 0) CannotWrite(errno);
  CannotWrite(error);
}

double FuzzStatsLog::Interval(double elapsed) {
  return std::max(kShortInterval, elapsed / kLinesAtAPace);
}

void FuzzStatsLog::CannotWrite(int error) const {
  throw Failure(kExitEnvironment,
                fmt::format("{}: cannot be written: {}", Printable(path_), std::strerror(error)));
}

}  // namespace rmapdiff
