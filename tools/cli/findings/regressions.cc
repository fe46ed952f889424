#include "tools/cli/findings/regressions.h"

#include <cstdlib>
#include <filesystem>
#include <sstream>

#include "tools/cli/base/files.h"

namespace rmapdiff {

std::string RegressionsFolder() {
  const char* root = std::getenv("RMAPDIFF_ROOT");
  const std::string folder = "corpus/regressions";
  return root != nullptr && *root != '\0' ? std::string(root) + "/" + folder : folder;
}

std::map<std::string, std::string> KnownRegressions(const std::string& folder) {
  std::map<std::string, std::string> known;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    if (entry.path().extension() != ".ops") continue;
    std::istringstream file(FileContents(entry.path().string()));
    for (std::string line; std::getline(file, line) && line.starts_with('#');) {
      if (!line.starts_with(kShowedLine) || line.back() != '.') continue;
      known[line.substr(kShowedLine.size(), line.size() - kShowedLine.size() - 1)] =
          entry.path().stem();
    }
  }
  return known;
}

}  // namespace rmapdiff
