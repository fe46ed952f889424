#include "tools/cli/base/process.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

namespace rmapdiff {
namespace {

[[noreturn]] void Execute(const std::vector<std::string>& words, int in, int out) {
  dup2(in, STDIN_FILENO);
  dup2(out, STDOUT_FILENO);
  std::vector<char*> arguments;
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  execvp(arguments[0], arguments.data());
  _exit(127);
}

}  // namespace

std::optional<std::string> Filtered(const std::vector<std::string>& words,
                                    const std::string& input) {
  // Files in memory, not pipes: nobody waits for anybody.
  const int in = memfd_create("in", MFD_CLOEXEC);
  const int out = memfd_create("out", MFD_CLOEXEC);
  const bool ready = in >= 0 && out >= 0 &&
                     write(in, input.data(), input.size()) == static_cast<ssize_t>(input.size()) &&
                     lseek(in, 0, SEEK_SET) == 0;
  const pid_t child = ready ? fork() : -1;
  if (child == 0) Execute(words, in, out);
  int status = 1;
  while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  std::optional<std::string> text;
  if (child > 0 && status == 0) {
    text.emplace(static_cast<size_t>(lseek(out, 0, SEEK_END)), '\0');
    if (pread(out, text->data(), text->size(), 0) != static_cast<ssize_t>(text->size())) {
      text.reset();
    }
  }
  if (in >= 0) close(in);
  if (out >= 0) close(out);
  return text;
}

}  // namespace rmapdiff
