// The live figures of a fuzz target, in the file that RMAPDIFF_STATS names: values only.
//
// The fuzz targets add to the block through a shared mapping, so for them a count is atomic. A
// supervisor reads the block at any time, and the counts survive a crash. Numbers are in the
// machine's byte order; a file of another size, magic or version holds no figures.
#ifndef RMAPDIFF_FUZZERS_LIVE_COUNTERS_H_
#define RMAPDIFF_FUZZERS_LIVE_COUNTERS_H_

#include <cstdint>
#include <cstring>

namespace rmapdiff {

inline constexpr char kLiveMagic[8] = {'R', 'M', 'A', 'P', 'D', 'I', 'F', 'F'};
inline constexpr uint64_t kLiveVersion = 1;

// Count is uint64_t, or an atomic of it.
template <typename Count>
struct LiveBlock {
  char magic[8];
  Count version;
  Count execs;  // programs that were run
  Count ops;
  Count findings;

  bool valid() const {
    return std::memcmp(magic, kLiveMagic, sizeof magic) == 0 && version == kLiveVersion;
  }
  void Begin() {
    std::memcpy(magic, kLiveMagic, sizeof magic);
    version = kLiveVersion;
  }
};
static_assert(sizeof(LiveBlock<uint64_t>) == 40, "scripts read the block as well");

}  // namespace rmapdiff

#endif  // RMAPDIFF_FUZZERS_LIVE_COUNTERS_H_
