#include "tools/cli/base/input.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>
#include <variant>
#include <vector>

#include "fuzzers/finding/child_process.h"
#include "fuzzers/program/program_file.h"
#include "tools/cli/base/text.h"

namespace rmapdiff {
namespace {

constexpr const char* kProgram = "a program";

std::string Unreadable(int error) {
  return fmt::format("{}, expected a readable file", std::strerror(error));
}

std::string WrongKind(mode_t mode, std::string_view expected) {
  return fmt::format("{}, expected a file that holds {}", KindOf(mode), expected);
}

// Reads to the end into a string of about that size. Returns the problem, "" for none.
std::string ReadAll(int fd, size_t size, size_t most, std::string* content) {
  content->resize(std::min(size, most) + 1);  // a byte more sees the end
  size_t length = 0;
  while (length <= most) {
    if (length == content->size()) content->resize(std::min(2 * length, most) + 1);
    const ssize_t count = read(fd, content->data() + length, content->size() - length);
    if (count == 0) break;
    if (count > 0) {
      length += static_cast<size_t>(count);
    } else if (errno == EAGAIN) {
      pollfd ready{fd, POLLIN, 0};
      poll(&ready, 1, -1);
    } else if (errno != EINTR) {
      return Unreadable(errno);
    }
  }
  content->resize(length);
  if (content->capacity() / 2 > length) content->shrink_to_fit();
  return length > most ? fmt::format("is too long, expected at most {} bytes", most) : "";
}

bool IsStandardInput(const std::string& path) { return path == "-"; }

std::string NameOf(const std::string& path) {
  return IsStandardInput(path) ? "standard input" : Printable(path);
}

std::string ReadInputFile(const std::string& path) {
  FileRead file;
  if (IsStandardInput(path)) {
    file.problem = ReadAll(STDIN_FILENO, 0, kMaxInputBytes, &file.content);
  } else {
    file = TryReadFile(path, kMaxInputBytes, kProgram);
  }
  if (file.problem.empty() && file.content.empty()) file.problem = "is empty, expected a program";
  if (!file.problem.empty()) throw Failure(kExitUsage, NameOf(path) + ": " + file.problem);
  return std::move(file.content);
}

}  // namespace

const char* KindOf(mode_t mode) {
  if (S_ISDIR(mode)) return "is a directory";
  if (S_ISFIFO(mode)) return "is a pipe";
  if (S_ISSOCK(mode)) return "is a socket";
  return "is a device";
}

FileRead TryReadFile(const std::string& path, size_t most, std::string_view expected) {
  struct stat status = {};
  // To open a device may have effects, so it is not even opened.
  if (stat(path.c_str(), &status) == 0 && !S_ISREG(status.st_mode)) {
    return {"", WrongKind(status.st_mode, expected)};
  }
  // O_NONBLOCK covers a change in between.
  const Descriptor opened(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  const int fd = opened.get();
  if (fd < 0 && errno == ENOENT) return {"", fmt::format("no such file, expected {}", expected)};
  if (fd < 0 || fstat(fd, &status) != 0) return {"", Unreadable(errno)};
  if (!S_ISREG(status.st_mode)) return {"", WrongKind(status.st_mode, expected)};
  FileRead file;
  file.problem = ReadAll(fd, static_cast<size_t>(status.st_size), most, &file.content);
  return file;
}

std::string ReadFile(const std::string& path, size_t most, std::string_view expected,
                     ExitCode code) {
  FileRead file = TryReadFile(path, most, expected);
  if (file.problem.empty()) return std::move(file.content);
  throw Failure(code, Printable(path) + ": " + file.problem);
}

Program ReadProgram(const std::string& path) {
  std::string content;
  return ReadProgram(path, &content);
}

Program ReadProgram(const std::string& path, std::string* content) {
  *content = ReadInputFile(path);
  if (!HoldsText(IsStandardInput(path) ? "" : path, *content)) return FromBytes(*content);
  auto parsed = Parse(*content);
  if (const auto* error = std::get_if<ParseError>(&parsed)) {
    throw Failure(kExitUsage, fmt::format("{}:{}:{}: {}", NameOf(path), error->line, error->column,
                                          error->what));
  }
  return std::get<Program>(std::move(parsed));
}

Program ReadAnyBytes(const std::string& path, std::string* content) {
  *content = ReadInputFile(path);
  auto parsed = Parse(*content);
  if (auto* program = std::get_if<Program>(&parsed)) return std::move(*program);
  return FromBytes(*content);
}

Program FromBytes(std::string_view bytes) {
  return Decode({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()});
}

std::string ToBytes(const Program& program) {
  const std::vector<uint8_t> bytes = Encode(program);
  return {bytes.begin(), bytes.end()};
}

}  // namespace rmapdiff
