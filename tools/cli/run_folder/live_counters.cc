#include "tools/cli/run_folder/live_counters.h"

#include <cstring>

#include "tools/cli/base/files.h"
#include "tools/cli/base/output.h"

namespace rmapdiff {

std::string LiveCountersPath(const std::string& run_folder, const std::string& target) {
  return run_folder + "/logs/" + target + ".stats";
}

std::string ScoutCountersPath(const std::string& run_folder, const std::string& target) {
  return LiveCountersPath(run_folder, target + ".scout");
}

void MakeLiveCounters(const std::string& path) {
  LiveCounters block = {};
  block.Begin();
  WriteFile(path, {reinterpret_cast<const char*>(&block), sizeof block});
}

LiveCounters ReadLiveCounters(const std::string& path) {
  const std::string content = FileContents(path);
  LiveCounters block = {};
  if (content.size() != sizeof block) return {};
  std::memcpy(&block, content.data(), sizeof block);
  return block.valid() ? block : LiveCounters{};
}

}  // namespace rmapdiff
