#include "fuzzers/finding/address_space.h"

#include <sys/resource.h>

#include <algorithm>

#include "mmu/base/host_memory.h"

namespace rmapdiff {
namespace {

bool Has(std::string_view line, std::string_view words) { return line.find(words) != line.npos; }

bool IsLimited(decltype(RLIMIT_AS) resource) {
  rlimit limit = {};
  return getrlimit(resource, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY;
}

// The words of the sanitizers' runtimes and of host_memory.cc on a reservation that failed.
bool TellsOfReservation(std::string_view line) {
  // A check of the runtime that it could map something; the operand is -ENOMEM.
  constexpr std::string_view kNoMemory = "0xfffffffffffffff4";
  return Has(line, "rmapdiff: cannot reserve ") || Has(line, "Sanitizer failed to allocate 0x") ||
         Has(line, "ReserveShadowMemoryRange failed") ||
         Has(line, "cannot proceed correctly. ABORTING") ||
         (Has(line, "Sanitizer: CHECK failed: ") && Has(line, kNoMemory));
}

// Their words on any allocation that failed.
bool TellsOfAllocation(std::string_view line) {
  return Has(line, "Sanitizer: out of memory: ") || Has(line, "Sanitizer: Out of memory") ||
         Has(line, "std::bad_alloc");
}

}  // namespace

void ReserveHostMemory() { const HostMemory memory(HostMemory::Reuse::kLifo); }

bool HasLimitedAddressSpace() { return IsLimited(RLIMIT_AS) || IsLimited(RLIMIT_DATA); }

std::string WhyNoAddressSpace(std::string_view log, bool limited) {
  while (!log.empty()) {
    const size_t end = std::min(log.find('\n'), log.size());
    const std::string_view line = log.substr(0, end);
    if (TellsOfReservation(line) || (limited && TellsOfAllocation(line))) return std::string(line);
    log.remove_prefix(std::min(end + 1, log.size()));
  }
  return "";
}

}  // namespace rmapdiff
