// A watcher of the objects of all pools. A report needs it to name the code that gave back memory
// before its use.
//
// Without a watch, which is the default, a pool pays one test of a pointer. Not thread-safe.
#ifndef RMAPDIFF_MMU_BASE_MEMORY_WATCH_H_
#define RMAPDIFF_MMU_BASE_MEMORY_WATCH_H_

#include <cstddef>

namespace rmapdiff {

struct MemoryWatch {
  void (*opened)(const void* object, size_t bytes);    // it may be used from now on
  void (*released)(const void* object, size_t bytes);  // and not any more
};

// `watch` outlives every pool; null for none.
void SetMemoryWatch(const MemoryWatch* watch);

}  // namespace rmapdiff

#endif  // RMAPDIFF_MMU_BASE_MEMORY_WATCH_H_
