// The address space that a process needs to run programs, and how a process ends that lacks it.
//
// The MMUs' host memory and a sanitizer's shadow are reserved, not used. A limit of the address
// space (ulimit -v) refuses them even if much memory is free. That says nothing of an MMU, so it is
// never a finding. Every command ends with exit code 3 then, and files nothing.
//
// Not covered: a limit of the memory in use, which is a finding of its own (Ending::kMemory).
#ifndef RMAPDIFF_FUZZERS_FINDING_ADDRESS_SPACE_H_
#define RMAPDIFF_FUZZERS_FINDING_ADDRESS_SPACE_H_

#include <string>
#include <string_view>

namespace rmapdiff {

// How a process ends whose host memory cannot be reserved (mmu/base/host_memory.cc).
inline constexpr int kNoAddressSpaceExit = 3;

// Reserves now what the MMUs of this process and of its children will take. If that fails, it says
// so in a line and ends the process with kNoAddressSpaceExit.
void ReserveHostMemory();

// Whether this process has a limit of its address space or of its data (ulimit -v, -d). Where it
// has one, an allocation that fails is the limit's doing.
bool HasLimitedAddressSpace();

// The line of its log in which a process says that it lacked address space, "" without such a line.
// `limited` is HasLimitedAddressSpace of that process.
std::string WhyNoAddressSpace(std::string_view log, bool limited);

}  // namespace rmapdiff

#endif  // RMAPDIFF_FUZZERS_FINDING_ADDRESS_SPACE_H_
