#include "tools/cli/run_folder/live_counters.h"

#include <cstring>

#include "tools/cli/base/files.h"
#include "tools/cli/base/output.h"

namespace rmapdiff {
namespace {

struct Block {
  char magic[8] = {'R', 'M', 'A', 'P', 'D', 'I', 'F', 'F'};
  uint64_t version = 1;
  uint64_t execs = 0;
  uint64_t ops = 0;
  uint64_t findings = 0;
};
static_assert(sizeof(Block) == 40, "the layout is documented");

}  // namespace

void MakeStatsFile(const std::string& path) {
  const Block block;
  WriteFile(path, {reinterpret_cast<const char*>(&block), sizeof block});
}

TargetStats ReadStatsFile(const std::string& path) {
  const std::string content = FileContents(path);
  const Block expected;
  Block block;
  if (content.size() != sizeof block) return {};
  std::memcpy(&block, content.data(), sizeof block);
  const bool valid = std::memcmp(block.magic, expected.magic, sizeof block.magic) == 0 &&
                     block.version == expected.version;
  return valid ? TargetStats{block.execs, block.ops, block.findings} : TargetStats{};
}

}  // namespace rmapdiff
