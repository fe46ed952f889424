#include "fuzzers/search/techniques.h"

#include <algorithm>
#include <iterator>

namespace rmapdiff {
namespace {

struct Technique {
  std::string_view name;
  bool Search::* on;
};

constexpr Technique kTechniques[] = {
    {"fresh", &Search::fresh},       {"plan", &Search::plan},         {"swarm", &Search::swarm},
    {"retarget", &Search::retarget}, {"boundary", &Search::boundary}, {"repeat", &Search::repeat},
    {"splice", &Search::splice},     {"bytes", &Search::bytes},
};

std::string Expected() {
  std::string names;
  for (const Technique& technique : kTechniques) {
    names += (names.empty() ? "no-" : ", no-") + std::string(technique.name);
  }
  return names;
}

}  // namespace

std::variant<Search, std::string> ParseSearch(std::string_view words) {
  Search search;
  while (!words.empty()) {
    const std::string_view word = words.substr(0, words.find(','));
    words.remove_prefix(std::min(words.size(), word.size() + 1));
    const auto is_named = [word](const Technique& technique) {
      return word == "no-" + std::string(technique.name);
    };
    const auto* found = std::find_if(std::begin(kTechniques), std::end(kTechniques), is_named);
    if (found == std::end(kTechniques)) {
      return "no technique '" + std::string(word) + "', expected some of " + Expected();
    }
    search.*found->on = false;
  }
  return search;
}

}  // namespace rmapdiff
