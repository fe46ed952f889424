#include "tools/cli/merge_control.h"

#include <cstdint>
#include <optional>
#include <sstream>

#include "tools/cli/text.h"

namespace rmapdiff {

std::vector<std::string> UnmeasuredFiles(std::string_view control_file, size_t* measured) {
  *measured = 0;
  std::istringstream stream{std::string(control_file)};
  std::string line;
  std::getline(stream, line);
  const std::optional<uint64_t> count = ParseNumber(line);
  std::getline(stream, line);  // how many of them came first
  if (!count || !ParseNumber(line) || *count > control_file.size()) return {};
  std::vector<std::string> files;
  for (uint64_t i = 0; i < *count && std::getline(stream, line); ++i) files.push_back(line);
  if (files.size() != *count) return {};
  std::vector<bool> done(files.size(), false);
  while (std::getline(stream, line)) {
    std::istringstream words(line);
    std::string word;
    size_t index = 0;
    if (words >> word >> index && word == "FT" && index < done.size()) done[index] = true;
  }
  std::vector<std::string> unmeasured;
  for (size_t i = 0; i < files.size(); ++i) {
    if (done[i]) {
      ++*measured;
    } else {
      unmeasured.push_back(files[i]);
    }
  }
  return unmeasured;
}

}  // namespace rmapdiff
