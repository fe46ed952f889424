// The output of a process on libFuzzer, read as it grows. It has the figures of its progress, and
// the report of its finding at the end.
//
// Tolerant: it ignores other lines, and unknown words in a line of figures. Lines may come in
// pieces. Not covered: the meaning of an exit code (sighting.h).
#ifndef RMAPDIFF_TOOLS_CLI_LIBFUZZER_LIBFUZZER_LOG_H_
#define RMAPDIFF_TOOLS_CLI_LIBFUZZER_LIBFUZZER_LOG_H_

#include <cstdint>
#include <string>
#include <string_view>

namespace rmapdiff {

struct LibFuzzerFigures {
  uint64_t executions = 0;
  uint64_t coverage = 0;  // cov
  uint64_t features = 0;  // ft
  uint64_t corpus = 0;    // corp, in inputs
};

class LibFuzzerLog {
 public:
  static constexpr size_t kMaxReport = 256 << 10;

  void Feed(std::string_view piece);

  const LibFuzzerFigures& figures() const { return figures_; }
  // The first kMaxReport bytes after the last line of figures.
  const std::string& report() const { return report_; }
  // Of the finding in the report, "" if there is none. It is the text after "SIGNATURE: ". Else it
  // is that after "SUMMARY: ", without libFuzzer's own name. If that is "deadly signal", the first
  // line of the report takes its place. A leak has its stack.
  std::string signature() const;
  bool has_own_signature() const { return !own_signature_.empty(); }
  // The name (no folder) of the file with the input: "crash-<40 hex digits>"; "" if none was
  // written.
  const std::string& artifact() const { return artifact_; }

 private:
  void Line(std::string_view line);
  bool FiguresLine(std::string_view line);

  std::string partial_;  // the line that has not ended yet
  LibFuzzerFigures figures_;
  std::string report_;
  std::string own_signature_;
  std::string summary_;
  std::string stack_;  // the sanitizer's short form of it
  std::string artifact_;
};

}  // namespace rmapdiff

#endif  // RMAPDIFF_TOOLS_CLI_LIBFUZZER_LIBFUZZER_LOG_H_
