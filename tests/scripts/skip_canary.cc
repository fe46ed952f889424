// Three cases for skip_test: one passes, one skips itself as it should, and one as it must not,
// which only runs if it is told to.
#include <gtest/gtest.h>

#include <cstdlib>

#include "tests/common/skip.h"

namespace rmapdiff {
namespace {

TEST(SkipCanary, Passes) {}

TEST(SkipCanary, SkipsForAReason) { SKIP_FOR("no-tmpfs") << "as mount says"; }

TEST(SkipCanary, SkipsUnseen) {
  // Not by SKIP_FOR: this is what the count of the tests must see.
  if (std::getenv("SKIP_UNSEEN") != nullptr) GTEST_SKIP() << "not in the mood";
}

}  // namespace
}  // namespace rmapdiff
