#include "tools/cli/run_folder/stats_log.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string_view>

#include "tools/cli/base/exit_codes.h"
#include "tools/cli/base/files.h"
#include "tools/cli/base/json_fields.h"
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

StatsLog::StatsLog(const std::string& path) : path_(path) {
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
  // The first line of a tail is a whole one, too, where the tail is the file.
  const bool is_file = tail.size() == static_cast<size_t>(size);
  size_t skipped = 0;
  const std::vector<Sample> samples =
      ReadSamples(std::string_view(tail).substr(is_file ? 0 : tail.find('\n') + 1), &skipped);
  if (!samples.empty()) last_ = samples.back();
  if (skipped == 0) return;
  WriteErrorLine(fmt::format("{}: {}, left out", Printable(path_), SkippedText(skipped)));
}

// A file that has no end of a line where one must be is not a log of ours.
void StatsLog::SetAside() {
  const std::string name = NameForDamaged(path_);
  close(fd_);
  if (rename(path_.c_str(), name.c_str()) != 0) CannotWrite(errno);
  WriteErrorLine(
      fmt::format("{}: makes no sense, set aside as {}", Printable(path_), Printable(name)));
  fd_ = OpenRegular(path_, O_APPEND);
}

StatsLog::~StatsLog() { close(fd_); }

void StatsLog::Append(const Sample& sample) {
  const std::string line = JsonText(SampleJson(sample));
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

double StatsLog::Interval(double elapsed) {
  return std::max(kShortInterval, elapsed / kLinesAtAPace);
}

void StatsLog::CannotWrite(int error) const {
  throw Failure(kExitEnvironment,
                fmt::format("{}: cannot be written: {}", Printable(path_), std::strerror(error)));
}

}  // namespace rmapdiff
