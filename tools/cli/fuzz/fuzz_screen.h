// The screen of a session: results on standard output, progress on standard error. On a terminal
// the progress is one line that is written over.
#ifndef RMAPDIFF_TOOLS_CLI_FUZZ_FUZZ_SCREEN_H_
#define RMAPDIFF_TOOLS_CLI_FUZZ_FUZZ_SCREEN_H_

#include <string>

namespace rmapdiff {

class FuzzScreen {
 public:
  FuzzScreen();

  // Text that ends in a line feed and stays.
  void Say(const std::string& text);
  void Progress(const std::string& line);
  // How many seconds there should be between one progress line and the next.
  double interval() const { return terminal_ ? 1 : 5; }

 private:
  void Clear();

  const bool terminal_;
  bool progress_shown_ = false;
};

}  // namespace rmapdiff

#endif  // RMAPDIFF_TOOLS_CLI_FUZZ_FUZZ_SCREEN_H_
