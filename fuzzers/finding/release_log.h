// Who gave back the memory of a pool that is used afterwards.
//
// AddressSanitizer knows that of memory from malloc; of a pool it knows only that the memory may
// not be used. So this remembers the stack of each release, and writes the one that matters below a
// report of AddressSanitizer, in the words in which it writes those of malloc (crash_log.h reads
// both).
//
// Not covered: a build without AddressSanitizer, in which nothing is remembered; callers that are
// not on the stack, because they have ended with a tail call.
#ifndef RMAPDIFF_FUZZERS_FINDING_RELEASE_LOG_H_
#define RMAPDIFF_FUZZERS_FINDING_RELEASE_LOG_H_

namespace rmapdiff {

// From now on, in the whole process.
void StartReleaseLog();

}  // namespace rmapdiff

#endif  // RMAPDIFF_FUZZERS_FINDING_RELEASE_LOG_H_
