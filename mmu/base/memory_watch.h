// A watcher of the objects of all pools. With it a report can name the code that released memory
// which was used later.
//
// There is no watch by default; then a pool pays one test of a pointer. Not thread-safe.
#ifndef RMAPDIFF_MMU_BASE_MEMORY_WATCH_H_
#define RMAPDIFF_MMU_BASE_MEMORY_WATCH_H_

#include <cstddef>

namespace rmapdiff {

struct MemoryWatch {
  void (*opened)(const void* object, size_t bytes);    // the MMU may use it from now on
  void (*released)(const void* object, size_t bytes);  // ... until now
};

// `watch` outlives every pool; null for none.
void SetMemoryWatch(const MemoryWatch* watch);

}  // namespace rmapdiff

#endif  // RMAPDIFF_MMU_BASE_MEMORY_WATCH_H_
