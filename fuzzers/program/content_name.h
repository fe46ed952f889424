// The name of a file in a corpus: the SHA-1 of its content, as libFuzzer has it.
#ifndef RMAPDIFF_FUZZERS_PROGRAM_CONTENT_NAME_H_
#define RMAPDIFF_FUZZERS_PROGRAM_CONTENT_NAME_H_

#include <string>
#include <string_view>

namespace rmapdiff {

// "da39a3ee5e6b4b0d3255bfef95601890afd80709", the name of a file with this content.
std::string ContentName(std::string_view content);
bool IsContentName(std::string_view name);

}  // namespace rmapdiff

#endif  // RMAPDIFF_FUZZERS_PROGRAM_CONTENT_NAME_H_
