// A fuzz target for tests of the commands on corpora. The feature of an input is the number of its
// records, and some numbers of records make trouble.
//
//   13  crashes, always
//   14  is killed, once: as by a machine that is out of memory for a moment. The file that
//       MOODY_ONCE names is there until then.
//   15  takes a while
#include <signal.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>

namespace {

// A branch for each number, because coverage can tell nothing else. The compiler must not turn the
// branches into arithmetic.
void Show(size_t records) {
  switch (records) {
    case 0:
      asm volatile("# none");
      break;
    case 1:
      asm volatile("# one");
      break;
    case 2:
      asm volatile("# two");
      break;
    case 3:
      asm volatile("# three");
      break;
    case 4:
      asm volatile("# four");
      break;
    default:
      asm volatile("# more");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t*, size_t size) {
  const size_t records = size < 8 ? 0 : (size - 8) / 8;
  Show(records);
  if (records == 13) std::abort();
  const char* once = std::getenv("MOODY_ONCE");
  if (records == 14 && once != nullptr && unlink(once) == 0) raise(SIGKILL);
  if (records == 15) usleep(20'000);
  return 0;
}
