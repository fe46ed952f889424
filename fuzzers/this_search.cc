#include "fuzzers/this_search.h"

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "fuzzers/voices/voice.h"

namespace rmapdiff {
namespace {

// Around one and two blocks of the maps that are compared.
std::vector<uint32_t> LengthsOfMaps() {
  constexpr uint32_t kMax = 64;  // of a count
  std::set<uint32_t> lengths;
  for (const Engine& engine : ChosenEngines()) {
    for (const uint32_t block : engine.blocks) {
      for (const uint32_t blocks : {block, 2 * block}) {
        for (uint32_t length = blocks - 1; length <= blocks + 1; ++length) lengths.insert(length);
      }
    }
  }
  lengths.erase(0);
  lengths.erase(lengths.upper_bound(kMax), lengths.end());
  return {lengths.begin(), lengths.end()};
}

}  // namespace

const Search& ThisSearch() {
  static const Search search = [] {
    const char* words = std::getenv("RMAPDIFF_SEARCH");
    const std::variant<Search, std::string> parsed = ParseSearch(words == nullptr ? "" : words);
    if (const auto* wrong = std::get_if<std::string>(&parsed)) {
      std::fprintf(stderr, "RMAPDIFF_SEARCH: %s\n", wrong->c_str());
      std::exit(2);
    }
    Search given = std::get<Search>(parsed);
    given.lengths = LengthsOfMaps();
    return given;
  }();
  return search;
}

}  // namespace rmapdiff
