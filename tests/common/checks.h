// Helpers of every test of the MMU: the BUG that a call raises, and its words.
#ifndef RMAPDIFF_TESTS_COMMON_CHECKS_H_
#define RMAPDIFF_TESTS_COMMON_CHECKS_H_

#include <ostream>
#include <string>

#include "mmu/base/bug.h"

namespace rmapdiff {

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define RMAPDIFF_TESTS_ASAN 1
#endif
#endif
#ifdef RMAPDIFF_TESTS_ASAN
inline constexpr bool kAddressSanitizer = true;
#else
inline constexpr bool kAddressSanitizer = false;
#endif

// Lets GoogleTest print the name of a class that is not the expected one.
inline void PrintTo(BugClass bug, std::ostream* out) { *out << BugName(bug); }

// The class of the BUG that the call raises; kNone if it returns.
template <class Call>
BugClass BugOf(Call&& call) {
  try {
    call();
  } catch (const BugError& error) {
    return error.bug();
  }
  return BugClass::kNone;
}

// The wording of the BUG that the call raises; "" if it returns.
template <class Call>
std::string WordingOf(Call&& call) {
  try {
    call();
  } catch (const BugError& error) {
    return error.what();
  }
  return "";
}

}  // namespace rmapdiff

#endif  // RMAPDIFF_TESTS_COMMON_CHECKS_H_
