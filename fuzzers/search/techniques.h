// The techniques by which a fuzz target mutates programs. Each can be switched off, to measure its
// worth (docs/finding-power.md). bench/peers/plain_entry.cc does without all of them.
#ifndef RMAPDIFF_FUZZERS_SEARCH_TECHNIQUES_H_
#define RMAPDIFF_FUZZERS_SEARCH_TECHNIQUES_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace rmapdiff {

struct Search {
  bool fresh = true;     // mostly a new random program in place of a mutated one
  bool plan = true;      // drawn operations fit what the program has made so far
  bool swarm = true;     // leave out kinds of operation
  bool retarget = true;  // name what operations nearby name
  bool boundary = true;  // counts around the capacities of lists
  bool repeat = true;    // blocks of operations, repeated
  bool splice = true;    // two programs become one
  bool bytes = true;     // some mutations are libFuzzer's own, of bytes
  // More lengths at which lists change their form, beside those of all Limits.
  std::vector<uint32_t> lengths = {};

  friend bool operator==(const Search&, const Search&) = default;
};

// From words like "no-splice,no-bytes"; "" is all on. Else what is wrong, in one line.
std::variant<Search, std::string> ParseSearch(std::string_view words);

}  // namespace rmapdiff

#endif  // RMAPDIFF_FUZZERS_SEARCH_TECHNIQUES_H_
