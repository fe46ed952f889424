#include "tools/cli/libfuzzer/merge_control.h"

#include <cstdint>
#include <sstream>
#include <vector>

#include "tools/cli/base/text.h"

namespace rmapdiff {

std::map<std::string, Measuring> ReadMergeControl(std::string_view control_file) {
  std::istringstream stream{std::string(control_file)};
  std::string line;
  std::getline(stream, line);
  const std::optional<uint64_t> count = ParseNumber(line);
  std::getline(stream, line);  // how many of them came first
  if (!count || !ParseNumber(line) || *count > control_file.size()) return {};
  std::vector<std::string> files;
  for (uint64_t i = 0; i < *count && std::getline(stream, line); ++i) files.push_back(line);
  if (files.size() != *count) return {};
  std::vector<Measuring> states(files.size(), Measuring::kNotBegun);
  while (std::getline(stream, line)) {
    std::istringstream words(line);
    std::string word;
    size_t index = 0;
    if (!(words >> word >> index) || index >= states.size()) continue;
    if (word == "STARTED") states[index] = Measuring::kBegun;
    if (word == "FT") states[index] = Measuring::kDone;
  }
  std::map<std::string, Measuring> by_name;
  for (size_t i = 0; i < files.size(); ++i) by_name[files[i]] = states[i];
  return by_name;
}

// "MERGE-OUTER: 921 new files with 33508 new features added; 4404 new coverage edges".
std::optional<size_t> PickedBy(std::string_view log) {
  const size_t end = log.rfind(" new files with ");
  if (end == log.npos) return std::nullopt;
  const size_t begin = log.find_last_not_of("0123456789", end - 1) + 1;
  return ParseNumber(log.substr(begin, end - begin));
}

}  // namespace rmapdiff
