// The verdict of a judge, for tests: nothing, or a line with these words in it.
#ifndef RMAPDIFF_TESTS_FUZZERS_JUDGES_WRONG_H_
#define RMAPDIFF_TESTS_FUZZERS_JUDGES_WRONG_H_

#include <gtest/gtest.h>

#include <optional>
#include <string>

namespace rmapdiff {

inline testing::AssertionResult Fine(const std::optional<std::string>& wrong) {
  if (!wrong) return testing::AssertionSuccess();
  return testing::AssertionFailure() << *wrong;
}

inline testing::AssertionResult Says(const std::optional<std::string>& wrong,
                                     const std::string& what) {
  if (!wrong) return testing::AssertionFailure() << "nothing is said";
  if (wrong->find(what) != std::string::npos) return testing::AssertionSuccess();
  return testing::AssertionFailure() << *wrong;
}

}  // namespace rmapdiff

#endif  // RMAPDIFF_TESTS_FUZZERS_JUDGES_WRONG_H_
