#include "tools/cli/input.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <variant>

#include "tools/cli/exit_codes.h"
#include "tools/cli/text.h"

namespace rmapdiff {
namespace {

// A file descriptor that is closed at the end, unless it is standard input.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ > STDIN_FILENO) close(fd_);
  }
  int get() const { return fd_; }

 private:
  const int fd_;
};

[[noreturn]] void Reject(const std::string& name, const std::string& what) {
  throw Failure(kExitUsage, name + ": " + what);
}

const char* KindOf(mode_t mode) {
  if (S_ISDIR(mode)) return "is a directory";
  if (S_ISFIFO(mode)) return "is a pipe";
  if (S_ISSOCK(mode)) return "is a socket";
  return "is a device";
}

// Never waits: what could block is refused by its kind, and O_NONBLOCK covers a change in between.
int OpenRegular(const std::string& path, const std::string& name) {
  struct stat status = {};
  if (stat(path.c_str(), &status) == 0 && !S_ISREG(status.st_mode)) {
    Reject(name, fmt::format("{}, expected a file that holds a program", KindOf(status.st_mode)));
  }
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (fd < 0 && errno == ENOENT) Reject(name, "no such file, expected a program");
  if (fd < 0) Reject(name, fmt::format("{}, expected a readable file", std::strerror(errno)));
  return fd;
}

std::string ReadAll(int fd, const std::string& name) {
  std::string content;
  char buffer[1 << 16];
  while (content.size() <= kMaxInputBytes) {
    const ssize_t count = read(fd, buffer, sizeof buffer);
    if (count == 0) break;
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      Reject(name, fmt::format("{}, expected a readable file", std::strerror(errno)));
    }
    content.append(buffer, static_cast<size_t>(count));
  }
  if (content.empty()) Reject(name, "is empty, expected a program");
  if (content.size() > kMaxInputBytes) {
    Reject(name, fmt::format("is too long, expected at most {} bytes", kMaxInputBytes));
  }
  return content;
}

bool IsNamedAsText(const std::string& path) {
  return path.size() >= 4 && path.compare(path.size() - 4, 4, ".ops") == 0;
}

}  // namespace

Program ReadProgram(const std::string& path) {
  std::string content;
  return ReadProgram(path, &content);
}

Program ReadProgram(const std::string& path, std::string* read) {
  const bool standard = path == "-";
  const std::string name = standard ? "standard input" : Printable(path);
  const Descriptor file(standard ? STDIN_FILENO : OpenRegular(path, name));
  const std::string& content = *read = ReadAll(file.get(), name);
  if (!LooksLikeText(content) && !IsNamedAsText(path)) {
    return Decode({reinterpret_cast<const uint8_t*>(content.data()), content.size()});
  }
  auto parsed = Parse(content);
  if (const auto* error = std::get_if<ParseError>(&parsed)) {
    throw Failure(kExitUsage,
                  fmt::format("{}:{}:{}: {}", name, error->line, error->column, error->what));
  }
  return std::get<Program>(std::move(parsed));
}

}  // namespace rmapdiff
