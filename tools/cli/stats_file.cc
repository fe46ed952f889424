#include "tools/cli/stats_file.h"

#include <cstring>
#include <fstream>
#include <string_view>

#include "tools/cli/output.h"

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
  std::ifstream file(path, std::ios::binary);
  const Block expected;
  Block block;
  if (!file.read(reinterpret_cast<char*>(&block), sizeof block)) return {};
  const bool valid = std::memcmp(block.magic, expected.magic, sizeof block.magic) == 0 &&
                     block.version == expected.version;
  return valid ? TargetStats{block.execs, block.ops, block.findings} : TargetStats{};
}

}  // namespace rmapdiff
