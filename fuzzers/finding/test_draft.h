// A finding as the source of a GoogleTest: the program in named operations, its story as a comment.
//
// The source compiles as it is, with //fuzzers/program, :report and :runner. The test passes as
// soon as the fault is gone.
#ifndef RMAPDIFF_FUZZERS_FINDING_TEST_DRAFT_H_
#define RMAPDIFF_FUZZERS_FINDING_TEST_DRAFT_H_

#include <string>

#include "fuzzers/program/program.h"

namespace rmapdiff {

// `story` is text in lines, with what is wrong in the first; `signature` names the test.
std::string DraftTest(const Program& program, const std::string& signature,
                      const std::string& story);

// "RmapMissingDropSibling" of "rmap-missing/drop/sibling".
std::string CamelCase(const std::string& words);

}  // namespace rmapdiff

#endif  // RMAPDIFF_FUZZERS_FINDING_TEST_DRAFT_H_
