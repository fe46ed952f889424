#include "tools/cli/fuzz/fuzz_screen.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include "tools/cli/base/output.h"

namespace rmapdiff {
namespace {

// Of the terminal; a line that is longer could not be written over.
size_t Columns() {
  winsize size = {};
  const bool known = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1;
  return known ? size.ws_col : 80;
}

}  // namespace

FuzzScreen::FuzzScreen() : terminal_(isatty(STDERR_FILENO) != 0) {}

void FuzzScreen::Say(const std::string& text) {
  Clear();
  WriteOut(text);
}

void FuzzScreen::Progress(const std::string& line) {
  Clear();
  if (!terminal_) return WriteErrorLine(line);
  WriteError(line.substr(0, Columns() - 1));
  progress_shown_ = true;
}

void FuzzScreen::Clear() {
  if (progress_shown_) WriteError("\r\x1b[K");
  progress_shown_ = false;
}

}  // namespace rmapdiff
