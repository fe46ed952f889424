#include "tools/cli/fuzz_stats_log.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>

#include "tools/cli/exit_codes.h"
#include "tools/cli/text.h"

namespace rmapdiff {
namespace {

using Json = nlohmann::ordered_json;

constexpr off_t kMaxLine = 1 << 20;
constexpr double kShortInterval = 10;
constexpr double kLinesAtAPace = 2000;  // fourteen days make ten thousand lines

std::string ToLine(const RunTotals& totals) {
  Json targets = Json::object();
  for (const auto& [name, one] : totals.targets) {
    targets[name] = {{"execs", one.execs},
                     {"ops", one.ops},
                     {"seconds", one.seconds},
                     {"coverage", one.coverage},
                     {"features", one.features},
                     {"corpus", one.corpus},
                     {"corpus_bytes", one.corpus_bytes},
                     {"findings", one.findings},
                     {"reduced_to", one.reduced_to}};
  }
  Json line = {{"time", totals.time},        {"run", totals.run},   {"elapsed", totals.elapsed},
               {"jobs", totals.jobs},        {"seed", totals.seed}, {"targets", targets},
               {"findings", totals.findings}};
  if (totals.final) line["final"] = true;
  return line.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::optional<RunTotals> FromLine(std::string_view line) {
  const Json json = Json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return std::nullopt;
  try {
    RunTotals totals;
    totals.run = json.value("run", uint64_t{0});
    totals.elapsed = json.value("elapsed", 0.0);
    totals.findings = json.value("findings", uint64_t{0});
    const Json targets = json.value("targets", Json::object());
    for (const auto& [name, one] : targets.items()) {
      TargetTotals& target = totals.targets[name];
      target.execs = one.value("execs", uint64_t{0});
      target.ops = one.value("ops", uint64_t{0});
      target.seconds = one.value("seconds", 0.0);
      target.coverage = one.value("coverage", uint64_t{0});
      target.features = one.value("features", uint64_t{0});
      target.corpus = one.value("corpus", uint64_t{0});
      target.corpus_bytes = one.value("corpus_bytes", uint64_t{0});
      target.findings = one.value("findings", uint64_t{0});
      target.reduced_to = one.value("reduced_to", uint64_t{0});
    }
    return totals;
  } catch (const Json::exception&) {
    return std::nullopt;
  }
}

// The last bytes of the file, as many as a line can have.
std::string TailOf(int fd, off_t size) {
  std::string tail(static_cast<size_t>(std::min(size, kMaxLine)), '\0');
  const ssize_t count = pread(fd, tail.data(), tail.size(), size - static_cast<off_t>(tail.size()));
  tail.resize(static_cast<size_t>(std::max<ssize_t>(count, 0)));
  return tail;
}

}  // namespace

FuzzStatsLog::FuzzStatsLog(const std::string& path) : path_(path) {
  fd_ = open(path.c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
  if (fd_ < 0) CannotWrite(errno);
  const off_t size = lseek(fd_, 0, SEEK_END);
  const std::string tail = TailOf(fd_, size);
  const size_t whole = tail.rfind('\n') + 1;  // npos + 1 is 0
  if (whole < tail.size() && ftruncate(fd_, size - static_cast<off_t>(tail.size() - whole)) != 0) {
    CannotWrite(errno);
  }
  std::string_view lines(tail.data(), whole);
  while (!lines.empty()) {
    lines.remove_suffix(1);
    const size_t begin = lines.rfind('\n') + 1;
    if (const auto totals = FromLine(lines.substr(begin))) {
      last_ = *totals;
      return;
    }
    lines = lines.substr(0, begin);
  }
}

FuzzStatsLog::~FuzzStatsLog() { close(fd_); }

void FuzzStatsLog::Append(const RunTotals& totals) {
  const std::string line = ToLine(totals);
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
