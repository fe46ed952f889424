// SKIP_FOR("no-tmpfs") << "detail": the one way for a GoogleTest case to skip itself. The reason is
// an id of tools/bazel_rules/skip_reasons.txt; tools/test counts the skipped cases by reason, and
// one without a listed reason is a failure. Here nothing reads the list: the presubmit holds each
// id against it.
//
// For what a machine lacks. What depends on the build alone, as AddressSanitizer does, is left out
// of that build by the preprocessor (tests/common/checks.h), and another test has it.
#ifndef RMAPDIFF_TESTS_COMMON_SKIP_H_
#define RMAPDIFF_TESTS_COMMON_SKIP_H_

#include <gtest/gtest.h>

#define SKIP_FOR(reason) GTEST_SKIP() << "skip[" reason "] "

#endif  // RMAPDIFF_TESTS_COMMON_SKIP_H_
