// The stack that gave back the memory of a pool, for a report on its use afterwards.
//
// AddressSanitizer knows the stack of `free`. Of a pool it knows only that the memory may not be
// used. So this remembers the stack of each release. Below a report of AddressSanitizer it writes
// the stack that matters. Its words are those for memory from malloc, and crash_log.h reads both.
//
// Not covered: a build without AddressSanitizer, which remembers nothing. Nor callers that have
// ended with a tail call: they are not on the stack.
#ifndef RMAPDIFF_FUZZERS_FINDING_RELEASE_LOG_H_
#define RMAPDIFF_FUZZERS_FINDING_RELEASE_LOG_H_

namespace rmapdiff {

// From now on, in the whole process.
void StartReleaseLog();

}  // namespace rmapdiff

#endif  // RMAPDIFF_FUZZERS_FINDING_RELEASE_LOG_H_
