// The macro SKIP_FOR("no-tmpfs") << "detail" is the only way for a GoogleTest case to skip itself.
//
// The reason is an id of tools/bazel_rules/skip_reasons.txt. The command tools/test counts the
// skipped cases by reason, and one without a listed reason is a failure. The macro does not read
// the list. The presubmit checks each id against it.
//
// A reason is something that the machine lacks. A test may also depend on the build alone, for
// example on AddressSanitizer. The preprocessor leaves such a test out of that build
// (tests/common/checks.h), and another test has it.
#ifndef RMAPDIFF_TESTS_COMMON_SKIP_H_
#define RMAPDIFF_TESTS_COMMON_SKIP_H_

#include <gtest/gtest.h>

#define SKIP_FOR(reason) GTEST_SKIP() << "skip[" reason "] "

#endif  // RMAPDIFF_TESTS_COMMON_SKIP_H_
