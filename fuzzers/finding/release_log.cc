#include "fuzzers/finding/release_log.h"

#include <link.h>
#include <unwind.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <map>

#include "mmu/base/memory_watch.h"

extern "C" {
// Of AddressSanitizer's runtime, if it is linked.
__attribute__((weak)) void __asan_set_error_report_callback(void (*callback)(const char* report));
__attribute__((weak)) void* __asan_get_report_address();
}

namespace rmapdiff {
namespace {

constexpr size_t kMaxFrames = 30;

struct Stack {
  std::array<uintptr_t, kMaxFrames> places = {};
  size_t count = 0;
};

struct Release {
  size_t bytes = 0;
  Stack stack;
};

using Releases = std::map<uintptr_t, Release>;  // by the first address

Releases& TheReleases() {
  static auto* const releases = new Releases;
  return *releases;
}

_Unwind_Reason_Code AddFrame(_Unwind_Context* context, void* out) {
  auto* stack = static_cast<Stack*>(out);
  if (stack->count == kMaxFrames) return _URC_END_OF_STACK;
  // Inside the call, not behind it.
  stack->places[stack->count++] = static_cast<uintptr_t>(_Unwind_GetIP(context)) - 1;
  return _URC_NO_REASON;
}

void Opened(const void* object, size_t) {
  TheReleases().erase(reinterpret_cast<uintptr_t>(object));
}

void Released(const void* object, size_t bytes) {
  Release& release = TheReleases()[reinterpret_cast<uintptr_t>(object)];
  release.bytes = bytes;
  release.stack.count = 0;
  _Unwind_Backtrace(AddFrame, &release.stack);
}

// The program itself, without its libraries.
struct Image {
  uintptr_t base = 0;
  uintptr_t end = 0;
};

Image ThisProgram() {
  Image image;
  const auto first = [](dl_phdr_info* info, size_t, void* result) {
    auto* of_program = static_cast<Image*>(result);
    of_program->base = info->dlpi_addr;
    for (size_t i = 0; i < info->dlpi_phnum; ++i) {
      const auto& part = info->dlpi_phdr[i];
      const uintptr_t end = info->dlpi_addr + part.p_vaddr + part.p_memsz;
      if (part.p_type == PT_LOAD && end > of_program->end) of_program->end = end;
    }
    return 1;  // the program itself comes first
  };
  dl_iterate_phdr(first, &image);
  return image;
}

void Print(const Stack& stack) {
  const Image program = ThisProgram();
  std::fprintf(stderr, "freed by thread T0 here:\n");
  int number = 0;
  for (size_t i = 0; i < stack.count; ++i) {
    const uintptr_t place = stack.places[i];
    if (place < program.base || place >= program.end) continue;
    std::fprintf(stderr, "    #%d %#zx  (program+%#zx)\n", number++, static_cast<size_t>(place),
                 static_cast<size_t>(place - program.base));
  }
}

void OnReport(const char*) {
  const auto address = reinterpret_cast<uintptr_t>(__asan_get_report_address());
  auto release = TheReleases().upper_bound(address);
  if (release == TheReleases().begin()) return;
  --release;
  if (address - release->first < release->second.bytes) Print(release->second.stack);
}

}  // namespace

void StartReleaseLog() {
  static constexpr MemoryWatch kWatch{Opened, Released};
  if (__asan_set_error_report_callback == nullptr) return;
  __asan_set_error_report_callback(OnReport);
  SetMemoryWatch(&kWatch);
}

}  // namespace rmapdiff
